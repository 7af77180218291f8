"""Frames from the DICOM objects of one sender: canonical images with session times and numbers."""

import math
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any

from gatekeeper.core.errors import InputError, OtherPlaneError
from gatekeeper.core.frame import Frame
from gatekeeper.core.orientation import ANY, reorientation
from gatekeeper.sources.device_clock import DeviceClock
from gatekeeper.sources.dicom.header import Slice, slices_of
from gatekeeper.sources.dicom.image import Pixels, pixels_of
from gatekeeper.sources.dicom.reading import CutShortError, read_header
from gatekeeper.sources.dicom.times import CLOCKS
from gatekeeper.sources.interleaving import InterleavedFrames
from gatekeeper.sources.network import DAY_S, canonical
from gatekeeper.sources.sequence_numbers import REORDERED, SequenceNumbers

_MOST_SERIES = 32
"""Largest number of series counted side by side."""


class DicomFrames:
    """Turn objects into frames.

    Each series is counted by its own instance numbers, and all together form one sequence: a device that images two
    planes in turn sends two series. A new series begins with a gap, so that the beam is held. All times of a session
    are of one kind, since clocks of two kinds cannot be compared.

    Parameters
    ----------
    clock : str
        "sender", or "none": times of the sender are not used, an image was acquired when it arrived.
    plane : str
        Orientation of the images that are frames; `ANY` for all.
    """

    def __init__(self, clock: str = "sender", plane: str = ANY) -> None:
        self._clock = clock
        self._plane = plane
        self._kind: str | None = None
        self._numbers = SequenceNumbers()
        self._time = DeviceClock(DAY_S)
        self._interleaved = InterleavedFrames()
        self._begin()

    def _begin(self) -> None:
        self._last: dict[str, int] = {}
        self._count = 0

    def connected(self) -> None:
        """Start a new connection, whose numbers are new."""
        self._numbers.broken()
        self._time.connected()
        self._begin()

    def frames(
        self,
        stored: bytes,
        syntax: str,
        received_s: float,
        where: str,
        unfit: Callable[[InputError], None],
        noted: Callable[[str], None] = lambda _: None,
    ) -> Iterator[Frame]:
        """Yield the frames of an object in the order in which they were acquired.

        Parameters
        ----------
        stored : bytes
            The object as received, without file meta information.
        syntax : str
            Its transfer syntax.
        received_s : float
            Session time at which it was complete, in s.
        where : str
            Name of the object in messages.
        unfit : callable
            Called for each image that is not a frame, because its position or time is missing, it has another
            orientation, or its pixels cannot be decoded.

        Yields
        ------
        Frame
            A frame.

        Raises
        ------
        InputError
            When the object holds no image.
        """
        try:
            header = read_header(stored, where, syntax)
            slices = slices_of(header, where)
            pixels = pixels_of(header, stored, len(slices), slices[0].shape, where)
        except CutShortError:
            raise InputError(f"{where}: has no PixelData; send images") from None
        if len(stored) - pixels.offset < (pixels.length or 1):
            raise InputError(f"{where}: is cut short; send it again")
        if self._kind is None:
            self._kind = slices[0].time_kind
        slices = self._in_order(slices)
        for word in (*pixels.remarks, *slices[0].unread):
            noted(f"{where}: {word}" if " " in word else f"{where}: {word} is not valid and not used")
        stamps_s = [stamp_s for one in slices if (stamp_s := self._stamp_s(one)) is not None]
        if stamps_s and self._clock == "sender":
            # All arrived at once, so the newest had the shortest delay.
            self._time.times_s(stamps_s[-1], received_s)
        for one in slices:
            try:
                yield self._frame(BytesIO(stored), pixels, one, received_s, where)
            except InputError as error:
                unfit(error)

    def _frame(self, stored: BytesIO, pixels: Pixels, one: Slice, received_s: float, where: str) -> Frame:
        acquired_s, stamp_s = received_s, math.nan
        if self._clock == "sender":
            acquired_s, stamp_s = self._time.times_s(self._device_s(one, where), received_s)
        number = self._number(one)
        assert one.plane is not None and one.spacing_mm is not None  # noqa: S101, PT018 - as slices_of demands
        try:
            turned = reorientation(one.plane, one.spacing_mm, one.shape, where, self._plane)
        except OtherPlaneError:
            self._interleaved.put(number)
            raise
        image = canonical(pixels.image(stored, one, where), turned)
        frame = Frame(image, turned.spacing_mm, number, acquired_s, received_s, turned.plane, stamp_s=stamp_s)
        return self._interleaved.give(frame)

    def _in_order(self, slices: list[Slice]) -> list[Slice]:
        """Return the images of an object in the order of time, else in the one they tell, else as they are stored."""
        if len(slices) < 2:
            return slices
        stamps_s = [math.nan if (stamp_s := self._stamp_s(one)) is None else stamp_s for one in slices]
        if self._kind in CLOCKS:  # those after midnight follow those of the evening
            evening_s = max(stamps_s) - 0.5 * DAY_S
            stamps_s = [stamp_s + DAY_S if stamp_s < evening_s else stamp_s for stamp_s in stamps_s]
        orders: list[Sequence[Any]] = [stamps_s, *zip(*(one.ranks for one in slices), strict=True)]
        for keys in orders:
            is_told = not any(key is None or key != key for key in keys)
            if is_told and len(set(keys)) == len(keys):
                return [slices[index] for index in sorted(range(len(slices)), key=keys.__getitem__)]
        return slices

    def _stamp_s(self, one: Slice) -> float | None:
        """Return the time of an image on the clock of the device, in s; a time of day whatever its date is."""
        stamp_s = one.time_of(self._kind)
        return stamp_s if stamp_s is None or self._kind not in CLOCKS else stamp_s % DAY_S

    def _device_s(self, one: Slice, where: str) -> float:
        device_s = self._stamp_s(one)
        if device_s is None and (unread := [keyword for keyword in one.unread if keyword.endswith("Time")]):
            raise InputError(f"{where}: its {unread[0]} is not a time; send images with their times")
        if device_s is None:
            raise InputError(f"{where}: has no {self._kind or 'time of acquisition'}; send images with their times")
        return device_s

    def _number(self, one: Slice) -> int:
        """Return the session's number of an image."""
        last = self._last.get(one.series)
        is_new = last is None and bool(self._last)
        step = 1 if last is None or one.number is None else one.number - last
        if is_new or step < -REORDERED:
            self._numbers.broken()
            step = 1
            if len(self._last) >= _MOST_SERIES:
                self._last.clear()
        self._count += step
        self._last[one.series] = (last or 0) + 1 if one.number is None else one.number
        return self._numbers.number(self._count)
