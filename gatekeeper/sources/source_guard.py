"""Check what a source that is a plug-in delivers, so that the session ends with HOLD when it does something wrong."""

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from numbers import Integral, Real

import numpy as np

from gatekeeper.core.errors import GatekeeperError, SourceError
from gatekeeper.core.frame import Frame, Plane
from gatekeeper.core.protocols import FrameSource
from gatekeeper.sources.connections import Connection, Connections


class GuardedSource:
    """A source around one that is a plug-in.

    Parameters
    ----------
    source : FrameSource
        The plug-in.
    origin : str
        What messages call it.
    clock : str
        "sender", or "none": its frames carry no other time than that of their arrival.
    """

    def __init__(self, source: FrameSource, origin: str, clock: str = "sender") -> None:
        self._source = source
        self._origin = origin
        self._clock = clock
        self._connections = Connections()
        self._closed = False

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None.

        Raises
        ------
        SourceError
            When the plug-in raises, or returns anything else than None or a valid frame.
        """
        try:
            # Typed as object: a plug-in may return anything.
            frame: object = self._source.next_frame(timeout_s)
        except GatekeeperError:
            raise
        except (Exception, SystemExit) as error:
            raise self._error(f"next_frame() raised {type(error).__name__}: {error}") from error
        if frame is None:
            return None
        if not isinstance(frame, Frame):
            raise self._error(f"next_frame() returned a {type(frame).__name__}; give a Frame or None")
        try:
            return self._from(_copied(frame), frame.connection, frame.stamp_s)
        except (TypeError, ValueError, AttributeError) as error:
            raise self._error(f"next_frame() returned a frame that is not valid: {error}") from error

    def _from(self, frame: Frame, connection: object, stamp_s: object) -> Frame:
        """Return a frame with the number of its connection and what the sender's clock showed.

        What the plug-in calls the time of acquisition is such a clock, unless it is the time of arrival.
        """
        if not isinstance(connection, Integral) or not isinstance(stamp_s, Real):
            raise TypeError(f"connection is {connection!r:.40} and stamp_s is {stamp_s!r:.40}; give numbers")
        number = self._connections.number("", f"{self._origin}, connection {int(connection)}")
        acquired_s, stamp_s = frame.acquired_s, float(stamp_s)
        if self._clock == "none":
            # A time that the plug-in does not know stays unknown.
            acquired_s, stamp_s = math.nan if math.isnan(acquired_s) else frame.received_s, math.nan
        elif acquired_s == frame.received_s:
            acquired_s, stamp_s = math.nan, math.nan
        elif math.isnan(stamp_s):
            stamp_s = acquired_s
        return replace(frame, acquired_s=acquired_s, connection=number, stamp_s=stamp_s)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The last connections that the plug-in has told of, oldest first."""
        return self._connections.last

    def ended(self) -> bool:
        """Return whether no frame will come any more.

        Raises
        ------
        SourceError
            When the plug-in raises, or returns anything else than a bool.
        """
        try:
            ended: object = self._source.ended()
        except GatekeeperError:
            raise
        except (Exception, SystemExit) as error:
            raise self._error(f"ended() raised {type(error).__name__}: {error}") from error
        if not isinstance(ended, bool):
            raise self._error(f"ended() returned {ended!r:.40}; give True or False")
        return ended

    def close(self) -> None:
        """Let the plug-in release what it holds, once."""
        if not self._closed:
            self._closed = True
            # The beam is held by then, and the record is completed after this.
            with suppress(Exception, SystemExit):
                self._source.close()

    def _error(self, why: str) -> SourceError:
        return SourceError(f"{self._origin}: {why}")


def _copied(frame: Frame) -> Frame:
    """Return a frame of its own memory and plain numbers; raise TypeError or ValueError when it is not valid."""
    image = frame.image
    if not isinstance(image, np.ndarray) or image.ndim != 2 or image.dtype.kind not in "iuf" or not image.size:
        raise ValueError("image is not an array of numbers (H, W)")
    spacing_mm = _numbers("spacing_mm", frame.spacing_mm, 2)
    if min(spacing_mm) <= 0.0:
        raise ValueError(f"spacing_mm is {spacing_mm}, which is not above 0")
    (received_s,) = _numbers("received_s", (frame.received_s,), 1)
    # NaN: the time is unknown, for which the gate holds.
    acquired_s = math.nan if math.isnan(frame.acquired_s) else _numbers("acquired_s", (frame.acquired_s,), 1)[0]
    sequence, skipped = frame.sequence, frame.skipped
    if not isinstance(sequence, Integral) or not isinstance(skipped, Integral):
        raise TypeError(f"sequence is {sequence!r:.40} and skipped is {skipped!r:.40}; both are integers")
    plane = frame.plane
    vectors = [_numbers("plane", vector, 3) for vector in (plane.origin_mm, plane.row_step, plane.col_step)]
    # A copy: the frame belongs to the record, and a plug-in may change what it has given.
    pixels = np.array(image, dtype=np.float32, order="C")
    place = Plane(*vectors)
    return Frame(
        pixels, (spacing_mm[0], spacing_mm[1]), int(sequence), acquired_s, received_s, place, max(int(skipped), 0)
    )


def _numbers(name: str, values: Iterable[object], count: int) -> tuple[float, ...]:
    """Return finite numbers as floats; raise TypeError or ValueError when they are something else."""
    numbers = tuple([float(value) for value in values if isinstance(value, Real)])
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} is {values!r:.80}, not {count} finite numbers")
    return numbers
