"""Check outlines of structures, convert masks to outlines, and grow outlines.

These functions run when a session is armed, not between frames.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.measure import find_contours

from gatekeeper.core.errors import TargetError
from kernels.polygon import area, centroid, fill

# scikit-image has no type annotations.
_isolines: Callable[..., list[NDArray[np.float64]]] = find_contours

FEWEST_POINTS = 8
"""Least number of points of a mask's outline."""
MOST_POINTS = 256
"""Largest number of points of a mask's outline, unless more are needed to reproduce the mask."""
SMOOTHINGS = (4, 2, 1, 0)
"""Numbers of smoothing passes to try on a mask's outline, in this order."""
MOST_AREA_CHANGE = 0.02
"""Largest relative change of the enclosed area by smoothing, which shrinks small masks."""

MOST_GROWN_POINTS = 512
"""Largest number of points of a grown outline."""
GROWN_ERROR_MM = 0.005
"""Tolerance for the arcs of a grown outline, and again for its simplification, in mm."""


class Role(StrEnum):
    """Role of a structure in gating: target or organ at risk."""

    TARGET = "target"
    AVOID = "avoid"


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """An outlined part of the anatomy in the image plane.

    Attributes
    ----------
    name : str
        Name of the structure, for example "GTV".
    role : Role
        Target or organ at risk.
    contour_px : ndarray of float64, shape (N, 2)
        Closed outline as (row, col), read-only; pixel centres lie on whole numbers.
    zone_px : ndarray of float64, shape (M, 2), or None
        Outline of a zone of its own, such as the plan's PTV: the envelope of a target, the keep-out zone of an organ at
        risk; None: the zone is made from margins.

    Raises
    ------
    TargetError
        When the outline encloses no area, crosses itself or has a coordinate that is not finite.
    """

    name: str
    role: Role
    contour_px: NDArray[np.float64]
    zone_px: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "contour_px", checked_outline(self.contour_px, self.name))
        if self.zone_px is not None:
            object.__setattr__(self, "zone_px", checked_outline(self.zone_px, f"the zone of {self.name}"))

    def mask(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return the structure as a mask.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the image.

        Returns
        -------
        ndarray of bool, shape `shape`
            True where the pixel's centre lies inside the outline.
        """
        out = np.empty(shape, dtype=np.bool_)
        fill(self.contour_px, out)
        return out


def checked_outline(contour_px: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return a read-only copy of an outline, or raise TargetError when it is not a simple polygon.

    Parameters
    ----------
    contour_px : array_like, shape (N, 2)
        Closed outline as (row, col); the last point is not the first again.
    name : str
        Name of the outline for the error message.

    Returns
    -------
    ndarray of float64, shape (N, 2), C-contiguous and read-only
        The outline.

    Raises
    ------
    TargetError
        When the outline encloses no area, crosses itself or has a coordinate that is not finite.
    """
    contour = np.array(contour_px, dtype=np.float64, order="C")
    if contour.ndim != 2 or contour.shape[0] < 3 or contour.shape[1] != 2:
        raise TargetError(f"outline of {name}: its shape is {contour.shape}; give three points or more as (row, col)")
    enclosed_px2 = area(contour)
    if math.isnan(enclosed_px2):
        raise TargetError(f"outline of {name}: a coordinate is NaN, infinite or beyond 1e7 px; draw it again")
    if enclosed_px2 == 0.0 or not shapely.Polygon(contour).is_valid:
        raise TargetError(f"outline of {name}: crosses itself or encloses no area; draw it as one simple loop")
    contour.flags.writeable = False
    return contour


def mask_to_contour(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the outline of the largest connected part of a mask, its holes filled.

    The outline reproduces that part exactly with `Track.mask`. It is the smoothest such outline with one point per
    pixel of perimeter, at least 8 and at most 256; more than 256 points are used only if they are needed. Pixels that
    touch at a corner count as connected.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)
        The mask; it may touch the edges of the image.

    Returns
    -------
    ndarray of float64, shape (N, 2), C-contiguous
        Points as (row, col), evenly spaced; the last one is not the first again.

    Raises
    ------
    TargetError
        When the mask is empty, or is not a two-dimensional array of bool.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper.core.contour import mask_to_contour
    >>> rows, cols = np.mgrid[:64, :64]
    >>> contour_px = mask_to_contour(np.hypot(rows - 30, cols - 20) < 10)
    >>> contour_px.mean(axis=0).round().tolist()
    [30.0, 20.0]
    """
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise TargetError(
            f"target mask: is {mask.dtype} of shape {mask.shape}; give bool (rows, columns), such as labels > 0"
        )
    if not mask.any():
        raise TargetError("target mask: is empty; outline the target on the reference frame")
    part = _largest_part(mask)
    steps = pixel_outline(part)
    perimeter_px = round(_arc_lengths(steps)[-1])
    for n in (min(max(perimeter_px, FEWEST_POINTS), MOST_POINTS), perimeter_px):
        even = _evenly_spaced(steps, n)
        for passes in SMOOTHINGS:
            smooth = _smoothed(even, passes)
            if abs(area(smooth) - area(even)) <= MOST_AREA_CHANGE * area(even) and _gives_back(smooth, part):
                return smooth
    return steps


def center_mm(contour_px: NDArray[np.float64], spacing_mm: tuple[float, float]) -> tuple[float, float]:
    """Return the centroid of an outline's area, as (row, col) in mm from the centre of pixel (0, 0).

    Parameters
    ----------
    contour_px : ndarray of float64, shape (N, 2), C-contiguous
        The outline, as (row, col).
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.

    Returns
    -------
    tuple of float
        (row, col) in mm.
    """
    center_px = np.empty(2)
    centroid(contour_px, center_px)
    row_mm, col_mm = center_px * spacing_mm
    return float(row_mm), float(col_mm)


def grow(contour_px: NDArray[np.float64], margin_mm: float, spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
    """Return an outline grown isotropically: its Minkowski sum with a disc.

    Holes that form are filled. The result is accurate to 0.01 mm, unless that needs more than 512 points.

    Parameters
    ----------
    contour_px : ndarray of float64, shape (N, 2)
        Closed outline as (row, col).
    margin_mm : float
        Distance in mm; 0 returns the outline itself.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.

    Returns
    -------
    ndarray of float64, shape (M, 2), C-contiguous and read-only
        M is at most 512 unless the margin is 0.

    Raises
    ------
    TargetError
        When the outline, the margin or the spacing cannot be used.
    """
    contour = checked_outline(contour_px, "the target")
    scale = np.array(spacing_mm, dtype=np.float64)
    if scale.shape != (2,) or not (np.isfinite(scale).all() and (scale > 0.0).all()):
        raise TargetError(f"pixel spacing: is {spacing_mm} mm; give two distances above 0")
    if not (math.isfinite(margin_mm) and margin_mm >= 0.0):
        raise TargetError(f"margin: is {margin_mm} mm; give a distance of 0 or more")
    if margin_mm == 0.0:
        return contour
    half_step = math.acos(max(1.0 - GROWN_ERROR_MM / margin_mm, 0.0))
    grown = shapely.Polygon(contour * scale).buffer(margin_mm, quad_segs=math.ceil(0.25 * math.pi / half_step))
    tolerance_mm = GROWN_ERROR_MM
    ring = shapely.Polygon(grown.exterior)
    while len((simple := ring.simplify(tolerance_mm)).exterior.coords) > MOST_GROWN_POINTS + 1:
        tolerance_mm *= 2.0
    return checked_outline(shapely.get_coordinates(simple)[:-1] / scale, "the grown target")


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest part of a mask without its holes, which are what no path reaches from outside."""
    box, cut = cut_out(mask)
    labels, _ = ndimage.label(cut, structure=np.ones((3, 3)))
    largest = 1 + int(np.bincount(labels.ravel())[1:].argmax())
    empty, _ = ndimage.label(labels != largest)
    part = np.zeros_like(mask)
    part[box] = (empty != empty[0, 0])[1:-1, 1:-1]
    return part


def pixel_outline(part: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the outline (N, 2) of a mask (H, W) without holes, halfway between the centres of pixels in and out."""
    box, cut = cut_out(part)
    ring = _isolines(cut.astype(np.float64), 0.5, fully_connected="high")[0]
    return np.ascontiguousarray(ring[:-1] + [side.start - 1.0 for side in box], dtype=np.float64)


def cut_out(mask: NDArray[np.bool_]) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return the smallest box with all of a mask, and the mask in it with a rim of one empty pixel around.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)
        A mask that is not empty.

    Returns
    -------
    box : tuple of slice
        Rows and columns, without the rim.
    cut : ndarray of bool
        Two rows and two columns larger than the box.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper.core.contour import cut_out
    >>> box, cut = cut_out(np.eye(8, dtype=np.bool_)[:, :3])
    >>> box
    (slice(0, 3, None), slice(0, 3, None))
    >>> cut.shape
    (5, 5)
    """
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)
    inside = mask[box]
    cut = np.zeros((inside.shape[0] + 2, inside.shape[1] + 2), dtype=np.bool_)
    cut[1:-1, 1:-1] = inside
    return box, cut


def _arc_lengths(contour: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the arc length of the outline at each point and, at the end, its perimeter, in px."""
    steps = np.diff(contour, axis=0, append=contour[:1])
    return np.concatenate(([0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))))


def _evenly_spaced(contour: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    along = _arc_lengths(contour)
    closed = np.concatenate((contour, contour[:1]))
    at = np.arange(n) * (along[-1] / n)
    return np.stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)], axis=1)


def _smoothed(contour: NDArray[np.float64], passes: int) -> NDArray[np.float64]:
    """Smooth an outline without shrinking it (G. Taubin, A signal processing approach to fair surface design, 1995)."""
    for _ in range(passes):
        for weight in (0.5, -0.53):
            closed = np.concatenate((contour[-1:], contour, contour[:1]))
            neighbours = 0.5 * (closed[:-2] + closed[2:])
            contour = contour + weight * (neighbours - contour)
    return contour


def _gives_back(contour: NDArray[np.float64], part: NDArray[np.bool_]) -> bool:
    filled = np.empty(part.shape, dtype=np.bool_)
    fill(contour, filled)
    return bool(np.array_equal(filled, part))
