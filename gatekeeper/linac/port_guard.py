"""Check what a linac port that is a plug-in does, so that nothing it does wrong leads to a beam-on."""

import math
from contextlib import suppress
from dataclasses import replace

from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.errors import LinkError
from gatekeeper.core.protocols import LinacPort
from gatekeeper.linac.freshness import AgeOf, left_ns, no_age


class GuardedPort:
    """A linac port around one that is a plug-in.

    Parameters
    ----------
    port : LinacPort
        The plug-in.
    origin : str
        What messages call it.
    fresh_s : float
        Time after a decision for which its beam-on is good, in real s.
    age_s : callable
        Return the age of a decision in s, see `gatekeeper.linac.freshness`.
    """

    def __init__(self, port: LinacPort, origin: str, fresh_s: float = 0.375, age_s: AgeOf = no_age) -> None:
        self._port = port
        self._origin = origin
        self._fresh_ns, self._age_s = round(1e9 * fresh_s), age_s
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

    @property
    def allowed_s(self) -> float | None:
        """What the plug-in says of the time for which it allowed the beam, in s; None when it says no number."""
        try:
            told: object = getattr(self._port, "allowed_s", None)
        except (Exception, SystemExit):
            return None
        if not isinstance(told, int | float) or isinstance(told, bool):
            return None
        return float(told) if math.isfinite(told) else None

    def send(self, decision: Decision) -> None:
        """Pass one decision on; a beam-on that is too old becomes a hold.

        Raises
        ------
        LinkError
            When the plug-in raises, or returns something instead of sending at once, as a coroutine does.
        """
        if decision.state is BeamState.ON and not left_ns(self._fresh_ns, self._age_s(decision)):
            decision = replace(decision, state=BeamState.HOLD, reasons=(Reason.STALE_FRAME,))
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
