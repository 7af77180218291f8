"""Make small phantoms in a fraction of a second."""

from functools import lru_cache

import numpy as np

from gatekeeper.config import build
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.acquisition import pixel_positions_mm

STILL = {"amplitude_mm": 0.0, "drift_mm_per_min": 0.0, "irregular_mm": 0.0, "cardiac_mm": 0.0}
FLAT = {"banding": 0.0, "shading": 0.0, "flicker": 0.0, "inflow": 0.0}
PLAIN = {"texture": 0.0, "vessel_contrast": 0.0}


def phantom_config(**changes):
    """Return a config of 64 x 64 pixels and 12 frames; `changes` are fields, or dicts of fields of a part."""
    acquisition = {"matrix": (64, 64), "duration_s": 2.0, **changes.pop("acquisition", {})}
    return build(PhantomConfig, {"acquisition": acquisition, **changes}, "test")


@lru_cache(maxsize=24)
def _made(config):
    return make_phantom(config)


def phantom(**changes):
    """Return a phantom that may be shared with other tests; do not write into it."""
    return _made(phantom_config(**changes))


def clear_phantom(**changes):
    """Return a phantom without noise, texture, vessels and artefacts: liver of 200, lesion, and organs around."""
    parts = {
        "acquisition": {"snr": 1000.0, "slice_mm": 1.0},
        "artefacts": FLAT,
        "tissue": PLAIN,
        "lesion": {"texture": 0.0},
    }
    for name, fields in changes.items():
        parts[name] = {**parts.get(name, {}), **fields}
    return phantom(**parts)


def scene_mm(made):
    """Return where the pixel centres lie in the scene, as (H, 1) rows and (1, W) columns in mm."""
    acquisition = made.config.acquisition
    return pixel_positions_mm(acquisition, 0)[:, None], pixel_positions_mm(acquisition, 1)[None, :]


def brightness(image, made, row_mm, col_mm, radius_mm=4.0):
    """Return the mean of an image around a place of the scene."""
    row, col = scene_mm(made)
    return float(np.mean(image[np.hypot(row - row_mm, col - col_mm) < radius_mm]))


def errors_mm(tracker, made, order=slice(None)):
    """Return how far each displacement from the first of the frames, in that order, is from the true one, in mm."""
    centers_mm = np.array([tracker.track(frame).center_mm for frame in made.recording.frames[order]])
    truth_mm = made.displacement_mm[order]
    return np.hypot(*(centers_mm - centers_mm[0] - truth_mm).T)
