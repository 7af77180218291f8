"""Where MRD images lie, and when they were taken, by the DICOM attributes that some programs add to their headers.

`dicom2mrd.py` of python-ismrmrd-server, from which many test data of FIRE and OpenRecon come, writes the corner of an
image where its centre belongs, and exchanges the sides of the field of view. It adds the DICOM image it began with as
the meta attribute DicomJson, in the model of PS3.18 F and base64. Only geometry and times are read of it; it also names
people.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.frame import Plane, Vector
from gatekeeper.sources.dicom.times import Times, times_of

ATTRIBUTE = "DicomJson"
SAME_PLACE_PX = 0.25
"""Corners of an image that are closer, in pixels, are at the same place."""
SQUARE = 0.01
"""Pixels whose sides differ by a smaller fraction are square."""
Geometry = tuple[Plane, tuple[float, float]]
"""The plane of the stored images, and the distance of pixel centres along rows and columns in mm."""
_ROWS, _COLS, _POSITION, _ORIENTATION, _SPACING = "00280010", "00280011", "00200032", "00200037", "00280030"
_TIMES = {
    "0008002A": "AcquisitionDateTime",
    "00080022": "AcquisitionDate",
    "00080032": "AcquisitionTime",
    "00080023": "ContentDate",
    "00080033": "ContentTime",
    "00181060": "TriggerTime",
}


@dataclass(frozen=True, slots=True)
class DicomAttributes:
    """What the DICOM attributes of an image tell.

    Attributes
    ----------
    geometry : Geometry or None
        None where they have none, or that of an image of another size.
    times : tuple of float or None
        In s, one for each of `gatekeeper.sources.dicom.times.TIME_KINDS`.
    """

    geometry: Geometry | None
    times: Times


def dicom_attributes(meta: Mapping[str, tuple[str, ...]], shape: tuple[int, int]) -> DicomAttributes | None:
    """Read the DICOM attributes of an image.

    Parameters
    ----------
    meta : mapping
        The meta attributes of the image.
    shape : tuple of int
        Its rows and columns.

    Returns
    -------
    DicomAttributes or None
        None where there are none that can be read.
    """
    try:
        values: Any = json.loads(base64.b64decode(meta[ATTRIBUTE][0], validate=True))
        told = {name: str(values[tag]["Value"][0]).strip() for tag, name in _TIMES.items() if _has_value(values, tag)}
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, AttributeError):
        return None
    return DicomAttributes(_geometry(values, shape), times_of(told, {}, {}, told, []))


def _has_value(values: Any, tag: str) -> bool:
    return bool(values.get(tag, {}).get("Value"))


def _geometry(values: Any, shape: tuple[int, int]) -> Geometry | None:
    try:
        size = tuple(int(values[tag]["Value"][0]) for tag in (_ROWS, _COLS))
        numbers = [
            np.array(values[tag]["Value"], np.float64).reshape(count)
            for tag, count in ((_POSITION, 3), (_ORIENTATION, 6), (_SPACING, 2))
        ]
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):
        return None
    position, orientation, spacing = numbers
    if size != shape or not np.isfinite(np.concatenate(numbers)).all() or not (spacing > 0.0).all():
        return None
    plane = Plane(_vector(position), _vector(orientation[3:]), _vector(orientation[:3]))
    return plane, (float(spacing[0]), float(spacing[1]))


def compared(by_header: Geometry, by_dicom: Geometry | None, shape: tuple[int, int]) -> tuple[Geometry, str]:
    """Compare where an image lies by its header and by its DICOM attributes.

    Parameters
    ----------
    by_header : Geometry
        By the header.
    by_dicom : Geometry or None
        By the attributes; None where they do not tell it.
    shape : tuple of int
        Rows and columns of the image.

    Returns
    -------
    geometry : Geometry
        That of the attributes where the two differ, else that of the header.
    note : str
        Where the two differ, or where the header alone seems to have the sides of the field of view exchanged; empty
        where nothing is remarkable.
    """
    if by_dicom is None:
        row_mm, col_mm = by_header[1]
        exchanged_mm = col_mm * shape[1] / shape[0], row_mm * shape[0] / shape[1]
        if _is_square(row_mm, col_mm) or not _is_square(*exchanged_mm):
            return by_header, ""
        return by_header, (
            f"pixels of {row_mm:.6g} x {col_mm:.6g} mm would be square with the sides of the field of view exchanged, "
            "as some programs do"
        )
    apart_mm = corners_apart_mm(by_header, by_dicom, shape)
    if apart_mm <= SAME_PLACE_PX * min(by_dicom[1]):
        return by_header, ""
    return by_dicom, (
        f"headers and DICOM attributes of the images place them up to {apart_mm:.4g} mm apart; the attributes are taken"
    )


def corners_apart_mm(one: Geometry, other: Geometry, shape: tuple[int, int]) -> float:
    """Return the largest distance between the corners of an image in two places, along an axis in mm."""
    corners = np.array([(0.0, 0.0), (0.0, shape[1] - 1.0), (shape[0] - 1.0, 0.0)])
    (plane, step_mm), (beside, other_mm) = one, other
    return float(np.abs(plane.to_patient_mm(corners, step_mm) - beside.to_patient_mm(corners, other_mm)).max())


def _is_square(row_mm: float, col_mm: float) -> bool:
    return abs(row_mm - col_mm) <= SQUARE * max(row_mm, col_mm)


def _vector(numbers: NDArray[np.float64]) -> Vector:
    first, second, third = (float(number) for number in numbers)
    return first, second, third
