"""Compute the scores of TrackRAD2025 as the organisers' code does, with all its particularities.

Method: the evaluation code of the challenge, https://github.com/LMUK-RADONC-PHYS-RES/trackrad2025. It counts in pixels,
in single precision, and its surface distance is one-sided; docs/reference/trackrad.md lists the differences from the
other scores.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replay.scores.dose import d98_relative
from replay.scores.tracking import center_px, surface_distances_mm

PIXEL = (1.0, 1.0)
"""Spacing that the challenge's code assumes for all images, in mm."""


@dataclass(frozen=True, slots=True)
class OfficialScore:
    """Scores of one case by the challenge's code; the names are the challenge's.

    Attributes
    ----------
    dice_similarity_coefficient : float
        Mean over the frames, 0-1.
    hausdorff_distance_95 : float
        Mean of the larger of the two directed 95th percentiles of the surface distance, in pixels.
    surface_distance_average : float
        Mean surface distance from the prediction to the truth, in pixels.
    center_distance : float
        Mean distance of the centres of mass, in pixels.
    relative_d98_dose : float
        See :func:`replay.scores.dose.d98_relative`.
    """

    dice_similarity_coefficient: float
    hausdorff_distance_95: float
    surface_distance_average: float
    center_distance: float
    relative_d98_dose: float


def official_score(
    predicted: Iterable[NDArray[np.bool_]], labels: Iterable[NDArray[np.bool_]], region: str | None
) -> OfficialScore:
    """Score the masks of one case as the challenge does.

    Parameters
    ----------
    predicted, labels : ndarray of bool, shape (T, H, W), or as many masks (H, W)
        The tracked and the true target on every frame; frames whose label is empty are left out.
    region : str or None
        Scanned region; the penumbra is wider in the "lung".

    Returns
    -------
    OfficialScore
        NaN where no frame is left for a mean; infinite where the truth or the prediction lies completely in columns
        that the challenge's code cuts off.
    """
    found, lost, errors_px, target = [], 0, [], None
    for mask, label in zip(predicted, labels, strict=True):
        if not label.any():
            continue
        target = label if target is None else target
        errors_px.append(center_px(mask) - center_px(label))
        if mask.any():
            found.append(_frame(mask, label))
        else:
            lost += 1
    if target is None:
        return OfficialScore(math.nan, math.nan, math.nan, math.nan, math.nan)
    longer_px = max(target.shape)
    # The challenge leaves out the first scored frame. Frames without a prediction come last, so that this is the first
    # frame with a prediction.
    scored = np.array(found + [(0.0, longer_px, longer_px, longer_px)] * lost, dtype=np.float64)[1:]
    dsc, hd95_px, masd_px, off_px = scored.mean(axis=0).tolist() if len(scored) else [math.nan] * 4
    return OfficialScore(dsc, hd95_px, masd_px, off_px, d98_relative(target, np.array(errors_px), PIXEL, region))


def _frame(mask: NDArray[np.bool_], label: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Return DSC, HD95, mean surface distance to the truth, and distance of the centres, in px."""
    overlap = 2 * np.count_nonzero(mask & label) / (np.count_nonzero(mask) + np.count_nonzero(label))
    off_px = float(np.linalg.norm(center_px(label) - center_px(mask)))
    # The challenge's code cuts columns off at the number of rows, which affects images wider than high.
    high = mask.shape[0]
    mask, label = mask[:, :high], label[:, :high]
    if not (mask.any() and label.any()):
        return float(np.float32(overlap)), math.inf, math.inf, off_px
    forth_px = surface_distances_mm(mask, label, PIXEL).astype(np.float32)
    back_px = surface_distances_mm(label, mask, PIXEL).astype(np.float32)
    worst_px = max(np.quantile(forth_px, 0.95), np.quantile(back_px, 0.95))
    return float(np.float32(overlap)), float(np.float32(worst_px)), float(forth_px.mean()), off_px
