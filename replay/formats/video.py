"""Grey videos (avi, mp4), decoded frame by frame; a note says that compression may have changed the pixels.

Spacing and rate come from the sidecar file: the rate in a video is that of its playback.
"""

import os
import weakref
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.stack import Stack
from replay.recording import LazyFrames

# Read by FFmpeg when it is first used. It would print about damage, which the messages here report.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

MAX_SIDE_PX = 8192
_MOST_FRAMES = 10_000_000
_COLOURED = 8
_NOTE = "is a video: where its compression is lossy, pixels are not those that the scanner measured"


def is_video(_path: Path, head: bytes) -> bool:
    """Return whether a file begins as an AVI, or as an MP4 or QuickTime file does."""
    return (head[:4] == b"RIFF" and head[8:12] == b"AVI ") or head[4:8] in (b"ftyp", b"moov", b"mdat")


def read_video(path: Path, _time_axis: str | None, _as_stored: bool) -> Stack:
    """Read the images of a video.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Stack
        Frames of uint8, decoded when they are asked for.

    Raises
    ------
    RecordingError
        When the video cannot be decoded to its end, or shows colours.
    """
    return Stack(_Video(path).frames(), time_axis="first", notes=(f"{path.name} {_NOTE}",))


class _Video:
    """A video that is decoded forwards, and again from its beginning for an earlier frame."""

    def __init__(self, path: Path) -> None:
        import cv2

        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._cv2 = cv2
        self._path = path
        self._open()
        self._size = (self._property(cv2.CAP_PROP_FRAME_HEIGHT), self._property(cv2.CAP_PROP_FRAME_WIDTH))
        self._count = self._property(cv2.CAP_PROP_FRAME_COUNT)
        if not (min(self._size) > 0 and max(self._size) <= MAX_SIDE_PX and 0 < self._count <= _MOST_FRAMES):
            self._refuse(f"announces {self._count} frames of {self._size} pixels; export it again")
        self._check_end()

    def frames(self) -> LazyFrames:
        """Return the images, each decoded when it is asked for."""
        return LazyFrames(self._read, self._count, self._size, np.dtype(np.uint8))

    def _open(self) -> None:
        # Other backends take some names for patterns and open other files.
        self._capture = self._cv2.VideoCapture(str(self._path), self._cv2.CAP_FFMPEG)
        self._next = 0
        self._release = weakref.finalize(self, self._capture.release)
        if not self._capture.isOpened():
            self._refuse("cannot be decoded as a video; it is cut short, or of an unknown kind")

    def _property(self, prop: int) -> int:
        value = float(self._capture.get(prop))
        return int(value) if abs(value) < 2**40 else -1

    def _check_end(self) -> None:
        """Check that the last frame can be decoded."""
        self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, self._count - 1)
        there, _ = self._capture.read()
        self._restart()
        if not there:
            self._refuse(f"announces {self._count} frames, and the last is not there; copy the file again")

    def _restart(self) -> None:
        self._release()
        self._open()

    def _read(self, index: int) -> NDArray[Any]:
        if index < self._next:
            self._restart()
        while self._next < index:
            if not self._capture.grab():
                self._refuse(f"ends before frame {index} of {self._count}; copy the file again")
            self._next += 1
        there, image = self._capture.read()
        self._next += 1
        if not there or image is None:
            self._refuse(f"ends before frame {index} of {self._count}; copy the file again")
        return self._grey(image, index)

    def _grey(self, image: NDArray[Any], index: int) -> NDArray[Any]:
        if image.ndim == 2:
            return image
        channels = image.astype(np.int16)
        if np.ptp(channels, axis=2).max() > _COLOURED:
            self._refuse(f"shows colours on frame {index}; export it in shades of grey, without annotations")
        return np.ascontiguousarray(image[..., 1])

    def _refuse(self, why: str) -> NoReturn:
        raise RecordingError(f"{self._path}: {why}") from None
