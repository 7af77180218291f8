"""Track one target, or several structures, on every frame after the reference."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from gatekeeper.config import TrackerConfig
from gatekeeper.core.errors import InputError, TargetError
from gatekeeper.core.track import Track
from gatekeeper.tracking.model import make_model
from gatekeeper.tracking.preview.learn import learn
from gatekeeper.tracking.preview.report import PreviewReport
from gatekeeper.tracking.region import make_region
from gatekeeper.tracking.resample import CanonicalImage
from gatekeeper.tracking.template_tracker import TemplateTracker


class StructureTracker:
    """Follows several structures from the reference on, by deformable template tracking.

    Each frame is checked, converted and joined to the working resolution once for all of them. Then each has its own
    search, starts and fit, so that one that is lost does not lead the others astray.

    Parameters
    ----------
    reference : array_like, shape (H, W)
        Image on which the structures are known; any real dtype, 32-1024 pixels a side.
    masks : mapping of str to array_like of bool, shape (H, W)
        The structures on it by name, the target first; of several parts of one the largest is tracked.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, 0.5-4 mm.
    config : TrackerConfig, optional

    Attributes
    ----------
    names : tuple of str
        The structures in the order in which `track` tells where they are.
    followers : tuple of TemplateTracker
        Who follows each.

    Raises
    ------
    TargetError
        When the reference, a mask or the spacing cannot be tracked on, or there is no structure.
    """

    def __init__(
        self,
        reference: ArrayLike,
        masks: Mapping[str, ArrayLike],
        spacing_mm: tuple[float, float],
        config: TrackerConfig | None = None,
    ) -> None:
        if not masks:
            raise TargetError("structures: there is none; give the mask of one at least")
        self.names = tuple(masks)
        self._first = []
        for name, mask in masks.items():
            try:
                self._first.append(make_model(make_region(reference, mask, spacing_mm), config or TrackerConfig()))
            except TargetError as error:
                raise error if len(masks) == 1 else TargetError(f"structure {name}: {error}") from None
        self._follow(tuple(map(TemplateTracker, self._first)))

    def learn(self, frames: ArrayLike) -> tuple[PreviewReport, ...]:
        """Learn from a preview cine, without labels, and start anew from the reference position.

        Ten seconds to a minute of free breathing, or several breath-holds, teach the most. What was learned before is
        forgotten.

        Parameters
        ----------
        frames : array_like, shape (T, H, W)
            Frames of the reference's size in the order in which they were acquired, any real dtype.

        Returns
        -------
        tuple of PreviewReport
            How well each structure can be tracked, how far it moves, and whether to go on; also what was learned, which
            is nothing when it is found on fewer than 30 frames.

        Raises
        ------
        InputError
            When the frames are none, or have another size than the reference, or hold no real numbers.
        """
        try:
            images = np.asarray(frames)
        except ValueError:
            raise InputError("preview: its frames differ in shape; give frames as (time, rows, columns)") from None
        if images.ndim != 3 or len(images) == 0:
            raise InputError(f"preview: has the shape {images.shape}; give frames as (time, rows, columns)")
        canonical = [None if sight is None else sight.whole() for sight in map(self._canonical.of, images)]
        learned = [learn(model, canonical) for model in self._first]
        self._follow(tuple(TemplateTracker(model) for model, _ in learned))
        return tuple(preview for _, preview in learned)

    def track(self, image: ArrayLike) -> tuple[Track, ...]:
        """Return where the structures are on a frame (H, W) of any real dtype, in the order of `names`.

        Raises
        ------
        InputError
            When the frame has another size than the reference, or no real numbers.
        """
        sight = self._canonical.of(image)
        frame, look = (None, None) if sight is None else (sight.image, sight.look)
        return tuple([follower.track(follower.follow(frame, look)) for follower in self.followers])

    def _follow(self, followers: tuple[TemplateTracker, ...]) -> None:
        self.followers = followers
        reaches = [follower.reach() for follower in followers]
        rows, cols = (
            slice(min(reach[axis].start for reach in reaches), max(reach[axis].stop for reach in reaches))
            for axis in (0, 1)
        )
        self._canonical = CanonicalImage(followers[0].model.region, (rows, cols))


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
    def follower(self) -> TemplateTracker:
        """Who follows the target; for those who want to look closely."""
        return self._structures.followers[0]

    def learn(self, frames: ArrayLike) -> PreviewReport:
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
