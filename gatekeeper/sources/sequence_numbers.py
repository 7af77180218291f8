"""Numbering: one row of numbers for a session, whatever a device counts and however often it comes back."""

BREAK = 1_000
"""Numbers that are left out where a row of the device's ends; no `missing_frames` allows as many."""
REORDERED = 8
"""A number at most this far back is a frame out of its order; one further back is a count that began anew."""


class SequenceNumbers:
    """Continues over the device's own numbers, with their gaps, repeats and small steps back.

    Where the device's row ends, because it connected anew or counts from the start again, the row goes on with a gap
    of `BREAK` numbers, so that the first frame after it is found to be missing others, and is held.

    Parameters
    ----------
    modulus : int, optional
        After so many numbers the device's begin again at 0; by default they never do.
    """

    def __init__(self, modulus: int | None = None) -> None:
        self._modulus = modulus
        self._device: int | None = None
        self._number = -1
        self._is_broken = False

    def broken(self) -> None:
        """Say that the device's row has ended: a connection is over."""
        # Before the first frame there is no row that could have ended.
        self._is_broken = self._number >= 0
        self._device = None

    def number(self, device: int | None) -> int:
        """Return the session's number of the next frame.

        Parameters
        ----------
        device : int or None
            The device's number of it; None when it gives none: frames are then counted as they come.
        """
        step = 1 if device is None or self._device is None else self._step(device - self._device)
        if self._is_broken or step is None:
            step = 1 + BREAK
        self._is_broken = False
        self._device = device
        self._number += step
        return self._number

    def _step(self, step: int) -> int | None:
        """Return how far a frame is from the one before; None when the device counts from the start again."""
        if self._modulus is not None:
            step %= self._modulus
            if step > self._modulus // 2:
                step -= self._modulus
        # Numbers below 0 mean that there is no frame.
        return step if step >= -REORDERED and self._number + step >= 0 else None
