"""What a linac can follow: a beam begins only when it may, and a hold never waits."""

import math

import pytest

from gatekeeper.config import GateConfig, LinacProfile, build
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import ConfigError
from gatekeeper.gating.gate import Gate
from gatekeeper.linac.profile import BeamLog, after, refusals
from gatekeeper.session.engine import Engine
from tests.support.gates import ENVELOPE, HOLD, ON, frame, track


class Tracker:
    """Finds the target where the course of the session says."""

    def __init__(self, course):
        self.course = iter(course)

    def track(self, image):
        return track(9.0) if next(self.course) == "o" else track()


def decisions(course, **profile):
    """Decisions on a course of good (.) and outside (o) frames, four in a second."""
    engine = Engine(Tracker(course), Gate(ENVELOPE, GateConfig(frames_to_resume=1)), profile=LinacProfile(**profile))
    made = [engine.step(frame(i), 0.25 * i).decision for i in range(len(course))]
    return engine, made


def as_text(made):
    return "".join("1" if decision.state is ON else "0" for decision in made)


def test_minimum_off():
    _, made = decisions("..o.....", minimum_off_s=1.0)
    assert as_text(made) == "11000011"
    assert [decision.reasons for decision in made[2:6]] == [(Reason.OUTSIDE,)] + 3 * [(Reason.MINIMUM_OFF,)]


def test_the_beam_is_off_from_when_it_followed_until_when_it_will_follow():
    assert as_text(decisions("..o.....", minimum_off_s=1.0, off_latency_s=0.25)[1]) == "11000001"
    assert as_text(decisions("..o.....", minimum_off_s=1.0, on_latency_s=0.25)[1]) == "11000111"


def test_good_frames_are_counted_while_the_linac_is_waited_for():
    gate = Gate(ENVELOPE, GateConfig(frames_to_resume=3))
    engine = Engine(Tracker("....o......"), gate, profile=LinacProfile(minimum_off_s=1.0))
    made = [engine.step(frame(i), 0.25 * i).decision for i in range(11)]
    assert as_text(made) == "00110000111"
    assert made[5].reasons == (Reason.RESUMING, Reason.MINIMUM_OFF)
    assert made[7].reasons == (Reason.MINIMUM_OFF,)


def test_the_beam_ends_with_the_prescribed_time_which_does_not_run_while_it_is_held():
    course = ".o." + 8 * "."
    engine = Engine(
        Tracker(course),
        Gate(ENVELOPE, GateConfig(frames_to_resume=1)),
        profile=LinacProfile(minimum_off_s=0.0),
        beam_on_s=1.25,
    )
    made = [engine.step(frame(i), 0.25 * i).decision for i in range(len(course))]
    assert as_text(made) == "10111100000"
    assert all(decision.reasons == (Reason.PRESCRIBED_DELIVERED,) for decision in made[6:])
    assert engine.beam_log.delivered_s(99.0) == 1.25


def test_too_many_cycles():
    course = "." + "o." * 3 + 239 * "."
    _, made = decisions(course, cycles_per_minute=3)
    assert as_text(made[:8]) == "10101000"
    assert made[6].reasons == (Reason.TOO_MANY_CYCLES,)
    begun = [i for i in range(1, len(made)) if made[i].state is ON and made[i - 1].state is HOLD]
    # The first beam began with frame 0; a minute is 240 frames.
    assert begun == [2, 4, 240]


def test_a_hold_never_waits_for_the_minimum_on_and_is_counted():
    engine, made = decisions("..o.......o", minimum_on_s=1.0)
    assert as_text(made) == "11011111110"
    assert engine.beam_log.cut_short == 1


def test_a_beam_that_was_never_on_may_begin_at_once():
    assert refusals(BeamLog(), 0.0, LinacProfile(minimum_off_s=60.0)) == ()


@pytest.mark.parametrize("now_s", [math.nan, -math.inf])
def test_a_time_that_is_none_is_refused(now_s):
    profile = LinacProfile(cycles_per_minute=1)
    log = after(after(BeamLog(), ON, 1.0, profile), HOLD, 2.0, profile)
    assert refusals(log, now_s, profile) == (Reason.MINIMUM_OFF, Reason.TOO_MANY_CYCLES)


def test_what_is_remembered_does_not_grow():
    profile, log = LinacProfile(cycles_per_minute=5), BeamLog()
    for k in range(100):
        log = after(log, ON, 2.0 * k, profile)
        log = after(log, HOLD, 2.0 * k + 1.0, profile)
    assert log.begun_s == (190.0, 192.0, 194.0, 196.0, 198.0)
    assert after(log, HOLD, 300.0, profile) is log


def test_without_a_profile_a_beam_may_begin_once_a_second():
    _, made = decisions(".o" * 80)
    assert as_text(made).count("1") == 60


@pytest.mark.parametrize("values", [{"minimum_off_s": -1.0}, {"cycles_per_minute": 0}, {"minimum": 1.0}])
def test_a_profile_that_makes_no_sense_is_refused(values):
    with pytest.raises(ConfigError):
        build(LinacProfile, values, "linac.toml")
