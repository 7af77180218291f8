"""Read the frames of a session, also of one that is running or whose writer has crashed."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Frame
from gatekeeper.core.json_values import parsed
from gatekeeper.recording.frames_file import StoredFrame
from gatekeeper.recording.hashing import plane_of


class FramesReader:
    """Read `frames.h5`, also of a session that is running or whose writer has crashed.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    facts : mapping or None
        `SessionSetup.facts`.
    index : ndarray of `ROW`
        A row for each readable frame.
    kind : tuple
        Shape (H, W) and type of what `image` returns: the source's type if all frames fit into it, else float32.

    Raises
    ------
    RecordingError
        Here and on each read, when the file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = _opened(path)
            facts = self._file.attrs.get("facts")
            found: Any = None if facts is None else parsed(facts)
            self.facts: dict[str, Any] | None = found
            self._pixels, self._odd = self._file["pixels"], self._file["odd"]
            index = self._file["index"][:]
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise self._damaged(error) from None
        ends = np.array([_odd_end(row) for row in index], np.int64)
        complete = np.where(ends < 0, index["place"] < self._pixels.shape[0], ends <= self._odd.shape[0])
        self.index: NDArray[Any] = index[: int(np.argmin(complete)) if not complete.all() else len(index)]
        self._has_connections = "connection" in (index.dtype.names or ())
        all_plain = not any(self.index["odd_type"])
        self.kind: tuple[tuple[int, int], np.dtype[Any]] = (
            (int(self._pixels.shape[1]), int(self._pixels.shape[2])),
            self._pixels.dtype if all_plain else np.dtype(np.float32),
        )

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays of the setup, by the names of `SessionSetup.arrays`."""
        found: dict[str, NDArray[np.generic]] = {}

        def visit(name: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset) and name not in ("pixels", "odd", "index"):
                found[name] = node[()]

        try:
            self._file.visititems(visit)
        except (OSError, RuntimeError) as error:
            raise self._damaged(error) from None
        return found

    def __len__(self) -> int:
        return len(self.index)

    def stored(self, row: int) -> StoredFrame:
        """Return a stored frame, its image exactly as it was judged."""
        if not 0 <= row < len(self.index):
            raise RecordingError(f"{self._path}: holds {len(self.index)} frames, frame_row {row} is missing")
        entry = self.index[row]
        place, odd_type = int(entry["place"]), bytes(entry["odd_type"])
        try:
            if odd_type:
                end = _odd_end(entry)
                shape = tuple(int(n) for n in entry["odd_shape"] if n >= 0)
                image = self._odd[place:end].view(np.dtype(odd_type.decode())).reshape(shape)
            else:
                image = self._pixels[place].astype(np.float32)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise self._damaged(error) from None
        return StoredFrame(
            int(entry["sequence"]),
            float(entry["acquired_s"]),
            float(entry["received_s"]),
            [float(value) for value in entry["spacing_mm"]],
            [float(value) for value in entry["plane"]],
            image,
            *((int(entry["connection"]), float(entry["stamp_s"])) if self._has_connections else ()),
        )

    def frame(self, row: int) -> tuple[Frame, str]:
        """Return a frame exactly as it was judged, and its hash."""
        stored = self.stored(row)
        # A faulty frame may have any type; the gate holds on it.
        image: Any = stored.image
        row_mm, col_mm = stored.spacing_mm
        times_s = stored.acquired_s, stored.received_s
        frame = Frame(
            image,
            (row_mm, col_mm),
            stored.sequence,
            *times_s,
            plane_of(stored.plane),
            connection=stored.connection,
            stamp_s=stored.stamp_s,
        )
        return frame, stored.hash()

    def image(self, row: int) -> NDArray[np.generic]:
        """Return the image of a frame in the type of `kind`; NaN, in float32, for a frame of another shape."""
        shape, dtype = self.kind
        image = self.stored(row).image
        if image.shape != shape:
            return np.full(shape, np.nan, np.float32)
        with np.errstate(over="ignore"):
            return image.astype(dtype)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def _damaged(self, error: Exception) -> RecordingError:
        return RecordingError(f"{self._path}: cannot be read as frames ({error}); the frames are lost or damaged")


def _opened(path: Path) -> Any:
    """Open the file; one whose writer is running or has crashed opens in HDF5's SWMR mode only."""
    try:
        return h5py.File(path, "r")
    except OSError:
        return h5py.File(path, "r", libver="latest", swmr=True)


def _odd_end(row: Any) -> int:
    """Return where the bytes of an odd frame end; -1 for other frames."""
    odd_type = bytes(row["odd_type"])
    if not odd_type:
        return -1
    try:
        size = np.dtype(odd_type.decode()).itemsize
    except (TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"frame of type {odd_type!r}") from error
    return int(row["place"]) + size * int(np.prod([n for n in row["odd_shape"] if n >= 0]))
