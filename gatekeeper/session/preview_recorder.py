"""Collect the frames of a preview on the loop's thread, and learn from them on another one."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import EngineError
from gatekeeper.core.step import Step
from gatekeeper.session.preview_learning import Learned

MOST_FRAMES = 2000
"""Largest number of frames collected, whatever the length of the preview."""


class PreviewRecorder:
    """Collect tracked frames until there are enough, then learn while the loop continues.

    Parameters
    ----------
    learn : callable
        Return what the frames teach; takes seconds.
    seconds : float
        Session time from the first frame to the last, in s.
    """

    def __init__(self, learn: Callable[[Sequence[NDArray[np.generic]]], Learned], seconds: float) -> None:
        self._learn = learn
        self._seconds = seconds
        self._images: list[NDArray[np.generic]] = []
        self._first_s = self._last_s = 0.0
        self._learned: Learned | None = None
        self._failure: Exception | None = None
        self._thread: threading.Thread | None = None

    @property
    def frames(self) -> int:
        """Number of frames collected."""
        return len(self._images)

    @property
    def gathered_s(self) -> float:
        """Session time from the first collected frame to the last, in s."""
        return self._last_s - self._first_s

    @property
    def is_full(self) -> bool:
        """Whether there are enough frames."""
        return bool(self._images) and (self.gathered_s >= self._seconds or len(self._images) >= MOST_FRAMES)

    def gather(self, step: Step) -> None:
        """Add the frame of a step if it was tracked; frames that the gate rejected are of no use for learning."""
        if step.frame is None or step.track is None:
            return
        if not self._images:
            self._first_s = step.decision.time_s
        self._last_s = step.decision.time_s
        # A source may write its next frame into the same memory.
        self._images.append(step.frame.image.copy())

    def start(self) -> None:
        """Start learning in a thread."""
        self._thread = threading.Thread(target=self._run, name="preview learning", daemon=True)
        self._thread.start()

    def result(self) -> Learned | None:
        """Return the result of learning; None while it is running.

        Raises
        ------
        EngineError
            When learning failed.
        """
        if self._failure is not None:
            raise EngineError(
                f"preview: learning failed with {type(self._failure).__name__}: {self._failure}; the beam is held and "
                "the session has ended; start a new one"
            )
        return self._learned

    def close(self) -> None:
        """Wait for the learning thread to finish."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._learned = self._learn(self._images)
        except Exception as failure:
            self._failure = failure
