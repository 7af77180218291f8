"""Measure the latency of the chain, from the acquisition of a frame until the beam follows, while a session runs."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from gatekeeper.config import PredictionConfig
from gatekeeper.core.frame import Frame

LATENCY = "latency"
"""The journal's event for a measurement of the chain's latency, and for what the prediction uses from then on."""
MOST_FRAMES, MOST_BEAMS = 256, 32
"""Number of frames, and of changes of the beam each way, that are remembered."""
FEWEST_FRAMES, FEWEST_BEAMS = 20, 3
"""Number of each from which a part of the chain counts as measured."""
ZONE_S = 900.0
"""Time zones differ by multiples of a quarter of an hour, by which a stamp may differ from our clock."""
LONGEST_S = 1.0
"""A stamp further in the past, or in the future, is that of a clock that is not synchronised with ours, in s."""
TICK_S = 0.01
"""A stamp may be this much ahead of our clock, for the ticks in which senders count; it counts as no latency, in s."""
BOUNDS_S = (0.01, 1.0)
"""Limits of the latency that a prediction uses, in s."""
CHANGE_S = 0.05
"""A latency that differs by more than this from that in use when the gate was armed is a finding, in s."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Distribution of one part of the latency.

    Attributes
    ----------
    n : int
        Number of measurements.
    p25_ms, p50_ms, p75_ms : float
        Quartiles, in ms.
    """

    n: int
    p25_ms: float
    p50_ms: float
    p75_ms: float

    @classmethod
    def of(cls, values_s: Sequence[float], fewest: int) -> "Spread | None":
        """Return the distribution of values in s; None for too few."""
        if len(values_s) < fewest:
            return None
        p25, p50, p75 = np.percentile(values_s, (25.0, 50.0, 75.0)) * 1e3
        return cls(len(values_s), round(float(p25), 2), round(float(p50), 2), round(float(p75), 2))


@dataclass(frozen=True, slots=True)
class ChainLatency:
    """Latency of the chain as measured; None for a part that could not be measured.

    Attributes
    ----------
    imaging : Spread or None
        From the time in a frame's header until its arrival; only where the sender's clock is synchronised with ours.
    compute : Spread or None
        From the arrival of a frame until its decision was sent.
    link : Spread or None
        From sending a message to the interlock until it is there: half the round trip.
    beam_on, beam_off : Spread or None
        From the request until the machine's beam follows, where the interlock knows it.
    """

    imaging: Spread | None = None
    compute: Spread | None = None
    link: Spread | None = None
    beam_on: Spread | None = None
    beam_off: Spread | None = None

    def total_s(self, config: PredictionConfig) -> float:
        """Return the upper quartile of the whole latency in s; a part that was not measured is that of the settings.

        Of coming on and going off the slower one counts. It is at least and at most `BOUNDS_S`.
        """
        imaging_s = config.imaging_s if self.imaging is None else 1e-3 * self.imaging.p75_ms
        compute_s = config.compute_s if self.compute is None else 1e-3 * self.compute.p75_ms
        link_s = 0.0 if self.link is None else 1e-3 * self.link.p75_ms
        beams = [one.p75_ms for one in (self.beam_on, self.beam_off) if one is not None]
        linac_s = 1e-3 * max(beams) if beams else config.linac_s + link_s
        low_s, high_s = BOUNDS_S
        return min(max(imaging_s + compute_s + linac_s, low_s), high_s)

    def as_json(self) -> dict[str, object]:
        """Return the parts that were measured as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def as_line(self) -> str:
        """Return the medians of all parts in one line."""
        parts = {
            "imaging": self.imaging,
            "compute": self.compute,
            "link": self.link,
            "beam on": self.beam_on,
            "beam off": self.beam_off,
        }
        words = [f"{name} {one.p50_ms:.3g}" for name, one in parts.items() if one is not None]
        return f"{', '.join(words)} ms" if words else "not measured yet"


class LatencyMonitor:
    """Collect measurements of the chain's latency, on the loop's thread.

    Examples
    --------
    >>> from gatekeeper.config import PredictionConfig
    >>> from gatekeeper.session.chain_latency import LatencyMonitor
    >>> monitor = LatencyMonitor()
    >>> for delay_s in (0.060, 0.064, 0.068):
    ...     monitor.add_beam(True, delay_s)
    >>> measured = monitor.measured()
    >>> measured.beam_on.p50_ms, round(measured.total_s(PredictionConfig(imaging_s=0.1, compute_s=0.002)), 3)
    (64.0, 0.168)
    """

    def __init__(self) -> None:
        self._imaging_s: deque[float] = deque(maxlen=MOST_FRAMES)
        self._compute_s: deque[float] = deque(maxlen=MOST_FRAMES)
        self._link_s: deque[float] = deque(maxlen=MOST_FRAMES)
        self._on_s: deque[float] = deque(maxlen=MOST_BEAMS)
        self._off_s: deque[float] = deque(maxlen=MOST_BEAMS)

    def add_frame(self, frame: Frame, total_ms: float, arrived_utc_s: float) -> None:
        """Add a frame that was judged.

        Parameters
        ----------
        frame : Frame
            The frame; its `stamp_s` is that of its sender's clock.
        total_ms : float
            Time from its arrival until its decision was sent, in ms.
        arrived_utc_s : float
            When it arrived by our machine's clock, in s since 1970.
        """
        self._compute_s.append(1e-3 * total_ms)
        if math.isfinite(frame.stamp_s):
            late_s = math.remainder(arrived_utc_s - frame.stamp_s, ZONE_S)
            if -TICK_S <= late_s <= LONGEST_S:
                self._imaging_s.append(max(late_s, 0.0))
            else:
                self._imaging_s.clear()

    def add_link(self, rtt_s: float) -> None:
        """Add a round trip to the interlock, in s."""
        self._link_s.append(0.5 * rtt_s)

    def add_beam(self, on: bool, delay_s: float) -> None:
        """Add a delay with which the machine's beam came on or went off, in s."""
        (self._on_s if on else self._off_s).append(delay_s)

    def measured(self) -> ChainLatency:
        """Return the distributions of all parts."""
        return ChainLatency(
            imaging=Spread.of(self._imaging_s, FEWEST_FRAMES),
            compute=Spread.of(self._compute_s, FEWEST_FRAMES),
            link=Spread.of(self._link_s, FEWEST_BEAMS),
            beam_on=Spread.of(self._on_s, FEWEST_BEAMS),
            beam_off=Spread.of(self._off_s, FEWEST_BEAMS),
        )


def followed(measured_s: float, armed_with_s: float | None) -> tuple[float, bool]:
    """Return the latency that a prediction is to use, and whether the measured one is a finding.

    Before the gate is armed a measured latency is used as it is. Afterwards it is followed by up to `CHANGE_S`, so that
    a sender whose clock lies cannot move the prediction further.

    Parameters
    ----------
    measured_s : float
        Upper quartile of what was measured, in s.
    armed_with_s : float or None
        Latency that was in use when the gate was armed, in s; None before.

    Examples
    --------
    >>> from gatekeeper.session.chain_latency import followed
    >>> followed(0.32, None), followed(0.33, 0.30), followed(0.48, 0.30)
    ((0.32, False), (0.33, False), (0.35, True))
    """
    if armed_with_s is None:
        return measured_s, False
    used_s = min(max(measured_s, armed_with_s - CHANGE_S), armed_with_s + CHANGE_S)
    return used_s, abs(measured_s - armed_with_s) > CHANGE_S
