"""RT Structure Set: contours of target, envelope and organs at risk on the cine plane."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gatekeeper.core.contour import Role, Structure, checked_outline
from gatekeeper.core.errors import RecordingError, TargetError
from gatekeeper.core.frame import Plane
from replay.formats.contour_slicing import slice_contours
from replay.formats.format import Use
from replay.formats.structure_set import CLOSED, Region, read_structure_set

SMALLEST_PIECE = 0.01
"""Pieces below this fraction of a structure's area are artefacts of its contours and are left out."""


@dataclass(frozen=True, slots=True)
class ImageGrid:
    """Geometry of the images on which contours are drawn.

    Attributes
    ----------
    plane : Plane
        Plane of the images in canonical orientation.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    shape : tuple of int
        Rows and columns.
    frame_of_reference : str or None
        UID of the frame of reference of the images; None where they have none, so that no comparison is possible.
    """

    plane: Plane
    spacing_mm: tuple[float, float]
    shape: tuple[int, int]
    frame_of_reference: str | None


@dataclass(frozen=True, slots=True, eq=False)
class PlanContours:
    """Contours of a plan on the cine plane.

    Attributes
    ----------
    targets, avoid : tuple of Structure
        In the order of the request.
    envelope_px : ndarray of float64, shape (N, 2), or None
        Contour within which the target may be, as (row, col).
    notes : tuple of str
        What was cut off, and what could not be checked.
    """

    targets: tuple[Structure, ...]
    avoid: tuple[Structure, ...]
    envelope_px: NDArray[np.float64] | None
    notes: tuple[str, ...]


def plan_contours(path: Path, uses: Mapping[str, Use], view: ImageGrid) -> PlanContours:
    """Return the contours of regions of interest on the cine plane.

    Parameters
    ----------
    path : Path
        An RT Structure Set.
    uses : mapping of str to Use
        Names of regions, and the purpose of each in the session.
    view : View
        The images.

    Returns
    -------
    PlanContours
        Contours as (row, col) on the images.

    Raises
    ------
    RecordingError
        When there is no such region, it has no closed contours, has another frame of reference, does not meet the cine
        plane, is in pieces or has a hole there, or a target or envelope is not completely on the image.
    """
    plan = read_structure_set(path)
    structures: list[Structure] = []
    envelope_px: NDArray[np.float64] | None = None
    notes = [] if view.frame_of_reference else [f"{path}: the images have no frame of reference that could be compared"]
    for name, use in uses.items():
        where = f"{path}: '{name}'"
        region = plan.region(name)
        outline_px, about = outline(region, use, view, where)
        notes += [*region.notes, *about]
        if use is Use.ENVELOPE:
            if envelope_px is not None:
                raise RecordingError(f"{where}: is a second envelope; name one")
            envelope_px = outline_px
        else:
            structures.append(Structure(name, Role(use.value), outline_px))
    targets = tuple(one for one in structures if one.role is Role.TARGET)
    avoid = tuple(one for one in structures if one.role is Role.AVOID)
    return PlanContours(targets, avoid, envelope_px, tuple(notes))


def outline(region: Region, use: Use, view: ImageGrid, where: str) -> tuple[NDArray[np.float64], list[str]]:
    """Return the contour of a region on the images.

    Parameters
    ----------
    region : Region
        The region.
    use : Use
        Its purpose; a region to avoid may reach beyond the image.
    view : ImageGrid
        The images.
    where : str
        Name of the region in messages.

    Returns
    -------
    contour_px : ndarray of float64, shape (N, 2)
        As (row, col).
    notes : list of str
        What was cut off, and what could not be compared.

    Raises
    ------
    RecordingError
        As `plan_contours`.
    """
    known = region.frame_of_reference, view.frame_of_reference
    if all(known) and known[0] != known[1]:
        raise RecordingError(
            f"{where}: was outlined in another frame of reference than the images; register them, or use the structure "
            "set of this scan"
        )
    if opened := region.kinds - set(CLOSED):
        raise RecordingError(
            f"{where}: has contours of type {', '.join(sorted(opened))}; only closed planar ones count"
        )
    if not region.contours:
        raise RecordingError(f"{where}: has no contours with an area; outline it")
    shape = _single_polygon(slice_contours(region.contours, view.plane, where), where)
    rows_mm, cols_mm = (length * step for length, step in zip(view.shape, view.spacing_mm, strict=True))
    image = shapely.box(
        -0.5 * view.spacing_mm[0],
        -0.5 * view.spacing_mm[1],
        rows_mm - 0.5 * view.spacing_mm[0],
        cols_mm - 0.5 * view.spacing_mm[1],
    )
    was_cut = not shapely.covers(image, shape)
    if was_cut and (use is not Use.AVOID or not shapely.intersects(image, shape)):
        low_row, low_col, high_row, high_col = shape.bounds
        raise RecordingError(
            f"{where}: lies {'partly' if shapely.intersects(image, shape) else 'all'} outside the image: rows "
            f"{low_row:.0f} to {high_row:.0f} mm of {rows_mm:.0f}, columns {low_col:.0f} to {high_col:.0f} mm of "
            f"{cols_mm:.0f}; is it the plan of this scan?"
        )
    if was_cut:
        shape = _single_polygon(shapely.intersection(shape, image), where)
    ring = shapely.get_coordinates(shapely.remove_repeated_points(shape.exterior))[:-1]
    try:
        found = checked_outline(ring / np.array(view.spacing_mm), f"'{region.name}'")
    except TargetError as error:
        raise RecordingError(f"{where}: {error}") from None
    return found, [f"{where}: reaches beyond the image and is cut off at its edge"] if was_cut else []


def _single_polygon(shape: Any, where: str) -> Any:
    """Return a shape as one polygon without holes; raise RecordingError when it is not one."""
    pieces = [part for part in shapely.get_parts(shape) if part.area > 0.0]
    area = sum(part.area for part in pieces)
    pieces = [part for part in pieces if part.area >= SMALLEST_PIECE * area]
    if not pieces:
        raise RecordingError(f"{where}: does not meet the cine plane; choose a plane through it")
    if len(pieces) > 1:
        areas = ", ".join(f"{part.area:.0f}" for part in pieces[:6])
        raise RecordingError(
            f"{where}: is in {len(pieces)} pieces on the cine plane, of {areas} mm2; a structure here has one outline"
        )
    holes = [ring for ring in pieces[0].interiors if shapely.Polygon(ring).area >= SMALLEST_PIECE * area]
    if holes:
        raise RecordingError(f"{where}: has a hole on the cine plane; a structure here has one outline")
    return shapely.Polygon(pieces[0].exterior)
