"""The exception tree: every message is one line that names the thing, the value, the limit and the way out."""


class GatekeeperError(Exception):
    """Root of all errors that gatekeeper raises on purpose."""


class InputError(GatekeeperError):
    """Bad usage or bad input; the command line ends with exit code 2."""


class ConfigError(InputError):
    """A setting is missing, unknown or outside its limits."""


class PluginError(ConfigError):
    """A tracker, source, linac port or format is not there, or cannot be loaded or made."""


class RecordingError(InputError):
    """A recorded case or session cannot be read."""


class GeometryError(InputError):
    """An image does not say where it lies, or lies where no sagittal cine does."""


class NotSagittalError(GeometryError):
    """An image says soundly where it lies, and that is no sagittal plane."""


class TargetError(InputError):
    """The target or its reference image cannot be tracked or gated."""


class OutputError(InputError):
    """A result cannot be written."""


class EngineError(GatekeeperError):
    """Tracking or deciding failed on a frame; the beam is held and the session is over."""


class TrackerError(GatekeeperError):
    """A tracker that is a plug-in failed on a frame; the gate holds until an operator resets the fault."""


class WatchdogError(GatekeeperError):
    """The watchdog cannot do its work."""


class LinkError(GatekeeperError):
    """The other side of a link does not answer as it must; the link is given up, and the beam is held."""


class WireError(LinkError):
    """Bytes are no message of their protocol, or a message does not fit into its bytes."""
