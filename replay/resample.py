"""Bring a recording to an even rate: at each time the nearest frame, and never a picture that was not recorded."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack
from replay.recording import LazyFrames, Recording

MOST_FRAMES = 1_000_000


def resample(recording: Recording, rate_hz: float) -> Recording:
    """Return a recording at an even rate.

    Parameters
    ----------
    recording : Recording
        With times of any rate.
    rate_hz : float
        Frames per second of the result.

    Returns
    -------
    Recording
        From the first frame to the last, with a note on frames that are left out or repeated, and on the largest shift.

    Raises
    ------
    RecordingError
        When it would have more than `MOST_FRAMES` frames.

    Examples
    --------
    >>> frames = np.arange(3, dtype=np.float32)[:, None, None] * np.ones((2, 2), np.float32)
    >>> uneven = Recording("a", frames, (1.0, 1.0), np.array([0.0, 0.26, 0.49]))
    >>> even = resample(uneven, 4.0)
    >>> even.times_s.tolist(), even.notes
    ([0.0, 0.25, 0.5], ('resampled to 4 per second by the nearest frame, at most 10 ms away: 0 left out, 0 repeated',))
    """
    times_s = recording.times_s
    count = round(float(times_s[-1]) * rate_hz) + 1
    if count > MOST_FRAMES:
        raise RecordingError(
            f"{recording.name}: has {count} frames at {rate_hz:g} per second; {MOST_FRAMES} is the limit"
        )
    even_s = np.arange(count) / rate_hz
    after = np.searchsorted(times_s, even_s).clip(1, max(len(times_s) - 1, 1))
    is_before = (even_s - times_s[after - 1]) <= np.abs(times_s[after.clip(max=len(times_s) - 1)] - even_s)
    nearest = np.where(is_before, after - 1, after)
    used = len(np.unique(nearest))
    shift_ms = 1e3 * float(np.abs(times_s[nearest] - even_s).max())
    note = (
        f"resampled to {rate_hz:g} per second by the nearest frame, at most {shift_ms:.3g} ms away: "
        f"{len(times_s) - used} left out, {count - used} repeated"
    )
    return replace(
        recording,
        frames=_chosen(recording.frames, nearest),
        labels=None if recording.labels is None else _chosen(recording.labels, nearest),
        structures=tuple(
            replace(one, labels=None if one.labels is None else _chosen(one.labels, nearest))
            for one in recording.structures
        ),
        times_s=even_s,
        latency_s=None if recording.latency_s is None else recording.latency_s[nearest],
        vendor=None if recording.vendor is None else recording.vendor.part(nearest),
        notes=(*recording.notes, note),
    )


def _chosen(frames: FrameStack, indices: NDArray[np.intp]) -> FrameStack:
    """Return the frames of some indices, read when they are asked for."""

    def read(index: int) -> NDArray[Any]:
        return np.asarray(frames[int(indices[index])])

    return LazyFrames(read, len(indices), (frames.shape[1], frames.shape[2]), frames.dtype)
