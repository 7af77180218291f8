"""Position and time of each image of a DICOM MR object, single-frame or enhanced multi-frame."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Plane
from gatekeeper.sources.dicom.elements import TWICE, Elements, Header
from gatekeeper.sources.dicom.frame_order import (
    Ranks,
    begun,
    display_rate_hz,
    frame_offsets_s,
    later,
    optional_value,
    ranks_of,
    whole_number,
)
from gatekeeper.sources.dicom.times import TIME_KINDS, Times, times_of
from gatekeeper.sources.dicom.values import (
    NOTHING,
    bits_of,
    first_item,
    integer,
    is_told,
    numbers,
    optional_number,
    vector,
)

Value = TypeVar("Value")
LONGEST_SIDE = 4096
"""Largest number of rows or columns of an image."""
MOST_FRAMES = 100_000
_COLOURS = ("PALETTE COLOR", "RGB", "HSV", "ARGB", "CMYK", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_RESCALE = ("RescaleSlope", "RescaleIntercept")
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
    plane : Plane or None
        Position and orientation as stored, DICOM LPS mm; at 0 where only the position is not told, None without both.
    spacing_mm : tuple of float or None
        Distance of pixel centres along rows and columns as stored, in mm; None where it is not told.
    times : tuple of float or None
        In s, one for each of `gatekeeper.sources.dicom.times.TIME_KINDS`.
    number : int or None
        Instance number; None in a multi-frame object.
    ranks : tuple
        Place in the order of frames, one for each of `RANK_KINDS`: whole numbers, or None when missing.
    series, study, instance, frame_of_reference : str
        UIDs; empty when missing.
    series_number : int or None
        Number of the series.
    rescaling : int
        How many of slope and intercept are told.
    slope, intercept : float
        Value = slope x stored + intercept.
    field_strength_t : float or None
        Field strength in tesla.
    display_hz : float or None
        Frames per second that the object recommends for display, which may be those of acquisition or not.
    unread : tuple of str
        Keywords of elements whose values are not what they must be, and which count as missing.
    """

    index: int
    shape: tuple[int, int]
    plane: Plane | None
    spacing_mm: tuple[float, float] | None
    times: Times
    number: int | None
    ranks: Ranks
    series: str
    series_number: int | None
    study: str
    instance: str
    frame_of_reference: str
    rescaling: int
    slope: float
    intercept: float
    field_strength_t: float | None
    display_hz: float | None = None
    unread: tuple[str, ...] = ()

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


def slices_of(header: Header, where: str, needs_geometry: bool = True) -> list[Slice]:
    """Return the headers of all images of an object, in order.

    Geometry and times of a frame come from its own functional group, else from the shared one, else from the object.

    Parameters
    ----------
    header : Header
        Of an MR image object.
    where : str
        Name of the object in messages, for example a file name.
    needs_geometry : bool
        Whether an object without position, directions or spacing is refused.

    Returns
    -------
    list of Slice
        One for each image.

    Raises
    ------
    InputError
        When an element is missing or invalid; the message names it.
    """
    dataset = header.elements
    shape = _shape(dataset, where)
    count = integer(dataset, "NumberOfFrames", where, 1)
    if count is None or not 1 <= count <= MOST_FRAMES:
        raise InputError(f"{where}: announces {count} frames; it must be 1 to {MOST_FRAMES}")
    announced = count * shape[0] * shape[1] * bits_of(dataset, where)[0] // 8
    if announced > MOST_BYTES:
        raise InputError(
            f"{where}: announces {announced / 2**30:.1f} GiB of pixels, the limit is {MOST_BYTES // 2**30}; split it"
        )
    shared = first_item(dataset, "SharedFunctionalGroupsSequence")
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if per_frame and len(per_frame) != count:
        raise InputError(f"{where}: has {count} frames and {len(per_frame)} groups of their values; export it again")
    unread = list(header.remarks)
    field_t = optional_value(dataset, "MagneticFieldStrength", unread)
    offsets_s = None if per_frame or count == 1 else frame_offsets_s(dataset, count, unread)
    slices: list[Slice] = []
    for index in range(count):
        if index and not per_frame:
            # Without functional groups of their own all frames are like the first one, except for the time.
            times = later(slices[0].times, offsets_s, index)
            ranks: Ranks = (*slices[0].ranks[:-1], (index + 1,))
            slices.append(replace(slices[0], index=index, times=times, ranks=ranks))
            continue
        own = per_frame[index] if per_frame else NOTHING
        own_unread = list(unread)
        rescaled = _part("PixelValueTransformationSequence", own, shared, dataset)
        slope, intercept = _rescale(rescaled, where, own_unread)
        if any(group.get("PixelValueTransformationSequence") == [] for group in (own, shared)):
            own_unread.append("PixelValueTransformationSequence is empty")
        content = first_item(own, "FrameContentSequence")
        times = times_of(
            dataset,
            content,
            first_item(own, "TemporalPositionSequence"),
            _part("CardiacSynchronizationSequence", own, shared, dataset),
            own_unread,
        )
        if not per_frame and count > 1:
            times = (None,) * len(times) if offsets_s is None else begun(times)
        number = whole_number(dataset, "InstanceNumber", own_unread) if count == 1 else None
        slices.append(
            Slice(
                index,
                shape,
                _told(_plane, needs_geometry, own_unread, own, shared, dataset, where)
                or _told(_plane_at_0, False, [], own, shared, dataset, where),
                _told(_spacing, needs_geometry, own_unread, own, shared, dataset, where),
                times,
                number,
                ranks_of(dataset, content, number if count == 1 else index + 1, count == 1, own_unread),
                _uid(dataset, "SeriesInstanceUID"),
                whole_number(dataset, "SeriesNumber", own_unread),
                _uid(dataset, "StudyInstanceUID"),
                _uid(dataset, "SOPInstanceUID"),
                _uid(dataset, "FrameOfReferenceUID"),
                sum(is_told(rescaled, keyword) for keyword in _RESCALE),
                slope,
                intercept,
                field_t,
                display_rate_hz(dataset, own_unread),
                tuple(own_unread),
            )
        )
    return slices


def _told(
    part: Callable[[Elements, Elements, Elements, str], Value],
    is_needed: bool,
    unread: list[str],
    own: Elements,
    shared: Elements,
    dataset: Elements,
    where: str,
) -> Value | None:
    """Return a part of the geometry; None where it is not told and not needed."""
    try:
        return part(own, shared, dataset, where)
    except InputError as error:
        if is_needed:
            raise
        why = str(error).removeprefix(f"{where}: ")
        unread.append(why.removesuffix("; export it again").removesuffix("; send or export images with their geometry"))
        return None


def _uid(elements: Elements, keyword: str) -> str:
    value = str(elements.get(keyword, ""))
    return "" if value == TWICE else value


def _shape(dataset: Elements, where: str) -> tuple[int, int]:
    rows, cols = integer(dataset, "Rows", where, None), integer(dataset, "Columns", where, None)
    if rows is None or cols is None:
        raise InputError(f"{where}: has no {'Rows' if rows is None else 'Columns'}; send or export images")
    if not (1 <= rows <= LONGEST_SIDE and 1 <= cols <= LONGEST_SIDE):
        raise InputError(f"{where}: announces {rows} x {cols} pixels; each must be 1 to {LONGEST_SIDE}")
    values = integer(dataset, "SamplesPerPixel", where, 1)
    if values != 1:
        raise InputError(f"{where}: has {values} values per pixel; give grey images")
    meaning = str(dataset.get("PhotometricInterpretation") or "MONOCHROME2")
    if meaning not in ("MONOCHROME1", "MONOCHROME2"):
        named = meaning if meaning in _COLOURS else "an unknown meaning"
        raise InputError(f"{where}: has pixels that are not brightness ({named}); give grey images")
    return rows, cols


def _plane(own: Elements, shared: Elements, dataset: Elements, where: str) -> Plane:
    plane = _plane_at_0(own, shared, dataset, where)
    position = _part("PlanePositionSequence", own, shared, dataset)
    return replace(plane, origin_mm=vector(numbers(position, "ImagePositionPatient", 3, where)))


def _plane_at_0(own: Elements, shared: Elements, dataset: Elements, where: str) -> Plane:
    orientation = _part("PlaneOrientationSequence", own, shared, dataset)
    directions = numbers(orientation, "ImageOrientationPatient", 6, where)
    # The first three are the direction of a row, along which the column index grows (PS3.3 C.7.6.2.1.1).
    return Plane((0.0, 0.0, 0.0), vector(directions[3:]), vector(directions[:3]))


def _spacing(own: Elements, shared: Elements, dataset: Elements, where: str) -> tuple[float, float]:
    between_rows, between_cols = numbers(_part("PixelMeasuresSequence", own, shared, dataset), "PixelSpacing", 2, where)
    if not (0.0 < between_rows < math.inf and 0.0 < between_cols < math.inf):
        raise InputError(f"{where}: its PixelSpacing is {between_rows:g} and {between_cols:g} mm; both must be above 0")
    return between_rows, between_cols


def _rescale(values: Elements, where: str, unread: list[str]) -> tuple[float, float]:
    told = [keyword for keyword in _RESCALE if is_told(values, keyword)]
    if len(told) == 1:
        unread.append(f"has {told[0]} only, of {' and '.join(_RESCALE)}")
    elif not told:
        unread += [f"{keyword} is empty" for keyword in _RESCALE if keyword in values]
    slope, intercept = (
        default if (number := optional_number(values, keyword, where)) is None else number
        for keyword, default in zip(_RESCALE, (1.0, 0.0), strict=True)
    )
    if not slope > 0.0:
        raise InputError(f"{where}: its RescaleSlope is {slope:g}; it must be above 0, export it again")
    return slope, intercept


def _part(sequence: str, own: Elements, shared: Elements, dataset: Elements) -> Elements:
    """Return the functional group of a frame, else the shared one, else the object itself."""
    for group in (own, shared):
        if found := first_item(group, sequence):
            return found
    return dataset
