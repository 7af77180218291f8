"""Tables of a report on each of several structures: what it did, and how it held the beam."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.reasons import REASONS
from gatekeeper.report.session_data import SessionData
from gatekeeper.report.spans import Span
from gatekeeper.report.structure_data import StructureData
from gatekeeper.session.structure_info import MEASURE_TEXT, StructureInfo
from gatekeeper.style.reasons import category_index
from kernels.polygon import area


def figures_of(session: SessionData) -> list[dict[str, Any]]:
    """Return the figures of each of several structures, a row of a table each."""
    rows = []
    for one in session.structures:
        what, unit = MEASURE_TEXT[one.info.measure]
        tracked, sure, moved_mm = np.isfinite(one.confidence()), one.sure(), one.moved_mm()
        nearest_mm = np.empty(0) if one.nearest_mm is None else one.nearest_mm
        rows.append(
            {
                **_who(one),
                "role": "target" if one.info.is_target else "organ at risk",
                "zone": zone_in_words(one.info),
                "limit": one.info.limit_in_words,
                "confidence": one.info.min_confidence,
                "frames": int(tracked.sum()),
                "sure": float(sure.sum() / tracked.sum()) if tracked.any() else np.nan,
                "moved": [_percentiles(moved_mm[sure, axis], (5.0, 95.0)) for axis in range(2)],
                "what": what,
                "unit": unit,
                "value": _percentiles(one.values(), (50.0, 95.0, 100.0)),
                "nearest_mm": _percentiles(nearest_mm, (0.0,))[0],
                "area_cm2": area(one.reference_px) * math.prod(one.spacing_mm) / 100.0,
            }
        )
    return rows


def holds_of(session: SessionData, spans: Sequence[Span]) -> list[dict[str, Any]]:
    """Return how each of several structures held the beam, a row of a table each.

    Parameters
    ----------
    session : SessionData
        The session.
    spans : sequence of Span
        Its beams and holds.
    """
    stands_s = np.nan_to_num(np.append(np.diff(session.times_s()), 0.0))
    held = [one.held() for one in session.structures]
    together = np.sum(held, axis=0)
    given = session.reasons()
    holds = [span for span in spans if not span.on]
    rows = []
    for one, own in zip(session.structures, held, strict=True):
        # Nothing else held: no other structure, and no reason that is not its own.
        alone = own & (together == 1)
        alone &= [set(given[index]) <= set(one.reasons_at(index)) for index in range(len(given))]
        counted = Counter(reason for index in range(len(own)) for reason in one.reasons_at(index))
        rows.append(
            {
                **_who(one),
                "why": ", ".join(f"{REASONS[reason].text} {count}" for reason, count in counted.items()) or "–",
                "decisions": int(own.sum()),
                "lasted_s": float(stands_s[own].sum()),
                "alone_s": float(stands_s[alone].sum()),
                "holds": sum(bool(own[span.first : span.after].any()) for span in holds),
                "began": sum(bool(own[span.first]) for span in holds),
                "longest_s": max((float(stands_s[first:after].sum()) for first, after in _runs(own)), default=0.0),
            }
        )
    return rows


def holders_of(session: SessionData, span: Span) -> str:
    """Return which structures held during a hold, the one that held most often first."""
    counted = [(int(one.held()[span.first : span.after].sum()), one.title) for one in session.structures]
    return ", ".join(title for count, title in sorted(counted, key=lambda row: -row[0]) if count)


def lanes_of(session: SessionData) -> dict[str, Any]:
    """Return what the trace draws of each of several structures, as the strip takes it."""
    parts = []
    for one in session.structures:
        moved_mm = one.moved_mm()
        kinds = [category_index(given[0]) if given else -1 for given in map(one.reasons_at, range(len(one.results)))]
        parts.append(
            {
                "rows": rounded(moved_mm[:, 0], 2),
                "cols": rounded(moved_mm[:, 1], 2),
                "value": rounded(one.values(), 2),
                "confidence": rounded(one.confidence(), 3),
                "kind": kinds,
            }
        )
    held = [one.held() for one in session.structures]
    names = [one.info.name for one in session.structures]
    return {
        "parts": parts,
        "who": [[name for name, own in zip(names, held, strict=True) if own[k]] for k in range(len(session.decisions))],
    }


def for_strip(one: StructureData) -> dict[str, Any]:
    """Return what does not change of a structure, as the strip takes it."""
    what, unit = MEASURE_TEXT[one.info.measure]
    info = one.info
    return {
        "name": info.name,
        "color": info.color,
        "measure": what,
        "unit": unit,
        "limit": info.limit,
        "resume": info.resume_limit,
    }


def zone_in_words(info: StructureInfo) -> str:
    """Return the envelope or keep-out zone of a structure in words."""
    if info.region:
        return "a region of its own"
    if info.is_target:
        return f"{info.margin_mm:g} mm around it"
    if np.isfinite(info.zone_margin_mm):
        return f"beyond {info.zone_margin_mm:g} mm of its reference"
    return "the targets' envelopes"


def rounded(values: NDArray[np.float64], digits: int) -> list[float | None]:
    """Return numbers for JSON, None for those that are not known."""
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]


def _who(one: StructureData) -> dict[str, str]:
    return {"name": one.info.name, "tag": one.tag, "color": one.info.color}


def _percentiles(values: NDArray[np.float64], shares: Sequence[float]) -> list[float]:
    """Return percentiles of the values that are known, NaN without any."""
    known = values[np.isfinite(values)]
    return [float(value) for value in np.percentile(known, shares)] if known.size else [np.nan] * len(shares)


def _runs(when: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and end of each run of True."""
    edges = np.flatnonzero(np.diff(when.astype(np.int8), prepend=0, append=0)).tolist()
    return list(pairwise(edges))[::2]
