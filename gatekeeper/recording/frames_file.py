"""Write the frames of a session to HDF5, so that they are readable at any moment, also after a crash of the writer."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.frame import Frame
from gatekeeper.recording.hashing import array_hash, plane_numbers

ROW = np.dtype(
    [
        ("sequence", "<i8"),
        ("acquired_s", "<f8"),
        ("received_s", "<f8"),
        ("spacing_mm", "<f8", (2,)),
        ("plane", "<f8", (9,)),
        ("place", "<i8"),
        ("odd_type", "S8"),
        ("odd_shape", "<i8", (3,)),
        ("connection", "<i8"),
        ("stamp_s", "<f8"),
    ]
)
"""A row of `index`: `place` is the position of the frame in `pixels` or, with an `odd_type`, of its bytes in `odd`.

Files of earlier versions lack the last two fields.
"""
_PACKED = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


@dataclass(frozen=True, slots=True, eq=False)
class StoredFrame:
    """A frame as it is stored.

    Attributes
    ----------
    sequence : int
        Sequence number of the source.
    acquired_s, received_s : float
        Session time in s.
    spacing_mm : list of float
        Two distances, in mm.
    plane : list of float
        Nine numbers, see `gatekeeper.recording.hashing.plane_numbers`.
    image : ndarray
        Of any number type, with at most three axes.
    connection : int
        Connection over which it came; 0 for none.
    stamp_s : float
        What the sender's clock showed, in s.
    """

    sequence: int
    acquired_s: float
    received_s: float
    spacing_mm: list[float]
    plane: list[float]
    image: NDArray[np.generic]
    connection: int = 0
    stamp_s: float = math.nan

    @classmethod
    def of(cls, frame: Frame) -> "StoredFrame":
        """Return a frame as it is stored; its image is not copied."""
        spacing_mm = [float(value) for value in frame.spacing_mm]
        plane = plane_numbers(frame.plane)
        times_s = float(frame.acquired_s), float(frame.received_s)
        whence = int(frame.connection), float(frame.stamp_s)
        return cls(int(frame.sequence), *times_s, spacing_mm, plane, frame.image, *whence)

    def hash(self) -> str:
        """Return the SHA-256 of pixels, pixel size, plane, number, times and, where there is one, connection."""
        facts = [self.sequence, self.acquired_s, self.received_s, self.spacing_mm, self.plane]
        whence = [self.connection, self.stamp_s] if self.connection else []
        return array_hash(self.image, json.dumps([*facts, *whence]))


class FramesFile:
    """Write `frames.h5`; data are safe in the file after `flush` only.

    Parameters
    ----------
    path : Path
        The file; it must not exist.
    facts : mapping or None
        `SessionSetup.facts`; without them all frames are stored as odd ones.
    arrays : mapping
        `SessionSetup.arrays`.

    Raises
    ------
    OSError
        Here and on `flush`, when the disk does not accept the data.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any] | None, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        self._file = h5py.File(path, "x", libver="latest")
        for name, array in arrays.items():
            packed = {"chunks": (1, *array.shape[1:]), **_PACKED} if array.ndim == 3 and array.size else {}
            self._file.create_dataset(name, data=array, **packed)
        self._shape: tuple[int, ...] | None = None
        self._type = np.dtype(np.float32)
        if facts is not None:
            self._file.attrs["facts"] = json.dumps(facts)
            self._shape, self._type = arrays["reference"].shape, np.dtype(facts["pixel_type"])
        self._index = self._grows("index", ROW, (), 64)
        self._odd = self._grows("odd", np.dtype(np.uint8), (), 1 << 16)
        self._pixels = self._grows("pixels", self._type, self._shape or (1, 1), 1)
        self._file.swmr_mode = True
        self._rows: list[tuple[object, ...]] = []
        self._plain: list[NDArray[np.generic]] = []
        self._other: list[NDArray[np.uint8]] = []
        self._plain_count = self._odd_bytes = 0
        self.count = 0

    def _grows(self, name: str, dtype: np.dtype[Any], rest: tuple[int, ...], at_once: int) -> Any:
        """Return a new, empty dataset that can grow along its first axis."""
        packed = _PACKED if len(rest) == 2 else {}
        return self._file.create_dataset(
            name, (0, *rest), dtype, maxshape=(None, *rest), chunks=(at_once, *rest), **packed
        )

    def add(self, stored: StoredFrame) -> tuple[int, str]:
        """Add one frame.

        Parameters
        ----------
        stored : StoredFrame
            The frame.

        Returns
        -------
        row : int
            Its row in `index`.
        hash : str
            Hash of what can be read back.

        Raises
        ------
        ValueError, TypeError, OverflowError
            When the file cannot hold such a frame; the file is unchanged then.
        """
        image = stored.image
        if image.dtype.kind not in "buif" or image.ndim > 3 or len(stored.spacing_mm) != 2:
            raise ValueError(f"frame of {image.dtype}, shape {image.shape}, spacing {stored.spacing_mm}")
        plain = self._as_plain(image)
        numbers = (stored.sequence, stored.acquired_s, stored.received_s, tuple(stored.spacing_mm), tuple(stored.plane))
        whence = stored.connection, stored.stamp_s
        if plain is not None:
            row = (*numbers, self._plain_count, b"", (0, 0, 0), *whence)
            np.array(row, ROW)
            self._plain.append(plain)
            self._plain_count += 1
        else:
            values = np.ascontiguousarray(image, image.dtype.newbyteorder("<"))
            row = (*numbers, self._odd_bytes, values.dtype.str.encode(), (*image.shape, -1, -1, -1)[:3], *whence)
            np.array(row, ROW)
            self._other.append(values.reshape(-1).view(np.uint8))
            self._odd_bytes += values.nbytes
        self._rows.append(row)
        self.count += 1
        return self.count - 1, stored.hash()

    def _as_plain(self, image: NDArray[np.generic]) -> NDArray[np.generic] | None:
        """Return an image in the type of the source; None when it would not read back bit for bit."""
        if image.dtype != np.float32 or image.shape != self._shape:
            return None
        with np.errstate(all="ignore"):
            plain = image.astype(self._type)
            back = plain.astype(np.float32)
        return plain if np.array_equal(back.view(np.uint32), np.ascontiguousarray(image).view(np.uint32)) else None

    @property
    def descriptor(self) -> int:
        """The open file's descriptor."""
        return int(self._file.id.get_vfd_handle())

    def flush(self) -> None:
        """Write the added frames: first the pixels, then the rows that refer to them."""
        if not self._rows:
            return
        if self._plain:
            _append(self._pixels, np.stack(self._plain))
        if self._other:
            _append(self._odd, np.concatenate(self._other))
        _append(self._index, np.array(self._rows, ROW))
        self._rows, self._plain, self._other = [], [], []

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        self._file.close()


def _append(dataset: Any, rows: NDArray[Any]) -> None:
    before = dataset.shape[0]
    dataset.resize(before + len(rows), axis=0)
    dataset[before:] = rows
    dataset.flush()
