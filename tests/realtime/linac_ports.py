"""A far end and the linac port that drives it, for tests over real wires."""

import time
from contextlib import contextmanager

from gatekeeper.linac.open import open_linac
from tests.support.leases import measured
from tests.support.steps import ON, decision
from tests.support.threads import threads_ended
from tests.support.waiting import until

SILENCE_S = 0.5
SLACK_S = 0.25
"""What a busy machine may add; the time that was measured is printed."""
TIMES = {"retry_ms": 20, "fresh_ms": 10_000}


@contextmanager
def far_end(kind, settings, folder, **times):
    with kind(folder, **{**TIMES, **settings, **times}) as far:
        yield far


@contextmanager
def driven(far, silence_s=SILENCE_S):
    with threads_ended(lambda: open_linac(far.config, silence_s)) as linac:
        until(lambda: linac.alive)
        yield linac


def switched_on(linac, far):
    def asked():
        linac.send(decision(ON))
        time.sleep(0.005)
        return far.record.beam_on

    until(asked)


def lost_after_s(linac, far, since_s):
    """Return after which time the link was seen to be lost, while decisions go on as they do in a session."""

    def lost():
        linac.send(decision(ON))
        return not linac.alive

    until(lost)
    took_s = time.monotonic() - since_s
    measured(f"{far.config.kind}: lost after {took_s * 1e3:.0f} ms, stated {far.config.failure_detect_s * 1e3:.0f} ms")
    return took_s
