"""Open the source of frames that the settings name.

The modules of a source are imported when it is chosen.
"""

from typing import Protocol

from gatekeeper.config import DicomSourceConfig, MrdSourceConfig, SourceConfig
from gatekeeper.core.clock import Clock
from gatekeeper.core.protocols import FrameSource
from gatekeeper.sources.statistics import SourceCounts


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


def open_source(config: SourceConfig, clock: Clock) -> LiveSource:
    """Return the source of the settings, which listens at once; the caller closes it.

    Parameters
    ----------
    config : SourceConfig
        Kind and settings of the source.
    clock : Clock
        Session time, by which frames are stamped.

    Returns
    -------
    LiveSource
        The source.

    Raises
    ------
    ConfigError
        When it cannot listen there.
    """
    if isinstance(config, MrdSourceConfig):
        from gatekeeper.sources.mrd import MrdSource

        return MrdSource(config, clock)
    if isinstance(config, DicomSourceConfig):
        from gatekeeper.sources.dicom.source import DicomSource

        return DicomSource(config, clock)
    from gatekeeper.sources.openigtlink import OpenIGTLinkSource

    return OpenIGTLinkSource(config, clock)
