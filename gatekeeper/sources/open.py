"""Open the source of frames that the settings name.

The modules of a source are imported when it is chosen.
"""

from typing import Protocol, runtime_checkable

from gatekeeper.config import SourceConfig
from gatekeeper.core.clock import Clock
from gatekeeper.core.protocols import FrameSource
from gatekeeper.plugins import SOURCES
from gatekeeper.sources.source_guard import GuardedSource
from gatekeeper.sources.statistics import SourceCounts


@runtime_checkable
class LiveSource(FrameSource, Protocol):
    """A source with a network address."""

    @property
    def address(self) -> tuple[str, int]:
        """Address and port on which it listens, or to which it connects."""
        ...

    @property
    def counts(self) -> SourceCounts:
        """Counts so far; may be read from any thread."""
        ...


def open_source(config: SourceConfig, clock: Clock) -> FrameSource:
    """Return the source of the settings, which delivers frames at once; the caller closes it.

    Parameters
    ----------
    config : SourceConfig
        Kind and settings of the source.
    clock : Clock
        Session time, by which frames are stamped.

    Returns
    -------
    FrameSource
        The source; ours are a `LiveSource`, around any other there is a guard.

    Raises
    ------
    ConfigError
        When it cannot listen there, or there is no such source.
    """
    plugin = SOURCES.find(config.kind)
    source: FrameSource = plugin.make(config, clock, having=("next_frame", "ended", "close"))
    return source if plugin.builtin else GuardedSource(source, plugin.origin, getattr(config, "clock", "sender"))
