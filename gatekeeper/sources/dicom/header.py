"""Position and time of each image of a DICOM MR object, single-frame or enhanced multi-frame."""

import math
from dataclasses import dataclass, replace

from pydicom.dataset import Dataset

from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Plane
from gatekeeper.sources.dicom.reading import quietly
from gatekeeper.sources.dicom.times import TIME_KINDS, Times, times_of
from gatekeeper.sources.dicom.values import (
    NOTHING,
    first_item,
    integer,
    numbers,
    optional_number,
    value_of,
    vector,
)

LONGEST_SIDE = 4096
"""Largest number of rows or columns of an image."""
MOST_FRAMES = 100_000
MOST_BYTES = 4 * 2**30
"""Largest size of an object's pixels, in bytes."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Header of one image of an object.

    Attributes
    ----------
    index : int
        Number of the frame in the object, from 0.
    shape : tuple of int
        Rows and columns as stored.
    plane : Plane
        Position and orientation as stored, DICOM LPS mm.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns as stored, in mm.
    times : tuple of float or None
        In s, one for each of `gatekeeper.sources.dicom.times.TIME_KINDS`.
    number : int or None
        Instance number; None in a multi-frame object, whose frames are in order.
    series, instance, frame_of_reference : str
        UIDs; empty when missing.
    slope, intercept : float
        Value = slope x stored + intercept.
    field_strength_t : float or None
        Field strength in tesla.
    """

    index: int
    shape: tuple[int, int]
    plane: Plane
    spacing_mm: tuple[float, float]
    times: Times
    number: int | None
    series: str
    instance: str
    frame_of_reference: str
    slope: float
    intercept: float
    field_strength_t: float | None

    @property
    def acquired_s(self) -> float | None:
        """The most specific time of this image, in seconds of the device; None without any."""
        return next((time_s for time_s in self.times if time_s is not None), None)

    def time_of(self, kind: str | None) -> float | None:
        """Return the time of one of `TIME_KINDS`, in s; None when missing."""
        return self.times[TIME_KINDS.index(kind)] if kind in TIME_KINDS else None

    @property
    def time_kind(self) -> str | None:
        """The kind of `acquired_s`, one of `TIME_KINDS`."""
        known = zip(TIME_KINDS, self.times, strict=True)
        return next((kind for kind, time_s in known if time_s is not None), None)


def slices_of(dataset: Dataset, where: str) -> list[Slice]:
    """Return the headers of all images of an object, in order.

    Geometry and times of a frame come from its own functional group, else from the shared one, else from the object.

    Parameters
    ----------
    dataset : Dataset
        An MR image object, with the elements in `HEADER_TAGS`.
    where : str
        Name of the object in messages, for example a file name.

    Returns
    -------
    list of Slice
        One for each image.

    Raises
    ------
    InputError
        When an element is missing or invalid; the message names it.
    """
    with quietly(where):
        return _slices_of(dataset, where)


def _slices_of(dataset: Dataset, where: str) -> list[Slice]:
    shape = _shape(dataset, where)
    count = integer(dataset, "NumberOfFrames", where, 1)
    if count is None or not 1 <= count <= MOST_FRAMES:
        raise InputError(f"{where}: announces {count} frames; it must be 1 to {MOST_FRAMES}")
    announced = count * shape[0] * shape[1] * _item_bytes(dataset, where)
    if announced > MOST_BYTES:
        raise InputError(
            f"{where}: announces {announced / 2**30:.1f} GiB of pixels, the limit is {MOST_BYTES // 2**30}; split it"
        )
    shared = first_item(dataset, "SharedFunctionalGroupsSequence")
    per_frame = value_of(dataset, "PerFrameFunctionalGroupsSequence") or []
    if per_frame and len(per_frame) != count:
        raise InputError(f"{where}: has {count} frames and {len(per_frame)} groups of their values; export it again")
    field_t = optional_number(dataset, "MagneticFieldStrength", where)
    frame_ms = optional_number(dataset, "FrameTime", where)
    slices: list[Slice] = []
    for index in range(count):
        if index and not per_frame:
            # Without functional groups of their own all frames are like the first one, except for the time.
            slices.append(
                replace(slices[0], index=index, times=_classic_times(slices[0].times, index, frame_ms, where))
            )
            continue
        own = per_frame[index] if per_frame else NOTHING
        slope, intercept = _rescale(_part("PixelValueTransformationSequence", own, shared, dataset), where)
        times = times_of(
            dataset,
            first_item(own, "FrameContentSequence"),
            _part("CardiacSynchronizationSequence", own, shared, dataset),
            where,
        )
        if not per_frame and count > 1:
            times = _classic_times(times, index, frame_ms, where)
        slices.append(
            Slice(
                index,
                shape,
                _plane(own, shared, dataset, where),
                _spacing(_part("PixelMeasuresSequence", own, shared, dataset), where),
                times,
                integer(dataset, "InstanceNumber", where, None) if count == 1 else None,
                str(value_of(dataset, "SeriesInstanceUID") or ""),
                str(value_of(dataset, "SOPInstanceUID") or ""),
                str(value_of(dataset, "FrameOfReferenceUID") or ""),
                slope,
                intercept,
                field_t,
            )
        )
    return slices


def _shape(dataset: Dataset, where: str) -> tuple[int, int]:
    rows, cols = integer(dataset, "Rows", where, None), integer(dataset, "Columns", where, None)
    if rows is None or cols is None:
        raise InputError(f"{where}: has no {'Rows' if rows is None else 'Columns'}; send or export images")
    if not (1 <= rows <= LONGEST_SIDE and 1 <= cols <= LONGEST_SIDE):
        raise InputError(f"{where}: announces {rows} x {cols} pixels; each must be 1 to {LONGEST_SIDE}")
    values = integer(dataset, "SamplesPerPixel", where, 1)
    if values != 1:
        raise InputError(f"{where}: has {values} values per pixel; give grey images")
    return rows, cols


def _item_bytes(dataset: Dataset, where: str) -> int:
    allocated, stored = (
        integer(dataset, "BitsAllocated", where, None),
        integer(dataset, "BitsStored", where, None),
    )
    if allocated not in (8, 16, 32):
        raise InputError(f"{where}: has {allocated} bits allocated per pixel; it must be 8, 16 or 32")
    if stored is None or not 1 <= stored <= allocated:
        raise InputError(f"{where}: has {stored} bits stored per pixel; it must be 1 to {allocated}")
    if integer(dataset, "HighBit", where, stored - 1) != stored - 1:
        raise InputError(f"{where}: its HighBit is not BitsStored - 1; export it again")
    if integer(dataset, "PixelRepresentation", where, None) not in (0, 1):
        raise InputError(f"{where}: has no PixelRepresentation 0 or 1; export it again")
    return allocated // 8


def _plane(own: Dataset, shared: Dataset, dataset: Dataset, where: str) -> Plane:
    position = _part("PlanePositionSequence", own, shared, dataset)
    orientation = _part("PlaneOrientationSequence", own, shared, dataset)
    directions = numbers(orientation, "ImageOrientationPatient", 6, where)
    origin = numbers(position, "ImagePositionPatient", 3, where)
    # The first three are the direction of a row, along which the column index grows (PS3.3 C.7.6.2.1.1).
    return Plane(vector(origin), vector(directions[3:]), vector(directions[:3]))


def _spacing(measures: Dataset, where: str) -> tuple[float, float]:
    between_rows, between_cols = numbers(measures, "PixelSpacing", 2, where)
    if not (0.0 < between_rows < math.inf and 0.0 < between_cols < math.inf):
        raise InputError(f"{where}: its PixelSpacing is {between_rows:g} and {between_cols:g} mm; both must be above 0")
    return between_rows, between_cols


def _rescale(values: Dataset, where: str) -> tuple[float, float]:
    slope, intercept = (
        optional_number(values, "RescaleSlope", where),
        optional_number(values, "RescaleIntercept", where),
    )
    slope, intercept = 1.0 if slope is None else slope, 0.0 if intercept is None else intercept
    if not (math.isfinite(slope) and math.isfinite(intercept) and slope != 0.0):
        raise InputError(f"{where}: its RescaleSlope is {slope:g}, its RescaleIntercept {intercept:g}; export it again")
    return slope, intercept


def _classic_times(times: Times, index: int, frame_ms: float | None, where: str) -> Times:
    """Return the times of one frame of a multi-frame object without functional groups, at a constant rate."""
    if frame_ms is None or not 0.0 < frame_ms < math.inf:
        raise InputError(f"{where}: has several frames and no FrameTime above 0; export it with times")
    return tuple(None if start_s is None else start_s + index * frame_ms * 1e-3 for start_s in _or_zero(times))


def _or_zero(times: Times) -> Times:
    return times if any(time_s is not None for time_s in times) else (0.0, *times[1:])


def _part(sequence: str, own: Dataset, shared: Dataset, dataset: Dataset) -> Dataset:
    """Return the functional group of a frame, else the shared one, else the object itself."""
    for group in (own, shared):
        if (found := first_item(group, sequence)) is not NOTHING:
            return found
    return dataset
