"""Judge a recorded session with other margins and limits, and compare it with the original.

A session holds no true positions. A decision counts as out if a structure was measured outside its limit in the
session, with the zones and limits of the session, or if it was not measured. The time with the beam on while out shows
the beam that other settings would have given where the session held it. Where the session had the beam on, no time
counts for longer than the linac's port allowed it.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import OtherLimits
from gatekeeper.core.decision import BeamState, Decision, Measure, Reason
from gatekeeper.core.errors import ConfigError
from gatekeeper.core.json_values import measured, number
from gatekeeper.core.session_counts import SessionCounts, counts_of
from gatekeeper.recording.journal import STRUCTURES
from gatekeeper.recording.summary import structures_in
from gatekeeper.report.exposure import ExposureEstimate
from gatekeeper.report.phases import delivery
from gatekeeper.session.arming import zones_of
from gatekeeper.session.structure_info import StructureInfo, shown_zone_px, structure_infos
from gatekeeper.style.reasons import category_index
from replay.formats.session import Entry
from replay.sessions.rejudge import Rejudged, allowed_s

BEAM_ON = -1
"""Value of beam-on in a ribbon."""
ORDER = {reason: position for position, reason in enumerate(Reason)}
WHERE = "judging again"


class MeasuredOut:
    """When structures were measured outside their limits in a session, or not measured.

    Parameters
    ----------
    entries : sequence of dict
        Entries of the journal about decisions, oldest first.
    own : sequence of StructureInfo
        The structures with their limits.

    Attributes
    ----------
    out : ndarray of bool, shape (N,)
        Whether that was so, for each decision.
    """

    def __init__(self, entries: Sequence[Entry], own: Sequence[StructureInfo]) -> None:
        times_s = np.array([measured(entry["decided_s"]) for entry in entries], dtype=np.float64)
        self._lasted_s = durations_s(times_s, [allowed_s(before, entry) for before, entry in pairwise(entries)])
        self.out = np.array([_is_out(entry, own) for entry in entries], dtype=np.bool_)

    def on_while_out_s(self, states: Sequence[str]) -> float:
        """Return the time with the beam on while out, in s, for the state that each decision would have."""
        on = np.array([state == BeamState.ON for state in states], dtype=np.bool_)
        return round(float(self._lasted_s[on & self.out].sum()), 6)


class WhatIf:
    """Judge a session again with other limits, and compare.

    Parameters
    ----------
    again : Rejudged
        The session, tracked again.
    """

    def __init__(self, again: Rejudged) -> None:
        self._again = again
        entries = [one.entry for one in again.tracked if one.entry["kind"] != "event"]
        self._own = structure_infos(again.setup, again.config)
        self._measured = MeasuredOut(entries, self._own)
        events = [one.entry for one in again.tracked if one.entry["kind"] == "event"]
        self._delivery = delivery(entries)
        self._exposure = ExposureEstimate(
            entries[self._delivery], events, again.config.prediction, self._measured.out[self._delivery]
        )
        self._original = self._figures(counts_of(entries), [entry["state"] for entry in entries])
        names = [one.name for one in self._own]
        self._held = {name: one.held for name, one in structures_in(entries).items()}
        if len(names) > 1 and not self._held:
            # Sessions before schema 4 do not record single structures.
            self._held = _held(again.judge(again.config).decisions, names)

    def __call__(self, asked: OtherLimits) -> dict[str, object]:
        """Return figures of the session with its own and with other limits, and the beam with these, for JSON.

        Parameters
        ----------
        asked : OtherLimits
            The other limits.

        Returns
        -------
        dict
            With `margin_mm`, `outside_percent`, `min_confidence` and `risk_percent` of all structures, the `structures`
            with their limits and the outlines of their zones as (row, col), `original`, `now` and `ribbon`.

        Raises
        ------
        ConfigError
            When a structure or setting is not there, or a value is outside the limits of the settings.
        """
        names = [one.name for one in self._own]
        if unknown := [name for name in asked.structures if name not in names]:
            raise ConfigError(f"{WHERE}: structure {unknown[0]!r:.80} is not there; there are {', '.join(names)}")
        config = asked.on(self._again.config, self._again.setup.targets, WHERE)
        judged = self._again.judge(config)
        infos, zones = structure_infos(self._again.setup, config), zones_of(self._again.setup, config)
        held = _held(judged.decisions, names)
        return {
            "margin_mm": config.envelope.margin_mm,
            "outside_percent": config.gate.outside_percent,
            "min_confidence": config.gate.min_confidence,
            "risk_percent": config.gate.risk_percent,
            "predicts": config.prediction.mode != "off",
            "structures": [
                {
                    "name": own.name,
                    "avoid": not own.is_target,
                    "color": own.color,
                    "own": settings_of(own),
                    "limits": settings_of(now),
                    "limit": now.limit,
                    "zone_px": _rounded(shown_zone_px(now, zone)),
                    # With one structure, the reasons to hold tell as much.
                    "held": [self._held.get(own.name, 0), held[own.name]] if len(names) > 1 else None,
                }
                for own, now, zone in zip(self._own, infos, zones, strict=True)
            ],
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
            "on_while_out_s": self._measured.on_while_out_s(states),
            "exposed_percent": number(self._exposure.of(on[self._delivery]).percent),
        }


def settings_of(one: StructureInfo) -> dict[str, float]:
    """Return the limits of a structure that can be changed, by their names in its settings.

    A zone that is a region of its own, or the envelopes of the targets, has no margin.
    """
    margins = {} if one.region else {"margin_mm": one.margin_mm, "zone_margin_mm": one.zone_margin_mm}
    limits = {**margins, one.measure.value: one.limit, "min_confidence": one.min_confidence}
    return {name: value for name, value in limits.items() if np.isfinite(value)}


def _rounded(contour_px: NDArray[np.float64] | None) -> list[list[float]] | None:
    """Return an outline in plain numbers, to a hundredth of a pixel."""
    return None if contour_px is None else np.round(contour_px, 2).tolist()


def _is_out(entry: Entry, own: Sequence[StructureInfo]) -> bool:
    """Return whether a structure was measured outside its limit, or was not measured."""
    parts = entry.get(STRUCTURES)
    if parts is None:
        return not measured(entry.get(Measure.OUTSIDE_PERCENT)) <= own[0].limit
    return not all(measured(parts[one.name].get(one.measure)) <= one.limit for one in own)


def _held(decisions: Sequence[Decision], names: Sequence[str]) -> dict[str, int]:
    """Return on how many decisions each of several structures was a reason to hold, by its name."""
    held = dict.fromkeys(names, 0)
    for decision in decisions:
        for name, result in zip(names, decision.structures, strict=False):
            held[name] += bool(result.reasons)
    return held


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
