"""Any faults in any order: the same seed does the same, and no frame is lost or invented beyond what is said."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.faults.spec import KINDS, FaultSpec, When
from tests.support.faults import drain, faulty

FRAMES = 16
NAMES = sorted(set(KINDS) - {"die"})
SMALL = {name: kind.amount for name, kind in KINDS.items()}

whens = st.builds(
    When,
    start=st.integers(0, FRAMES + 2),
    frames=st.none() | st.integers(1, FRAMES),
    chance=st.floats(0.05, 1.0),
)
specs = st.builds(lambda name, when: FaultSpec(name, when, SMALL[name]), st.sampled_from(NAMES), whens)


def outcome(faults, seed):
    source, clock, case = faulty(*faults, frames=FRAMES, seed=seed)
    return drain(source), source, clock, case


@settings(max_examples=150, deadline=None)
@given(st.lists(specs, max_size=4), st.integers(0, 2**32))
def test_composition_of_faults_is_the_same_for_a_seed(faults, seed):
    first, source, clock, _ = outcome(faults, seed)
    again, source_again, clock_again, _ = outcome(faults, seed)
    assert source.delivered == source_again.delivered
    assert source.lost == source_again.lost
    assert clock.now_s() == clock_again.now_s()
    for one, other in zip(first, again, strict=True):
        assert (one.sequence, one.acquired_s, one.received_s) == (other.sequence, other.acquired_s, other.received_s)
        assert one.image.tobytes() == other.image.tobytes()


@settings(max_examples=150, deadline=None)
@given(st.lists(specs, max_size=4), st.integers(0, 2**32))
def test_no_frame_is_lost_or_invented_beyond_what_is_said(faults, seed):
    frames, source, _, _ = outcome(faults, seed)
    assert [frame.sequence for frame in frames] == [frame.sequence for frame in source.delivered]
    came = Counter(frame.sequence for frame in frames)
    copies = Counter(frame.sequence for frame in source.delivered if "duplicate" in frame.faults)
    lost = Counter(source.lost)
    for sequence in range(FRAMES):
        # What duplicates add can be lost again, or itself be doubled by a second such fault.
        assert came[sequence] + lost[sequence] >= 1
        assert came[sequence] <= 1 + copies[sequence]
        if not any(spec.name == "duplicate" for spec in faults):
            assert came[sequence] + lost[sequence] == 1
    assert set(came) <= set(range(FRAMES))


@settings(max_examples=150, deadline=None)
@given(st.lists(specs, max_size=4), st.integers(0, 2**32))
def test_frame_that_no_fault_has_touched_is_as_it_was(faults, seed):
    frames, source, _, case = outcome(faults, seed)
    for frame, delivered in zip(frames, source.delivered, strict=True):
        if not delivered.faults:
            np.testing.assert_array_equal(frame.image, case.frames[frame.sequence])
            assert frame.spacing_mm == case.spacing_mm
            assert frame.plane.origin_mm == case.plane.origin_mm


@settings(max_examples=150, deadline=None)
@given(st.lists(specs, max_size=4), st.integers(0, 2**32))
def test_frames_come_at_times_that_never_go_back(faults, seed):
    frames, _, _, _ = outcome(faults, seed)
    times_s = [frame.received_s for frame in frames]
    assert times_s == sorted(times_s)


@given(whens, st.integers(0, 1000), st.integers(0, 2**32))
def test_whether_a_frame_is_touched_depends_on_nothing_but_its_number(when, sequence, seed):
    drawn = [when.draw(sequence, (seed, 0)) is None for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert when.covers(sequence) or drawn[0]
