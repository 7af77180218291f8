"""Settings that switch a check off are found, shown on every face, and armed only by a typed word."""

import io
import json
import math

import pytest
from rich.console import Console

from gatekeeper.config import LeaseLinacConfig, ModbusLinacConfig, SerialLinacConfig, SessionConfig, build
from gatekeeper.config.safe_ranges import SAFE_RANGES, unsafe_settings
from gatekeeper.display.terminal.history import History
from gatekeeper.display.terminal.publisher import TerminalPublisher
from gatekeeper.display.terminal.screen import draw
from gatekeeper.display.web.live_message import LiveMessage
from gatekeeper.display.web.message import unpacked
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.operator.request import Request
from gatekeeper.recording.session_setup import header_of
from gatekeeper.session.status import SessionStatus
from replay.sessions.report import write_report
from tests.support.command_line import gatekeeper
from tests.support.live_sessions import Scanner, events, journal, live_config, long_case, plan_of, run_live
from tests.support.sessions import checked, recorded
from tests.support.snapshots import BEAM_ON, FACTS

LINACS = {
    "linac.lease": {"kind": "lease", "port": 1, "key_file": "key", "lease": {}},
    "linac.acknowledge": {"kind": "serial", "device": "/dev/ttyUSB0"},
    "linac": {"kind": "modbus"},
}
ISSUE = {
    "envelope": {"margin_mm": 50.0},
    "gate": {"outside_percent": 100.0, "min_confidence": 1e-6, "max_age_s": 10.0},
    "linac": {"kind": "lease", "port": 1, "key_file": "key", "lease": {"fresh_ms": 10_000, "lifetime_ms": 1000}},
}
WIDE = {"envelope": {"margin_mm": 20.0}}


def config_with(setting, value):
    """Return settings with one value, in a linac that has it."""
    names = setting.split(".")
    values = {"prediction": {"mode": "full"}} if setting == "gate.risk_percent" else {}
    if names[0] == "linac":
        kind = next(kind for kind in LINACS if setting.startswith(kind))
        values["linac"] = json.loads(json.dumps(LINACS[kind]))
        if setting == "linac.lease.ack_timeout_ms":
            values["linac"]["lease"]["renew_ms"] = 2
        if setting == "linac.deadline_ms":
            values["linac"]["failure_detect_ms"] = 5000
    place = values
    for name in names[:-1]:
        place = place.setdefault(name, {})
    place[names[-1]] = value
    return build(SessionConfig, values, "test")


def beyond(one):
    if one.low == one.high:
        return False
    end, sign = (one.high, 1) if math.isinf(one.low) else (one.low, -1)
    return end + sign if isinstance(end, int) else end + sign * 0.01 * max(abs(end), 1.0)


@pytest.mark.parametrize(
    "linac",
    [None, LeaseLinacConfig(port=1, key_file="k"), ModbusLinacConfig(), SerialLinacConfig(device="d")],
    ids=lambda linac: getattr(linac, "kind", "none"),
)
def test_the_defaults_are_safe(linac):
    assert unsafe_settings(SessionConfig(linac=linac)) == ()


@pytest.mark.parametrize("one", SAFE_RANGES, ids=lambda one: one.setting)
def test_a_value_beyond_the_range_is_found_and_one_at_its_end_is_not(one):
    assert one.source
    found = [line for line in unsafe_settings(config_with(one.setting, beyond(one))) if line.startswith(one.setting)]
    assert len(found) == 1
    assert one.as_words in found[0]
    assert one.source in found[0]
    end = one.low if math.isinf(one.high) else one.high
    assert not [line for line in unsafe_settings(config_with(one.setting, end)) if line.startswith(one.setting)]


def test_settings_that_switch_every_check_off_are_each_found():
    found = [line.split(" = ")[0] for line in unsafe_settings(build(SessionConfig, ISSUE, "test"))]
    assert found == [
        "envelope.margin_mm",
        "gate.outside_percent",
        "gate.min_confidence",
        "gate.max_age_s",
        "linac.lease.lifetime_ms",
        "linac.lease.fresh_ms",
    ]


def test_the_journal_says_so_at_its_beginning_and_nothing_where_all_is_safe():
    assert "margin_mm = 20 mm" in header_of(build(SessionConfig, WIDE, "test"), None)["unsafe"][0]
    assert "unsafe" not in header_of(SessionConfig(), None)


def test_every_face_warns_of_each():
    (line,) = build(SessionConfig, WIDE, "test").warnings()
    assert line.startswith("UNSAFE SETTING: envelope.margin_mm = 20 mm, safe is at most 8 mm (")
    assert line in live_config(**WIDE).warnings()
    assert SessionConfig().warnings() == ()


def test_the_terminal_shows_red_lines_and_counts_what_has_no_room():
    history = History()
    for message in (FACTS._replace(warnings=build(SessionConfig, ISSUE, "test").warnings()), BEAM_ON):
        history.add(message)
    console = Console(file=io.StringIO(), width=100, record=True, force_terminal=True, color_system="truecolor")
    console.print(draw(history, 0.0, 100, 30))
    lines = [one for one in console.export_text(styles=True).splitlines() if "WARNING" in one]
    assert ["margin_mm" in lines[0], "outside_percent" in lines[1], "and 3 more" in lines[3]] == [True] * 3
    assert all("48;2;139;0;0" in one for one in lines), "on red"


def test_what_an_operator_widened_while_drawing_is_shown_too():
    sent, status = [], SessionStatus()
    publisher = TerminalPublisher(status, None, sent.append, FACTS)
    status.warnings = build(SessionConfig, WIDE, "test").warnings()
    publisher._last = status.current
    publisher._publish()
    assert [message.warnings for message in sent] == [status.warnings]
    publisher._publish()
    assert len(sent) == 1


def test_the_page_is_told():
    config = build(SessionConfig, WIDE, "test")
    assert "margin_mm" in SessionInfo.of("P", config, "a", "b").as_json()["warnings"][0]
    status = SessionStatus()
    status.warnings = config.warnings()
    assert unpacked(b"".join(LiveMessage(status).parts(0.0, {})))[0]["warnings"] == list(status.warnings)


@pytest.mark.slow
def test_a_replay_is_not_blocked_and_its_report_says_so(tmp_path, capsys, breathing_session, monkeypatch):
    monkeypatch.setattr("replay.run.overview_png", lambda seen: b"undrawn")
    settings = tmp_path / "wide.toml"
    settings.write_text("[envelope]\nmargin_mm = 20.0\n")
    assert gatekeeper("replay", breathing_session, "--config", settings, "--out", tmp_path / "s") == 0
    assert "UNSAFE SETTINGS: envelope.margin_mm = 20 mm, safe is at most 8 mm" in capsys.readouterr().err
    page = write_report(tmp_path / "s").read_text(encoding="utf-8")
    assert "<b>UNSAFE SETTINGS</b>" in page
    assert "envelope.margin_mm = 20 mm" in page
    assert checked(tmp_path / "s").findings == []


class Arming(Scanner):
    """Asks to arm before some frames, with or without the word that confirms it."""

    asks = ()

    def next_frame(self, timeout_s):
        frame = super().next_frame(timeout_s)
        if frame is not None:
            for at, origin, confirmed in self.asks:
                if at == frame.sequence:
                    self.orders.append(self.session.requests.submit(Request("arm", "kim", origin, confirmed=confirmed)))
        return frame


def armed_by(folder, *asks, arm_by=None, **tables):
    scanner = type("Asking", (Arming,), {"asks": asks})
    case = long_case(frames=24)
    _, source, linac = run_live(folder, case, plan_of(case, live_config(**tables), arm_by=arm_by), scanner=scanner)
    answers = [(one.answer.accepted, one.answer.note) for one in source.orders]
    return [accepted for accepted, _ in answers], [note for _, note in answers], linac


def test_arming_takes_a_typed_word_on_the_face_that_asked(tmp_path):
    asks = ((4, "terminal", True), (6, "console", True), (8, "console", True))
    accepted, notes, linac = armed_by(tmp_path / "s", *asks, **WIDE)
    assert accepted == [False, False, True]
    assert "settings beyond their safe ranges: envelope.margin_mm = 20 mm" in notes[0]
    assert notes[1].endswith("repeat it with confirm at its end")
    assert "ON" in [command.state for command in linac.commands]
    (event,) = events(tmp_path / "s", "confirmed")
    assert event["values"]["operator"] == "kim"
    assert "margin_mm = 20 mm" in event["values"]["note"]
    assert "margin_mm = 20 mm" in journal(tmp_path / "s")[0]["unsafe"][0]
    assert checked(tmp_path / "s").findings == []


def test_arming_without_the_word_or_by_an_option_is_refused(tmp_path):
    accepted, _, linac = armed_by(tmp_path / "s", (4, "terminal", False), (6, "terminal", False), arm_by="kim", **WIDE)
    assert accepted == [False, False]
    assert {command.state for command in linac.commands} == {"HOLD"}
    assert [one["values"]["wish"] for one in events(tmp_path / "s", "refused")] == ["arm"] * 3


def test_safe_settings_are_armed_without_a_question(tmp_path):
    accepted, notes, _ = armed_by(tmp_path / "s", (4, "terminal", False))
    assert (accepted, notes) == ([True], ["arm by kim"])
    assert events(tmp_path / "s", "confirmed") == []


def test_a_recorded_session_keeps_its_settings(tmp_path):
    folder = recorded(tmp_path / "s", long_case(frames=12), build(SessionConfig, WIDE, "test"))
    assert "unsafe" in journal(folder)[0]
