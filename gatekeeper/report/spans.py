"""Split a session into beams and holds, and measure each."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.decision import Reason
from gatekeeper.report.session_data import SessionData


@dataclass(frozen=True, slots=True)
class Span:
    """A run of decisions with the same state of the beam.

    Attributes
    ----------
    on : bool
        Whether the beam was on.
    first, after : int
        Index of its first decision, and of the first that is not of it.
    begin_s, lasted_s : float
        Start since the first decision, and duration, in s; a decision stands until the next one.
    reasons : tuple of Reason
        All reasons of its decisions, the most frequent first.
    """

    on: bool
    first: int
    after: int
    begin_s: float
    lasted_s: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Stability of the target during one beam.

    Attributes
    ----------
    span : Span
    row_mm, col_mm : float
        Mean position from the reference along the axes of rows and columns, in mm.
    row_range_mm, col_range_mm : float
        From the 5th to the 95th percentile, in mm.
    drift_mm_per_s : float
        Slope of the position along the rows' axis over the beam, in mm/s.
    """

    span: Span
    row_mm: float
    col_mm: float
    row_range_mm: float
    col_range_mm: float
    drift_mm_per_s: float


def spans_of(session: SessionData) -> list[Span]:
    """Return the beams and holds of a session, oldest first; the last decision ends the last one."""
    on, times_s, reasons = session.beam_on(), session.times_s(), session.reasons()
    edges = [0, *(np.flatnonzero(np.diff(on.astype(np.int8))) + 1).tolist(), len(on)]
    spans = []
    for first, after in pairwise(edges):
        counted = Counter(reason for given in reasons[first:after] for reason in given)
        end_s = times_s[min(after, len(on) - 1)]
        spans.append(
            Span(
                bool(on[first]),
                first,
                after,
                float(times_s[first]),
                float(end_s - times_s[first]),
                tuple(reason for reason, _ in counted.most_common()),
            )
        )
    return spans


def steadiness(
    span: Span, times_s: NDArray[np.float64], moved_mm: NDArray[np.float64], fewest: int = 3
) -> Steadiness | None:
    """Return the stability of the target during a beam; None when it was found on fewer than `fewest` frames.

    Parameters
    ----------
    span : Span
        The beam.
    times_s : ndarray of float64, shape (N,)
        Time of each decision of the session, in s.
    moved_mm : ndarray of float64, shape (N, 2)
        Displacement of the target along the axes of rows and columns, in mm; NaN where it was lost.
    """
    times_s, moved_mm = times_s[span.first : span.after], moved_mm[span.first : span.after]
    found = np.isfinite(moved_mm).all(axis=1)
    if np.count_nonzero(found) < fewest:
        return None
    moved_mm, times_s = moved_mm[found], times_s[found]
    return Steadiness(
        span,
        float(moved_mm[:, 0].mean()),
        float(moved_mm[:, 1].mean()),
        _range_mm(moved_mm[:, 0]),
        _range_mm(moved_mm[:, 1]),
        float(np.polyfit(times_s, moved_mm[:, 0], 1)[0]),
    )


def _range_mm(values: NDArray[np.float64]) -> float:
    low, high = np.percentile(values, (5.0, 95.0))
    return float(high - low)
