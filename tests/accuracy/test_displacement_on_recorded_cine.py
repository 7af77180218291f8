"""The displacement inside a large target on real cine-MR, at labelled small structures inside it.

The target is an ellipse over the liver. The labels play no part in tracking; they were made independently of it.
"""

import numpy as np
import pytest

from gatekeeper.core.contour import center_mm, mask_to_contour
from gatekeeper.tracking.tracker import Tracker
from replay.formats.trackrad import open_case

pytestmark = pytest.mark.slow

LIVERS = {
    "A1": ((139.0, 156.0), (51.0, 51.0)),
    "A2": ((139.0, 140.0), (58.0, 55.0)),
    "A3": ((182.0, 207.0), (50.0, 42.0)),
    "A4": ((155.0, 157.0), (55.0, 52.0)),
    "B1": ((233.0, 111.0), (40.0, 36.0)),
    "B2": ((221.0, 133.0), (44.0, 50.0)),
}
"""Middle and semi-axes of an ellipse over the liver on the first frame, along rows and columns in mm."""
VESSELS = ["A1_v", "A2_v", "A3_v", "A4_v", "B1_v"]
DOMES = ["A1_d", "A2_d", "B2_d"]
"""Patches of the dome, whose labels are good along SI only."""


def ellipse(name, shape, spacing_mm):
    """Return the mask of the liver of a sequence."""
    middle_mm, semi_mm = LIVERS[name]
    down, right = (
        (grid * step - middle) / semi
        for grid, step, middle, semi in zip(np.indices(shape), spacing_mm, middle_mm, semi_mm, strict=True)
    )
    return np.square(down) + np.square(right) <= 1.0


def errors_mm(case):
    """Return (SI, AP) from label to structure on each labelled frame, and whether the large target was sure there."""
    mask = ellipse(case.name[:2], case.frames.shape[1:], case.spacing_mm)
    tracker = Tracker(case.frames[0], mask, case.spacing_mm)
    small_px = mask_to_contour(case.first_mask)
    away_mm, sure = [], []
    for index, frame in enumerate(case.frames):
        track = tracker.track(frame)
        if index == 0 or not case.labels[index].any():
            continue
        moved_mm = track.displacement_mm(small_px * case.spacing_mm)
        assert np.isfinite(moved_mm).all()
        there_mm = center_mm(small_px + moved_mm / case.spacing_mm, case.spacing_mm)
        away_mm.append(np.subtract(there_mm, center_mm(mask_to_contour(case.labels[index]), case.spacing_mm)))
        sure.append(track.confidence >= 0.5)
    return np.array(away_mm), np.array(sure)


@pytest.fixture(scope="module")
def errors(cine):
    found = {}

    def get(name):
        if name not in found:
            found[name] = errors_mm(open_case(cine / name))
        return found[name]

    return get


def sure_mm(errors, name):
    """Return (SI, AP) on the frames on which the large target is sure."""
    away_mm, sure = errors(name)
    return away_mm[sure]


@pytest.mark.parametrize("name", VESSELS)
def test_vessels_inside_a_large_target_are_where_their_labels_are(errors, name):
    """Measured 0.36 to 0.59 mm, at the 95th percentile 0.8 to 1.3 mm; a tracker of the vessels alone has 0.4 mm."""
    away_mm = np.hypot(*sure_mm(errors, name).T)
    assert away_mm.mean() < 0.8
    assert np.percentile(away_mm, 95.0) < 1.6


@pytest.mark.parametrize("name", DOMES)
def test_the_dome_of_a_large_target_is_where_its_label_is_along_si(errors, name):
    """Measured 0.18 to 0.63 mm."""
    si_mm = np.abs(sure_mm(errors, name)[:, 0])
    assert si_mm.mean() < 0.8
    assert np.percentile(si_mm, 95.0) < 1.8


def test_a_large_target_is_sure_on_most_frames(errors):
    """Measured 99 %; 98 % on A4, which begins in a deep breath."""
    assert np.mean(np.concatenate([errors(name)[1] for name in VESSELS])) > 0.95
