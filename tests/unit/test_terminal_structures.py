"""The terminal with several structures: a line for each with its own limit, and which of them holds."""

import io
import math

import pytest
from rich.console import Console

from gatekeeper.config import SessionConfig
from gatekeeper.core.decision import Measure, Reason, StructureResult
from gatekeeper.display.terminal.history import History
from gatekeeper.display.terminal.plain_lines import line_of
from gatekeeper.display.terminal.publisher import TerminalPublisher, snapshot_of
from gatekeeper.display.terminal.screen import draw, in_words
from gatekeeper.display.terminal.snapshot import LogLine, SessionInfo, packed, unpacked
from gatekeeper.session.arming import arm
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import SessionStatus
from tests.support.several_structures import LIMITS, several
from tests.support.snapshots import BEAM_ON, FACTS, HELD_BY_TWO, HELD_NOW, SEVERAL
from tests.support.steps import step, track


def drawn(*messages, width=80, height=24):
    history = History()
    for message in messages:
        history.add(message)
    console = Console(file=io.StringIO(), width=width, record=True, color_system=None)
    console.print(draw(history, 0.0, width, height))
    return [line.rstrip() for line in console.export_text().splitlines()]


LINES = """\
 !! Low tracking confidence: a node with a n… 0.41, limit 0.6
  • Target outside envelope: a node with a n… 7.2 %, limit 2
  • OAR in keep-out zone: Duodenum 12345.6 mm², limit 30
■ GTV                  outside 1.1 of 5 %        confidence 0.93 of 0.5
■ a node with a name … outside 7.2 of 2 %        confidence 0.41 of 0.6  HOLDS
■ Duodenum             overlap 12345.6 of 30 mm² confidence 0.88 of 0.5  HOLDS
beam on     22.4 s, duty cycle 56.2 %     frames     8.0 per s, 240 judged
linac       link alive                    frame age  112 ms
""".splitlines()


def test_each_structure_has_a_line_with_its_own_limit_in_80_columns():
    found = drawn(SEVERAL, HELD_BY_TWO)
    begin = found.index(LINES[0])
    assert [" ".join(line.split()) for line in found[begin : begin + len(LINES)]] == [
        " ".join(line.split()) for line in LINES
    ]
    assert max(map(len, found)) <= 80


@pytest.mark.parametrize("height", range(14, 40))
def test_a_low_terminal_shows_those_that_hold_and_is_not_overrun(height):
    found = drawn(SEVERAL, HELD_BY_TWO, *(LogLine(1.0, f"line {k}") for k in range(9)), height=height)
    assert len(found) <= height
    shown = [line for line in found if line.startswith("■")]
    assert sum("HOLDS" in line for line in shown) == min(len(shown), 2)


def test_one_structure_is_shown_as_before():
    assert not any("■" in line for line in drawn(FACTS, HELD_NOW))
    assert in_words("outside", HELD_NOW, FACTS).endswith(": 7.2 %, limit 5 %")


def test_reasons_without_a_structure_are_told_as_before():
    assert in_words("no_frame", HELD_BY_TWO, SEVERAL) == in_words("no_frame", HELD_NOW, FACTS)


def test_what_is_not_tracked_is_a_dash():
    found = drawn(SEVERAL, HELD_NOW)
    assert sum("–" in line for line in found if line.startswith("■")) == 3


def test_messages_and_the_status_carry_structures():
    for message in (SEVERAL, HELD_BY_TWO):
        assert repr(unpacked(packed(message))) == repr(message)
    assert HELD_BY_TWO.as_json()["structures"][1] == {
        "name": "a node with a name that is too long",
        "value": 7.25,
        "confidence": 0.41,
        "reasons": ("low_confidence", "outside"),
    }
    lost = HELD_BY_TWO._replace(structures=(HELD_BY_TWO.structures[0]._replace(value=math.nan),))
    assert lost.as_json()["structures"][0]["value"] is None
    assert "structures" not in BEAM_ON.as_json()


def test_codes_in_names_do_not_reach_the_terminal():
    evil = SEVERAL._replace(structures=(SEVERAL.structures[0]._replace(name="P\x1b[2J"),))
    assert "\\x" not in repr(unpacked(packed(evil)))


def test_a_plain_line_names_those_that_hold():
    assert "low_confidence,outside,avoid_in_zone by a node with a name that is too long, Duodenum" in line_of(
        HELD_BY_TWO
    )
    assert " by " not in line_of(HELD_NOW)


def test_the_publisher_tells_structures_with_their_limits():
    status, sent = SessionStatus(), []
    armed = arm(several().setup, SessionConfig(structures=LIMITS))
    status.begin(several().setup, armed)
    status.enter(Phase.DELIVERY, 0.0)
    results = (
        StructureResult(Measure.OUTSIDE_PERCENT, 1.0),
        StructureResult(Measure.OUTSIDE_PERCENT, 9.0, (Reason.OUTSIDE,)),
        StructureResult(Measure.OVERLAP_MM2, 3.0),
    )
    one = step()
    object.__setattr__(one, "others", (track(confidence=0.7), track()))
    object.__setattr__(one.decision, "structures", results)
    status.update(one, 0.5, link_alive=True)
    publisher = TerminalPublisher(status, type("Clock", (), {"now_s": lambda self: 1.0})(), sent.append, FACTS)
    publisher._publish()
    info = [message for message in sent if isinstance(message, SessionInfo)][-1]
    assert [(one.name, one.measure, one.limit) for one in info.structures] == [
        ("GTV", "outside", 5.0),
        ("node", "outside", 2.0),
        ("bowel", "overlap", 30.0),
    ]
    node = publisher.snapshot.structures[1]
    assert (node.name, node.value, node.confidence, node.reasons) == ("node", 9.0, 0.7, ("outside",))
    status.enter(Phase.ENDED, 2.0)
    assert snapshot_of(status.current, 2.0, ("GTV", "node", "bowel")).structures == ()
