"""Live sessions over a real source, and `gatekeeper run` as a process."""

import threading
from contextlib import closing

import pytest

from gatekeeper.config import MrdSourceConfig
from gatekeeper.core.clock import PacedClock
from gatekeeper.core.login import login_name
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.operator.request import Request
from gatekeeper.recording.journal import read_decisions
from gatekeeper.session.live_session import LiveSession
from gatekeeper.sources.open import open_source
from replay.feed.mrd_feeder import MrdFeeder
from replay.feed.play import play
from replay.run import replay_input
from tests.support.cases import breathing_case
from tests.support.live_processes import fed, running
from tests.support.live_sessions import journal, live_config, phases, plan_of
from tests.support.phantoms import phantom
from tests.support.sessions import checked, recorded
from tests.support.waiting import until


@pytest.mark.slow
def test_journal_of_a_session_fed_with_a_case_is_that_of_its_replay(tmp_path):
    case = phantom(acquisition={"duration_s": 5.0, "frame_rate_hz": 8.0}).recording
    # No frame rate: on a machine that others keep busy a frame may be late, which is no matter here.
    config = live_config(source={"kind": "mrd"})
    clock = PacedClock(1.0)
    session = LiveSession(plan_of(case, config), clock)
    source = open_source(MrdSourceConfig(kind="mrd", port=0), clock)

    def feed():
        until(lambda: session.status.current.phase == "delivery", 30.0)
        with closing(MrdFeeder(*source.address)) as feeder:
            play(case, feeder, PacedClock(1.0), lambda *_: None)
        until(lambda: session.status.current.counts.frames >= len(case.frames), 30.0)
        session.requests.submit(Request("end", "kim", "test"))

    thread = threading.Thread(target=feed)
    thread.start()
    outcome = session.run(source, DryRunLinac(), tmp_path / "live")
    thread.join()
    recorded(tmp_path / "replay", material=replay_input(case), config=config.settings())
    live, again = (
        [
            (one["sequence"], one["state"], one["reasons"], one["outside_percent"], one["contour_hash"])
            for one in read_decisions(tmp_path / name / "decisions.jsonl")
            if one["kind"] == "frame"
        ]
        for name in ("live", "replay")
    )
    assert [number for number, *_ in live] == list(range(len(case.frames)))
    assert live == again
    assert {state for _, state, *_ in live} == {"ON", "HOLD"}
    assert outcome.lag.skipped == 0
    assert checked(tmp_path / "live").findings == []


@pytest.mark.slow
def test_learning_goes_on_beside_the_loop_and_is_learned_again_from_the_record(tmp_path):
    case = breathing_case(frames=160, rate_hz=16.0)
    config = live_config(preview_s=3.0, source={"kind": "mrd"})
    clock = PacedClock(1.0)
    session = LiveSession(plan_of(case, config, arm_by="kim"), clock)
    source = open_source(MrdSourceConfig(kind="mrd", port=0), clock)

    def feed():
        until(lambda: session.status.current.phase == "preview", 30.0)
        with closing(MrdFeeder(*source.address)) as feeder:
            play(case, feeder, PacedClock(1.0), lambda *_: None)
        session.requests.submit(Request("end", "kim", "test"))

    thread = threading.Thread(target=feed)
    thread.start()
    outcome = session.run(source, DryRunLinac(), tmp_path / "s")
    thread.join()
    entries = journal(tmp_path / "s")
    names = [one["values"].get("phase", one["event"]) if one["kind"] == "event" else one["kind"] for one in entries]
    meanwhile = names[names.index("learning") : names.index("learned")]
    assert meanwhile.count("frame") + meanwhile.count("silence") >= 1, "frames are judged while it learns"
    assert outcome.learned.preview.frames >= 30
    assert phases(tmp_path / "s")[:5] == ["connect", "preview", "learning", "ready", "delivery"]
    assert checked(tmp_path / "s").findings == []


def test_operator_types_at_the_terminal(tmp_path):
    case = breathing_case(frames=200, amplitude_px=0.0, rate_hz=8.0)
    with running(tmp_path, case, "--json") as run:
        with fed(case, run.port()):
            run.wait_for("phase ready")
            run.type("arm by Anna")
            run.wait_for("delivery +ON")
            run.type("pause")
            run.wait_for("paused +HOLD +operator_hold")
            run.type("dance")
            run.wait_for("is not a command")
            run.type("end")
            assert run.ended() == 0
        values = run.json()
    assert values["delivery"]["armed"]
    assert values["ended_by"]["door"] == "terminal"
    assert [one["values"]["operator"] for one in journal(tmp_path / "session") if one.get("event") == "arm"] == [
        f"Anna (typed; login {login_name()})"
    ]
    assert checked(tmp_path / "session").findings == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "source"),
        ('[source]\nkind = "mrd"\nport = 0\n[target]\nkind = "trackrad"\ncase = "nowhere"\n', "nowhere: no such"),
    ],
)
def test_session_file_that_cannot_be_run_is_bad_input(tmp_path, text, says, capsys):
    from tests.support.command_line import gatekeeper

    (tmp_path / "live.toml").write_text(text)
    assert gatekeeper("run", tmp_path / "live.toml") == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_command_that_was_to_arm_and_could_not_says_so(tmp_path):
    case = breathing_case(frames=8)
    with running(tmp_path, case, "--arm", "kim", "--seconds", "1.5", preview={"seconds": 5.0}) as run:
        assert run.ended(60.0) == 1
    assert phases(tmp_path / "session") == ["connect", "preview", "ended"]
