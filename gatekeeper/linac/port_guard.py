"""Check what a linac port that is a plug-in does, so that nothing it does wrong leads to a beam-on."""

from contextlib import suppress

from gatekeeper.core.decision import Decision
from gatekeeper.core.errors import LinkError
from gatekeeper.core.protocols import LinacPort


class GuardedPort:
    """A linac port around one that is a plug-in.

    Parameters
    ----------
    port : LinacPort
        The plug-in.
    origin : str
        What messages call it.
    """

    def __init__(self, port: LinacPort, origin: str) -> None:
        self._port = port
        self._origin = origin
        self._failed = False
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether the plug-in says True, and has not failed before; anything else counts as a lost link."""
        try:
            # A value that is only true in a condition, such as a text or a method, says nothing about the link.
            return not self._failed and self._port.alive is True
        except (Exception, SystemExit):
            return False

    def send(self, decision: Decision) -> None:
        """Pass one decision on.

        Raises
        ------
        LinkError
            When the plug-in raises, or returns something instead of sending at once, as a coroutine does.
        """
        try:
            # Typed as object: a plug-in may return anything.
            returned: object = self._port.send(decision)  # type: ignore[func-returns-value]
        except (Exception, SystemExit) as error:
            self._failed = True
            raise LinkError(f"{self._origin}: send() raised {type(error).__name__}: {error}") from error
        if returned is not None:
            self._failed = True
            raise LinkError(f"{self._origin}: send() returned a {type(returned).__name__}; send before returning None")

    def close(self) -> None:
        """Let the plug-in hold the beam and release the link, once."""
        if not self._closed:
            self._closed = self._failed = True
            # HOLD was sent before, and the record is completed after this.
            with suppress(Exception, SystemExit):
                self._port.close()
