"""Make a frame of a live session the reference on an operator's request: show it, prepare its tracker, use it."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import GatekeeperError
from gatekeeper.core.protocols import TargetTracker
from gatekeeper.core.step import Step
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed
from gatekeeper.session.taken_frame import TakenFrame, refusal

DrawReference = Callable[[Path, SessionSetup, Armed, TakenFrame], None]
"""Write a picture of the taken frame, beside that on which the target was drawn, from setup and armed engine."""
CONFIRM_S = 60.0
"""Time within which an operator confirms what was asked, in s."""


def picture_name(sequence: int) -> str:
    """Return the name of the picture of a frame that was taken as reference."""
    return f"reference-{sequence}.png"


class ReferenceChange:
    """The frame that an operator has asked to use as reference, and its tracker, which is prepared on a thread.

    Parameters
    ----------
    armed : Armed
        The session.
    setup : SessionSetup, optional
        Its setup; needed for the picture.
    folder : Path, optional
        Folder of the session, for the picture.
    draw : callable, optional
        Writes the picture; by default there is none.

    Attributes
    ----------
    taken : TakenFrame or None
        The frame that was asked for and is shown; None when nothing is asked.
    """

    def __init__(
        self,
        armed: Armed,
        setup: SessionSetup | None = None,
        folder: Path | None = None,
        draw: DrawReference | None = None,
    ) -> None:
        self._armed, self._setup, self._folder, self._draw = armed, setup, folder, draw
        self._pixels: NDArray[np.generic] | None = None
        self._step: Step | None = None
        self.taken: TakenFrame | None = None
        self._asked_s, self._origin = 0.0, ""
        self._thread: threading.Thread | None = None
        self._tracker: TargetTracker | None = None
        self._failure: str | None = None

    def look(self, step: Step) -> None:
        """Keep the newest pass, with a copy of its pixels: a source may write its next frame into the same memory."""
        self._step = step
        if step.frame is None:
            return
        image = step.frame.image
        if self._pixels is None or self._pixels.shape != image.shape or self._pixels.dtype != image.dtype:
            self._pixels = np.empty_like(image)
        np.copyto(self._pixels, image)
        if self.taken is not None and step.frame.sequence <= self.taken.sequence:
            # The source has begun to count anew: the number would name two frames.
            self.taken = None

    def question(self, now_s: float, origin: str) -> str:
        """Take the newest frame, and return what an operator has to confirm, or why the frame is refused.

        Parameters
        ----------
        now_s : float
            Session time in s.
        origin : str
            Interface that asks, on which it has to be confirmed.
        """
        armed = self._armed
        if self._thread is not None and self._thread.is_alive():
            return "reference: not used: the one before is still being prepared; ask again"
        why = refusal(self._step, now_s, armed.gate.state, armed.config.gate, armed.least_confidences)
        taken = None if self._step is None or why is not None else TakenFrame.of(self._step, self._pixels)
        if taken is None or self._pixels is None:
            return f"reference: {why}"
        # The copy is the frame's from now on, and the frame is taken once.
        self._pixels = self._step = None
        self.taken, self._asked_s, self._origin = taken, now_s, origin
        self._tracker, self._failure = None, None
        self._thread = threading.Thread(target=self._prepare, args=(taken,), name="reference", daemon=True)
        self._thread.start()
        look = (
            f"look at {picture_name(taken.sequence)} in the session's folder, then " if self._draw is not None else ""
        )
        words = taken.as_words(armed.target_px, armed.names)
        return (
            f"reference {taken.sequence}: {words}, and the beam is held until it is released; "
            f"{look}type reference {taken.sequence} confirm"
        )

    def unready(self, sequence: int, now_s: float, origin: str) -> str | None:
        """Return why a frame cannot be used on an operator's word, in one line; None when it can.

        Parameters
        ----------
        sequence : int
            Number of the frame that the operator has confirmed.
        now_s : float
            Session time in s.
        origin : str
            Interface on which it was confirmed.
        """
        taken = self.taken
        if taken is None or taken.sequence != sequence or origin != self._origin or self.is_over(now_s):
            return f"reference: frame {sequence} has not been shown here lately; ask with reference, look, then confirm"
        if self._failure is not None:
            return f"reference: frame {sequence} is not used: {self._failure}"
        if self._tracker is None:
            return f"reference: frame {sequence} is still being prepared; confirm it again"
        return None

    def is_over(self, now_s: float) -> bool:
        """Return whether the time to confirm is over."""
        return not now_s - self._asked_s <= CONFIRM_S

    def use(self) -> TakenFrame | None:
        """Use the frame from the next one on, after its command was accepted; return it."""
        taken, tracker = self.taken, self._tracker
        self.taken = self._tracker = None
        if taken is not None and tracker is not None:
            self._armed.use_reference(taken, tracker)
        return taken

    def close(self) -> None:
        """Wait for the thread to finish."""
        if self._thread is not None:
            self._thread.join()

    def _prepare(self, taken: TakenFrame) -> None:
        """Draw the picture and make the tracker, on the thread."""
        try:
            if self._draw is not None and self._folder is not None and self._setup is not None:
                self._draw(self._folder / picture_name(taken.sequence), self._setup, self._armed, taken)
            self._tracker = self._armed.tracker_on(taken)
        except GatekeeperError as error:
            self._failure = str(error)
        except Exception as error:
            self._failure = f"{type(error).__name__}: {error}"
