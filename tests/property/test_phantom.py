"""Whatever the config, a phantom is whole, repeatable, and its effects do not disturb each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.phantom import make_phantom
from tests.support.phantoms import phantom, phantom_config

CONFIGS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "acquisition": st.fixed_dictionaries(
            {
                "matrix": st.tuples(st.integers(80, 100), st.integers(80, 100)),
                "pixel_mm": st.tuples(st.floats(1.6, 4.0), st.floats(1.6, 4.0)),
                "frame_rate_hz": st.floats(1.0, 8.0),
                "duration_s": st.floats(0.1, 0.6),
                "acquired_mm": st.floats(1.6, 8.0),
                "snr": st.floats(1.0, 1000.0),
                "exposure_s": st.sampled_from([0.0, 0.2]),
            }
        ),
        "lesion": st.fixed_dictionaries(
            {
                "center_mm": st.tuples(st.floats(-20.0, 10.0), st.floats(-35.0, 15.0)),
                "diameter_mm": st.floats(10.0, 40.0),
                "contrast": st.floats(-0.9, 3.0),
            }
        ),
        "breathing": st.fixed_dictionaries(
            {
                "pattern": st.sampled_from(["free", "inhale_hold", "exhale_hold"]),
                "amplitude_mm": st.floats(0.0, 30.0),
                "start_phase": st.floats(0.0, 1.0),
                "coughs": st.sampled_from([[], [{"start_s": 0.1}]]),
            }
        ),
    }
)

EFFECTS = st.sampled_from(
    [
        {"breathing": {"coughs": [{"start_s": 1.5}]}},
        {"breathing": {"deep_breaths": [{"start_s": 1.5}]}},
        {"breathing": {"out_of_plane": [{"start_s": 1.5}]}},
        {"acquisition": {"duration_s": 3.0}},
        {"artefacts": {"whitening": 0.4, "whitening_s": 3600.0}},
    ]
)


@settings(max_examples=4, deadline=None)
@given(CONFIGS)
def test_every_phantom_is_whole(config):
    made = phantom(**config)
    recording = made.recording
    frames = recording.times_s.size
    assert recording.frames.shape == recording.labels.shape == (frames, *config["acquisition"]["matrix"])
    assert recording.frames.dtype == np.uint16
    assert recording.first_mask.any()
    assert len(made.contours) == len(made.displacement_mm) == len(made.visible) == len(made.signal_mm) == frames
    assert np.isfinite(made.contours).all()
    assert not made.displacement_mm[0].any()
    np.testing.assert_array_equal(made.visible, recording.labels.any(axis=(1, 2)))


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_bytes(seed):
    first, second = (make_phantom(phantom_config(seed=seed)) for _ in range(2))
    assert first.recording.frames.tobytes() == second.recording.frames.tobytes()
    assert np.array(first.contours).tobytes() == np.array(second.contours).tobytes()
    other = phantom(seed=(seed + 1) % 2**32)
    assert first.recording.frames.tobytes() != other.recording.frames.tobytes()


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32 - 1), EFFECTS)
def test_an_effect_leaves_the_frames_before_it_as_they_were(seed, effect):
    plain, changed = phantom(seed=seed), phantom(seed=seed, **effect)
    before = plain.recording.times_s < 1.5
    np.testing.assert_allclose(np.array(plain.contours)[before], np.array(changed.contours)[: before.sum(), ...])
    difference = changed.recording.frames[: before.sum()].astype(int) - plain.recording.frames[before]
    assert np.abs(difference).max() <= 2
