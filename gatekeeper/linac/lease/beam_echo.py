"""Measure how long the machine's beam takes to follow, from what the interlock's acknowledgements say of it."""

from collections import deque

MOST_SAMPLES = 64
"""Largest number of delays that wait to be read."""


class BeamEcho:
    """The delays of a machine's beam, as the sender of leases sees them.

    An acknowledgement tells the state of the beam at the time at which it was written, so that a change lies between
    two of them; its middle is taken. Half the interval of renewals, 10 ms by default, is the error of one sample.

    Attributes
    ----------
    beam : bool or None
        Whether the machine's beam was on at the last acknowledgement that told; None before the first.

    Examples
    --------
    >>> from gatekeeper.linac.lease.beam_echo import BeamEcho
    >>> echo = BeamEcho()
    >>> echo.asked(True, 0)
    >>> for at_ns, on in ((20_000_000, False), (40_000_000, False), (60_000_000, True)):
    ...     echo.answered(on, at_ns)
    >>> echo.take()
    [(True, 0.05)]
    """

    def __init__(self) -> None:
        self._asked: tuple[bool, int] | None = None
        self._wanted = False
        self._answered_ns = 0
        self.beam: bool | None = None
        self._samples: deque[tuple[bool, float]] = deque(maxlen=MOST_SAMPLES)

    def asked(self, on: bool, now_ns: int) -> None:
        """Note a message that asks for a state of the beam; only a change begins a measurement."""
        if on is not self._wanted:
            self._wanted, self._asked = on, (on, now_ns)

    def answered(self, on: bool, at_ns: int) -> None:
        """Note the state of the beam in an acknowledgement, written at a time on our clock, in ns."""
        if self._asked is not None and self._asked[0] is on:
            asked_ns = self._asked[1]
            from_ns = max(self._answered_ns, asked_ns)
            self._samples.append((on, (0.5 * (from_ns + at_ns) - asked_ns) * 1e-9))
            self._asked = None
        self._answered_ns = at_ns
        self.beam = on

    def take(self) -> list[tuple[bool, float]]:
        """Return the delays since the last call: whether the beam came on or went off, and the delay in s."""
        taken = []
        while self._samples:
            taken.append(self._samples.popleft())
        return taken
