"""At the end of the prescribed beam-on time the beam is held where the settings say so, in every replay alike."""

from contextlib import closing

import pytest

from gatekeeper.config import SessionConfig, build
from gatekeeper.core.errors import ConfigError
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.verify import verify_folder
from tests.support.cases import breathing_case
from tests.support.live_sessions import journal
from tests.support.sessions import recorded

COURSE = {"label": "P07", "fraction": 1, "beam_on_s": 2.0}


def settings(**values):
    return build(SessionConfig, values, "a test")


def test_to_stop_needs_to_know_when():
    stops = {"stop_at_prescribed": True}
    for course in (None, {"label": "P07", "fraction": 1}):
        with pytest.raises(ConfigError, match="needs the prescribed beam-on time"):
            settings(gate=stops, **({} if course is None else {"course": course}))
    assert settings(gate=stops, course=COURSE).stop_s == 2.0
    assert settings(course=COURSE).stop_s == float("inf")
    # A plan that was to tell it and has not.
    assert settings(gate=stops, course={"label": "P07", "fraction": 1, "plan_file": "plan.dcm"}).stop_s == 0.0


@pytest.mark.slow
def test_a_session_that_stopped_is_judged_alike_again(tmp_path):
    config = settings(gate={"stop_at_prescribed": True}, course=COURSE)
    folder = recorded(tmp_path / "s", breathing_case(frames=64, rate_hz=8.0), config)
    entries = [one for one in journal(folder) if "state" in one]
    stopped = [index for index, one in enumerate(entries) if "prescribed_delivered" in one["reasons"]]
    assert stopped
    # Once it is delivered the beam stays held.
    assert all(one["state"] == "HOLD" for one in entries[stopped[0] :])
    with closing(open_session(folder)) as session:
        again = Rejudged(session).judge(config)
        assert [one.reasons for one in again.decisions] == [tuple(one["reasons"]) for one in entries]
        assert 2.0 <= again.counts.beam_on_s < 2.0 + 1.0 / 8.0 + 1e-6
    assert verify_folder(folder).findings == []
