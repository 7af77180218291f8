"""Sessions of breath-holds: how right the gate is, and that live, record, verification and report agree."""

from collections import deque
from contextlib import closing
from dataclasses import replace

import pytest

from benchmarks.breath_holds import PATTERNS, gate_holds
from gatekeeper.config import build
from gatekeeper.operator.request import Request
from gatekeeper.report.breath_holds import breath_holds_of
from replay.formats.session import open_session
from replay.phantom import PhantomConfig, make_phantom
from replay.sessions.rejudge import Rejudged
from replay.sessions.report import session_data_of
from replay.sessions.verify import _same_hold
from tests.support.live_sessions import Scanner, events, live_config, plan_of, run_live
from tests.support.sessions import checked

RATE_HZ = 4.0
BREATHING = {
    "pattern": "inhale_hold",
    "hold_s": 9.0,
    "rest_s": 6.0,
    "hold_variation_mm": 0.0,
    "hold_drift_mm_per_s": 0.0,
    "drift_mm_per_min": 4.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PATTERNS)
def test_twenty_minutes_of_drifting_holds_are_gated_right(pattern):
    score, _, holds = gate_holds(pattern, seed=1)
    assert score.accuracy >= 0.96
    assert score.false_hold_s <= 40.0
    assert score.on_while_out_s <= 2.0
    assert 30 <= holds <= 36


class Mover(Scanner):
    """Asks to move the envelope to the newest hold while the beam is held by the operator, and confirms it."""

    def next_frame(self, timeout_s):
        frame = super().next_frame(timeout_s)
        if frame is not None:
            at = {150: ("hold",), 152: ("rebase", False), 156: ("rebase", True), 158: ("release",)}.get(frame.sequence)
            if at is not None:
                more = {"place": "hold", "confirmed": at[1]} if at[0] == "rebase" else {}
                self.orders.append(self.session.requests.submit(Request(at[0], "kim", "test", **more)))
        return frame


@pytest.mark.slow
def test_holds_are_journalled_verified_reported_and_the_envelope_moves_to_the_newest(tmp_path):
    acquisition = {"matrix": [80, 72], "pixel_mm": [3.0, 3.0], "duration_s": 58.0, "frame_rate_hz": RATE_HZ}
    settings = {"name": "holds", "seed": 7, "acquisition": acquisition, "breathing": BREATHING}
    case = make_phantom(build(PhantomConfig, settings, "holds")).recording
    config = live_config(breath_hold={"seconds": 9.0})
    folder = tmp_path / "session"
    _, source, _ = run_live(folder, case, plan_of(case, config), scanner=Mover)

    asked, confirmed = source.orders[1].answer, source.orders[2].answer
    assert not asked.accepted
    assert asked.note.startswith("rebase moves the envelope ")
    assert " mm inferior" in asked.note
    assert asked.note.endswith("repeat it with confirm at its end")
    assert confirmed.accepted, confirmed.note
    (moved,) = events(folder, "rebase")
    told = [one["values"] for one in events(folder, "breath_hold")]
    assert [one["number"] for one in told] == [1, 2, 3]
    newest = told[-1] if told[-1]["begin_s"] + told[-1]["lasted_s"] < moved["time_s"] else told[-2]
    assert 0.1 <= abs(moved["values"]["shift_mm"][0]) <= 3.0
    assert moved["values"]["shift_mm"][0] > 0.0, f"it drifts inferior: {newest}"

    assert source.session.status.current.breath_holds[0].number == 1
    assert checked(folder).findings == []
    assert _same_hold(told[0], deque([told[0]]), True)
    assert not _same_hold(told[0], deque([{**told[0], "lasted_s": 1.0}]), True)
    assert not _same_hold(told[0], deque(), False)
    with closing(open_session(folder)) as session:
        judged = Rejudged(session)
        states = [one["state"] for one in session.entries if one["kind"] in ("frame", "silence")]
        assert [one.state.value for one in judged.judge(session.config()).decisions] == states
        # Sessions of earlier versions have no such facts, and are judged as they were.
        former = replace(judged.setup, breath_holds=False)
        assert "breath_holds" not in former.facts()
        reported = breath_holds_of(session_data_of(session))
        begin_s = next(one["decided_s"] for one in session.entries if one["kind"] == "frame")
    assert [row.number for row in reported[: len(told)]] == [1, 2, 3]
    assert [row.begin_s + begin_s for row in reported[:3]] == pytest.approx([one["begin_s"] for one in told])
    assert [row.drift_mm for row in reported[:3]] == pytest.approx([one["drift_mm"]["SI"] for one in told])
