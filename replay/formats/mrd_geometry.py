"""Where the images of a series of MRD lie, by their headers and by the DICOM attributes that some programs add."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane, Vector
from gatekeeper.sources.mrd_dicom import (
    SAME_PLACE_PX,
    DicomAttributes,
    Geometry,
    compared,
    corners_apart_mm,
    dicom_attributes,
)
from replay.formats.sidecar import shortest_decimal


def series_geometry(
    path: Path,
    head: Any,
    attributes: Mapping[str, tuple[str, ...]],
    shape: tuple[int, int],
    dicom: Sequence[DicomAttributes | None] = (),
) -> tuple[Geometry, tuple[str, ...]]:
    """Return where the images of a series lie, and notes.

    Parameters
    ----------
    path : Path
        The file, named in messages.
    head : numpy.void
        Header of the first image.
    attributes : mapping
        Its meta attributes.
    shape : tuple of int
        Rows and columns of the stored images.
    dicom : sequence of DicomAttributes or None
        Those of all images, where the first is not to stand for them.

    Returns
    -------
    geometry : Geometry
        By the DICOM attributes where there are some of an image of this size, else by the header.
    notes : tuple of str
        Where the two differ, and where the header alone seems to have the sides of the field of view exchanged.

    Raises
    ------
    RecordingError
        When the header contradicts the images.
    """
    first = dicom_attributes(attributes, shape) if not dicom else dicom[0]
    by_dicom = None if first is None else first.geometry
    geometry, note = compared(_of_header(path, head, attributes, shape), by_dicom, shape)
    if note and by_dicom is None:
        note += "; spacing_mm in a sidecar file, or --spacing-mm, replaces them"
    notes: tuple[str, ...] = (note,) if note else ()
    places = [one.geometry for one in dicom if one is not None and one.geometry is not None]
    apart_mm = max((corners_apart_mm(geometry, place, shape) for place in places), default=0.0)
    if apart_mm > SAME_PLACE_PX * min(geometry[1]):
        notes += (f"DICOM attributes of some images place them {apart_mm:.4g} mm from the first; its place is taken",)
    return geometry, notes


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _of_header(path: Path, head: Any, attributes: Mapping[str, tuple[str, ...]], shape: tuple[int, int]) -> Geometry:
    rows, cols = shape
    if tuple(int(size) for size in head["matrix_size"][:2]) != (cols, rows):
        _refuse(path, f"has {tuple(head['matrix_size'])} pixels in its headers, and images of {cols} x {rows}")
    width_mm, height_mm = (float(value) for value in head["field_of_view"][:2])
    spacing_mm = shortest_decimal(height_mm / rows, rows), shortest_decimal(width_mm / cols, cols)
    along_x = _direction(path, attributes.get("ImageRowDir"), head["read_dir"])
    along_y = _direction(path, attributes.get("ImageColumnDir"), head["phase_dir"])
    first = np.array(head["position"], np.float64)
    for count, step_mm, along in ((cols, spacing_mm[1], along_x), (rows, spacing_mm[0], along_y)):
        first = first - 0.5 * (count - 1) * step_mm * np.array(along)
    return Plane(_vector(first), along_y, along_x), spacing_mm


def _direction(path: Path, words: tuple[str, ...] | None, otherwise: NDArray[Any]) -> Vector:
    try:
        first, second, third = (float(word) for word in (otherwise if words is None else words))
    except ValueError:
        _refuse(path, f"has the direction {', '.join(words or ())!r:.60} in its meta attributes, not three numbers")
    return first, second, third


def _vector(numbers: NDArray[np.float64]) -> Vector:
    first, second, third = (float(number) for number in numbers)
    return first, second, third
