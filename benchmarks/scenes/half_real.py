"""Make half-real cases: recorded frames pushed along a larger motion than they show, with the truth pushed alike.

Frame t of a recording, I_t, becomes I_t(inverse of push_t), and what the reference motion takes from X to x_t goes to
push_t(x_t). Image and truth are exact up to the reference motion of the recording itself. That is known at the points
of the labelled structures; between and beside them the displacement is taken as the structure's mean plus a gradient
in proportion to it, fitted over all labelled frames, plus what is left at the structure's outline and fades with the
distance from it (`RecordedMotion`). Between labelled frames, of which there is about one in six, it is interpolated:
good enough to tell whether the target is found, and left out of accuracies. Nothing is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from benchmarks.scenes.degrade import Quality, degraded
from benchmarks.scenes.push import Field, State
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.errors import InputError
from kernels.polygon import fill
from replay.recording import Recording

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMALLEST_DETERMINANT = 0.1
"""Tissue is compressed to no less than this share of its area; below it a push is refused."""

KERNEL_MM, RIDGE = 15.0, 0.1
"""Reach of what the gradient leaves over at the labelled outline, and its regularisation."""

CHECK_MM = 4.0
"""Pitch of the points at which the push is checked."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A breath-hold.

    Attributes
    ----------
    start_s, duration_s, ramp_s : float
        When it begins, how long it lasts ramps included, and the length of each ramp; 0 is a jump.
    share : float
        Depth, as a share of the full push.
    quality : Quality
        Image quality in it.
    """

    start_s: float
    duration_s: float
    ramp_s: float = 0.5
    share: float = 1.0
    quality: Quality = field(default_factory=Quality)

    def depth(self, times_s: Array) -> Array:
        """Return 0-1, how far the hold has been entered at each time."""
        edge_s = np.minimum(times_s - self.start_s, self.start_s + self.duration_s - times_s)
        part = np.clip(edge_s / self.ramp_s, 0.0, 1.0) if self.ramp_s else (edge_s >= 0.0).astype(np.float64)
        return np.asarray(part * part * (3.0 - 2.0 * part))


HOLDS = (
    Hold(8.0, 9.0),
    Hold(23.0, 9.0, share=0.9, quality=Quality(gain=1.3)),
)
"""Shallow breathing for 8 s, a hold, shallow breathing, and a hold of another depth with a step of gain."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedMotion:
    """Reference motion of a recording at any point.

    Parameters
    ----------
    outlines_px : ndarray of float64, shape (T, K, 2)
        Material outline of a structure on each frame, interpolated where it was not labelled.
    gradient : ndarray of float64, shape (2, 2)
        Gradient of the displacement, per displacement along rows.
    spacing_mm : tuple of float
        Pixel spacing.
    """

    outlines_px: Array
    gradient: Array
    spacing_mm: tuple[float, float]

    def displaced(self, points_px: Array) -> Array:
        """Return points (N, 2) of the first frame on each frame, (T, N, 2) in px."""
        spacing_mm = np.array(self.spacing_mm)
        points_mm, outlines_mm = points_px * spacing_mm, self.outlines_px * spacing_mm
        begin_mm = outlines_mm[0]
        middle_mm = begin_mm.mean(axis=0)
        moved_mm = outlines_mm - begin_mm
        mean_mm = moved_mm.mean(axis=1)
        slope = mean_mm[:, :1, None] * self.gradient
        left_mm = moved_mm - mean_mm[:, None] - np.einsum("kx,txy->tky", begin_mm - middle_mm, slope)
        weights = _kernel(points_mm, begin_mm) @ np.linalg.inv(
            _kernel(begin_mm, begin_mm) + RIDGE * np.eye(len(begin_mm))
        )
        smooth_mm = mean_mm[:, None] + np.einsum("nx,txy->tny", points_mm - middle_mm, slope)
        return np.asarray((points_mm + smooth_mm + np.einsum("nk,tky->tny", weights, left_mm)) / spacing_mm)


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A labelled structure of a recording.

    Attributes
    ----------
    outlines_px : ndarray of float64, shape (T, K, 2)
        Its outline, whose points follow the tissue; NaN on frames without label.
    """

    outlines_px: Array

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Whether each frame has a label, shape (T,)."""
        return np.asarray(~np.isnan(self.outlines_px).any(axis=(1, 2)))

    def between(self) -> Array:
        """Return the outline on every frame, interpolated in time and constant beyond the last label."""
        known = np.flatnonzero(self.labelled)
        if len(known) == 1:
            return np.broadcast_to(self.outlines_px[known[0]], self.outlines_px.shape).copy()
        frames = np.clip(np.arange(len(self.outlines_px)), known[0], known[-1])
        return np.asarray(PchipInterpolator(known, self.outlines_px[known])(frames))


@dataclass(frozen=True, slots=True, eq=False)
class HalfReal:
    """A half-real case and its truth.

    Attributes
    ----------
    recording : Recording
        Frames, first mask, and labels on the frames with reference motion; others are empty.
    outlines_px : ndarray of float64, shape (T, N, 2)
        Where the points of the first mask's outline are on each frame, also between labelled frames.
    labelled : ndarray of bool, shape (T,)
        Whether the reference motion of the frame is known and not interpolated.
    landmarks_px : dict of str to ndarray of float64, shape (T, K, 2)
        Points of the labelled structures on each frame; NaN where not labelled.
    depth : ndarray of float64, shape (T,)
        Depth of the hold, 0-1.
    """

    recording: Recording
    outlines_px: Array
    labelled: NDArray[np.bool_]
    landmarks_px: dict[str, Array]
    depth: Array


def half_real(
    recording: Recording,
    structures: Mapping[str, Structure],
    mask: Mask,
    motion_field: Field,
    furthest: State,
    holds: Sequence[Hold] = HOLDS,
    seed: int = 1,
) -> HalfReal:
    """Push a recording along a larger motion and return it with its truth; nothing is stored.

    Parameters
    ----------
    recording : Recording
        Recorded frames.
    structures : mapping of str to Structure
        Labelled structures with their reference motion. The first one carries the motion of the target; the others
        are used for the gradient along rows and as landmarks.
    mask : ndarray of bool, shape (H, W)
        Target on the first frame, such as an ellipse over the liver.
    motion_field : Field
        The push.
    furthest : State
        The push at full depth.
    holds : sequence of Hold
        When the push is applied, and the image quality then. None may begin with the recording.
    seed : int
        Seed of the added noise.

    Returns
    -------
    HalfReal

    Raises
    ------
    InputError
        When the push folds tissue or compresses it to less than a tenth, or when a hold begins with the recording.
    """
    times_s = np.asarray(recording.times_s - recording.times_s[0], dtype=np.float64)
    depths = np.array([hold.depth(times_s) for hold in holds])
    which = depths.argmax(axis=0)
    depth = depths.max(axis=0)
    if depth[0] > 0.0:
        raise InputError("half-real case: the first frame is in a hold; start the holds later")
    states = [furthest.scaled(float(d) * holds[w].share) for d, w in zip(depth, which, strict=True)]
    _check(motion_field, furthest, recording)

    carrier = next(iter(structures.values()))
    motion = RecordedMotion(carrier.between(), _gradient(list(structures.values()), recording), recording.spacing_mm)

    def pushed(points_px: Array) -> Array:
        return np.stack(
            [
                motion_field.forward(points * recording.spacing_mm, state) / recording.spacing_mm
                for points, state in zip(points_px, states, strict=True)
            ]
        )

    outlines_px = pushed(motion.displaced(mask_to_contour(mask)))
    labels = np.zeros(np.shape(recording.frames), dtype=np.bool_)
    for index in np.flatnonzero(carrier.labelled):
        fill(np.ascontiguousarray(outlines_px[index]), labels[index])
    frames = degraded(
        _images(recording, motion_field, states),
        depth,
        [holds[index].quality for index in which],
        recording.spacing_mm,
        seed,
    )
    made = replace(recording, frames=_as_recorded(frames, recording), first_mask=mask.copy(), labels=labels)
    landmarks_px = {name: pushed(structure.outlines_px) for name, structure in structures.items()}
    return HalfReal(made, outlines_px, carrier.labelled, landmarks_px, depth)


def _images(recording: Recording, motion_field: Field, states: Sequence[State]) -> NDArray[np.float32]:
    """Return the frames (T, H, W), each resampled at the points that come to its pixels."""
    spacing_mm = np.array(recording.spacing_mm)
    pixels_mm = np.moveaxis(np.indices(np.shape(recording.frames)[1:]), 0, -1) * spacing_mm
    maps: dict[State, NDArray[np.float32]] = {}
    out = np.empty(np.shape(recording.frames), dtype=np.float32)
    for image, frame, state in zip(out, recording.frames, states, strict=True):
        if state == State():
            image[:] = frame
            continue
        if state not in maps:
            maps[state] = (motion_field.backward(pixels_mm, state) / spacing_mm).astype(np.float32)
        row, col = np.moveaxis(maps[state], -1, 0)
        shown = np.asarray(frame, dtype=np.float32)
        cv2.remap(shown, col, row, cv2.INTER_CUBIC, dst=image, borderMode=cv2.BORDER_REPLICATE)
    return out


def _as_recorded(frames: NDArray[np.float32], recording: Recording) -> NDArray[np.generic]:
    """Return frames in the type of the recording's."""
    kind = np.asarray(recording.frames[0]).dtype
    if not np.issubdtype(kind, np.integer):
        return frames.astype(kind)
    limits = np.iinfo(kind)
    return np.clip(np.rint(frames), limits.min, limits.max).astype(kind)


def _gradient(structures: Sequence[Structure], recording: Recording) -> Array:
    """Return the gradient (2, 2) of the displacement per displacement along rows, by least squares.

    Rows of the result are directions of the point, columns of the displacement. The first structure counts in both
    directions; the others along rows only, since a patch of the dome says little along columns.
    """
    spacing_mm = np.array(recording.spacing_mm)
    carrier = structures[0]
    begin_mm = carrier.outlines_px[0] * spacing_mm
    middle_mm = begin_mm.mean(axis=0)
    wanted, given = [], []
    for structure in structures:
        for index in np.flatnonzero(structure.labelled & carrier.labelled):
            mean_mm = ((carrier.outlines_px[index] - carrier.outlines_px[0]) * spacing_mm).mean(axis=0)
            moved_mm = (structure.outlines_px[index] - structure.outlines_px[0]) * spacing_mm - mean_mm
            if structure is not carrier:
                moved_mm[:, 1] = np.nan
            wanted.append(moved_mm)
            given.append((structure.outlines_px[0] * spacing_mm - middle_mm) * mean_mm[0])
    wanted_mm, given_mm2 = np.concatenate(wanted), np.concatenate(given)
    gradient = np.zeros((2, 2))
    for axis in (0, 1):
        known = np.isfinite(wanted_mm[:, axis])
        # A point of one structure, 10 mm from its middle, displaced by 10 mm, holds the slope at zero.
        left = np.concatenate([given_mm2[known], 100.0 * np.eye(2)])
        gradient[:, axis] = np.linalg.lstsq(left, np.append(wanted_mm[known, axis], [0.0, 0.0]))[0]
    return gradient


def _check(motion_field: Field, furthest: State, recording: Recording) -> None:
    rows, cols = np.multiply(np.shape(recording.frames)[1:], recording.spacing_mm)
    grid_mm = np.stack(np.meshgrid(np.arange(0.0, rows, CHECK_MM), np.arange(0.0, cols, CHECK_MM), indexing="ij"), -1)
    for share in (0.25, 0.5, 0.75, 1.0):
        smallest = float(motion_field.determinant(grid_mm, furthest.scaled(share)).min())
        if not smallest >= SMALLEST_DETERMINANT:
            raise InputError(
                f"half-real case: a push of {furthest.si_mm:g} mm along SI and {furthest.ap_mm:g} mm along AP leaves "
                f"{smallest:.2f} of some tissue's area, less than {SMALLEST_DETERMINANT:g}; push less far"
            )


def _kernel(points_mm: Array, others_mm: Array) -> Array:
    square = ((points_mm[:, None] - others_mm[None]) ** 2).sum(axis=-1)
    return np.asarray(np.exp(-0.5 * square / KERNEL_MM**2))
