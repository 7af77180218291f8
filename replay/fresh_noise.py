"""Add noise that is new on each frame, so that a recording that is played again looks as new as a scanner's frames."""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import InputError


class FreshNoise:
    """Rician noise as a scanner makes it, never the same twice.

    Frames that come back are held as `not_live`, since no scanner makes the same noise twice.

    Parameters
    ----------
    share : float
        Standard deviation of the noise in each of its two channels, as a share of the mean brightness of the brighter
        half of the first frame; 0 adds none.
    seed : int, optional
        Seed of the noise; by default another one each time.

    Raises
    ------
    InputError
        When the share is negative or not a number.

    Examples
    --------
    >>> import numpy as np
    >>> noise, image = FreshNoise(0.05), np.full((4, 4), 100.0, np.float32)
    >>> bool((noise.added(image) == noise.added(image)).all())
    False
    """

    def __init__(self, share: float, seed: int | None = None) -> None:
        if not share >= 0.0:
            raise InputError(f"cannot add noise of {share:g} of the brightness; give a share of 0 or more")
        self._share = share
        self._random = np.random.default_rng(seed)
        self._sd: np.float32 | None = None
        self._whole = False

    def added(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an image with noise of its own.

        Parameters
        ----------
        image : ndarray of float32, shape (H, W)
            The image.

        Returns
        -------
        ndarray of float32, shape (H, W)
            Whole numbers when the first image has only such.
        """
        if self._share == 0.0:
            return image
        if self._sd is None:
            bright = image[image >= np.median(image)]
            self._sd, self._whole = np.float32(self._share * bright.mean()), bool((image == np.rint(image)).all())
        in_phase, in_quadrature = self._random.standard_normal((2, *image.shape), dtype=np.float32) * self._sd
        noisy: NDArray[np.float32] = np.hypot(image + in_phase, in_quadrature)
        return np.rint(noisy, out=noisy) if self._whole else noisy
