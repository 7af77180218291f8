"""A session judged again with another margin or limit decides as a replay with them does, without tracking anew."""

from contextlib import closing

import pytest

from gatekeeper.config import EnvelopeConfig, GateConfig, SessionConfig, with_limits
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.json_values import number
from gatekeeper.recording.journal import read_decisions
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.tracking.tracker import StructureTracker
from replay import run
from replay.formats.session import open_session
from replay.run import replay, replay_input
from replay.sessions.compare import replay_input_of_session
from replay.sessions.rejudge import Rejudged
from tests.support.made_once import made_once
from tests.support.matrices import mostly_slow
from tests.support.phantoms import phantom
from tests.support.sessions import quiet, recorded, repeating_session, whole_session
from tests.support.steps import step

CONFIG = SessionConfig(envelope=EnvelopeConfig(margin_mm=4.0), gate=GateConfig(frames_to_resume=3))
FIELDS = ("state", "raw_state", "reasons", "outside_percent", "predicted_percent", "decided_s")


SESSIONS = {
    "breathing": lambda folder: recorded(folder, config=CONFIG),
    "eventful": whole_session,
    "repeating": repeating_session,
    "learned": lambda folder: learned_session(folder),
}


@pytest.fixture(scope="module", params=mostly_slow(SESSIONS, 3))
def any_session(request, tmp_path_factory):
    """Return the folder of each kind of session, and the session to be judged again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "overview_png", lambda seen: b"undrawn")
        folder = made_once(tmp_path_factory, f"rejudged-{request.param}", SESSIONS[request.param])
    return folder, rejudged(folder)


@pytest.fixture(scope="module")
def once(breathing_session):
    """Return a session that may be judged again and again."""
    return rejudged(breathing_session)


def rejudged(folder):
    with closing(open_session(folder)) as session:
        return Rejudged(session)


def said(decision):
    return {
        "state": decision.state.value,
        "raw_state": None if decision.raw_state is None else decision.raw_state.value,
        "reasons": [reason.value for reason in decision.reasons],
        "outside_percent": number(decision.outside_percent),
        "predicted_percent": number(decision.predicted_percent),
        "decided_s": number(decision.time_s),
    }


def replayed(folder, out, margin_mm, outside_percent):
    with closing(open_session(folder)) as session:
        config = with_limits(session.config(), margin_mm, outside_percent, "test")
        replay(replay_input_of_session(session), config, out, VirtualClock(session.begin_s), quiet)
    return [{name: entry[name] for name in FIELDS} for entry in read_decisions(out / "decisions.jsonl")]


def learned_session(folder):
    """A session that began with a preview, from which the gate has its range of motion."""
    recording = phantom(acquisition={"duration_s": 14.0, "frame_rate_hz": 4.0}).recording
    return recorded(folder, config=CONFIG, material=replay_input(recording, preview_s=10.0))


@pytest.mark.parametrize(
    ("margin_mm", "outside_percent"), mostly_slow([(4.0, 30.0), (1.0, 5.0), (4.0, 5.0), (12.0, 1.5)])
)
def test_it_decides_as_a_replay_with_the_same_settings(any_session, undrawn, margin_mm, outside_percent, tmp_path):
    folder, again = any_session
    judged = again.judge(with_limits(again.config, margin_mm, outside_percent, "test"))
    assert [said(one) for one in judged.decisions] == replayed(folder, tmp_path / "out", margin_mm, outside_percent)


def test_the_numbers_are_those_of_the_summary(breathing_session, once):
    with closing(open_session(breathing_session)) as session:
        summary, again = session.summary(), once.judge(once.config).counts
    assert summary is not None
    assert (again.frames, again.duty_cycle, again.beam_on_s, again.holds, again.hold_reasons) == tuple(
        summary[name] for name in ("frames", "duty_cycle", "beam_on_s", "holds", "hold_reasons")
    )


def test_other_settings_lead_to_other_decisions(once):
    duty = [
        once.judge(with_limits(once.config, margin_mm, 5.0, "test")).counts.duty_cycle for margin_mm in (0.0, 4.0, 20.0)
    ]
    assert duty[0] < duty[1] < duty[2]


def test_the_target_is_looked_for_once_per_frame_only(once, monkeypatch):
    monkeypatch.setattr(StructureTracker, "track", lambda *_: pytest.fail("tracked anew"))
    once.judge(with_limits(once.config, 2.0, 5.0, "test"))
    once.judge(once.config)


def test_no_pixels_are_kept(once):
    assert all(seen.frame is None or seen.frame.image.size == 1 for seen in once.tracked)


def test_progress_is_told_of_every_frame(breathing_session):
    told = []
    with closing(open_session(breathing_session)) as session:
        Rejudged(session, lambda *progress: told.append(progress))
    assert told == [(done, 24) for done in range(1, 25)]


def test_a_session_without_a_reference_cannot_be_judged_again(tmp_path):
    with SessionRecorder(tmp_path / "bare", SessionConfig()) as session:
        session.record(step(), 1.0)
        session.finish({})
    with pytest.raises(RecordingError, match="holds no reference or no frame"):
        rejudged(tmp_path / "bare")
