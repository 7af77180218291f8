"""Hold a recorded cine sequence with its geometry, times and, where known, its target."""

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack, Plane
from replay.vendor_trace import VendorTrace


class LazyFrames:
    """A stack of images (T, H, W) that are read from storage one by one, on access.

    Images are not cached: one that is accessed twice is read twice.

    Parameters
    ----------
    read : callable
        Returns image k as an array (H, W) of type `dtype`, for 0 <= k < `count`.
    count : int
        Number of images T.
    shape : tuple of int
        (H, W) of each image.
    dtype : dtype
        Type of the pixels.
    """

    def __init__(
        self, read: Callable[[int], NDArray[np.generic]], count: int, shape: tuple[int, int], dtype: np.dtype[Any]
    ) -> None:
        self._read = read
        self._indices: Sequence[int] = range(count)
        self._size = shape
        self._dtype = np.dtype(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W)."""
        return (len(self._indices), *self._size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self._dtype

    def __len__(self) -> int:
        """Return T."""
        return len(self._indices)

    def __iter__(self) -> Iterator[NDArray[np.generic]]:
        """Iterate over the images (H, W), reading each when it is reached."""
        return (self._image(index) for index in self._indices)

    def __getitem__(self, key: Any, /) -> Any:
        """Return the image (H, W) at an index, or the lazy stack of a slice.

        Raises
        ------
        IndexError
            When the index is out of range.
        RecordingError
            When the image can no longer be read, or differs from the stack in size or type.
        """
        if isinstance(key, slice):
            part = LazyFrames(self._read, 0, self._size, self._dtype)
            part._indices = self._indices[key]
            return part
        return self._image(self._indices[operator.index(key)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all images as one array (T, H, W)."""
        if copy is False:
            raise ValueError("images that are read one by one cannot become an array without a copy")
        out = np.empty(self.shape, self._dtype if dtype is None else dtype)
        for row, image in zip(out, self, strict=True):
            row[...] = image
        return out

    def _image(self, index: int) -> NDArray[np.generic]:
        image = self._read(index)
        if image.shape != self._size or image.dtype != self._dtype:
            raise RecordingError(
                f"frame {index}: is {image.shape} pixels of {image.dtype}, the others are {self._size} of "
                f"{self._dtype}; export the recording again"
            )
        return image


@dataclass(frozen=True, slots=True, eq=False)
class RecordedStructure:
    """A structure of a recording besides its target.

    Attributes
    ----------
    name : str
        Its name.
    first_mask : ndarray of bool, shape (H, W), or None
        Where it is on the first frame.
    labels : FrameStack of bool, shape (T, H, W), or None
        Where it is on every frame; a frame whose label is empty is not labelled.
    outlines_px : tuple of T ndarrays of float64, shape (N, 2), or None
        Its outline on every frame as (row, col), where it is known more exactly than to a pixel.
    why : str
        Why it is not on the first frame, where that is known.
    """

    name: str
    first_mask: NDArray[np.bool_] | None = None
    labels: FrameStack | None = None
    outlines_px: tuple[NDArray[np.float64], ...] | None = None
    why: str = ""

    def part(self, frames: slice) -> "RecordedStructure":
        """Return the structure on some of the frames; its first mask stays as it is."""
        return replace(
            self,
            labels=None if self.labels is None else self.labels[frames],
            outlines_px=None if self.outlines_px is None else self.outlines_px[frames],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A cine sequence in canonical orientation: rows superior to inferior, columns anterior to posterior.

    Attributes
    ----------
    name : str
        Name of the case, without any patient identifier.
    frames : FrameStack of float32 or an integer type, shape (T, H, W)
        Pixel values as recorded: an array, or images that are read one by one.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    times_s : ndarray of float64, shape (T,)
        Acquisition time of each frame from the first, in seconds.
    first_mask : ndarray of bool, shape (H, W), or None
        The target on the first frame.
    labels : FrameStack of bool, shape (T, H, W), or None
        The target on every frame; a frame whose label is empty is not labelled.
    plane : Plane
        Where the images lie in the patient.
    field_strength_t : float or None
        Field strength of the scanner in tesla.
    region : str or None
        Scanned region, for example "abdomen".
    notes : tuple of str
        Remarks of the reader, one line each: what was assumed, left out, missing or duplicated.
    latency_s : ndarray of float64, shape (T,), or None
        Time from the acquisition of each frame to its arrival, as the machine measured it, in seconds; NaN where it was
        not told.
    vendor : VendorTrace or None
        What the machine's own monitoring said.
    target_name : str or None
        Name of the target, where it has one.
    outlines_px : tuple of T ndarrays of float64, shape (N, 2), or None
        The target's outline on every frame as (row, col), where it is known more exactly than to a pixel.
    structures : tuple of RecordedStructure
        Further structures; where the target has no name, it is all of them, or none of them is chosen.
    """

    name: str
    frames: FrameStack
    spacing_mm: tuple[float, float]
    times_s: NDArray[np.float64]
    first_mask: NDArray[np.bool_] | None = None
    labels: FrameStack | None = None
    plane: Plane = field(default_factory=Plane)
    field_strength_t: float | None = None
    region: str | None = None
    notes: tuple[str, ...] = ()
    latency_s: NDArray[np.float64] | None = None
    vendor: VendorTrace | None = None
    target_name: str | None = None
    outlines_px: tuple[NDArray[np.float64], ...] | None = None
    structures: tuple[RecordedStructure, ...] = ()

    @property
    def named_structures(self) -> "tuple[RecordedStructure, ...]":
        """All structures that have names, the target first if it has one."""
        if self.target_name is None:
            return self.structures
        target = RecordedStructure(self.target_name, self.first_mask, self.labels, self.outlines_px)
        return target, *self.structures

    def part(self, frames: slice) -> "Recording":
        """Return the recording of some of the frames; times stay as they are."""
        return replace(
            self,
            frames=self.frames[frames],
            times_s=self.times_s[frames],
            labels=None if self.labels is None else self.labels[frames],
            latency_s=None if self.latency_s is None else self.latency_s[frames],
            vendor=None if self.vendor is None else self.vendor.part(frames),
            outlines_px=None if self.outlines_px is None else self.outlines_px[frames],
            structures=tuple(one.part(frames) for one in self.structures),
        )


TARGET = "target"
"""Name of a target that has none, beside structures that have names."""


def structures_of(recording: Recording) -> tuple[RecordedStructure, ...]:
    """Return all structures of a recording, its target first, whether it has a name or not."""
    if recording.target_name is None and (recording.first_mask is not None or recording.labels is not None):
        return replace(recording, target_name=TARGET).named_structures
    return recording.named_structures
