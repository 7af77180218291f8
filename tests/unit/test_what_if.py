"""What-if says what a replay with the same settings says, beside what the session was."""

import json
from contextlib import closing

import numpy as np
import pytest

from gatekeeper.config import OtherLimits
from gatekeeper.core.decision import BeamState, Reason
from replay import run
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.what_if import BEAM_ON, WhatIf, durations_s, kind_of, ribbon
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.live_sessions import journal, run_live
from tests.support.loops import Telling
from tests.support.made_once import made_once
from tests.support.matrices import mostly_slow
from tests.support.sessions import recorded

FIGURES = ("duty_cycle", "beam_on_s", "holds", "hold_reasons")


@pytest.fixture(scope="module")
def long_session(tmp_path_factory):
    """Return the folder of a session of 80 frames."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "overview_png", lambda seen: b"undrawn")
        return made_once(tmp_path_factory, "long-session", lambda folder: recorded(folder, breathing_case(frames=80)))


def limits(margin_mm, outside_percent):
    return OtherLimits({"margin_mm": margin_mm, "outside_percent": outside_percent})


def asked(folder):
    with closing(open_session(folder)) as session:
        return WhatIf(Rejudged(session))


@pytest.mark.parametrize(("margin_mm", "outside_percent"), mostly_slow([(3.5, 20.0), (0.0, 0.0), (9.0, 5.0)]))
@pytest.mark.parametrize("made", mostly_slow(["eventful_session", "long_session"]))
def test_the_figures_are_those_of_a_replay(request, undrawn, tmp_path, capsys, made, margin_mm, outside_percent):
    folder = request.getfixturevalue(made)
    found = asked(folder)(limits(margin_mm, outside_percent))
    settings = ("--margin-mm", margin_mm, "--outside-percent", outside_percent)
    capsys.readouterr()
    assert gatekeeper("replay", folder, *settings, "--out", tmp_path / "again", "--json") == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {name: found["now"][name] for name in FIGURES} == {name: result[name] for name in FIGURES}
    again = [kind_of(BeamState(one["state"]), map(Reason, one["reasons"])) for one in decisions_of(tmp_path / "again")]
    assert found["ribbon"] == ribbon(again)


def decisions_of(folder):
    return [one for one in journal(folder) if one["kind"] in ("frame", "silence")]


def test_the_original_is_what_was_recorded(eventful_session):
    summary = json.loads((eventful_session / "summary.json").read_text())
    what_if = asked(eventful_session)
    found = what_if(limits(9.0, 40.0))
    original = found["original"]
    # The envelope of the question is drawn beside that of the session.
    high_px = [np.ptp(one["structures"][0]["zone_px"], axis=0)[0] for one in (found, what_if(limits(3.0, 40.0)))]
    with closing(open_session(eventful_session)) as session:
        assert high_px[0] - high_px[1] == pytest.approx(12.0 / session.setup.spacing_mm[0], abs=0.1)
    assert {name: original[name] for name in FIGURES} == {name: summary[name] for name in FIGURES}
    assert original["on_while_out_s"] == 0.0


def test_beam_on_where_the_session_measured_the_target_out_is_counted_in_seconds(long_session):
    found = asked(long_session)(limits(50.0, 100.0))
    decisions = decisions_of(long_session)
    # With this much room the beam is on from the first frames on, whatever was measured.
    runs = dict(found["ribbon"])
    assert list(runs.values())[-1] == BEAM_ON
    assert len(runs) == 2
    begin = max(runs)
    out = [one["outside_percent"] > 5.0 for one in decisions]
    steps_s = np.diff([one["decided_s"] for one in decisions])
    expected_s = sum(step_s for index, step_s in enumerate(steps_s) if index >= begin and out[index])
    assert expected_s > 2.0
    assert found["now"]["on_while_out_s"] == pytest.approx(expected_s, abs=1e-6)


def test_what_was_not_measured_counts_as_out(eventful_session):
    what_if = asked(eventful_session)
    entries = decisions_of(eventful_session)
    unmeasured = [entry.get("outside_percent") is None for entry in entries]
    assert any(unmeasured)
    assert what_if._measured.out[unmeasured].all()


def test_beam_on_lasts_no_longer_than_the_port_allowed(undrawn, tmp_path):
    run_live(tmp_path / "s", linac=Telling())
    summary = json.loads((tmp_path / "s" / "summary.json").read_text())
    states = [one["state"] for one in decisions_of(tmp_path / "s")]
    found = asked(tmp_path / "s")(limits(5.0, 5.0))
    on = sum(state == "ON" for state in states[:-1])
    assert on > 5
    assert found["original"]["beam_on_s"] == summary["beam_on_s"] == pytest.approx(0.1 * on)
    assert found["now"]["beam_on_s"] == found["original"]["beam_on_s"]
    more = asked(tmp_path / "s")(limits(50.0, 100.0))["now"]["beam_on_s"]
    assert more > found["now"]["beam_on_s"], "where the session held, the port was not asked"


def test_beam_on_while_out_lasts_no_longer_than_the_port_allowed(long_session):
    with closing(open_session(long_session)) as session:
        again = Rejudged(session)
    counted = WhatIf(again)(limits(50.0, 100.0))["now"]["on_while_out_s"]
    for one in again.tracked:
        one.entry.update(state="ON", allowed_s=0.05)
    capped = WhatIf(again)(limits(50.0, 100.0))["now"]["on_while_out_s"]
    assert 0.0 < capped < counted
    assert capped == pytest.approx(0.05 * round(capped / 0.05))


def test_a_decision_lasts_until_the_next_and_no_time_runs_backwards():
    times_s = np.array([0.0, 1.0, 3.0, 2.0, np.nan, 7.0, 8.0])
    assert durations_s(times_s, [None] * 6).tolist() == [1.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert durations_s(times_s, [0.5, 3.0, 1.0, 1.0, 1.0, -1.0]).tolist() == [0.5, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_a_ribbon_is_runs_of_decisions():
    assert ribbon([2, 2, BEAM_ON, 2, 2, 2]) == [[0, 2], [2, BEAM_ON], [3, 2]]
