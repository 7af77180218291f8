"""Where the images of a series of MRD lie: by their headers, and by the DICOM attributes that some programs add.

`dicom2mrd.py` of python-ismrmrd-server, from which many test data of FIRE and OpenRecon come, writes the corner of an
image where its centre belongs, and exchanges the sides of the field of view. It adds the DICOM image it began with as
the meta attribute DicomJson, in the model of PS3.18 F and base64. Only geometry is read of it; it also names people.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane, Vector
from replay.formats.sidecar import shortest_decimal

Geometry = tuple[Plane, tuple[float, float]]
"""The plane of the stored images, and the distance of pixel centres along rows and columns in mm."""
SAME_PLACE_PX = 0.25
"""Corners of an image that are closer, in pixels, are at the same place."""
SQUARE = 0.01
"""Pixels whose sides differ by a smaller fraction are square."""
_ROWS, _COLS, _POSITION, _ORIENTATION, _SPACING = "00280010", "00280011", "00200032", "00200037", "00280030"


def series_geometry(
    path: Path, head: Any, attributes: Mapping[str, tuple[str, ...]], shape: tuple[int, int]
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
    by_header = _of_header(path, head, attributes, shape)
    by_dicom = _of_dicom(attributes.get("DicomJson"), shape)
    if by_dicom is None:
        row_mm, col_mm = by_header[1]
        exchanged_mm = col_mm * shape[1] / shape[0], row_mm * shape[0] / shape[1]
        if _is_square(row_mm, col_mm) or not _is_square(*exchanged_mm):
            return by_header, ()
        return by_header, (
            f"pixels of {row_mm:.6g} x {col_mm:.6g} mm would be square with the sides of the field of view exchanged, "
            "as some programs do; spacing_mm in a sidecar file, or --spacing-mm, replaces them",
        )
    corners = np.array([(0.0, 0.0), (0.0, shape[1] - 1.0), (shape[0] - 1.0, 0.0)])
    apart_mm = np.abs(np.subtract(*(plane.to_patient_mm(corners, step) for plane, step in (by_header, by_dicom)))).max()
    if apart_mm <= SAME_PLACE_PX * min(by_dicom[1]):
        return by_header, ()
    return by_dicom, (
        f"headers and DICOM attributes of the images place them up to {apart_mm:.4g} mm apart; the attributes are "
        "taken",
    )


def _is_square(row_mm: float, col_mm: float) -> bool:
    return abs(row_mm - col_mm) <= SQUARE * max(row_mm, col_mm)


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _of_dicom(texts: tuple[str, ...] | None, shape: tuple[int, int]) -> Geometry | None:
    """Return the geometry in DICOM attributes; None where there are none of an image of this size."""
    try:
        values: Any = json.loads(base64.b64decode((texts or ("",))[0], validate=True))
        size = tuple(int(values[tag]["Value"][0]) for tag in (_ROWS, _COLS))
        numbers = [
            np.array(values[tag]["Value"], np.float64).reshape(count)
            for tag, count in ((_POSITION, 3), (_ORIENTATION, 6), (_SPACING, 2))
        ]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError):
        return None
    position, orientation, spacing = numbers
    if size != shape or not np.isfinite(np.concatenate(numbers)).all() or not (spacing > 0.0).all():
        return None
    return Plane(_vector(position), _vector(orientation[3:]), _vector(orientation[:3])), (spacing[0], spacing[1])


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
