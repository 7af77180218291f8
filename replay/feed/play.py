"""Play: a recording into any feeder, at the recording's own times."""

from collections.abc import Callable

from gatekeeper.core.clock import Clock
from replay.feed.port import Feeder
from replay.player import Player
from replay.recording import Recording

PATIENCE_S = 0.25
"""While a frame is not due yet, whoever shows the progress is told this often that nothing has changed, in seconds."""


def play(recording: Recording, feeder: Feeder, clock: Clock, progress: Callable[[int, int], None]) -> int:
    """Send every frame of a recording when it is due, and return how many were sent.

    The first is due at once. The clock sets the pace, and being late does not add up. The caller closes the feeder.

    Parameters
    ----------
    recording : Recording
        What to play.
    feeder : Feeder
        Where to.
    clock : Clock
        Real time, or a multiple of it.
    progress : callable
        Called with the number of frames sent so far and of all frames, after each one and while it waits.

    Raises
    ------
    LinkError
        When the other side does not take a frame.
    """
    player, sent, total = Player(recording, clock), 0, len(recording.frames)
    while not player.ended():
        frame = player.next_frame(PATIENCE_S)
        if frame is not None:
            feeder.send(frame)
            sent += 1
        progress(sent, total)
    return sent
