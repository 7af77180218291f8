"""A phantom's config is checked before anything is drawn, and each refusal is one clear line."""

import pytest

from gatekeeper.config import load_toml
from gatekeeper.core.errors import ConfigError
from replay.phantom import PhantomConfig
from tests.support.phantoms import phantom, phantom_config

SCENE = """
name = "deep_breath"
seed = 7

[breathing]
pattern = "inhale_hold"

[[breathing.deep_breaths]]
start_s = 12.0
depth_mm = 55

[[breathing.out_of_plane]]
start_s = 20.5

[acquisition]
matrix = [128, 96]
pixel_mm = [3.5, 3.5]
"""


def test_a_scene_is_read_from_toml(tmp_path):
    path = tmp_path / "scene.toml"
    path.write_text(SCENE, encoding="utf-8")
    config = load_toml(path, PhantomConfig)
    assert (config.name, config.seed, config.acquisition.matrix) == ("deep_breath", 7, (128, 96))
    assert config.breathing.deep_breaths[0].depth_mm == 55.0
    assert config.breathing.out_of_plane[0].duration_s == 2.0
    assert config.lesion == PhantomConfig().lesion


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"acquisition": {"matrix": (16, 64)}}, "acquisition.matrix"),
        ({"acquisition": {"pixel_mm": (0.1, 1.0)}}, "acquisition.pixel_mm"),
        ({"acquisition": {"frame_rate_hz": 0.0}}, "acquisition.frame_rate_hz"),
        ({"acquisition": {"matrix": (1024, 1024), "duration_s": 3600.0}}, "shorten duration_s"),
        ({"breathing": {"pattern": "shallow"}}, "breathing.pattern"),
        ({"breathing": {"coughs": [{"start_s": 1.0, "depth_mm": 3.0}]}}, "depth_mm"),
        ({"lesion": {"contrast": float("nan")}}, "lesion.contrast"),
        ({"target": {"kind": "spleen"}}, "target.kind"),
        ({"target": {"kind": "nodule", "nodule_diameter_mm": 80.0}}, "target.nodule_diameter_mm"),
        ({"target": {"kind": "vessel"}, "tissue": {"vessel_contrast": 0.0}}, "tissue.vessel_contrast"),
        ({"breathing": {"amplitude_mm": 61.0}}, "breathing.amplitude_mm"),
        ({"name": "../elsewhere"}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_setting_is_named_in_one_line(changes, named):
    with pytest.raises(ConfigError, match=named) as raised:
        phantom_config(**changes)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lesion": {"center_mm": (-75.0, 0.0)}}, "out of the liver"),
        ({"lesion": {"center_mm": (0.0, 45.0)}}, "out of the liver"),
        ({"lesion": {"diameter_mm": 70.0, "center_mm": (30.0, 0.0)}}, "out of the liver"),
        ({"acquisition": {"center_mm": (150.0, 0.0)}}, "acquisition.center_mm"),
        ({"target": {"kind": "kidney"}, "acquisition": {"center_mm": (-60.0, 0.0)}}, "acquisition.center_mm"),
        ({"breathing": {"out_of_plane": [{"start_s": 0.0, "ramp_s": 0.0}]}}, "begin in the plane"),
        (
            {"breathing": {"drift_mm_per_min": 10.0}, "acquisition": {"duration_s": 3000.0, "frame_rate_hz": 0.5}},
            "90 mm",
        ),
    ],
)
def test_a_scene_that_cannot_be_is_refused_in_one_line(changes, said):
    with pytest.raises(ConfigError, match=said) as raised:
        phantom(**changes)
    assert "\n" not in str(raised.value)
