"""RT Structure Set: contours of target, envelope and organs at risk on the cine plane."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.uid import RTStructureSetStorage

from gatekeeper.core.contour import Role, Structure, checked_outline
from gatekeeper.core.errors import InputError, RecordingError, TargetError
from gatekeeper.core.frame import Plane
from gatekeeper.sources.dicom.reading import quietly
from gatekeeper.sources.dicom.values import value_of
from replay.formats.contour_slicing import slice_contours
from replay.formats.dicom_file import is_dicom_head

LARGEST_FILE = 512 * 2**20
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
SMALLEST_PIECE = 0.01
"""Pieces below this fraction of a structure's area are artefacts of its contours and are left out."""
_TAGS: list[Any] = ["SOPClassUID", "FrameOfReferenceUID", "StructureSetROISequence", "ROIContourSequence"]
_MOST_LISTED = 30


class Use(StrEnum):
    """Purpose of a region of the plan in the session."""

    TARGET = "target"
    ENVELOPE = "envelope"
    AVOID = "avoid"


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


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A region of interest of a structure set.

    Attributes
    ----------
    name : str
        Name in the plan.
    frame_of_reference : str
        UID of the frame of reference of its contours.
    contours : tuple of ndarray of float64, shape (N, 3)
        Closed contours in DICOM LPS mm.
    kinds : frozenset of str
        Geometric types of all its contours.
    """

    name: str
    frame_of_reference: str
    contours: tuple[NDArray[np.float64], ...]
    kinds: frozenset[str]


def read_regions(path: Path) -> dict[str, Region]:
    """Read the regions of interest of an RT Structure Set.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict of str to Region
        Regions by name.

    Raises
    ------
    RecordingError
        When the file is not an RT Structure Set, is cut short or damaged, or two regions have the same name.
    """
    where = str(path)
    try:
        with path.open("rb") as file:
            if path.stat().st_size > LARGEST_FILE or not is_dicom_head(file.read(512)):
                raise RecordingError(
                    f"{where}: is not a DICOM file of at most {LARGEST_FILE} bytes; name a structure set"
                )
            file.seek(0)
            with quietly(where):
                return _regions(dcmread(file, force=True, specific_tags=_TAGS), where)
    except OSError as error:
        raise RecordingError(f"{where}: cannot be read ({error.strerror or error}); check the path") from None
    except RecordingError:
        raise
    except InputError as error:
        raise RecordingError(str(error)) from None


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
    regions = read_regions(path)
    structures: list[Structure] = []
    envelope_px: NDArray[np.float64] | None = None
    notes = [] if view.frame_of_reference else [f"{path}: the images have no frame of reference that could be compared"]
    for name, use in uses.items():
        where = f"{path}: '{name}'"
        outline_px, was_cut = outline(region_of(regions, name, str(path)), use, view, where)
        if was_cut:
            notes.append(f"{where}: reaches beyond the image and is cut off at its edge")
        if use is Use.ENVELOPE:
            if envelope_px is not None:
                raise RecordingError(f"{where}: is a second envelope; name one")
            envelope_px = outline_px
        else:
            structures.append(Structure(name, Role(use.value), outline_px))
    targets = tuple(one for one in structures if one.role is Role.TARGET)
    avoid = tuple(one for one in structures if one.role is Role.AVOID)
    return PlanContours(targets, avoid, envelope_px, tuple(notes))


def outline(region: Region, use: Use, view: ImageGrid, where: str) -> tuple[NDArray[np.float64], bool]:
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
    was_cut : bool
        Whether it was cut off at the edge of the image.

    Raises
    ------
    RecordingError
        As `plan_contours`.
    """
    if view.frame_of_reference and region.frame_of_reference != view.frame_of_reference:
        raise RecordingError(
            f"{where}: was outlined in another frame of reference than the images; register them, or use the structure "
            "set of this scan"
        )
    if opened := region.kinds - set(CLOSED):
        raise RecordingError(
            f"{where}: has contours of type {', '.join(sorted(opened))}; only closed planar ones count"
        )
    if not region.contours:
        raise RecordingError(f"{where}: has no contours; outline it")
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
        return checked_outline(ring / np.array(view.spacing_mm), f"'{region.name}'"), was_cut
    except TargetError as error:
        raise RecordingError(f"{where}: {error}") from None


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


def region_of(regions: Mapping[str, Region], name: str, where: str) -> Region:
    """Return the region of a name; raise RecordingError with a list of the others when it is missing."""
    if name not in regions:
        listed = ", ".join(f"'{known}'" for known in list(regions)[:_MOST_LISTED]) or "none"
        raise RecordingError(f"{where}: has no region '{name}'; it has {listed}")
    return regions[name]


def _regions(dataset: Dataset, where: str) -> dict[str, Region]:
    if value_of(dataset, "SOPClassUID") != RTStructureSetStorage:
        raise RecordingError(f"{where}: is not an RT Structure Set; name one")
    whole = str(value_of(dataset, "FrameOfReferenceUID") or "")
    outlines: dict[int, list[tuple[str, NDArray[np.float64]]]] = {}
    for item in value_of(dataset, "ROIContourSequence") or ():
        number = int(value_of(item, "ReferencedROINumber"))
        outlines.setdefault(number, []).extend(_contours(item, where))
    regions: dict[str, Region] = {}
    for item in value_of(dataset, "StructureSetROISequence") or ():
        name = str(value_of(item, "ROIName") or "").strip()
        if name in regions:
            raise RecordingError(f"{where}: has two regions with the name '{name}'; rename one")
        own = outlines.get(int(value_of(item, "ROINumber")), [])
        regions[name] = Region(
            name,
            str(value_of(item, "ReferencedFrameOfReferenceUID") or whole),
            tuple(points for _, points in own),
            frozenset(kind for kind, _ in own),
        )
    if not regions:
        raise RecordingError(f"{where}: has no regions of interest; export it with structures")
    return regions


def _contours(item: Dataset, where: str) -> list[tuple[str, NDArray[np.float64]]]:
    found = []
    for contour in value_of(item, "ContourSequence") or ():
        kind = str(value_of(contour, "ContourGeometricType") or "")
        points = np.array([float(number) for number in value_of(contour, "ContourData") or ()])
        is_closed = kind in CLOSED
        if points.size % 3 or (is_closed and points.size < 9) or not np.isfinite(points).all():
            raise RecordingError(f"{where}: has a contour of {points.size} numbers; it must be three for each point")
        found.append((kind, points.reshape(-1, 3)))
    return found
