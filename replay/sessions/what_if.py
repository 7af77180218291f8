"""What-if: a recorded session judged with another margin or limit, beside what it was.

A session holds no truth about where the target was. What counts as out is therefore what was measured when it was
recorded, against the envelope and the limit of then; what was not measured counts as out. So the beam that another
setting would have given while the session itself held it for the target's place shows in seconds.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.json_values import measured, number
from gatekeeper.core.session_counts import SessionCounts, counts_of
from gatekeeper.style.reasons import category_index
from replay.sessions.rejudge import Rejudged

BEAM_ON = -1
"""What stands in a ribbon for beam-on."""
ORDER = {reason: place for place, reason in enumerate(Reason)}


class WhatIf:
    """Judges a session again and compares.

    Parameters
    ----------
    again : Rejudged
        The session, with what was found on its frames.
    """

    def __init__(self, again: Rejudged) -> None:
        self._again = again
        entries = [seen.entry for seen in again.seen if seen.entry["kind"] != "event"]
        limit = again.config.gate.outside_percent
        self._times_s = np.array([measured(entry["decided_s"]) for entry in entries], dtype=np.float64)
        self._out = ~(np.array([measured(entry.get("outside_percent")) for entry in entries]) <= limit)
        self._original = self._figures(counts_of(entries), [entry["state"] for entry in entries])

    def __call__(self, margin_mm: float, outside_percent: float) -> dict[str, object]:
        """Return the figures of the session as it was and with these settings, and the beam of these, for JSON.

        Parameters
        ----------
        margin_mm : float
            Growth of the target to the envelope.
        outside_percent : float
            Share of the target that may be outside.

        Raises
        ------
        ConfigError
            When they are beyond what the settings allow.
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
            "on_while_out_s": round(seconds_of(self._times_s, on & self._out), 6),
        }


def seconds_of(times_s: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """Return how long chosen decisions lasted, each until the next one; the last lasts no time.

    Parameters
    ----------
    times_s : ndarray of float64, shape (N,)
        When they were made. A step that is not forward, or not known, lasts no time.
    chosen : ndarray of bool, shape (N,)
        Which.
    """
    lasted_s = np.diff(times_s)
    return float(lasted_s[chosen[:-1] & (lasted_s > 0.0)].sum())


def kind_of(state: BeamState, reasons: Iterable[Reason]) -> int:
    """Return what a hold's first reason has to do with, as its place among the page's kinds, or `BEAM_ON`."""
    if state is BeamState.ON:
        return BEAM_ON
    return category_index(min(reasons, key=ORDER.__getitem__))


def ribbon(kinds: Iterable[int]) -> list[list[int]]:
    """Return runs of the same kind, each as the decision with which it begins and the kind."""
    return [[next(run)[0], kind] for kind, run in groupby(enumerate(kinds), key=lambda one: one[1])]
