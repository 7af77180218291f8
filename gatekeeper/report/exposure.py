"""Estimate the time with the beam on while the target is outside, from a recorded trace and the latency of the chain.

A session holds no true positions. The target counts as outside from halfway to halfway between the acquisitions of the
frames beside one on which it was measured outside its limit, or not measured. The beam follows a decision one latency
after the acquisition of its frame; after a frame timeout, one latency of the linac after the decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import PredictionConfig
from gatekeeper.core.decision import BeamState
from gatekeeper.core.json_values import measured
from gatekeeper.report.charts import as_svg, new_figure
from gatekeeper.report.phases import delivery
from gatekeeper.report.session_data import SessionData
from gatekeeper.session.chain_latency import LATENCY
from gatekeeper.style.colors import AP_COLOR, BEAM_COLOR, LIMIT_COLOR

OVER_S = 60.0
"""Length of the moving time over which the share is given besides that of the whole, in s."""

Array = NDArray[np.float64]
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Beam on while outside.

    Attributes
    ----------
    times_s : ndarray of float64, shape (M,)
        Times, ascending, in s of session time.
    exposed_s : ndarray of float64, shape (M,)
        Time with the beam on while outside until each of them, in s.
    """

    times_s: Array
    exposed_s: Array

    @property
    def total_s(self) -> float:
        """The time with the beam on while outside, in s."""
        return float(self.exposed_s[-1]) if len(self.exposed_s) else 0.0

    @property
    def percent(self) -> float:
        """The same as a share of the whole time, in percent; NaN without any."""
        lasted_s = float(np.ptp(self.times_s)) if len(self.times_s) else 0.0
        return 100.0 * self.total_s / lasted_s if lasted_s > 0.0 else float("nan")

    def shares(self) -> tuple[Array, Array]:
        """Return the share until each time, and of the last minute before it, in percent, each of shape (M,).

        A minute that is not over yet counts as a whole one.
        """
        since_s = self.times_s - self.times_s[0]
        with np.errstate(invalid="ignore"):
            so_far = np.where(since_s > 0.0, 100.0 * self.exposed_s / since_s, 0.0)
        before_s = np.interp(self.times_s - OVER_S, self.times_s, self.exposed_s, left=0.0)
        return so_far, 100.0 * (self.exposed_s - before_s) / OVER_S


class ExposureEstimate:
    """Estimate the exposure of a session, for any beam.

    Parameters
    ----------
    decisions : sequence of mapping
        Lines of the journal about frames and frame timeouts, oldest first.
    events : sequence of mapping
        Its events, of which those that tell the latency are used.
    prediction : PredictionConfig
        Settings, with the latency that is used where no event tells one.
    outside : ndarray of bool, shape (N,)
        Whether the target was measured outside its limit, or not measured, on each decision.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper.config import PredictionConfig
    >>> from gatekeeper.report.exposure import ExposureEstimate
    >>> entries = [{"kind": "frame", "acquired_s": 0.5 * k, "decided_s": 0.5 * k} for k in range(20)]
    >>> latency = PredictionConfig(imaging_s=0.0, compute_s=0.0, linac_s=0.5)
    >>> outside = np.arange(20) >= 10
    >>> estimate = ExposureEstimate(entries, [], latency, outside)
    >>> estimate.of(~outside).total_s
    0.75
    """

    def __init__(
        self,
        decisions: Sequence[Entry],
        events: Sequence[Entry],
        prediction: PredictionConfig,
        outside: NDArray[np.bool_],
    ) -> None:
        acquired_s = np.array([measured(one["acquired_s"]) for one in decisions])
        decided_s = np.array([measured(one["decided_s"]) for one in decisions])
        follows_s = np.where(
            np.isfinite(acquired_s),
            acquired_s + _latencies_s(decided_s, events, prediction.latency_s),
            decided_s + prediction.linac_s,
        )
        self._follows_s = np.maximum.accumulate(np.nan_to_num(follows_s))
        seen = np.isfinite(acquired_s)
        self._seen_s = np.maximum.accumulate(acquired_s[seen]) if seen.any() else np.empty(0)
        self._outside = outside[seen]

    def of(self, on: NDArray[np.bool_]) -> Exposure:
        """Return the exposure for the state that each decision gave the beam, shape (N,)."""
        if len(self._seen_s) < 2:
            return Exposure(np.empty(0), np.empty(0))
        on_s = np.append(0.0, np.cumsum(np.where(on[:-1], np.diff(self._follows_s), 0.0)))
        middles_s = 0.5 * (self._seen_s[1:] + self._seen_s[:-1])
        edges_s = np.concatenate([self._seen_s[:1], middles_s, self._seen_s[-1:]])
        beam_s = np.diff(np.interp(edges_s, self._follows_s, on_s))
        return Exposure(edges_s, np.append(0.0, np.cumsum(np.where(self._outside, beam_s, 0.0))))


def _latencies_s(decided_s: Array, events: Sequence[Entry], set_s: float) -> Array:
    """Return the latency that was in use at each decision, in s."""
    told = [(float(one["time_s"]), float(one["values"]["used_s"])) for one in events if one["event"] == LATENCY]
    times_s = np.array([time_s for time_s, _ in told])
    used_s = np.array([set_s, *(latency_s for _, latency_s in told)])
    latencies: Array = used_s[np.searchsorted(times_s, decided_s, side="right")]
    return latencies


def exposure_of(session: SessionData, on: NDArray[np.bool_] | None = None) -> Exposure:
    """Return the exposure of the primary target during the delivery of a session.

    Parameters
    ----------
    session : SessionData
        The session.
    on : ndarray of bool, shape (N,), optional
        Another state of the beam at each decision.
    """
    part = delivery(session.decisions)
    outside = ~(session.outside_percent() <= session.limits.outside_percent)
    estimate = ExposureEstimate(session.decisions[part], session.events, session.config.prediction, outside[part])
    return estimate.of((session.beam_on() if on is None else on)[part])


def exposure_chart(exposure: Exposure, risk_percent: float | None) -> str:
    """Return the share so far and that of the last minute over time, with the limit, as one SVG element."""
    figure, (axes,) = new_figure(10.6, 2.4)
    so_far, minute = exposure.shares()
    minutes = (exposure.times_s - exposure.times_s[0]) / 60.0
    axes.plot(minutes, minute, color=AP_COLOR, lw=1.0, label="last minute")
    axes.plot(minutes, so_far, color=BEAM_COLOR[BeamState.ON], lw=1.5, label="delivery so far")
    if risk_percent is not None:
        axes.axhline(risk_percent, color=LIMIT_COLOR, lw=1.5, label="risk limit")
    axes.set(xlabel="min of the delivery", ylabel="on while outside (%)", xlim=(0.0, None), ylim=(0.0, None))
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    return as_svg(figure, "Beam on while the target is outside over time")
