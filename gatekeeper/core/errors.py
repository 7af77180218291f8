"""Define the exceptions. Each message is one line that states the thing, the value, the limit and the way out."""


class GatekeeperError(Exception):
    """Base class of all errors that gatekeeper raises on purpose.

    Examples
    --------
    >>> from gatekeeper import GatekeeperError, LearnedRange
    >>> try:
    ...     LearnedRange.of([])
    ... except GatekeeperError as error:
    ...     print(error)
    learned range: the preview has no finite position; give a preview that shows the target
    """


class InputError(GatekeeperError):
    """Bad usage or bad input; the command line ends with exit code 2."""


class ConfigError(InputError):
    """A setting is missing, unknown or outside its limits."""


class PluginError(ConfigError):
    """A tracker, source, linac port or format is not there, or cannot be loaded or made."""


class RecordingError(InputError):
    """A recorded case or session cannot be read."""


class GeometryError(InputError):
    """The position of an image is missing or invalid."""


class OtherPlaneError(GeometryError):
    """The plane of an image is valid, but has another orientation than the session's."""


class TargetError(InputError):
    """The target or its reference image cannot be used for tracking or gating."""


class OutputError(InputError):
    """A result cannot be written."""


class EngineError(GatekeeperError):
    """Tracking or deciding failed on a frame; the beam is held and the session is over."""


class TrackerError(GatekeeperError):
    """A tracker that is a plug-in failed on a frame; the gate holds until an operator resets the fault."""


class SourceError(GatekeeperError):
    """A source that is a plug-in failed or gave no valid frame; the beam is held and the session is over."""


class WatchdogError(GatekeeperError):
    """The watchdog cannot be started or has failed."""


class LinkError(GatekeeperError):
    """The other side of a link does not answer as required; the link is closed, and the beam is held."""


class WireError(LinkError):
    """Received bytes are not a valid message of their protocol, or a message cannot be encoded."""
