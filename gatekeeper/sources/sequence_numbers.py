"""Consecutive frame numbers of a session, from any numbering of the device."""

from gatekeeper.core.frame import SEQUENCE_BREAK

REORDERED = 8
"""Largest step back of a reordered frame; a larger one means that the device counts from the start again."""


class SequenceNumbers:
    """Continue the session's numbers over the device's own, with their gaps, repeats and small steps back.

    When the device's sequence ends, because it reconnected or counts from the start again, the numbers continue with a
    gap of `SEQUENCE_BREAK`, so that the first frame after it counts as preceded by missing ones and is held.

    Parameters
    ----------
    modulus : int, optional
        Number of the device's numbers, after which they start again at 0; by default they never do.
    """

    def __init__(self, modulus: int | None = None) -> None:
        self._modulus = modulus
        self._device: int | None = None
        self._number = -1
        self._is_broken = False

    def broken(self) -> None:
        """End the device's sequence: a connection is over."""
        # Before the first frame there is no sequence that could have ended.
        self._is_broken = self._number >= 0
        self._device = None

    def number(self, device: int | None) -> int:
        """Return the session's number of the next frame.

        Parameters
        ----------
        device : int or None
            The device's number of the frame; None when it gives none, in which case frames are counted.
        """
        step = 1 if device is None or self._device is None else self._step(device - self._device)
        if self._is_broken or step is None:
            step = 1 + SEQUENCE_BREAK
        self._is_broken = False
        self._device = device
        self._number += step
        return self._number

    def _step(self, step: int) -> int | None:
        """Return the step from the last frame; None when the device counts from the start again."""
        if self._modulus is not None:
            step %= self._modulus
            if step > self._modulus // 2:
                step -= self._modulus
        # Numbers below 0 stand for no frame.
        return step if step >= -REORDERED and self._number + step >= 0 else None
