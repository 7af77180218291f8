"""The live view: the state cannot be missed, every reason has words, and what is old is not believed."""

import io
import math

import pytest
from rich.console import Console

from gatekeeper.core.decision import Reason
from gatekeeper.core.reasons import reason_rows
from gatekeeper.display.qr import qr_lines
from gatekeeper.display.terminal.braille_trace import HELD, NOTHING, ON, Point, trace
from gatekeeper.display.terminal.history import History
from gatekeeper.display.terminal.plain_lines import Plain
from gatekeeper.display.terminal.publisher import snapshot_of
from gatekeeper.display.terminal.screen import clock, draw, in_words
from gatekeeper.display.terminal.snapshot import DRY_RUN, LogLine, Sheet, Snapshot, Typing, packed, unpacked
from gatekeeper.operator.terminal import help_lines
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import SessionStatus
from tests.support.snapshots import BEAM_ON, FACTS, HELD_BY_TWO, HELD_NOW, SEVERAL
from tests.support.steps import HOLD, silent_step, step


def seen(*messages):
    found = History()
    for message in (FACTS, *messages):
        found.add(message)
    return found


def drawn(*messages, silent_s=0.0, width=100, height=30):
    console = Console(file=io.StringIO(), width=width, record=True, color_system=None)
    console.print(draw(seen(*messages), silent_s, width, height))
    return console.export_text()


def moving(count=8, state="ON", reasons=()):
    """Snapshots of a target that moves down and up again."""
    return [
        BEAM_ON._replace(time_s=100.0 + 0.125 * k, row_mm=60.0 + 10.0 * math.sin(0.6 * k), state=state, reasons=reasons)
        for k in range(count)
    ]


GOLDEN = """\
P_001  mrd 127.0.0.1:9002 → lease 127.0.0.1:7400                       LIVE  phase delivery  1:02:03
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱    HOLD   for 0.0 s  ╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱╱┃
┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
  • Target outside envelope: 7.2 %, limit 5 %
outside     7.2 of 5 %                     frames     8.0 per s, 240 judged
confidence  0.93 of 0.5                    frame age  112 ms
beam on     22.4 s, duty cycle 56.2 %      latency ms p50 0.42 p99 1.10 max 3.4
linac       link alive                     not judged 0 missing, 0 skipped
0:00:20  done: arm by Anna
> rel█
"""


def test_the_screen_is_what_it_was():
    text = drawn(BEAM_ON, HELD_NOW, LogLine(20.0, "done: arm by Anna"), Typing("rel"), height=12)
    assert "\n".join(line.rstrip() for line in text.splitlines()) + "\n" == GOLDEN


URL = f"http://192.168.100.200:18944/patient#token={'x' * 22}"
LONG = FACTS._replace(
    name="a session with a name that is long",
    source="openigtlink 192.168.100.200:18944",
    warnings=("gate.outside_percent = 30 is beyond 1 to 10", "the linac's clock is not known", "late", "and so on"),
)
LOG = [LogLine(10.0 + k, f"line {k} of a log that is too long for a terminal of eighty columns") for k in range(6)]
WORST = HELD_NOW._replace(
    reasons=("outside", "low_confidence", "stale_frame", "link_lost", "resuming"),
    predicted_percent=12.3,
    risk_limit=2.0,
    risk_percent=1.2345,
    beam_on_s=1234.5,
    duty_cycle=1.0,
    link_alive=False,
    max_ms=123.4,
    lost=12,
    skipped=34,
    dropped=5,
)
PREVIEW = BEAM_ON._replace(phase="preview", gathered="12 of 30 s")
HELP = Sheet("Commands", help_lines())
RISKY = (
    "7.2 of 5 %, ahead 12.3 %",
    "0.93 of 0.5, risk 1.23 of 2 %",
    "20 min 34 s, duty cycle 100.0 %",
    "LINK LOST, 5 not",
)
STATES = {
    "on": ((*moving(), *LOG, BEAM_ON), 0.0, ("BEAM ENABLED", "Target inside", "outside     1.2 of 5 %", "link alive")),
    "dry": ((LONG._replace(linac=DRY_RUN), *LOG, BEAM_ON), 0.0, ("DRY RUN", "linac       none, dry run")),
    "worst": ((*LOG, LONG, WORST), 0.0, ("HIGH ALARM", "Linac does not answer", "and 2 more", *RISKY)),
    "silent": ((BEAM_ON,), 9.0, ("NO DATA FOR 9 s", "look at the machine itself")),
    "preview": ((PREVIEW,), 0.0, ("phase preview 12 of 30 s  1:02:03",)),
    "ended": ((BEAM_ON._replace(phase="ended", state="HOLD"),), 0.0, ("ENDED", "HOLD was sent last")),
    "several": ((SEVERAL._replace(warnings=LONG.warnings), *LOG, HELD_BY_TWO), 0.0, ("HOLDS", "beam on     22.4 s")),
    "help": ((LONG, WORST, HELP), 0.0, ("HOLD", "Frame too old", "arm            allow", "help           shows")),
    "code": (
        (HELD_NOW, Sheet(URL, tuple(qr_lines(URL)), True)),
        0.0,
        ("HOLD", URL, qr_lines(URL)[1], qr_lines(URL)[-2]),
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_on_80_columns_and_24_lines_nothing_vital_is_cut(name):
    messages, silent_s, vital = STATES[name]
    lines = drawn(*messages, silent_s=silent_s, width=80, height=24).splitlines()
    assert len(lines) <= 24
    assert lines[-1].startswith(">")
    assert all(len(line) <= 80 for line in lines)
    for words in vital:
        assert any(words in line for line in lines), words


def test_what_was_asked_for_stands_until_the_next_key():
    asked = (HELD_NOW, HELP, Typing(""))
    assert "allow the beam" in drawn(*asked)
    assert "allow the beam" not in drawn(*asked, Typing("h"))


def test_the_state_is_told_without_colour_by_words_and_pattern():
    on, held = drawn(BEAM_ON), drawn(HELD_NOW)
    assert "BEAM ENABLED" in on
    assert "HOLD" not in on
    assert on.splitlines()[2].count("█") > 60
    assert "HOLD" in held
    assert "BEAM ENABLED" not in held
    assert held.splitlines()[2].count("╱") > 60


def test_the_state_is_wide_and_in_another_colour():
    for now, colour in ((BEAM_ON, "48;2;0;114;178"), (HELD_NOW, "48;2;230;159;0")):
        console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor")
        console.print(draw(seen(now), 0.0, 80, 24))
        assert colour in console.file.getvalue()


def test_a_state_of_which_nothing_is_heard_is_not_believed():
    text = drawn(BEAM_ON, silent_s=2.4)
    assert "NO DATA FOR 2 s: BEAM STATE UNKNOWN" in text
    assert "BEAM ENABLED" not in text
    assert "NO DATA" in drawn(BEAM_ON, silent_s=math.nan)
    assert "NO DATA" not in drawn(BEAM_ON, silent_s=1.4)


@pytest.mark.parametrize("phase", ["connect", "ended", ""])
def test_before_and_after_the_loop_nothing_need_be_heard(phase):
    assert "NO DATA" not in drawn(HELD_NOW._replace(phase=phase), silent_s=100.0)


def test_every_reason_has_words():
    for row in reason_rows():
        said = in_words(row.reason.value, HELD_NOW, FACTS)
        assert said.startswith(row.text)
        assert len(said) < 76


def test_reasons_come_with_number_and_limit():
    assert in_words("outside", HELD_NOW, FACTS).endswith(": 7.2 %, limit 5 %")
    assert in_words("outside", HELD_NOW._replace(predicted_percent=9.0), FACTS).endswith(": 9.0 %, limit 5 %")
    assert in_words("low_confidence", HELD_NOW, FACTS).endswith(": 0.93, limit 0.5")
    assert in_words("stale_frame", HELD_NOW, FACTS).endswith(": 112 ms")
    assert in_words("unheard_of", HELD_NOW, FACTS) == "unheard_of"


def test_many_reasons_are_counted():
    text = drawn(HELD_NOW._replace(reasons=tuple(reason.value for reason in list(Reason)[:7])))
    assert "and 4 more" in text
    # Those that need somebody are not the ones that are left out.
    assert sum(line.startswith("!!! ") for line in text.splitlines()) == 3


def test_a_failure_never_looks_like_a_target_that_is_outside():
    lost, outside = drawn(HELD_NOW._replace(reasons=("outside", "link_lost"))), drawn(HELD_NOW)
    assert "HIGH ALARM" in lost
    assert lost.splitlines()[2].count("!") > 50
    # The most urgent first, with what to do; marks tell the tiers apart without a colour.
    assert [line[:24] for line in lost.splitlines()[4:6]] == ["!!! Linac does not answe", "  • Target outside envel"]
    assert "ALARM" not in outside
    assert "!" not in outside
    assert " !! Baseline drift" in drawn(HELD_NOW._replace(reasons=("baseline_drift",)))


def test_a_lost_link_is_loud():
    assert "LINK LOST" in drawn(HELD_NOW._replace(link_alive=False))


def test_what_was_not_measured_is_a_dash():
    text = drawn(Snapshot(phase="connect"))
    assert "nan" not in text
    assert "–" in text


@pytest.mark.parametrize(("width", "height"), [(100, 30), (80, 24), (60, 14), (40, 8), (20, 5)])
def test_any_terminal_shows_the_state(width, height):
    text = drawn(*moving(), LogLine(1.0, "x" * 300), width=width, height=height)
    assert "BEAM ENABLED" in text
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_low_terminal_is_not_overrun():
    for height in range(14, 40):
        said = [LogLine(1.0, f"line {k}") for k in range(9)]
        assert len(drawn(*moving(), *said, width=100, height=height).splitlines()) <= height


def test_beam_on_time_in_a_row_is_counted_from_the_change():
    found = seen(*moving(4, "HOLD", ("outside",)), BEAM_ON._replace(time_s=101.0), BEAM_ON._replace(time_s=103.5))
    assert found.since_s == 101.0


def test_messages_survive_the_way():
    for message in (FACTS, BEAM_ON, HELD_NOW, LogLine(1.0, "ü"), Typing("a")):
        assert repr(unpacked(packed(message))) == repr(message)
    assert math.isnan(unpacked(packed(Snapshot())).age_ms)


def test_the_status_has_no_nan():
    assert Snapshot().as_json()["age_ms"] is None
    assert BEAM_ON.as_json()["state"] == "ON"


def test_time_is_read_as_on_a_clock():
    assert [clock(value) for value in (0.0, 59.9, 3723.4, -1.0, math.nan)] == [
        "0:00:00",
        "0:00:59",
        "1:02:03",
        "0:00:00",
        "0:00:00",
    ]


def test_the_trace_has_superior_on_top_and_the_beam_below():
    points = [Point(0.0, -10.0, True), Point(5.0, 10.0, False), Point(9.0, math.nan, True)]
    picture = trace(points, 10.0, 10.0, width=20, height=4, least_mm=5.0)
    assert (picture.top_mm, picture.bottom_mm) == (-10.0, 10.0)
    assert picture.lines[0][0] == "⠁"
    assert picture.lines[-1][10] == "⡀"
    assert picture.beam == ON * 10 + HELD * 8 + ON * 2


def test_a_short_hold_is_never_hidden():
    points = [Point(0.001 * k, 0.0, k != 500) for k in range(1000)]
    assert trace(points, 1.0, 1.0, width=10, height=2, least_mm=5.0).beam.count(HELD) == 1


def test_an_empty_trace_is_empty():
    picture = trace([], 10.0, 10.0, width=5, height=2, least_mm=5.0)
    assert set("".join(picture.lines)) == {"\u2800"}
    assert picture.beam == NOTHING * 5


def test_plain_lines_tell_changes_and_now_and_then_how_it_is():
    plain = Plain()
    assert plain.lines(FACTS) == []
    (first,) = plain.lines(BEAM_ON)
    assert first.startswith("1:02:03  delivery  ON    -  8.0/s  age 112 ms  outside 1.2 %  confidence 0.93")
    assert plain.lines(BEAM_ON._replace(time_s=3724.0)) == []
    (held,) = plain.lines(HELD_NOW._replace(time_s=3725.0))
    assert "HOLD  outside" in held
    assert len(plain.lines(HELD_NOW._replace(time_s=3736.0))) == 1
    assert plain.lines(LogLine(5.0, "done: arm by Anna")) == ["0:00:05  done: arm by Anna"]


def test_a_snapshot_is_made_of_the_session_status():
    status = SessionStatus()
    assert snapshot_of(status.current, 0.0).state == "HOLD"
    status.enter(Phase.PREVIEW, 0.0)
    status.show_preview(3.0, 20.0)
    assert snapshot_of(status.current, 0.0).gathered == "3 of 20 s"
    status.enter(Phase.DELIVERY, 1.0)
    status.not_kept = lambda: 3
    for k in range(5):
        status.update(step(sequence=2 * k, time_s=1.0 + 0.25 * k), 0.5, link_alive=True)
    now = snapshot_of(status.current, 2.1)
    assert (now.state, now.reasons, now.phase) == ("ON", (), "delivery")
    assert (now.frames, now.lost, now.dropped, now.link_alive) == (5, 4, 3, True)
    assert now.frame_rate == pytest.approx(4.0)
    assert now.age_ms == pytest.approx(100.0)
    assert now.duty_cycle == 1.0
    assert now.p99_ms == pytest.approx(0.5, rel=0.04)
    status.update(silent_step(2.5), 0.1, link_alive=False)
    silent = snapshot_of(status.current, 2.5)
    assert (silent.state, silent.reasons, silent.silences) == (HOLD.value, ("no_frame",), 1)
    assert math.isnan(silent.confidence)
    assert silent.age_ms == pytest.approx(500.0)


def test_the_last_word_of_a_session_is_hold():
    text = drawn(BEAM_ON, BEAM_ON._replace(phase=Phase.ENDED, state="HOLD", reasons=("not_armed",)))
    assert "HOLD   for" in text
    assert "BEAM ENABLED" not in text
    assert "The session has ended, and HOLD was sent last" in text


def test_codes_in_names_and_lines_do_not_reach_the_terminal():
    for message in (
        FACTS._replace(name="P\x1b[2J\x9b", warnings=("a\x07",)),
        LogLine(1.0, "P\x1b[2J\x9b"),
        BEAM_ON._replace(phase="P\x1b[2J", reasons=("a\x07",)),
    ):
        assert "\\x" not in repr(unpacked(packed(message)))
