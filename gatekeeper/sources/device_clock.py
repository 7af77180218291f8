"""From the clock of a device to session time, so that a frame never appears newer than it is."""

import math

FAST_SHARE = 0.05
FAST_S = 5.0
"""A device clock that has gained this share of the time since its first frame, plus this many seconds, is unusable: its
unit differs from the configured one.
"""


class DeviceClock:
    """Estimate the session time of acquisition from the device's stamp and the time of arrival.

    The two clocks differ by an unknown offset, and each arrival is delayed. The smallest difference (received - device)
    so far is the offset with the least delay, as in the clock filter of NTP (RFC 5905, section 10: of all samples that
    with the smallest delay; D. L. Mills, "Internet time synchronization", IEEE Trans. Commun. 39, 1991). It is the
    smallest of the entire connection, not of its recent past: a delay that grows and stays must not look like a clock
    that was set. What remains is the shortest delay itself, which a one-way stream cannot show: `imaging_s` of the
    prediction covers it.

    A frame is thus never acquired after it was received. A device clock that is set back, or runs slower than ours,
    makes its frames look too old, and the beam is held; at 50 parts per million that is 60 ms in 20 minutes. A clock
    that runs much faster, for example with stamps in another unit than configured, would hide every delay: its times
    are NaN, and the beam is held.

    Parameters
    ----------
    period_s : float
        Time after which the device's stamps start again at 0, in s, for example a day; infinity for never.
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
        """Forget the device: the next one to connect may have another clock."""
        self._begin()

    def acquired_s(self, device_s: float, received_s: float) -> float:
        """Return when a frame was acquired, in s of session time; NaN when its stamp or its clock is unusable.

        Parameters
        ----------
        device_s : float
            The stamp of the device in s.
        received_s : float
            Session time at which the frame was complete, in s.
        """
        if not (math.isfinite(device_s) and math.isfinite(received_s)):
            return math.nan
        if self._last_s is not None and math.isfinite(self._period_s):
            # No frame is half a period early or late: such a step is midnight, passed in either direction.
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
        # Rounding must not place it after its arrival either.
        return min(running_s + self._offset_s, received_s)
