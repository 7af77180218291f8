"""One preview with shallow breathing and breath-holds: both are learned from, told of, and followed afterwards."""

import numpy as np
import pytest
from scipy import ndimage

from gatekeeper.tracking.tracker import Tracker
from tests.support.phantoms import phantom

pytestmark = pytest.mark.slow

HOLD_MM, SHALLOW_MM = 28.0, 5.0
PART_S, RATE_HZ = 30.0, 6.0
SHALLOW_FRAMES, HOLD_FRAMES = 120, 60


def state(seed, **breathing):
    """Return frames of one state of the same anatomy, and where the target's centre is on them, in mm."""
    made = phantom(
        seed=seed,
        acquisition={"matrix": (176, 140), "duration_s": PART_S, "frame_rate_hz": RATE_HZ},
        breathing={"drift_mm_per_min": 0.0, **breathing},
    )
    recording = made.recording
    centers = [ndimage.center_of_mass(label) for label in recording.labels]
    return recording, np.array(centers) * recording.spacing_mm


@pytest.fixture(scope="module", params=[1, 2])
def both(request):
    shallow, shallow_mm = state(request.param, amplitude_mm=SHALLOW_MM)
    held, held_mm = state(request.param, amplitude_mm=HOLD_MM, pattern="inhale_hold", hold_s=60.0)
    frames = np.concatenate([shallow.frames[:SHALLOW_FRAMES], held.frames[1 : 1 + HOLD_FRAMES]])
    places_mm = np.concatenate([shallow_mm[:SHALLOW_FRAMES], held_mm[1 : 1 + HOLD_FRAMES]])
    tracker = Tracker(shallow.frames[0], shallow.first_mask, shallow.spacing_mm)
    report = tracker.learn(frames)
    later = [(shallow.frames[SHALLOW_FRAMES:], shallow_mm[SHALLOW_FRAMES:]), (held.frames[61:], held_mm[61:])]
    return tracker, report, places_mm - shallow_mm[0], later


def test_the_report_tells_of_both_states(both):
    _, report, moves_mm, _ = both
    assert report.go
    shallow, held = report.apart
    assert shallow.share == pytest.approx(SHALLOW_FRAMES / (SHALLOW_FRAMES + HOLD_FRAMES), abs=0.03)
    for one, part_mm in ((shallow, moves_mm[:SHALLOW_FRAMES]), (held, moves_mm[SHALLOW_FRAMES:])):
        ends = np.percentile(part_mm, (10.0, 90.0), axis=0)
        assert one.row_mm == pytest.approx(tuple(ends[:, 0]), abs=1.0)
        # Along AP a deep breath is drawn towards the reference by 1.3 mm on the second anatomy.
        assert one.col_mm == pytest.approx(tuple(ends[:, 1]), abs=1.6)
    assert sum("mm on" in line for line in report.as_text().splitlines()) == 2


def test_a_template_stands_for_each_state(both):
    _, report, moves_mm, _ = both
    assert min(report.states_mm) < moves_mm[:SHALLOW_FRAMES, 0].max() + 1.0
    assert max(report.states_mm) == pytest.approx(float(np.median(moves_mm[SHALLOW_FRAMES:, 0])), abs=1.5)


def test_both_states_are_followed_afterwards(both):
    tracker, _, _, later = both
    away_mm, sure = [], []
    for _ in range(2):
        for frames, places_mm in later:
            tracks = [tracker.track(frame) for frame in frames[:30]]
            centers_mm = np.array([one.center_mm for one in tracks])
            away_mm += np.hypot(*(centers_mm - places_mm[:30]).T).tolist()
            sure += [one.confidence >= 0.5 for one in tracks]
    assert np.mean(away_mm) < 1.0
    assert np.percentile(away_mm, 95.0) < 2.0
    assert np.mean(sure) > 0.9
