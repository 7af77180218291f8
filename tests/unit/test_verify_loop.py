"""What a loop under load puts into a record is judged again as it was: late decisions, skipped frames, operators."""

import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.command import Action, Command
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.hash_chain import read_chain
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.session.arming import arm
from gatekeeper.session.loop import run_loop
from gatekeeper.sources.newest_frame import NewestFrame
from replay.faults.slow import SlowTracker
from replay.faults.spec import When
from replay.player import Player
from replay.run import replay_input
from tests.support.cases import breathing_case
from tests.support.sessions import checked, forge, session_numbers


def session(folder, tracker=None, operator=None, linac=None, frames=16):
    """Run a session on a target at rest through a loop that gives the newest frame only; return its journal."""
    case, config, clock = breathing_case(frames=frames, amplitude_px=0.0), SessionConfig(), VirtualClock()
    material, linac = replay_input(case), linac or DryRunLinac()
    armed = arm(material.setup, config, None if tracker is None else lambda one: tracker(one, clock))
    with SessionRecorder(folder, config, material.setup) as kept:
        run_loop(
            NewestFrame(Player(case, clock)),
            armed.engine,
            linac,
            kept,
            clock,
            config.gate.max_age_s,
            silence_s=config.silence_s(0.25),
            operator=None if operator is None else lambda: operator(clock),
        )
        kept.finish(session_numbers(kept))
    found = checked(folder)
    assert found.findings == []
    return linac


def entries(folder):
    return [one for one in read_chain((folder / "decisions.jsonl").read_bytes()).entries if "state" in one]


def test_beam_on_that_came_too_late_stands_before_the_hold_that_was_sent(tmp_path):
    linac = session(tmp_path / "s", lambda one, clock: SlowTracker(one, When(6, 1), clock, 0.7))
    pairs = [(one["state"], one["kind"]) for one in entries(tmp_path / "s")]
    late = next(index for index, one in enumerate(pairs) if index > 0 and one == ("HOLD", "silence"))
    assert pairs[late - 1] == ("ON", "frame")
    told = [command for command in linac.commands if command.sequence == entries(tmp_path / "s")[late - 1]["sequence"]]
    assert told == []
    forge(tmp_path / "s", lambda lines: [one for one in lines if one["kind"] != "silence"])
    assert checked(tmp_path / "s").different > 0


def test_frames_that_the_loop_has_skipped_are_no_gap_and_known_to_the_record(tmp_path):
    session(tmp_path / "s", lambda one, clock: SlowTracker(one, When(6, 1), clock, 0.55))
    after = next(one for one in entries(tmp_path / "s") if one["skipped"])
    assert (after["sequence"], after["skipped"]) == (8, 1)
    assert "sequence_gap" not in after["reasons"]
    forge(tmp_path / "s", lambda lines: [{**one, "skipped": 0} if one.get("skipped") else one for one in lines])
    assert checked(tmp_path / "s").different > 0


@pytest.mark.parametrize("action", [Action.HOLD, Action.DISARM, Action.REBASE])
def test_what_the_operator_did_is_done_again(tmp_path, action):
    rebases = action is Action.REBASE
    left = [(Action.HOLD, (0.0, 0.0)), (action, (0.6, 0.5)), (Action.RELEASE, (0.0, 0.0))] if rebases else []
    left = left or [(action, (0.0, 0.0))]

    def operator(clock):
        if clock.now_s() < (7.1 if rebases else 1.1) or not left:
            return None
        word, shift_mm = left.pop(0)
        return Command(word, "physicist", clock.now_s(), shift_mm)

    session(tmp_path / "s", operator=operator, frames=40 if rebases else 16)
    if rebases:
        events = read_chain((tmp_path / "s" / "decisions.jsonl").read_bytes()).entries
        assert [one["values"]["accepted"] for one in events if one["kind"] == "event"] == [True] * 3
    assert any(one["state"] == "HOLD" for one in entries(tmp_path / "s")[4:])
    forge(tmp_path / "s", lambda lines: [one for one in lines if one["kind"] != "event"])
    assert checked(tmp_path / "s").different > 0


def test_link_that_was_lost_is_lost_again(tmp_path):
    class Flickering(DryRunLinac):
        @property
        def alive(self):
            return not 5 <= len(self.commands) <= 8

    session(tmp_path / "s", linac=Flickering())
    lost = [one["sequence"] for one in entries(tmp_path / "s") if "link_lost" in one["reasons"]]
    assert lost == [4, 5, 6, 7]
