"""A live session goes from phase to phase, is held until armed, and leaves a record that decides the same again."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.errors import EngineError, RecordingError
from gatekeeper.display.terminal.plain_lines import line_of
from gatekeeper.display.terminal.publisher import snapshot_of
from gatekeeper.display.web.live_message import LiveMessage
from gatekeeper.display.web.message import unpacked
from gatekeeper.recording.journal import read_decisions
from gatekeeper.report.facts import facts_of
from gatekeeper.session.preview_recorder import PreviewRecorder
from replay import run
from replay.formats.session import open_session
from replay.run import replay_input
from replay.sessions.compare import replay_input_of_session
from replay.sessions.report import session_data_of
from tests.support.cases import breathing_case
from tests.support.live_sessions import (
    PREVIEW_S,
    Scanner,
    events,
    journal,
    learn_at_once,
    live_config,
    long_case,
    phases,
    plan_of,
    run_live,
)
from tests.support.sessions import checked, forge, recorded

ON, HOLD = "ON", "HOLD"


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    """Draw no pictures, which take longer than everything else here."""
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


def states(folder):
    return [one["state"] for one in journal(folder) if one["kind"] == "frame"]


def test_session_goes_from_connecting_over_preview_and_learning_to_delivery_and_its_end(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = long_case()
    outcome, scanner, _ = run_live(tmp_path / "s", case, plan_of(case, live_config(preview_s=PREVIEW_S)))
    assert phases(tmp_path / "s") == ["connect", "preview", "learning", "ready", "delivery", "ended"]
    assert list(dict.fromkeys(scanner.phases)) == ["connect", "preview", "delivery"]
    assert outcome.was_armed
    assert outcome.learned.preview.frames == events(tmp_path / "s", "learned")[0]["values"]["frames"] == 41
    assert ON in states(tmp_path / "s")
    assert checked(tmp_path / "s").findings == []


def test_beam_is_never_on_before_arming(tmp_path):
    outcome, _, linac = run_live(tmp_path / "s", definition=plan_of(breathing_case(), arm_by=None))
    assert not outcome.was_armed
    assert phases(tmp_path / "s") == ["connect", "ready", "ended"]
    assert {command.state for command in linac.commands} == {BeamState.HOLD}
    assert all("not_armed" in one["reasons"] for one in journal(tmp_path / "s") if one["kind"] == "frame")


def test_every_frame_before_arming_is_judged_and_kept(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = long_case(48)
    run_live(tmp_path / "s", case, plan_of(case, live_config(preview_s=PREVIEW_S), arm_by=None))
    frames = [one for one in journal(tmp_path / "s") if one["kind"] == "frame"]
    assert [one["sequence"] for one in frames] == list(range(48))
    assert [one["frame_row"] for one in frames] == list(range(48))
    assert checked(tmp_path / "s").findings == []


def test_operator_arms_pauses_goes_on_and_ends(tmp_path):
    script = {2: ["arm"], 8: ["hold"], 10: ["release"], 14: ["end"]}
    definition = plan_of(breathing_case(amplitude_px=0.0), arm_by=None)
    outcome, scanner, linac = run_live(tmp_path / "s", breathing_case(amplitude_px=0.0), definition, script)
    assert phases(tmp_path / "s") == ["connect", "ready", "delivery", "paused", "delivery", "paused", "ended"]
    assert states(tmp_path / "s") == [*[HOLD] * 3, *[ON] * 5, *[HOLD] * 3, *[ON] * 3, HOLD]
    assert (outcome.ended_by.operator, outcome.ended_by.origin) == ("kim", "test")
    assert all(order.answer.accepted for order in scanner.orders)
    named = [one["values"]["operator"] for one in events(tmp_path / "s", "phase")]
    assert named == [None, None, "kim", "kim", "kim", "kim", "kim"]
    assert not linac.beam_on
    assert checked(tmp_path / "s").findings == []


def test_what_is_not_possible_in_a_phase_is_refused_and_journalled(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = long_case(30)
    definition = plan_of(case, live_config(preview_s=PREVIEW_S), arm_by=None)
    _, scanner, linac = run_live(tmp_path / "s", case, definition, {5: ["arm"]})
    assert not scanner.orders[0].answer.accepted
    assert "not possible in phase preview" in scanner.orders[0].answer.note
    refused = events(tmp_path / "s", "refused")[0]["values"]
    assert (refused["wish"], refused["operator"]) == ("arm", "kim")
    assert {command.state for command in linac.commands} == {BeamState.HOLD}
    assert checked(tmp_path / "s").findings == []


def test_preview_that_speaks_against_it_is_not_armed_by_itself(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = long_case()
    away = replace(case, frames=np.roll(case.frames, 20, axis=1))
    definition = plan_of(case, live_config(preview_s=PREVIEW_S))
    outcome, _, _ = run_live(tmp_path / "s", away, definition, {50: ["arm"]})
    assert outcome.learned.preview.go
    assert outcome.learned.inside == 0.0
    assert "the preview is NO-GO" in events(tmp_path / "s", "refused")[0]["values"]["note"]
    assert phases(tmp_path / "s")[3:] == ["ready", "delivery", "ended"], "an operator may all the same"
    assert checked(tmp_path / "s").findings == []


def test_live_session_decides_as_the_replay_of_the_same_case(tmp_path):
    case = breathing_case(frames=40)
    config = live_config()
    run_live(tmp_path / "live", case, plan_of(case, config))
    recorded(tmp_path / "replay", material=replay_input(case), config=config.settings())
    live, again = (
        [(one["sequence"], one["state"], one["reasons"], one["outside_percent"]) for one in read_decisions(path)]
        for path in (tmp_path / "live/decisions.jsonl", tmp_path / "replay/decisions.jsonl")
    )
    assert live == again
    assert len(live) == 40


@pytest.mark.slow
def test_live_session_is_replayed_from_itself_with_what_it_learned(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = long_case()
    run_live(tmp_path / "s", case, plan_of(case, live_config(preview_s=PREVIEW_S)))
    session = open_session(tmp_path / "s")
    try:
        recorded(tmp_path / "again", material=replay_input_of_session(session), config=session.config())
    finally:
        session.close()
    first, again = (
        [(one["state"], one["reasons"], one["outside_percent"], one["contour_hash"]) for one in read_decisions(path)]
        for path in (tmp_path / "s/decisions.jsonl", tmp_path / "again/decisions.jsonl")
    )
    assert first == again
    assert ON in [state for state, *_ in first]
    assert json.loads((tmp_path / "again/summary.json").read_text())["preview"]["frames"] == 41


def test_frame_that_is_not_fit_to_be_tracked_teaches_nothing(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = long_case()
    frames = case.frames.copy()
    frames[10] = 0
    case = replace(case, frames=frames)
    outcome, _, _ = run_live(tmp_path / "s", case, plan_of(case, live_config(preview_s=PREVIEW_S)))
    assert outcome.learned.preview.frames == 40
    assert checked(tmp_path / "s").findings == []


def test_frames_that_were_learned_from_must_be_there_again(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = long_case()
    run_live(tmp_path / "s", case, plan_of(case, live_config(preview_s=PREVIEW_S)))

    def one_less(entries):
        gone = next(one for one in entries if one["kind"] == "frame" and one["sequence"] == 20)
        return [one for one in entries if one is not gone]

    forge(tmp_path / "s", one_less)
    assert any("40 of the 41 frames that were learned from" in finding for finding in checked(tmp_path / "s").findings)


def test_learning_that_is_claimed_without_a_preview_is_found(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = long_case()
    run_live(tmp_path / "s", case, plan_of(case, live_config(preview_s=PREVIEW_S)))
    forge(tmp_path / "s", lambda entries: [one for one in entries if one.get("values", {}).get("phase") != "learning"])
    assert any("without a preview" in finding for finding in checked(tmp_path / "s").findings)


def test_target_may_be_put_on_the_first_frame_that_shows_it(tmp_path):
    case = breathing_case(frames=24)
    frames = case.frames.copy()
    frames[0] = 0
    case = replace(case, frames=frames, first_mask=case.labels[1])
    outcome, _, _ = run_live(tmp_path / "s", case, plan_of(case, reference=None))
    assert states(tmp_path / "s").count(ON) > 5
    session = open_session(tmp_path / "s")
    assert np.array_equal(session.setup.reference, frames[1])
    session.close()
    assert outcome.summary.frames == 22
    assert checked(tmp_path / "s").findings == []


def test_session_that_ends_before_its_first_frame_leaves_a_record_too(tmp_path):
    class Silent(Scanner):
        def next_frame(self, timeout_s):
            self._clock.sleep_until(self._clock.now_s() + timeout_s)

    definition = plan_of(breathing_case(), reference=None, seconds=3.0)
    outcome, _, linac = run_live(tmp_path / "s", definition=definition, scanner=Silent)
    assert outcome.ended_by.operator == "the time limit"
    assert phases(tmp_path / "s") == ["ended"]
    assert {command.state for command in linac.commands} == {BeamState.HOLD}
    found = checked(tmp_path / "s")
    assert (found.good, found.finished) == (True, True)


def test_session_ends_when_its_time_is_over(tmp_path):
    outcome, _, linac = run_live(tmp_path / "s", definition=plan_of(breathing_case(), seconds=2.0))
    assert outcome.ended_by.operator == "the time limit"
    assert 6 <= outcome.summary.frames <= 9
    assert not linac.beam_on
    assert checked(tmp_path / "s").finished


def test_link_that_never_comes_keeps_the_session_connecting(tmp_path):
    class Deaf:
        alive = False
        told = ()

        def send(self, decision):
            self.told = (*self.told, decision.state)

        def close(self):
            pass

    outcome, _, linac = run_live(tmp_path / "s", linac=Deaf())
    assert phases(tmp_path / "s") == ["connect", "ended"]
    assert not outcome.was_armed
    assert set(linac.told) == {BeamState.HOLD}


def test_source_that_fails_is_a_hold_and_a_whole_record(tmp_path):
    class Failing(Scanner):
        def next_frame(self, timeout_s):
            if self._next == 12:
                raise RecordingError("the scanner: has gone mad; look at it")
            return super().next_frame(timeout_s)

    with pytest.raises(RecordingError, match="gone mad"):
        run_live(tmp_path / "s", scanner=Failing)
    assert "gone mad" in events(tmp_path / "s", "phase")[-1]["values"]["note"]
    summary = json.loads((tmp_path / "s/summary.json").read_text())
    assert "gone mad" in summary["fault"]
    assert checked(tmp_path / "s").findings == []


def test_learning_that_fails_ends_the_session_held(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = long_case()
    monkeypatch.setattr(PreviewRecorder, "_run", lambda self: setattr(self, "_failure", MemoryError("no room")))
    monkeypatch.setattr(PreviewRecorder, "start", PreviewRecorder._run)
    with pytest.raises(EngineError, match="learning failed with MemoryError"):
        run_live(tmp_path / "s", case, plan_of(case, live_config(preview_s=PREVIEW_S)))
    assert phases(tmp_path / "s")[-1] == "ended"
    assert checked(tmp_path / "s").findings == []


def test_plane_other_than_the_references_is_a_finding(tmp_path):
    case = breathing_case(frames=16)
    moved = replace(case, plane=replace(case.plane, origin_mm=(5.0, 0.0, 0.0)))
    run_live(tmp_path / "s", moved, plan_of(case))
    reasons = {reason for one in journal(tmp_path / "s") if one["kind"] == "frame" for reason in one["reasons"]}
    assert {"wrong_plane", "geometry_changed"} <= reasons
    assert ON not in states(tmp_path / "s")
    assert checked(tmp_path / "s").findings == []


def test_doors_are_open_from_the_beginning_until_the_last_frame_was_judged(tmp_path):
    from contextlib import contextmanager

    seen = []

    @contextmanager
    def interfaces(folder):
        seen.append(sorted(one.name for one in folder.iterdir()))
        yield
        seen.append(sorted(one.name for one in folder.iterdir()))

    run_live(tmp_path / "s", interfaces=interfaces)
    assert seen == [[], ["config.toml", "decisions.jsonl", "frames.h5", "signatures.jsonl"]]


def test_watchdog_that_is_lost_holds_until_the_end_and_the_session_verifies(tmp_path):
    asked = []

    def fault():
        asked.append(1)
        return Reason.WATCHDOG_LOST if len(asked) > 12 else None

    _, _, linac = run_live(tmp_path / "s", script={14: ["reset"]}, fault=fault)
    decisions = read_decisions(tmp_path / "s" / "decisions.jsonl")
    assert "ON" in [one["state"] for one in decisions[:12]]
    assert all("watchdog_lost" in one["reasons"] for one in decisions[12:])
    assert not linac.beam_on
    assert checked(tmp_path / "s").findings == []


def test_a_session_whose_source_ends_with_the_beam_on_ends_held_on_every_face(tmp_path):
    session = {}

    class Kept(Scanner):
        def ended(self):
            session.setdefault("one", self.session)
            return super().ended()

    case = breathing_case(frames=10, amplitude_px=0.0)
    outcome, _, linac = run_live(tmp_path / "s", case, scanner=Kept)
    decisions = read_decisions(tmp_path / "s" / "decisions.jsonl")
    assert decisions[-1]["state"] == ON, "the last frame was good"
    assert not linac.beam_on
    status = session["one"].status.current
    assert status.decision.state is BeamState.HOLD
    assert snapshot_of(status, 9.0).state == HOLD
    assert unpacked(b"".join(LiveMessage(session["one"].status).parts(9.0, {})))[0]["state"] == HOLD
    assert " ended     HOLD " in line_of(snapshot_of(status, 9.0))
    assert events(tmp_path / "s", "phase")[-1]["values"]["state"] == HOLD
    assert outcome.as_json()["last_state"] == HOLD
    with closing(open_session(tmp_path / "s")) as kept:
        assert kept.summary()["last_state"] == HOLD
        assert ("sent last", HOLD) in facts_of(session_data_of(kept)), "in the report"


def test_a_session_that_is_interrupted_ends_held_too(tmp_path):
    session = {}

    class Interrupted(Scanner):
        def next_frame(self, timeout_s):
            session["one"] = self.session
            frame = super().next_frame(timeout_s)
            if frame is not None and frame.sequence == 8:
                assert self.session.status.current.decision.state is BeamState.ON
                raise KeyboardInterrupt
            return frame

    with pytest.raises(KeyboardInterrupt):
        run_live(tmp_path / "s", breathing_case(frames=10, amplitude_px=0.0), scanner=Interrupted)
    assert session["one"].status.current.decision.state is BeamState.HOLD
