"""Judge a fit by the tissue around a small target, which was found by itself."""

import math

from gatekeeper.tracking.frame_noise import FrameNoise
from gatekeeper.tracking.similarity import Evenness

CLEAR, LEAST_EVEN = 0.8, 0.7
"""A target that is sure, but of less confidence and with a lower slope of evenness, may have slid along an edge."""
SLID_MM, WITNESS_MM = 2.0, 2.5
"""Distance from where the tissue around it is from which on such a target has slid, and up to which any other one is at
the same place, in mm."""
LEAST_AGREE, LEAST_SEEN = 0.25, 0.6
"""Share of the patches of the tissue that agree, and of the target seen through noise, from which on the tissue is a
witness."""
LOUDER = 2.0
"""Ratio of the noise of frames over that of the reference from which on it is known to be noise."""
MOSTLY = 0.5
"""Share of what is unexplained that is noise from which on noise is what makes a target unsure."""
WITNESSED_DOUBT = 0.6
"""Share of the doubt that is left in a target that was found before it was known that the tissue is there: both are
hardly wrong alike."""
SLID_CONFIDENCE = 0.5
"""Factor of the confidence in a target that has slid."""


class Witness:
    """The tissue around a small target as a witness of where the target is.

    A place that looks wrong for noise, or because breathing brought other tissue into the plane, is less in doubt
    where much of the tissue around it was found at the same place. An edge that slides along itself deceives target and
    tissue alike: the tissue tells nothing in favour of a target that is not evenly like its template, or of which noise
    hides all but an edge.

    Attributes
    ----------
    expected_mm : tuple of float or None
        Displacement (row, col) of the tissue on this frame, in mm; None where it is not known.
    """

    def __init__(self) -> None:
        self.expect(None)

    def expect(self, moved_mm: tuple[float, float] | None, agree: float = 0.0, was_there: bool = False) -> None:
        """Keep where the tissue is, for the next fits.

        Parameters
        ----------
        moved_mm : tuple of float or None
            Its displacement (row, col) in mm; None when it is not known.
        agree : float, optional
            Share of its patches that agree on it.
        was_there : bool, optional
            Whether the target had been found there before this was known.
        """
        self.expected_mm, self._agree, self._was_there = moved_mm, agree, was_there

    def is_at(self, moved_mm: tuple[float, float]) -> bool:
        """Return True when enough of the tissue is where the target is, (row, col) in mm."""
        return (
            self.expected_mm is not None
            and self._agree >= LEAST_AGREE
            and math.dist(moved_mm, self.expected_mm) <= WITNESS_MM
        )

    def tell(self, even: Evenness, noise: FrameNoise, unexplained: float) -> tuple[float, float]:
        """Return what is less in doubt where the tissue is at the same place.

        Parameters
        ----------
        even : Evenness
            Evenness of the target.
        noise : FrameNoise
            Noise of the frames.
        unexplained : float
            Ratio of unexplained to explained variance of the frame.

        Returns
        -------
        tuple of float
            Noise of the frame that is not held against the target, see `FrameNoise.share`, and where there is none of
            it the share of the doubt that is left; 0 and 1 when the tissue is no witness.
        """
        if not even.seen >= LEAST_SEEN:
            return 0.0, 1.0
        is_louder = noise.share > LOUDER * noise.of_reference
        if is_louder and noise.explained(unexplained) > MOSTLY * unexplained:
            return noise.share, 1.0
        return 0.0, WITNESSED_DOUBT if self._was_there and even.slope >= LEAST_EVEN else 1.0


def may_have_slid(even: Evenness) -> bool:
    """Return True when a target is like its template by its edges more than by the rest."""
    return not even.slope >= LEAST_EVEN
