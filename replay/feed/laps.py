"""Laps: a recording fed once or again and again, for as long as is wanted, as one stream of frames."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gatekeeper.core.clock import Clock
from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Frame
from replay.feed.play import play
from replay.feed.port import Feeder
from replay.recording import Recording
from replay.scores.gating import frame_period_s

LONE_S = 1.0
"""A recording of one frame takes so long, in seconds."""

Progress = Callable[[int, int | None], None]
"""Told how many frames were sent, and how many there will be; None when nobody knows."""


def feed(
    recording: Recording,
    feeder: Feeder,
    clock: Clock,
    progress: Progress,
    seconds: float | None = None,
    *,
    again: bool = False,
) -> int:
    """Send a recording's frames when they are due, and return how many were sent.

    Parameters
    ----------
    recording : Recording
        What is fed. Its last frame stands for one frame period before it begins again.
    feeder : Feeder
        Where to; the caller closes it.
    clock : Clock
        Real time, or a multiple of it.
    progress : callable
        Told after each frame, and now and then between two.
    seconds : float, optional
        Frames up to so much time from the first are sent; by default all.
    again : bool
        Begin again after the last frame; numbers and times of acquisition go on rising.

    Raises
    ------
    LinkError
        When the other side does not take a frame.
    """
    period_s = frame_period_s(recording.times_s) or LONE_S
    lap_s = float(recording.times_s[-1] - recording.times_s[0]) + period_s
    lap, sent, left_s, total = len(recording.frames), 0, seconds, _total(recording, lap_s, seconds, again)
    while True:
        part = recording if left_s is None or left_s >= lap_s else first_seconds(recording, left_s)
        sent += play(part, _Renumbered(feeder, sent), clock, _counted(progress, sent, total))
        left_s = None if left_s is None else left_s - lap_s
        if not again or len(part.frames) < lap or (left_s is not None and left_s < 0.0):
            return sent
        clock.sleep_until(clock.now_s() + period_s)


def first_seconds(recording: Recording, seconds: float) -> Recording:
    """Return the part of a recording that is not later than so many seconds after its first frame.

    Raises
    ------
    InputError
        When the time is not above 0.
    """
    if not seconds >= 0.0:
        raise InputError(f"{recording.name}: {seconds:g} s of it; give a time of 0 or more")
    times_s = recording.times_s - recording.times_s[0]
    count = int(np.searchsorted(times_s, seconds, side="right"))
    return replace(
        recording,
        frames=recording.frames[:count],
        times_s=recording.times_s[:count],
        labels=None if recording.labels is None else recording.labels[:count],
    )


class _Renumbered:
    """A feeder that counts on from where the lap before has ended."""

    def __init__(self, feeder: Feeder, begin: int) -> None:
        self._feeder = feeder
        self._begin = begin

    def send(self, frame: Frame) -> None:
        """Send a frame under its number in the whole stream."""
        self._feeder.send(replace(frame, sequence=self._begin + frame.sequence))

    def close(self) -> None:
        """Close the feeder behind."""
        self._feeder.close()


def _counted(progress: Progress, before: int, total: int | None) -> Callable[[int, int], None]:
    """Return what a lap tells of itself, counted from where the lap before has ended."""
    return lambda done, _: progress(before + done, total)


def _total(recording: Recording, lap_s: float, seconds: float | None, again: bool) -> int | None:
    """Return how many frames there will be; None when there is no end."""
    if seconds is None:
        return None if again else len(recording.frames)
    if not again:
        return len(first_seconds(recording, seconds).frames)
    laps, rest_s = divmod(seconds, lap_s)
    return int(laps) * len(recording.frames) + len(first_seconds(recording, rest_s).frames)
