"""Score tracked masks against labels: overlap, surface distances, centre distance and dose.

Metrics: Maier-Hein et al., Metrics reloaded, Nature Methods 21 (2024), as the TrackRAD2025 challenge uses them,
in millimetres. Frame 0, whose mask is given, and frames without a label are not scored.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import cut_out
from gatekeeper.core.errors import InputError
from replay.recording import Recording
from replay.scores.dose import d98_relative, d98_unbinarised

_MOST_PAIRS = 1 << 14
"""Most pairs of points that are compared one by one; to import SciPy's trees takes as long as a short case."""


@dataclass(frozen=True, slots=True)
class FrameScore:
    """Scores of one mask against its label.

    Attributes
    ----------
    sequence : int
        Index of the frame in the recording.
    dsc : float
        Dice similarity coefficient, 0-1.
    hd95_mm : float
        The larger of the two directed 95th percentiles of the surface distance.
    masd_mm : float
        Mean of the two directed mean surface distances.
    center_mm : float
        Distance of the centres of mass, in mm.
    """

    sequence: int
    dsc: float
    hd95_mm: float
    masd_mm: float
    center_mm: float


@dataclass(frozen=True, slots=True)
class Score:
    """Scores of the masks of one recording against its labels: means over the scored frames.

    Attributes
    ----------
    frames_scored : int
        Number of labelled frames except frame 0.
    dsc, hd95_mm, masd_mm, center_mm : float
        Means of the fields of :class:`FrameScore`.
    center_p95_mm : float
        95th percentile of the centre distance over the frames.
    d98_relative, d98_unbinarised : float
        See the functions of these names in :mod:`replay.scores.dose`; frame 0 is included.
    frames : tuple of FrameScore
        The scored frames, in order.
    frames_not_tracked : int
        Number of scored frames on which no target was looked for, as the frame was not fit for it; they count as lost.
    dsc_tracked : float
        Mean of `dsc` over the other scored frames; NaN when there are none.
    """

    frames_scored: int
    dsc: float
    hd95_mm: float
    masd_mm: float
    center_mm: float
    center_p95_mm: float
    d98_relative: float
    d98_unbinarised: float
    frames: tuple[FrameScore, ...]
    frames_not_tracked: int
    dsc_tracked: float


def score(
    predicted: Iterable[NDArray[np.bool_]], recording: Recording, not_tracked: Collection[int] = ()
) -> Score | None:
    """Score tracked masks against the labels of a recording.

    Parameters
    ----------
    predicted : ndarray of bool, shape (T, H, W), or an iterable of T masks (H, W)
        The tracked target on every frame; an empty mask means that it was not found.
    recording : Recording
        The recording, whose labels are the truth.
    not_tracked : collection of int
        Indices of frames on which no target was looked for; they are scored as lost, and counted.

    Returns
    -------
    Score or None
        None when the recording has no label after frame 0.

    Raises
    ------
    InputError
        When the masks differ from the frames in number or size.
    """
    labels = recording.labels
    if labels is None:
        return None
    labelled = [bool(label.any()) for label in labels]
    if not any(labelled[1:]):
        return None
    frames: list[FrameScore] = []
    center_errors_px: list[NDArray[np.float64]] = []
    sequence = -1
    for sequence, mask in enumerate(predicted):
        if sequence >= len(labels) or mask.shape != labels.shape[1:]:
            raise InputError(
                f"mask {sequence} for {recording.name} is {mask.shape} pixels, there are {len(labels)} labels "
                f"of {labels.shape[1:]}; give one mask per frame, of its size"
            )
        label = labels[sequence]
        if labelled[sequence]:
            center_errors_px.append(center_px(mask) - center_px(label))
            if sequence > 0:
                frames.append(score_frame(mask, label, recording.spacing_mm, sequence))
    if sequence + 1 != len(labels):
        raise InputError(f"{sequence + 1} masks for the {len(labels)} frames of {recording.name}; give one per frame")
    target = labels[labelled.index(True)] if recording.first_mask is None else recording.first_mask
    tracked = [frame.dsc for frame in frames if frame.sequence not in not_tracked]
    errors_px, center_mm = np.array(center_errors_px), np.array([frame.center_mm for frame in frames])
    return Score(
        frames_scored=len(frames),
        dsc=float(np.mean([frame.dsc for frame in frames])),
        hd95_mm=float(np.mean([frame.hd95_mm for frame in frames])),
        masd_mm=float(np.mean([frame.masd_mm for frame in frames])),
        center_mm=float(center_mm.mean()),
        center_p95_mm=float(np.quantile(center_mm, 0.95)),
        d98_relative=d98_relative(target, errors_px, recording.spacing_mm, recording.region),
        d98_unbinarised=d98_unbinarised(target, errors_px, recording.spacing_mm, recording.region),
        frames=tuple(frames),
        frames_not_tracked=len(frames) - len(tracked),
        dsc_tracked=float(np.mean(tracked)) if tracked else math.nan,
    )


def score_frame(
    predicted: NDArray[np.bool_], label: NDArray[np.bool_], spacing_mm: tuple[float, float], sequence: int = 0
) -> FrameScore:
    """Score one mask against its label.

    Parameters
    ----------
    predicted, label : ndarray of bool, shape (H, W)
        The label must not be empty. An empty `predicted` scores no overlap and the longer side of the image as
        distance, as in TrackRAD2025.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    sequence : int
        Index of the frame, stored in the score.

    Returns
    -------
    FrameScore
    """
    if not predicted.any():
        lost_mm = float(np.max(np.multiply(label.shape, spacing_mm)))
        return FrameScore(sequence, 0.0, lost_mm, lost_mm, lost_mm)
    edges_px = _edge_px(predicted), _edge_px(label)
    forth_mm, back_mm = _nearest_mm(*edges_px, spacing_mm), _nearest_mm(*edges_px[::-1], spacing_mm)
    overlap = np.count_nonzero(predicted & label)
    return FrameScore(
        sequence=sequence,
        dsc=2.0 * overlap / (np.count_nonzero(predicted) + np.count_nonzero(label)),
        hd95_mm=float(max(np.quantile(forth_mm, 0.95), np.quantile(back_mm, 0.95))),
        masd_mm=float(forth_mm.mean() + back_mm.mean()) / 2.0,
        center_mm=math.hypot(*(center_px(predicted) - center_px(label)) * spacing_mm),
    )


def surface_distances_mm(
    mask: NDArray[np.bool_], other: NDArray[np.bool_], spacing_mm: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the distance from each edge pixel of `mask` to the nearest edge pixel of `other`, in mm.

    Edge pixels are those removed by erosion with a cross; the border of the image counts as outside.

    Parameters
    ----------
    mask, other : ndarray of bool, shape (H, W)
        Masks, neither of them empty.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.

    Returns
    -------
    ndarray of float64, shape (N,)
    """
    return _nearest_mm(_edge_px(mask), _edge_px(other), spacing_mm)


def _nearest_mm(
    points_px: NDArray[np.float64], others_px: NDArray[np.float64], spacing_mm: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the distance from each point to the nearest of others, in mm."""
    points_mm, others_mm = points_px * spacing_mm, others_px * spacing_mm
    if len(points_mm) * len(others_mm) > _MOST_PAIRS:
        from scipy.spatial import KDTree

        nearest_mm, _ = KDTree(others_mm).query(points_mm)
        return np.asarray(nearest_mm, dtype=np.float64)
    rows_mm, cols_mm = (np.subtract.outer(points_mm[:, axis], others_mm[:, axis]) for axis in (0, 1))
    nearest_mm2 = (rows_mm * rows_mm + cols_mm * cols_mm).min(axis=1)
    return np.asarray(np.sqrt(nearest_mm2), dtype=np.float64)


def _edge_px(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the edge pixels as (row, col), in order."""
    box, cut = cut_out(mask)
    deep = cut[:-2, 1:-1] & cut[2:, 1:-1] & cut[1:-1, :-2] & cut[1:-1, 2:]
    edge_px = np.argwhere(cut[1:-1, 1:-1] & ~deep).astype(np.float64)
    edge_px += [side.start for side in box]
    return edge_px


def center_px(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the centre of mass of a mask (H, W) as (row, col) in px; NaN for an empty mask."""
    if not mask.any():
        return np.full(2, math.nan)
    box, cut = cut_out(mask)
    # Sums of whole numbers, without rounding.
    pixels = np.argwhere(cut) + [side.start - 1 for side in box]
    return np.asarray(pixels.sum(axis=0) / len(pixels), dtype=np.float64)
