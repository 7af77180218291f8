"""The learner: gathers frames of a preview on the loop's thread, and learns from them on one of its own."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import EngineError
from gatekeeper.core.step import Step
from gatekeeper.session.arming import Learned

MOST_FRAMES = 2000
"""No more are gathered, however long the preview is to be."""


class PreviewRecorder:
    """Takes in tracked frames until there are enough, and then learns, while the loop goes on.

    Parameters
    ----------
    learn : callable
        Returns what frames teach; takes seconds.
    seconds : float
        Session time from the first frame to the last, in seconds.
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
        """How many frames there are."""
        return len(self._images)

    @property
    def gathered_s(self) -> float:
        """Session time from the first of them to the last, in seconds."""
        return self._last_s - self._first_s

    @property
    def is_full(self) -> bool:
        """True when there are enough."""
        return bool(self._images) and (self.gathered_s >= self._seconds or len(self._images) >= MOST_FRAMES)

    def gather(self, step: Step) -> None:
        """Take in a frame, where it was tracked: what was not fit for the tracker teaches nothing."""
        if step.frame is None or step.track is None:
            return
        if not self._images:
            self._first_s = step.decision.time_s
        self._last_s = step.decision.time_s
        # A source may write its next frame into the same memory.
        self._images.append(step.frame.image.copy())

    def start(self) -> None:
        """Begin to learn."""
        self._thread = threading.Thread(target=self._run, name="learner", daemon=True)
        self._thread.start()

    def result(self) -> Learned | None:
        """Return what was learned; None while that goes on.

        Raises
        ------
        EngineError
            When learning has failed.
        """
        if self._failure is not None:
            raise EngineError(
                f"preview: learning failed with {type(self._failure).__name__}: {self._failure}; the beam is held and "
                "the session has ended; start a new one"
            )
        return self._learned

    def close(self) -> None:
        """Wait until nothing is going on any more."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._learned = self._learn(self._images)
        except Exception as failure:
            self._failure = failure
