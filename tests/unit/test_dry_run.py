"""The dry run remembers what a linac would have been told."""

import math

from gatekeeper.linac.dry_run import Command, DryRunLinac
from tests.support.steps import HOLD, ON, decision


def test_beam_is_held_until_the_first_message():
    assert not DryRunLinac().beam_on


def test_messages_are_kept_in_order():
    linac = DryRunLinac()
    linac.send(decision(HOLD, sequence=0, time_s=1.0))
    linac.send(decision(ON, sequence=1, time_s=1.5))
    assert linac.commands == [Command(0, HOLD, 1.0), Command(1, ON, 1.5)]
    assert linac.beam_on


def test_closed_link_holds_the_beam_and_takes_no_more():
    linac = DryRunLinac()
    linac.send(decision(ON))
    assert linac.alive
    linac.close()
    linac.close()
    assert not linac.alive
    linac.send(decision(ON))
    assert not linac.beam_on
    assert [command.state for command in linac.commands] == [ON, HOLD]
    assert math.isnan(linac.commands[-1].time_s)
