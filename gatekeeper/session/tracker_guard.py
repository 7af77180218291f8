"""Make the tracker that the settings name, and check what one that is a plug-in returns on every frame.

Ours is used as it is. Around any other, whatever breaks the contract of `gatekeeper.core.protocols.TargetTracker`
becomes a TrackerError, on which the engine holds and goes on.
"""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig, TrackerConfig
from gatekeeper.core.errors import InputError, PluginError, TrackerError
from gatekeeper.core.protocols import DisplacementTracker, LearningTracker, TargetTracker, TrackerFactory, TwinTracker
from gatekeeper.core.track import Track
from gatekeeper.plugins import INJECTED, TRACKERS, Plugin, reference_to

MOST_POINTS = 10_000
"""An outline has at most so many points."""


class TrackerMaker:
    """Make trackers of one kind.

    Parameters
    ----------
    config : TrackerConfig
        Names the kind.
    factory : TrackerFactory, optional
        Makes them; by default that of the kind is loaded.

    Attributes
    ----------
    plugin : Plugin
        Where they come from.

    Raises
    ------
    PluginError
        When there is no such kind, or it cannot be loaded.
    """

    def __init__(self, config: TrackerConfig, factory: TrackerFactory | None = None) -> None:
        self._config = config
        self.plugin = (
            TRACKERS.find(config.kind)
            if factory is None
            else Plugin("tracker", config.kind, config.kind, INJECTED, None)
        )
        self._factory: TrackerFactory = self.plugin.load() if factory is None else factory
        if not callable(self._factory):
            raise PluginError(f"{self.plugin.origin}: is a {type(self._factory).__name__}; give a factory of trackers")

    def make(
        self,
        reference: NDArray[np.float32],
        structures: Mapping[str, NDArray[np.bool_]],
        spacing_mm: tuple[float, float],
    ) -> TargetTracker:
        """Return a new tracker, with a guard around it unless it is ours.

        Raises
        ------
        TargetError
            When a structure cannot be tracked.
        PluginError
            When a plug-in fails otherwise, or makes no tracker.
        """
        if self.plugin.builtin:
            return self._factory(reference, structures, spacing_mm, self._config)
        try:
            made = self._factory(reference.copy(), dict(structures), spacing_mm, self._config)
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{self.plugin.origin}: cannot be made for this reference, {type(error).__name__}: {error}"
            ) from error
        if not callable(getattr(made, "track", None)):
            raise PluginError(f"{self.plugin.origin}: made a {type(made).__name__}, which has no track(image)")
        return GuardedTracker(made, self.plugin.origin, len(structures), reference.shape, spacing_mm)


class GuardedTracker:
    """Check what a tracker that is a plug-in returns.

    Parameters
    ----------
    tracker : TargetTracker
        The plug-in.
    origin : str
        What messages call it.
    count : int
        How many structures it tracks.
    shape : tuple of int
        Rows and columns of the frames.
    spacing_mm : tuple of float
        Distance of their pixel centres along rows and columns, in mm.
    """

    def __init__(
        self,
        tracker: TargetTracker,
        origin: str,
        count: int,
        shape: tuple[int, ...],
        spacing_mm: tuple[float, float],
    ) -> None:
        self._tracker = tracker
        self._origin = origin
        self._count = count
        self._size = np.array(shape, dtype=np.float64)
        self._spacing_mm = np.array(spacing_mm, dtype=np.float64)
        if isinstance(tracker, LearningTracker):
            self.learn = self._learn
        if isinstance(tracker, DisplacementTracker):
            self.displacement_px = tracker.displacement_px
        if isinstance(tracker, TwinTracker):
            self.twin = self._twin

    def track(self, image: NDArray[Any]) -> tuple[Track, ...]:
        """Return where the structures are on a frame.

        Raises
        ------
        TrackerError
            When the plug-in raises, or returns anything else than one sound track for each structure.
        """
        # A copy: the frame belongs to the record, and a plug-in may keep or change what it is given.
        image = np.array(image, dtype=np.float32, order="C")
        try:
            found = self._tracker.track(image)
        except (Exception, SystemExit) as error:
            raise self._error(f"track() raised {type(error).__name__}: {error}") from error
        tracks = found if isinstance(found, tuple) else (found,)
        if len(tracks) != self._count:
            raise self._error(f"returned {len(tracks)} tracks; give {self._count}, one for each structure")
        return tuple([self._checked(track) for track in tracks])

    def _twin(self) -> "GuardedTracker":
        """Return a copy of the plug-in with a guard of its own.

        Raises
        ------
        TrackerError
            When the plug-in raises, or its copy is no tracker.
        """
        try:
            made: TargetTracker = self._tracker.twin()  # type: ignore[attr-defined]
        except (Exception, SystemExit) as error:
            raise self._error(f"twin() raised {type(error).__name__}: {error}") from error
        if made is self._tracker or not callable(getattr(made, "track", None)):
            raise self._error(f"twin() returned {type(made).__name__}; give a copy of the tracker")
        rows, cols = (int(size) for size in self._size)
        row_mm, col_mm = (float(size) for size in self._spacing_mm)
        return GuardedTracker(made, self._origin, self._count, (rows, cols), (row_mm, col_mm))

    def _learn(self, frames: NDArray[Any]) -> object:
        """Let the plug-in learn from a preview.

        Raises
        ------
        TrackerError
            When it raises.
        """
        frames = np.array(frames, dtype=np.float32, order="C")
        try:
            return self._tracker.learn(frames)  # type: ignore[attr-defined]
        except (Exception, SystemExit) as error:
            raise self._error(f"learn() raised {type(error).__name__}: {error}") from error

    def _checked(self, track: object) -> Track:
        """Return a track with an outline of its own, or raise TrackerError."""
        if not isinstance(track, Track):
            raise self._error(f"returned a {type(track).__name__}; give a Track")
        contour_px, confidence = track.contour_px, track.confidence
        if not isinstance(contour_px, np.ndarray) or contour_px.dtype.kind not in "iuf":
            raise self._error(f"contour_px is a {type(contour_px).__name__}; give an array of float64")
        if contour_px.ndim != 2 or contour_px.shape[1] != 2 or not 3 <= len(contour_px) <= MOST_POINTS:
            raise self._error(
                f"contour_px has the shape {contour_px.shape}; give (N, 2) with N from 3 to {MOST_POINTS}"
            )
        contour_px = np.array(contour_px, dtype=np.float64, order="C")
        low_px, high_px = contour_px.min(axis=0), contour_px.max(axis=0)
        # Written so that NaN fails.
        if not ((low_px >= -self._size).all() and (high_px <= 2.0 * self._size).all()):
            raise self._error("contour_px holds NaN, infinity or places far beside the image")
        if not (isinstance(confidence, Real) and 0.0 <= float(confidence) <= 1.0):
            raise self._error(f"confidence is {confidence!r}; give a number from 0 to 1")
        if not (track.field is None or callable(track.field)):
            raise self._error(f"field is a {type(track.field).__name__}; give a function of points, or None")
        center_mm = self._checked_center(track.center_mm, low_px, high_px)
        error_mm = self._checked_mm("error_mm", track.error_mm)
        spread_mm = self._checked_mm("spread_mm", track.spread_mm)
        return Track(contour_px, center_mm, float(confidence), track.field, error_mm, spread_mm)

    def _checked_mm(self, name: str, value_mm: object) -> float:
        """Return a distance, or raise TrackerError."""
        if not (isinstance(value_mm, Real) and 0.0 <= float(value_mm) < math.inf):
            raise self._error(f"{name} is {value_mm!r}; give a finite number from 0")
        return float(value_mm)

    def _checked_center(
        self, center_mm: object, low_px: NDArray[np.float64], high_px: NDArray[np.float64]
    ) -> tuple[float, float]:
        """Return a centre in mm that lies between the ends of its outline, to a pixel, or raise TrackerError."""
        try:
            row_mm, col_mm = (float(value) for value in center_mm)  # type: ignore[attr-defined]
        except (TypeError, ValueError):
            row_mm = col_mm = math.nan
        low_mm, high_mm = (low_px - 1.0) * self._spacing_mm, (high_px + 1.0) * self._spacing_mm
        if not (low_mm[0] <= row_mm <= high_mm[0] and low_mm[1] <= col_mm <= high_mm[1]):
            raise self._error(f"center_mm is {center_mm!r}; give the centre of the outline as (row, col) in mm")
        return row_mm, col_mm

    def _error(self, why: str) -> TrackerError:
        return TrackerError(f"{self._origin}: {why}")


def with_tracker(config: SessionConfig, tracker: TrackerFactory | str) -> SessionConfig:
    """Return the settings with another tracker: one of a name, or one that a factory makes.

    Parameters
    ----------
    config : SessionConfig
        The settings.
    tracker : TrackerFactory or str
        A factory, which the settings name as ``module:object``, or a kind.
    """
    kind = tracker if isinstance(tracker, str) else reference_to(tracker)
    return config.model_copy(update={"tracker": config.tracker.model_copy(update={"kind": kind})})
