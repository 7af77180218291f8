"""Play a recording into a feeder, at the times of the recording."""

from collections.abc import Callable

from gatekeeper.core.clock import Clock
from replay.feed.port import Feeder
from replay.player import Player
from replay.recording import Recording

PATIENCE_S = 0.25
"""Interval of the progress calls while no frame is due, in seconds."""


def play(recording: Recording, feeder: Feeder, clock: Clock, progress: Callable[[int, int], None]) -> int:
    """Send every frame of a recording when it is due, and return how many were sent.

    The first is due at once. The clock sets the pace, and delays do not accumulate. The caller closes the feeder.

    Parameters
    ----------
    recording : Recording
        The recording.
    feeder : Feeder
        Receives the frames.
    clock : Clock
        Real time, or a multiple of it.
    progress : callable
        Called with the number of frames sent so far and of all frames, after each one and while waiting.

    Returns
    -------
    int
        Number of frames sent.

    Raises
    ------
    LinkError
        When the receiver does not accept a frame.
    """
    player, sent, total = Player(recording, clock), 0, len(recording.frames)
    while not player.ended():
        frame = player.next_frame(PATIENCE_S)
        if frame is not None:
            feeder.send(frame)
            sent += 1
        progress(sent, total)
    return sent
