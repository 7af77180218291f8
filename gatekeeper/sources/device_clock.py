"""Timing: from the clock of a device that nobody has set to session time, without ever making a frame look newer."""

import math

FAST_SHARE = 0.05
FAST_S = 5.0
"""A device clock that has run ahead by this share of the time since its first frame, and this much more, in seconds,
runs too fast to tell any age: its unit is not what was configured."""


class DeviceClock:
    """Tells when a frame was acquired in session time from the device's stamp and the time of its arrival.

    The two clocks differ by an offset that nobody knows, and each arrival is late by the delay of its way. The
    smallest difference (received - device) seen so far is the offset with the least delay in it, which is what the
    clock filter of NTP goes by (RFC 5905, section 10: of all samples that with the smallest delay; D. L. Mills,
    "Internet time synchronization", IEEE Trans. Commun. 39, 1991). It is the smallest of the whole connection, not of
    its recent past: a delay that grows and stays must not come to look like a clock that was set. What remains is the
    shortest delay itself, which a one-way stream cannot show: `imaging_s` of the prediction stands for it.

    A frame is thus never acquired after it was received. A device clock that is stepped back, or runs slower than
    ours, makes its frames look too old, and the beam is held; at 50 parts in a million that is 60 ms in 20 minutes.
    One that runs much faster, as with stamps in a unit other than believed, would hide every delay: it tells no time
    at all, and the beam is held for that.

    Parameters
    ----------
    period_s : float
        After this time the device's stamps begin again at 0, in seconds, for example a day; infinity: they never do.
    """

    def __init__(self, period_s: float = math.inf) -> None:
        self._period_s = period_s
        self._begin()

    def _begin(self) -> None:
        self._turns_s = 0.0
        self._last_s: float | None = None
        self._offset_s = math.inf
        self._first: tuple[float, float] | None = None

    def reset(self) -> None:
        """Forget the device: whoever connects next may have another clock."""
        self._begin()

    def acquired_s(self, device_s: float, received_s: float) -> float:
        """Return when a frame was acquired, in s of session time; NaN when its stamp or its clock tells no time.

        Parameters
        ----------
        device_s : float
            The stamp of the device in seconds.
        received_s : float
            Session time in seconds at which the frame was whole.
        """
        if not (math.isfinite(device_s) and math.isfinite(received_s)):
            return math.nan
        if self._last_s is not None and math.isfinite(self._period_s):
            # Half a period is further than any frame is early or late: that is midnight, passed in either direction.
            if device_s - self._last_s < -0.5 * self._period_s:
                self._turns_s += self._period_s
            elif device_s - self._last_s > 0.5 * self._period_s:
                self._turns_s -= self._period_s
        self._last_s = device_s
        running_s = device_s + self._turns_s
        if self._first is None:
            self._first = running_s, received_s
        ahead_s = (running_s - self._first[0]) - (received_s - self._first[1])
        if ahead_s > FAST_S + FAST_SHARE * (received_s - self._first[1]):
            return math.nan
        self._offset_s = min(self._offset_s, received_s - running_s)
        # Rounding must not put it after its arrival either.
        return min(running_s + self._offset_s, received_s)
