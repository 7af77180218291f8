"""What learning is for: the target is found closer to where it is."""

import numpy as np
import pytest

from gatekeeper.config import build
from gatekeeper.tracking.preview import learn as learning
from gatekeeper.tracking.tracker import Tracker
from replay.formats.trackrad import open_case
from replay.phantom import PhantomConfig, make_phantom
from replay.scores.tracking import score_frame
from tests.support.phantoms import errors_mm, phantom

pytestmark = pytest.mark.slow

PREVIEW_S = 20.0
CASES = ["B1_v", "B2_v", "A1_d", "B1_d", "B2_d"]


def compared(made, preview):
    """Return the mean error from the first frame alone and after a preview, and the report."""
    recording = made.recording
    alone, taught = (Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm) for _ in range(2))
    told = taught.learn(recording.frames[:preview])
    return errors_mm(alone, made).mean(), errors_mm(taught, made).mean(), told


def test_on_the_phantom_twenty_seconds_of_preview_bring_it_to_a_quarter_of_a_millimetre():
    made = make_phantom(build(PhantomConfig, {"seed": 1, "acquisition": {"snr": 20.0, "duration_s": 80.0}}, "test"))
    alone_mm, taught_mm, preview = compared(made, 120)
    assert taught_mm <= 0.25
    assert taught_mm < 0.75 * alone_mm
    assert preview.go


def banded(**artefacts):
    return phantom(acquisition={"matrix": (96, 80), "duration_s": 15.0}, artefacts=artefacts)


def test_strong_banding_is_found_on_a_phantom_and_evened_out(monkeypatch):
    made = phantom(seed=6, acquisition={"matrix": (176, 140), "duration_s": 40.0}, artefacts={"banding": 0.4})
    alone_mm, taught_mm, preview = compared(made, 120)
    assert preview.evened
    assert taught_mm < alone_mm
    monkeypatch.setattr(learning, "with_bias_field", lambda model, frames: None)
    _, uneven_mm, preview = compared(made, 120)
    assert not preview.evened
    assert taught_mm < 0.7 * uneven_mm


@pytest.mark.parametrize("flicker", [0.02, 0.5])
def test_without_banding_nothing_is_evened_out_on_a_phantom(flicker):
    alone_mm, taught_mm, preview = compared(banded(banding=0.0, flicker=flicker), 60)
    assert not preview.evened
    assert taught_mm < alone_mm


def test_on_real_sequences_a_preview_does_no_harm(cine):
    alone_mm, taught_mm = [], []
    for name in CASES:
        case = open_case(cine / name)
        shape = case.frames.shape[1:]
        for found_mm, preview in ((alone_mm, False), (taught_mm, True)):
            tracker = Tracker(case.frames[0], case.first_mask, case.spacing_mm)
            if preview:
                tracker.learn(case.frames[case.times_s < PREVIEW_S])
            tracks = [tracker.track(frame) for frame in case.frames]
            # The first label is given and not scored.
            labelled = np.flatnonzero(case.labels.any(axis=(1, 2)))[1:]
            found_mm += [
                score_frame(tracks[i].mask(shape), case.labels[i], case.spacing_mm).center_mm for i in labelled
            ]
    assert len(taught_mm) > 400
    assert np.mean(taught_mm) <= np.mean(alone_mm) + 0.01
