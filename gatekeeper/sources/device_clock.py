"""From the clock of a device to session time, so that a frame never appears newer than it is."""

import math

CONFIRMED = 50
"""Number of frames with which the offset of a connection counts for all later ones."""


class DeviceClock:
    """Estimate the session time of acquisition from the device's stamp and the time of arrival.

    The two clocks differ by an unknown offset, and each arrival is delayed. The smallest difference (received - device)
    so far is the offset with the least delay, as in the clock filter of NTP (RFC 5905, section 10: of all samples that
    with the smallest delay; D. L. Mills, "Internet time synchronization", IEEE Trans. Commun. 39, 1991). It is the
    smallest of the entire session, and not of its recent past: a delay that grows and stays must not look like a clock
    that was set, and a sender that comes back late is late. Of an earlier connection it counts if that had `CONFIRMED`
    frames, so that a single wrong stamp does not make all later frames look old. What remains is the shortest delay
    itself, which a one-way stream cannot show: `imaging_s` of the prediction covers it.

    A frame is thus never acquired after it was received. A device clock that is set back, or runs slower than ours,
    makes its frames look too old, and the beam is held; at 50 parts per million that is 60 ms in 20 minutes. A clock
    that runs faster would hide a delay; `gatekeeper.gating.source_checks` finds it.

    Parameters
    ----------
    period_s : float
        Time after which the device's stamps start again at 0, in s, for example a day; infinity for never.
    """

    def __init__(self, period_s: float = math.inf) -> None:
        self._period_s = period_s
        self._turns_s = 0.0
        self._last_s: float | None = None
        self._offset_s = self._kept_s = math.inf
        self._frames = 0

    def connected(self) -> None:
        """Begin a new connection, to the same device as far as is known."""
        if self._frames >= CONFIRMED:
            self._kept_s = min(self._kept_s, self._offset_s)
        self._offset_s, self._frames = math.inf, 0

    def times_s(self, device_s: float, received_s: float) -> tuple[float, float]:
        """Return when a frame was acquired, in session time and on the device's clock, which never starts again at 0.

        Parameters
        ----------
        device_s : float
            The stamp of the device in s.
        received_s : float
            Session time at which the frame was complete, in s.

        Returns
        -------
        acquired_s : float
            In session time, in s; NaN when the stamp is no number.
        stamp_s : float
            On the device's clock, in s; NaN likewise.
        """
        if not (math.isfinite(device_s) and math.isfinite(received_s)):
            return math.nan, math.nan
        if self._last_s is not None and math.isfinite(self._period_s):
            # No frame is half a period early or late: such a step is midnight, passed in either direction.
            if device_s - self._last_s < -0.5 * self._period_s:
                self._turns_s += self._period_s
            elif device_s - self._last_s > 0.5 * self._period_s:
                self._turns_s -= self._period_s
        self._last_s = device_s
        running_s = device_s + self._turns_s
        self._offset_s = min(self._offset_s, received_s - running_s)
        self._frames += 1
        # Rounding must not place it after its arrival either.
        return min(running_s + min(self._offset_s, self._kept_s), received_s), running_s
