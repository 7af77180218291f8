"""Define scenes of every size of target under large motion, and of a sudden change of state."""

from typing import Any

from benchmarks.scenes.catalogue import Scene
from benchmarks.scenes.degrade import Quality
from replay.phantom.config import TargetKind

SIZES: dict[TargetKind, str] = {
    "vessel": "vessel, 6 mm",
    "nodule": "lung nodule, 18 mm",
    "lesion": "lesion, 25 mm",
    "dome": "dome patch, 10 cm2",
    "kidney": "kidney, 27 cm2",
    "liver": "whole liver, 160 cm2",
}
"""Classes of size, from small to large."""

SEEDS = (1, 2, 3)
DURATION_S = 34.0
"""Two breath-holds with the breathing between and after them."""

IMAGE = {"matrix": (240, 200), "duration_s": DURATION_S}
MOTIONS: dict[str, dict[str, Any]] = {
    "free-forward": {"ap_ratio": 0.25},
    "free-backward": {"ap_ratio": -0.55},
    "held-forward": {"ap_ratio": 0.25, "pattern": "inhale_hold", "hold_s": 8.0, "rest_s": 6.0},
    "held-backward": {"ap_ratio": -0.55, "pattern": "inhale_hold", "hold_s": 8.0, "rest_s": 6.0},
}
"""Breathing of 38 mm, free or held at end-inhale, anterior or posterior with the breath."""

STATES: dict[str, dict[str, Any]] = {
    "into-hold": {"pattern": "inhale_hold", "begins": "rest", "hold_s": 9.0, "rest_s": 7.0},
    "jump": {"deep_breaths": [{"start_s": at_s, "duration_s": 8.0, "depth_mm": 40.0} for at_s in (8.0, 22.0)]},
}
"""Shallow breathing of 6 mm before and between holds at 46 mm, entered in 1.5 s or from one frame to the next."""

WORSE = Quality(contrast=0.5, noise=3.0, gain=1.3)


def size_scenes() -> tuple[Scene, ...]:
    """Return the scenes of all sizes: each target in the same images, as far as it can be."""
    return tuple(
        Scene(
            f"{kind}-{motion}",
            f"{what}, breathing of 38 mm",
            {"target": {"kind": kind}, "breathing": {"amplitude_mm": 38.0, **breathing}, "acquisition": IMAGE},
        )
        for motion, breathing in MOTIONS.items()
        for kind, what in SIZES.items()
    )


def state_scenes() -> tuple[Scene, ...]:
    """Return scenes in which the state of breathing and the image quality change at once."""
    shallow = {"amplitude_mm": 6.0, "ap_ratio": -0.4, "hysteresis_s": 0.0, "through_plane_ratio": 0.02}
    held = {"amplitude_mm": 46.0, "rest_share": 0.13}
    return tuple(
        Scene(
            f"{kind}-{state}",
            f"{what}, from shallow breathing to 46 mm, half the contrast, three times the noise, gain 1.3",
            {
                "target": {"kind": kind},
                "breathing": {**shallow, **breathing, **(held if "pattern" in breathing else {})},
                "acquisition": IMAGE,
            },
            quality=WORSE,
        )
        for state, breathing in STATES.items()
        for kind, what in SIZES.items()
    )
