"""A live session journals who sends and what it warns of, holds when that changes, and decides the same again."""

import io
from dataclasses import replace

from rich.console import Console

from gatekeeper.config.live import NO_CLOCK
from gatekeeper.display.terminal.history import History
from gatekeeper.display.terminal.screen import draw
from gatekeeper.display.terminal.snapshot import SessionInfo, packed, unpacked
from gatekeeper.display.web import session_info
from gatekeeper.report.facts import facts_of
from gatekeeper.sources.connections import Connections
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.report import session_data_of
from replay.sessions.review import Review
from tests.support.cases import breathing_case
from tests.support.live_sessions import Scanner, events, journal, live_config, plan_of, run_live
from tests.support.sessions import checked

BACK = 20
"""The frame with which the sender is another one."""


class Reconnecting(Scanner):
    """A scanner behind a network, whose sender comes back over another connection."""

    def __init__(self, case, clock, script=()):
        super().__init__(case, clock, script)
        self._known = Connections()

    @property
    def connections(self):
        return self._known.last

    def next_frame(self, timeout_s):
        frame = super().next_frame(timeout_s)
        if frame is None:
            return None
        number = self._known.number("10.1.2.3:400" if frame.sequence < BACK else "10.1.2.3:401", "MRD 1", header="ab")
        return replace(frame, connection=number, stamp_s=500.0 + frame.acquired_s)


def run(folder, script=(), **values):
    case = breathing_case(frames=40, amplitude_px=0.0)
    return run_live(folder, case, plan_of(case, **values), script, scanner=Reconnecting)


def frames(folder):
    return [one for one in journal(folder) if one["kind"] == "frame"]


def test_another_connection_holds_until_an_operator_resets_and_is_journalled(tmp_path):
    _, scanner, _ = run(tmp_path / "s", script={30: ["reset"]})
    assert all(order.answer.accepted for order in scanner.orders)
    told = [one["values"] for one in events(tmp_path / "s", "connection")]
    assert told == [
        {"number": number, "peer": f"10.1.2.3:{port}", "protocol": "MRD 1", "device": "", "header": "ab"}
        for number, port in ((1, 400), (2, 401))
    ]
    lines = frames(tmp_path / "s")
    assert [one["connection"] for one in lines] == [1] * BACK + [2] * (40 - BACK)
    assert lines[3]["stamp_s"] == 500.0 + lines[3]["acquired_s"]
    held = [number for number, one in enumerate(lines) if "source_changed" in one["reasons"]]
    assert held == list(range(BACK, 30))
    assert {one["state"] for one in lines[5:BACK]} == {"ON"}
    assert {one["state"] for one in lines[33:]} == {"ON"}
    assert checked(tmp_path / "s").findings == []


def test_the_connection_is_told_before_its_first_frame_is_judged(tmp_path):
    run(tmp_path / "s")
    lines = journal(tmp_path / "s")
    second = next(k for k, one in enumerate(lines) if one["kind"] == "frame" and one["connection"] == 2)
    assert lines[second - 1]["event"] == "connection"


def test_before_arming_another_connection_is_journalled_and_no_fault(tmp_path):
    _, _, _ = run(tmp_path / "s", script={BACK + 5: ["arm"]}, arm_by=None)
    assert len(events(tmp_path / "s", "connection")) == 2
    lines = frames(tmp_path / "s")
    assert lines[BACK]["reasons"] == ["not_armed", "source_changed"]
    assert lines[BACK + 1]["reasons"] == ["not_armed"]
    assert lines[-1]["state"] == "ON"
    assert checked(tmp_path / "s").findings == []


def test_a_source_without_a_clock_is_warned_of_on_every_face(tmp_path):
    config = live_config(source={"kind": "mrd", "frames_per_s": 4.0, "clock": "none"})
    assert config.warnings() == (NO_CLOCK,)
    assert live_config().warnings() == ()
    _, scanner, _ = run_live(tmp_path / "s", definition=plan_of(breathing_case(), config))
    assert scanner.session.status.warnings == (NO_CLOCK,), "what terminal and page show"
    assert [one["values"]["note"] for one in events(tmp_path / "s", "warning")] == [NO_CLOCK]
    assert checked(tmp_path / "s").findings == []
    session = open_session(tmp_path / "s")
    try:
        assert ("WARNING", NO_CLOCK) in facts_of(session_data_of(session))
        assert Review(session, Rejudged(session)).facts.as_json()["warnings"] == (NO_CLOCK,)
    finally:
        session.close()
    info = SessionInfo("liver", "mrd", "dry run", 5.0, 0.5, 5.0, config.warnings())
    history = History()
    history.add(unpacked(packed(info)))
    console = Console(file=io.StringIO(), width=110, record=True, color_system=None)
    console.print(draw(history, 0.0, 110, 24))
    assert f"WARNING: {NO_CLOCK}" in console.export_text()
    assert session_info.SessionInfo.of("liver", config, "mrd", "dry run").as_json()["warnings"] == (NO_CLOCK,)
