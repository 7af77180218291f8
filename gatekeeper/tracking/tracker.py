"""Tracker: finds the target of the reference on every further frame."""

from numpy.typing import ArrayLike

from gatekeeper.config import TrackerConfig
from gatekeeper.core.track import Track
from gatekeeper.tracking.preview.report import Preview
from gatekeeper.tracking.structures import StructureTracker
from gatekeeper.tracking.template_tracker import Follower


class Tracker:
    """Follows one target from the reference on, by deformable template tracking.

    On each frame a rigid search over the whole range and the last sure position give starts; from each a coarse
    free-form fit is made, and the best of them is refined.

    Parameters
    ----------
    reference : array_like, shape (H, W)
        Image on which the target is known; any real dtype, 32-1024 pixels a side.
    target_mask : array_like of bool, shape (H, W)
        The target on it; of several parts the largest is tracked.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, 0.5-4 mm.
    config : TrackerConfig, optional

    Raises
    ------
    TargetError
        When the reference, the mask or the spacing cannot be tracked on.
    """

    def __init__(
        self,
        reference: ArrayLike,
        target_mask: ArrayLike,
        spacing_mm: tuple[float, float],
        config: TrackerConfig | None = None,
    ) -> None:
        self._structures = StructureTracker(reference, {"target": target_mask}, spacing_mm, config)

    @property
    def follower(self) -> Follower:
        """Who follows the target; for those who want to look closely."""
        return self._structures.followers[0]

    def learn(self, frames: ArrayLike) -> Preview:
        """Learn from a preview cine, without labels, and start anew from the reference position.

        Ten seconds to a minute of free breathing, or several breath-holds, teach the most. What was learned before is
        forgotten.

        Parameters
        ----------
        frames : array_like, shape (T, H, W)
            Frames of the reference's size in the order in which they were acquired, any real dtype.

        Returns
        -------
        Preview
            How well the target can be tracked, how far it moves, and whether to go on; also what was learned, which is
            nothing when the target is found on fewer than 30 frames.

        Raises
        ------
        InputError
            When the frames are none, or have another size than the reference, or hold no real numbers.
        """
        return self._structures.learn(frames)[0]

    def track(self, image: ArrayLike) -> Track:
        """Return where the target is on a frame.

        Parameters
        ----------
        image : array_like, shape (H, W)
            A frame of the reference's size, any real dtype.

        Returns
        -------
        Track
            With confidence 0, and where the target was last, when the frame, after conversion to float32, is constant
            or holds NaN or infinity where it is looked at: where the target may be and some way around. Pixels further
            away are not read, nor, where fine pixels are joined, all of those between; the engine's gate checks all of
            them.

        Raises
        ------
        InputError
            When the frame has another size than the reference, or no real numbers.
        """
        return self._structures.track(image)[0]
