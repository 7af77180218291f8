"""Times of the frames of a sequence of PLUS or SlicerIGT, which are lines in a MetaImage header."""

import math
import re

import numpy as np
from numpy.typing import NDArray

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)")
"""A number as MetaImage headers have it."""


def frame_times(
    of_frames: dict[str, dict[int, str]], count: int | None
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Return the time of each frame of a sequence, and notes.

    Parameters
    ----------
    of_frames : dict of str to dict
        `Timestamp` and `ImageStatus` of each frame by its number, as text.
    count : int or None
        Number of frames; None where it is not known which axis is time.

    Returns
    -------
    times_s : ndarray of float64, shape (T,), or None
        In s; single missing ones are taken from their neighbours.
    notes : tuple of str
        On frames that are marked invalid, and times that are not used.
    """
    stamps, states = of_frames["Timestamp"], of_frames["ImageStatus"]
    count = len(stamps) if count is None else count
    notes: tuple[str, ...] = ()
    if invalid := sum(state.upper() != "OK" for state in states.values()):
        notes = (f"{invalid} of {count} frames are marked invalid in the header; they are read as they are",)
    if not stamps:
        return None, notes
    words = [stamps.get(number, "") for number in range(count)]
    times_s = np.array([float(word) if NUMBER.fullmatch(word) else math.nan for word in words])
    if (np.diff(times_s) > 0.0).all():
        return times_s, notes
    from replay.formats.dicom_order import mended_times

    if (mended := mended_times(times_s, "the order of frames")) is not None:
        return mended[0], (*notes, f"Timestamp: {mended[1]}")
    return None, (*notes, "the time stamps of frames are not one for each, or do not increase; they are not used")
