"""Judge a recorded session with another margin or limit, and compare it with the original.

A session holds no true position of the target. The target counts as out if it was measured outside the limit in the
session, with the envelope and limit of the session, or if it was not measured. The time with the beam on while the
target was out shows the beam that other settings would have given where the session held it. Where the session had the
beam on, no time counts for longer than the linac's port allowed it.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.json_values import measured, number
from gatekeeper.core.session_counts import SessionCounts, counts_of
from gatekeeper.style.reasons import category_index
from replay.sessions.rejudge import Rejudged, allowed_s

BEAM_ON = -1
"""Value of beam-on in a ribbon."""
ORDER = {reason: position for position, reason in enumerate(Reason)}


class WhatIf:
    """Judge a session again with other settings, and compare.

    Parameters
    ----------
    again : Rejudged
        The session, tracked again.
    """

    def __init__(self, again: Rejudged) -> None:
        self._again = again
        entries = [one.entry for one in again.tracked if one.entry["kind"] != "event"]
        limit = again.config.gate.outside_percent
        times_s = np.array([measured(entry["decided_s"]) for entry in entries], dtype=np.float64)
        self._lasted_s = durations_s(times_s, [allowed_s(before, entry) for before, entry in pairwise(entries)])
        self._out = ~(np.array([measured(entry.get("outside_percent")) for entry in entries]) <= limit)
        self._original = self._figures(counts_of(entries), [entry["state"] for entry in entries])

    def __call__(self, margin_mm: float, outside_percent: float) -> dict[str, object]:
        """Return figures of the session with its own and with these settings, and the beam with these, for JSON.

        Parameters
        ----------
        margin_mm : float
            Growth of the target to the envelope, in mm.
        outside_percent : float
            Largest share of the target outside the envelope, 0-100.

        Returns
        -------
        dict
            With `margin_mm`, `outside_percent`, `original`, `now` and `ribbon`.

        Raises
        ------
        ConfigError
            When a value is outside the limits of the settings.
        """
        judged = self._again.judge(margin_mm, outside_percent)
        return {
            "margin_mm": margin_mm,
            "outside_percent": outside_percent,
            "original": self._original,
            "now": self._figures(judged.counts, [decision.state for decision in judged.decisions]),
            "ribbon": ribbon(kind_of(decision.state, decision.reasons) for decision in judged.decisions),
        }

    def _figures(self, counts: SessionCounts, states: Sequence[str]) -> dict[str, object]:
        on = np.array([state == BeamState.ON for state in states], dtype=np.bool_)
        return {
            "duty_cycle": number(counts.duty_cycle),
            "beam_on_s": number(counts.beam_on_s),
            "holds": counts.holds,
            "hold_reasons": counts.hold_reasons,
            "on_while_out_s": round(float(self._lasted_s[on & self._out].sum()), 6),
        }


def durations_s(times_s: NDArray[np.float64], allowed_s: Sequence[float | None]) -> NDArray[np.float64]:
    """Return the duration of each decision, each lasting until the next one; the last lasts no time.

    Parameters
    ----------
    times_s : ndarray of float64, shape (N,)
        Times of the decisions. A step that is not positive, or not a number, lasts no time.
    allowed_s : sequence of float or None, length N - 1
        No decision lasts longer than this; None where there is no such limit.

    Returns
    -------
    ndarray of float64, shape (N,)
        In seconds.
    """
    lasted_s = np.diff(times_s)
    lasted_s[~(lasted_s > 0.0)] = 0.0
    limits_s = np.array([np.inf if one is None else max(one, 0.0) for one in allowed_s], dtype=np.float64)
    return np.append(np.minimum(lasted_s, limits_s), 0.0)


def kind_of(state: BeamState, reasons: Iterable[Reason]) -> int:
    """Return the index of the category of a hold's first reason, or `BEAM_ON`."""
    if state is BeamState.ON:
        return BEAM_ON
    return category_index(min(reasons, key=ORDER.__getitem__))


def ribbon(kinds: Iterable[int]) -> list[list[int]]:
    """Return runs of the same kind, each as the index of its first decision and the kind."""
    return [[next(run)[0], kind] for kind, run in groupby(enumerate(kinds), key=lambda one: one[1])]
