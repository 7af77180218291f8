"""A phantom on disk is a TrackRAD case, with its truth and its config beside it."""

import json

import numpy as np
import pytest

from gatekeeper.config import load_toml
from gatekeeper.core.errors import ConfigError
from replay.formats.trackrad import open_case
from replay.phantom import PhantomConfig, make_phantom, write_phantom
from tests.support.phantoms import phantom_config


def test_a_written_phantom_is_read_back_with_its_truth(tmp_path):
    config = phantom_config(name="deep", breathing={"deep_breaths": [{"start_s": 1.0}]})
    folder = write_phantom(config, tmp_path / "deep")
    made, read = make_phantom(config), open_case(folder)
    np.testing.assert_array_equal(read.frames, made.recording.frames)
    np.testing.assert_array_equal(read.labels, made.recording.labels)
    assert read.frames.dtype == np.uint16
    assert (read.name, read.spacing_mm, read.field_strength_t) == ("deep", (1.8, 1.8), 0.35)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(truth["contours_rc"], made.contours, atol=1e-4)
    np.testing.assert_allclose(truth["displacement_mm"], made.displacement_mm, atol=1e-4)
    assert truth["visible"] == made.visible.tolist()


def test_the_config_on_disk_makes_the_same_phantom_again(tmp_path):
    config = phantom_config(breathing={"coughs": [{"start_s": 1.0}]}, lesion={"center_mm": (0.0, 1.5)})
    folder = write_phantom(config, tmp_path / "again")
    assert load_toml(folder / "phantom.toml", PhantomConfig) == config


def test_nothing_is_written_of_a_scene_that_cannot_be(tmp_path):
    with pytest.raises(ConfigError):
        write_phantom(phantom_config(lesion={"center_mm": (-75.0, 0.0)}), tmp_path / "never")
    assert not list(tmp_path.iterdir())
