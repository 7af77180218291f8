"""Track one target, or several structures, on every frame after the reference."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import fields, is_dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.config import TrackerConfig
from gatekeeper.core.errors import InputError, TargetError
from gatekeeper.core.track import Track
from gatekeeper.tracking.model import Model, make_model
from gatekeeper.tracking.organ_tracker import OrganTracker, make_own_model
from gatekeeper.tracking.preview.learn import learn
from gatekeeper.tracking.preview.report import PreviewReport
from gatekeeper.tracking.region import make_region
from gatekeeper.tracking.resample import Resampler
from gatekeeper.tracking.template_tracker import TemplateTracker


class StructureTracker:
    """Track several structures by deformable template tracking.

    Each frame is checked, converted and binned once for all structures. Each structure has its own search and fits, so
    that they do not affect each other.

    Parameters
    ----------
    reference : array_like, shape (H, W)
        Image on which the structures are known; any real dtype, 32-1024 pixels a side.
    masks : mapping of str to array_like of bool, shape (H, W)
        Masks of the structures by name, the target first; of several connected parts of one the largest is tracked.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, 0.5-4 mm.
    config : TrackerConfig, optional
        The settings; by default those of ``TrackerConfig()``.
    axes : tuple of str, optional
        Axes along rows and columns, each "SI", "AP", "RL" or "unknown", for images that are turned otherwise than
        the `plane` of the settings has them.

    Attributes
    ----------
    names : tuple of str
        Names of the structures, in the order of the tracks that `track` returns.
    template_trackers : tuple of TemplateTracker
        The tracker of each structure.

    Raises
    ------
    TargetError
        When the reference, a mask or the spacing is outside the limits, or `masks` is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import StructureTracker
    >>> rows, cols = np.mgrid[:96, :96]
    >>> image = np.sin(rows / 5.0) * np.cos(cols / 7.0) + 0.01 * rows
    >>> masks = {
    ...     "target": np.hypot(rows - 48, cols - 40) < 8,
    ...     "vessel": np.hypot(rows - 52, cols - 62) < 5,
    ... }
    >>> tracker = StructureTracker(image, masks, (2.0, 2.0))
    >>> target, vessel = tracker.track(image)
    >>> [round(value) for value in target.center_mm]
    [96, 80]
    """

    def __init__(
        self,
        reference: ArrayLike,
        masks: Mapping[str, ArrayLike],
        spacing_mm: tuple[float, float],
        config: TrackerConfig | None = None,
        axes: tuple[str, str] | None = None,
    ) -> None:
        if not masks:
            raise TargetError("structures: no mask was given; give the mask of at least one")
        self.names = tuple(masks)
        self._reference = np.array(reference)
        config = config or TrackerConfig()
        # Only the reference, if anything, has been tracked since the start.
        self._at_start = True
        self._first = []
        for name, mask in masks.items():
            try:
                model = make_model(make_region(reference, mask, spacing_mm, axes or config.axes), config)
            except TargetError as error:
                raise error if len(masks) == 1 else TargetError(f"structure {name}: {error}") from None
            self._first.append((model, make_own_model(model) if name in config.sliding else None))
        self._start(self._first)

    def learn(self, frames: ArrayLike) -> tuple[PreviewReport, ...]:
        """Learn from a preview cine without labels, and restart from the reference position.

        Ten seconds to a minute of free breathing, or several breath-holds, are best. What was learned before is
        discarded.

        Parameters
        ----------
        frames : array_like, shape (T, H, W)
            Frames of the reference's size in the order of acquisition, any real dtype.

        Returns
        -------
        tuple of PreviewReport
            A report for each structure. Nothing is learned about one that is found on fewer than 30 frames.

        Raises
        ------
        InputError
            When there are no frames, their size differs from the reference's, or their dtype is not real.
        """
        try:
            images = np.asarray(frames)
        except ValueError:
            raise InputError("preview: its frames differ in shape; give frames as (time, rows, columns)") from None
        if images.ndim != 3 or len(images) == 0:
            raise InputError(f"preview: its shape is {images.shape}; give frames as (time, rows, columns)")
        resampled = [None if one is None else one.copy() for one in map(self._resampler.resample, images)]
        learned = [learn(model, resampled) for model, _ in self._first]
        own = [None if one is None else learn(one, resampled)[0] for _, one in self._first]
        self._start([(model, one) for (model, _), one in zip(learned, own, strict=True)])
        return tuple(preview for _, preview in learned)

    def track(self, image: ArrayLike) -> tuple[Track, ...]:
        """Locate the structures on a frame.

        Parameters
        ----------
        image : array_like, shape (H, W)
            A frame of the reference's size, any real dtype.

        Returns
        -------
        tuple of Track
            One for each structure, in the order of `names`; see `Tracker.track`.

        Raises
        ------
        InputError
            When the frame's size differs from the reference's, or its dtype is not real.

        Notes
        -----
        Each frame influences those after it. The reference, shown before any other frame, counts as one frame however
        often it is shown: tracking it beforehand changes nothing in a session that begins with it.
        """
        if self._at_start:
            self._at_start = np.array_equal(np.asarray(image), self._reference)
            for tracker in self.template_trackers if self._at_start else ():
                tracker.restart()
        resampled = self._resampler.resample(image)
        if resampled is None:
            return tuple([tracker.track(tracker.locate(None)) for tracker in self.template_trackers])
        frame, read, read_all = resampled.image, resampled.read_part, resampled.beyond_reach
        return tuple([tracker.track(tracker.locate(frame, read, read_all)) for tracker in self.template_trackers])

    def twin(self) -> "StructureTracker":
        """Return a copy as the tracker is now, which shares nothing with it that changes.

        What was computed before the first frame is shared, so that the copy brings it into the processor's caches.
        """
        models = [tracker.model for tracker in self.template_trackers]
        return deepcopy(self, {id(array): array for array in _arrays_of((self._reference, *models))})

    def displacement_px(self, points_px: NDArray[np.float64]) -> Callable[[], NDArray[np.float64]]:
        """Return a function that gives the displacement of tissue around the target on the last frame.

        Parameters
        ----------
        points_px : ndarray of float64, shape (N, 2)
            Points on the reference as (row, col).

        Returns
        -------
        callable
            Returns the displacement (N, 2) as (row, col) in pixels; may be called from another thread.
        """
        tracker = self.template_trackers[0]
        region = tracker.model.region
        modes = tracker.field.modes(points_px * region.frame_spacing_mm)

        def moved_px() -> NDArray[np.float64]:
            params = tracker.params.astype(np.float64)
            count = len(params) // 2
            moved_mm = np.stack([params[:count] @ modes, params[count:] @ modes], axis=1)
            return np.asarray(moved_mm / region.frame_spacing_mm)

        return moved_px

    def _start(self, models: Sequence[tuple[Model, Model | None]]) -> None:
        self.template_trackers = tuple(
            [TemplateTracker(model) if own is None else OrganTracker(model, own) for model, own in models]
        )
        self._at_start = True
        reaches = [tracker.reach() for tracker in self.template_trackers]
        rows, cols = (
            slice(min(reach[axis].start for reach in reaches), max(reach[axis].stop for reach in reaches))
            for axis in (0, 1)
        )
        self._resampler: Resampler = Resampler(self.template_trackers[0].model.region, (rows, cols))


class Tracker:
    """Track one target by deformable template tracking.

    On each frame, coarse free-form fits start from the peaks of a rigid search over the full range and from the last
    confident position; the best of them is refined.

    Parameters
    ----------
    reference : array_like, shape (H, W)
        Image on which the target is known; any real dtype, 32-1024 pixels a side.
    target_mask : array_like of bool, shape (H, W)
        Mask of the target; of several connected parts the largest is tracked.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, 0.5-4 mm.
    config : TrackerConfig, optional
        The settings; by default those of ``TrackerConfig()``.
    axes : tuple of str, optional
        Axes along rows and columns, each "SI", "AP", "RL" or "unknown", for images that are turned otherwise than
        the `plane` of the settings has them.

    Raises
    ------
    TargetError
        When the reference, the mask or the spacing is outside the limits.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import Tracker
    >>> rows, cols = np.mgrid[:96, :96]
    >>> image = np.sin(rows / 5.0) * np.cos(cols / 7.0) + 0.01 * rows
    >>> mask = np.hypot(rows - 48, cols - 48) < 8
    >>> tracker = Tracker(image, mask, (2.0, 2.0))
    >>> track = tracker.track(np.roll(image, 3, axis=0))
    >>> round(track.center_mm[0]), track.confidence > 0.5
    (102, True)
    """

    def __init__(
        self,
        reference: ArrayLike,
        target_mask: ArrayLike,
        spacing_mm: tuple[float, float],
        config: TrackerConfig | None = None,
        axes: tuple[str, str] | None = None,
    ) -> None:
        self._structures = StructureTracker(reference, {"target": target_mask}, spacing_mm, config, axes)

    @property
    def template_tracker(self) -> TemplateTracker:
        """The tracker of the target, for inspection."""
        return self._structures.template_trackers[0]

    def learn(self, frames: ArrayLike) -> PreviewReport:
        """Learn from a preview cine without labels, and restart from the reference position.

        Ten seconds to a minute of free breathing, or several breath-holds, are best. What was learned before is
        discarded.

        Parameters
        ----------
        frames : array_like, shape (T, H, W)
            Frames of the reference's size in the order of acquisition, any real dtype.

        Returns
        -------
        PreviewReport
            How well the target can be tracked, its range of motion, a verdict, and what was learned. Nothing is learned
            when the target is found on fewer than 30 frames.

        Raises
        ------
        InputError
            When there are no frames, their size differs from the reference's, or their dtype is not real.
        """
        return self._structures.learn(frames)[0]

    def track(self, image: ArrayLike) -> Track:
        """Locate the target on a frame.

        Parameters
        ----------
        image : array_like, shape (H, W)
            A frame of the reference's size, any real dtype.

        Returns
        -------
        Track
            The target. Its confidence is 0, and its position the last confident one, when the frame cannot be used:
            when the pixels that are read, those of the search range and its surroundings, are constant or hold NaN or
            infinity after conversion to float32. With binning, some of these pixels are read only near the target. The
            gate checks all pixels.

        Raises
        ------
        InputError
            When the frame's size differs from the reference's, or its dtype is not real.

        Notes
        -----
        Tracking the reference before the first frame changes no later result, see `StructureTracker.track`.
        """
        return self._structures.track(image)[0]

    def twin(self) -> "Tracker":
        """Return a copy as the tracker is now, which shares nothing with it that changes."""
        return deepcopy(self)


def _arrays_of(thing: object) -> Iterator[NDArray[np.generic]]:
    """Yield the arrays of a model, or of several."""
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, tuple):
        for one in thing:
            yield from _arrays_of(one)
    elif is_dataclass(thing):
        for part in fields(thing):
            yield from _arrays_of(getattr(thing, part.name))
