"""Make a session as long as a gated delivery within a minute, from a phantom played back and forth."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from gatekeeper.config import SessionConfig, build
from gatekeeper.core.clock import VirtualClock
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.config import AcquisitionConfig, BreathingConfig
from replay.progress import OnProgress
from replay.recording import LazyFrames, Recording
from replay.run import replay, replay_input

MINUTES, RATE_HZ = 20.0, 8.0
"""Usual duration of a gated delivery, and highest usual frame rate."""
LAP_S = 120.0
GATEKEEPER = (sys.executable, "-c", "from gatekeeper.cli import main; main()")
"""Command line that starts gatekeeper in another process."""
FIELD_MM, LARGEST_PIXEL_MM = (317.0, 252.0), 4.0
"""Height and width of the image, and limit of the pixel size; with very few pixels the image is smaller."""
BREATHING = BreathingConfig(pattern="inhale_hold")


def make_session(
    folder: Path,
    on_progress: OnProgress,
    minutes: float = MINUTES,
    matrix: tuple[int, int] = (176, 140),
) -> Path:
    """Record a session of a phantom that holds its breath and breathes in turn, and return its folder.

    Parameters
    ----------
    folder : Path
        Session folder; new or empty.
    on_progress : callable
        Called as the work proceeds.
    minutes : float
        Duration of the session by its own clock, at 8 frames per second.
    matrix : tuple of int
        Rows and columns of its images, all of the same field of view.

    Returns
    -------
    Path
    """
    frames = round(60.0 * minutes * RATE_HZ)
    acquisition = AcquisitionConfig(
        matrix=matrix,
        pixel_mm=(min(FIELD_MM[0] / matrix[0], LARGEST_PIXEL_MM), min(FIELD_MM[1] / matrix[1], LARGEST_PIXEL_MM)),
        frame_rate_hz=RATE_HZ,
        duration_s=min(LAP_S, frames / RATE_HZ),
    )
    on_progress("making the phantom", 0, 1)
    lap = make_phantom(PhantomConfig(name="long", breathing=BREATHING, acquisition=acquisition)).recording
    on_progress("making the phantom", 1, 1)
    # Its pictures come back.
    config = build(SessionConfig, {"gate": {"retrospective": True}}, "long session")
    replay(replay_input(forth_and_back(lap, frames)), config, folder, VirtualClock(), on_progress)
    return folder


def forth_and_back(lap: Recording, frames: int) -> Recording:
    """Return a recording of the given number of frames that plays another one back and forth, without labels."""
    last = max(len(lap.frames) - 1, 1)

    def image(index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        turns, position = divmod(index, last)
        return np.asarray(lap.frames[position if turns % 2 == 0 else last - position])

    shape = (lap.frames.shape[1], lap.frames.shape[2])
    return replace(
        lap,
        frames=LazyFrames(image, frames, shape, lap.frames.dtype),
        times_s=np.arange(frames) / RATE_HZ,
        labels=None,
    )
