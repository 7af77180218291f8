"""The delay of a simulated machine, from the interlock's decision until its beam is on or off."""

from collections import deque
from typing import NamedTuple

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.messages import NS_PER_MS


class BeamDelays(NamedTuple):
    """Delays of a simulated machine.

    Attributes
    ----------
    off_ms, on_ms : float
        Time from hold until the beam is off, and from a lease until it is on, in ms.
    """

    off_ms: float = 0.0
    on_ms: float = 0.0

    def after(self, beam: BeamState) -> int:
        """Return the delay before the beam is in a state, in ns."""
        return round((self.on_ms if beam is BeamState.ON else self.off_ms) * NS_PER_MS)


class DelayedBeam:
    """A beam that follows orders with a delay, as that of a machine does.

    Each change of the order takes effect after its delay, so that a hold shorter than the delay ends the beam for a
    while all the same. An order to come on never overtakes one to end; one to end overtakes any that has not taken
    effect yet.

    Parameters
    ----------
    delays : BeamDelays
        Delays off and on.

    Attributes
    ----------
    beam : BeamState
        State of the beam at the last call.

    Examples
    --------
    >>> from gatekeeper.core.decision import BeamState
    >>> from gatekeeper.linac.lease.beam_delay import BeamDelays, DelayedBeam
    >>> machine = DelayedBeam(BeamDelays(off_ms=40.0, on_ms=65.0))
    >>> machine.order(BeamState.ON, 0)
    >>> machine.due_ns
    65000000
    >>> machine.changes(65_000_000)
    [(65000000, <BeamState.ON: 'ON'>)]
    """

    def __init__(self, delays: BeamDelays) -> None:
        self._delays = delays
        self._orders: deque[tuple[int, BeamState]] = deque()
        self.beam = BeamState.HOLD

    @property
    def due_ns(self) -> int | None:
        """Time of the next change, in ns; None when none is due."""
        return self._orders[0][0] if self._orders else None

    def order(self, beam: BeamState, now_ns: int) -> None:
        """Order the beam on or off.

        Parameters
        ----------
        beam : BeamState
            The order.
        now_ns : int
            Time of the order, in ns.
        """
        at_ns = now_ns + self._delays.after(beam)
        if beam is BeamState.HOLD:
            while self._orders and self._orders[-1][0] >= at_ns:
                self._orders.pop()
        elif self._orders:
            at_ns = max(at_ns, self._orders[-1][0])
        if beam is not (self._orders[-1][1] if self._orders else self.beam):
            self._orders.append((at_ns, beam))

    def changes(self, now_ns: int) -> list[tuple[int, BeamState]]:
        """Let time pass, and return the changes of the beam since then.

        Parameters
        ----------
        now_ns : int
            Time, in ns.

        Returns
        -------
        list of tuple of int and BeamState
            When the beam changed, in ns, and to what.
        """
        past = []
        while self._orders and self._orders[0][0] <= now_ns:
            past.append(self._orders.popleft())
            self.beam = past[-1][1]
        return past
