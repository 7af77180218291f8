"""Send a recording once or repeatedly, for a given time, as one stream of frames."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gatekeeper.core.clock import Clock
from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Frame
from replay.feed.play import play
from replay.feed.port import Feeder
from replay.fresh_noise import FreshNoise
from replay.recording import Recording
from replay.scores.gating import frame_period_s

SINGLE_FRAME_S = 1.0
"""Duration of a recording of one frame, in seconds."""

Progress = Callable[[int, int | None], None]
"""Called with the number of frames sent so far, and the number to be sent (None if unlimited)."""


def feed(
    recording: Recording,
    feeder: Feeder,
    clock: Clock,
    progress: Progress,
    seconds: float | None = None,
    *,
    again: bool = False,
    shown_s: Callable[[float], float] = float,
    noise: FreshNoise | None = None,
) -> int:
    """Send a recording's frames when they are due, and return how many were sent.

    Parameters
    ----------
    recording : Recording
        The recording. One frame period passes between its last frame and the first of the next lap.
    feeder : Feeder
        Receives the frames; the caller closes it.
    clock : Clock
        Real time, or a multiple of it.
    progress : callable
        Called after each frame, and several times per second while waiting for the next one.
    seconds : float, optional
        Send frames up to this time after the first one; by default all.
    again : bool
        Whether to begin again after the last frame; numbers and times of acquisition continue to rise.
    shown_s : callable
        Return what the sender's clock shows at a time of `clock`, in s; by default the same.
    noise : FreshNoise, optional
        Added to each frame, so that a lap looks new to a live session, which holds frames that come back.

    Returns
    -------
    int
        Number of frames sent.

    Raises
    ------
    LinkError
        When the receiver does not accept a frame.
    """
    period_s = frame_period_s(recording.times_s) or SINGLE_FRAME_S
    lap_s = float(recording.times_s[-1] - recording.times_s[0]) + period_s
    lap, sent, left_s, total = len(recording.frames), 0, seconds, _total(recording, lap_s, seconds, again)
    while True:
        part = recording if left_s is None or left_s >= lap_s else first_seconds(recording, left_s)
        sent += play(part, _Restamped(feeder, sent, shown_s, noise), clock, _counted(progress, sent, total))
        left_s = None if left_s is None else left_s - lap_s
        if not again or len(part.frames) < lap or (left_s is not None and left_s < 0.0):
            return sent
        clock.sleep_until(clock.now_s() + period_s)


def first_seconds(recording: Recording, seconds: float) -> Recording:
    """Return the first seconds of a recording.

    Parameters
    ----------
    recording : Recording
        The recording.
    seconds : float
        Time after the first frame up to which frames are kept, in seconds; 0 keeps the first frame.

    Returns
    -------
    Recording

    Raises
    ------
    InputError
        When the time is below 0 or not a number.
    """
    if not seconds >= 0.0:
        raise InputError(f"{recording.name}: cannot send {seconds:g} s of it; give a time of 0 s or more")
    times_s = recording.times_s - recording.times_s[0]
    count = int(np.searchsorted(times_s, seconds, side="right"))
    return replace(
        recording,
        frames=recording.frames[:count],
        times_s=recording.times_s[:count],
        labels=None if recording.labels is None else recording.labels[:count],
    )


class _Restamped:
    """Continue the frame numbers of the previous lap, stamp frames with the sender's clock, and add noise."""

    def __init__(self, feeder: Feeder, begin: int, shown_s: Callable[[float], float], noise: FreshNoise | None) -> None:
        self._feeder = feeder
        self._begin = begin
        self._shown_s = shown_s
        self._noise = noise

    def send(self, frame: Frame) -> None:
        """Send a frame with its number in the complete stream."""
        acquired_s = self._shown_s(frame.acquired_s)
        image = frame.image if self._noise is None else self._noise.added(frame.image)
        self._feeder.send(replace(frame, image=image, sequence=self._begin + frame.sequence, acquired_s=acquired_s))

    def close(self) -> None:
        """Close the feeder that this one forwards to."""
        self._feeder.close()


def _counted(progress: Progress, before: int, total: int | None) -> Callable[[int, int], None]:
    """Return the progress callback of a lap, counting from the end of the previous lap."""
    return lambda done, _: progress(before + done, total)


def _total(recording: Recording, lap_s: float, seconds: float | None, again: bool) -> int | None:
    """Return the number of frames to be sent; None if unlimited."""
    if seconds is None:
        return None if again else len(recording.frames)
    if not again:
        return len(first_seconds(recording, seconds).frames)
    laps, rest_s = divmod(seconds, lap_s)
    return int(laps) * len(recording.frames) + len(first_seconds(recording, rest_s).frames)
