"""Define what the loop needs of trackers, sources, linac ports and recorders, as small protocols."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.clock import Clock
from gatekeeper.core.decision import Decision
from gatekeeper.core.frame import Frame

if TYPE_CHECKING:
    # They load Numba, which takes a second; the processes beside the engine do without.
    from gatekeeper.core.step import Step
    from gatekeeper.core.track import Track


class TargetTracker(Protocol):
    """Find the target on each frame.

    A tracker is made by a factory, see `TrackerFactory`. It may have a method ``learn(frames)`` as well, see
    `LearningTracker`, show how tissue has moved, see `DisplacementTracker`, and be copied, see `TwinTracker`.
    """

    def track(self, image: NDArray[np.float32], /) -> "Track | tuple[Track, ...]":
        """Return where the target is on a frame.

        Parameters
        ----------
        image : ndarray of float32, shape (H, W)
            A frame of the reference's size, without NaN; only to be read.

        Returns
        -------
        Track or tuple of Track
            The target, or one track for each structure, in the order in which the factory was given them. A target
            that is lost has a confidence of 0 and any outline, such as the last one.
        """
        ...


@runtime_checkable
class LearningTracker(TargetTracker, Protocol):
    """Track after learning from a preview."""

    def learn(self, frames: NDArray[Any], /) -> object:
        """Learn from a preview cine (T, H, W) without labels, and start anew from the reference position."""
        ...


@runtime_checkable
class DisplacementTracker(TargetTracker, Protocol):
    """Track and tell how the tissue around the target has moved, for displays."""

    def displacement_px(self, points_px: NDArray[np.float64], /) -> Callable[[], NDArray[np.float64]]:
        """Return a function that tells where the tissue of points on the reference is on the last frame.

        Parameters
        ----------
        points_px : ndarray of float64, shape (N, 2)
            Points as (row, col).

        Returns
        -------
        callable
            Returns the displacement (N, 2) as (row, col) in pixels; may be called from another thread.
        """
        ...


@runtime_checkable
class TwinTracker(TargetTracker, Protocol):
    """Track and give a copy, with which the path of a frame is rehearsed before the next one is due."""

    def twin(self) -> TargetTracker:
        """Return a copy as the tracker is now, which shares nothing with it that changes."""
        ...


class TrackerFactory(Protocol):
    """Make a tracker; a class with such a constructor is one."""

    def __call__(
        self,
        reference: NDArray[np.float32],
        structures: Mapping[str, NDArray[np.bool_]],
        spacing_mm: tuple[float, float],
        config: Any,
        /,
    ) -> TargetTracker:
        """Return a tracker.

        Parameters
        ----------
        reference : ndarray of float32, shape (H, W)
            Image on which the structures are known.
        structures : mapping of str to ndarray of bool, shape (H, W)
            Masks by name, the target first, then what is to be spared.
        spacing_mm : tuple of float
            Distance of pixel centres along rows and columns, in mm.
        config : TrackerConfig
            The settings; those of a plug-in are in ``config.options``.
        """
        ...


class FrameSource(Protocol):
    """Deliver frames in the order of acquisition.

    Whether frames may be left out is up to the source: a live one that has several waiting gives the newest
    (`gatekeeper.sources.newest_frame.NewestFrame`), a recording gives every one.
    """

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came within `timeout_s` of session time or none will come."""
        ...

    def ended(self) -> bool:
        """Return True when no frame will come any more."""
        ...

    def close(self) -> None:
        """Release what the source holds; may be called twice."""
        ...


class SourceFactory(Protocol):
    """Make a source; a class with such a constructor is one."""

    def __call__(self, config: Any, clock: Clock, /) -> FrameSource:
        """Return a source, which delivers frames at once.

        Parameters
        ----------
        config : PluginSourceConfig
            The settings; those of the plug-in are in ``config.options``.
        clock : Clock
            Session time, by which frames are stamped.
        """
        ...


class LinacPort(Protocol):
    """Switch the beam. Without a message the beam is held.

    A port may have an attribute `allowed_s` as well: the real time, in s, for which what it has sent so far allowed the
    beam. Beam-on time in the record then counts no further.
    """

    @property
    def alive(self) -> bool:
        """True while what is sent reaches the linac, as far as can be known without waiting."""
        ...

    def send(self, decision: Decision) -> None:
        """Pass one decision on; never block the caller."""
        ...

    def close(self) -> None:
        """Hold the beam and release the link; may be called twice."""
        ...


@runtime_checkable
class RehearsingPort(LinacPort, Protocol):
    """A port that can go through the making of its messages without sending any."""

    def rehearse(self, decision: Decision) -> None:
        """Make a message for a decision, which no linac would accept, and drop it."""
        ...


class LinacFactory(Protocol):
    """Make a linac port; a class with such a constructor is one."""

    def __call__(self, config: Any, fresh_s: float, /) -> LinacPort:
        """Return a port, which connects by itself. The watchdog opens a second one, in a process of its own.

        Parameters
        ----------
        config : PluginLinacConfig
            The settings; those of the plug-in are in ``config.options``.
        fresh_s : float
            Time after a decision for which a beam-on may be repeated, in real seconds; then the beam is held.
        """
        ...


class Recorder(Protocol):
    """Keep or show every pass of the loop, after its decision is on the way to the linac; raise nothing."""

    @property
    def fault(self) -> str | None:
        """Why the record is no longer kept, in one line; None while it is. Once set, it stays."""
        ...

    def record(self, step: "Step", total_ms: float) -> None:
        """Keep one pass; `total_ms` is the real time from the frame's arrival until its decision was sent."""
        ...

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Keep what an operator did at session time `time_s`, in seconds; `values` are plain values for JSON."""
        ...
