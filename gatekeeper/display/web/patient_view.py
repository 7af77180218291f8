"""Reduce what the console shows to what the patient sees: the own position, and what is asked of the patient.

Neither picture nor name, label, message log or another structure leaves the console's process towards that page.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import SAGITTAL, axes_named
from gatekeeper.core.decision import Reason
from gatekeeper.core.reasons import REASONS
from gatekeeper.display.web.message import unpacked
from gatekeeper.display.web.trace_row import BITS, COLUMNS, STRUCTURE_COLUMNS, STRUCTURES
from gatekeeper.session.phases import Phase

PAUSING = frozenset({Reason.NOT_ARMED, Reason.OPERATOR_HOLD, *(word for word, row in REASONS.items() if row.latched)})
"""Reasons for which nothing is asked of the patient: an operator has to act first."""
_BITS = sum(int(BITS[Reason(word)]) for word in PAUSING)
_LIVE_FACTS = ("breath_hold_s", "breath_hold")


def patient_hello(told: Mapping[str, Any]) -> dict[str, object]:
    """Return what the patient's page is told when it connects.

    Parameters
    ----------
    told : mapping
        What the console tells other pages; see `gatekeeper.display.web.server.Feed`.

    Returns
    -------
    dict
        `mode`, and of a live session how long and where the breath is held.
    """
    facts = told.get("facts", {})
    return {"mode": told["mode"], **({name: facts.get(name) for name in _LIVE_FACTS} if told["mode"] == "live" else {})}


def patient_view(message: bytes, facts: Mapping[str, Any]) -> str:
    """Return the message for the patient's page.

    Parameters
    ----------
    message : bytes
        Message of a live session for other pages.
    facts : mapping
        Constants of the session.

    Returns
    -------
    str
        JSON: `count`, `phase`, `now_s`, `silent`, whether a breath-hold is `wanted`, the `message` of an operator and
        since when, the `window_mm` in which the target belongs and the recent `rows` (count, time in s, position in mm
        or null, whether it is inside). Positions are along the rows of the image, positive as the patient breathes in.
    """
    head, arrays = unpacked(message)
    axis, _ = axes_named([one["name"] for one in head["axes"]] if "axes" in head else SAGITTAL.names)
    inwards = axis.sign * axis.inhaling
    # The columns of the displacement are named after the axes of sagittal images there.
    recent = dict(zip(COLUMNS, arrays["recent"].T, strict=True))
    outside, limits = recent["outside"], _limits(head, facts)
    if STRUCTURES in arrays:
        outside = arrays[STRUCTURES][:, 0, STRUCTURE_COLUMNS.index("value")]
    # A limit that is not a number, and a measurement that is none, are not inside.
    inside = (outside <= limits[0]) & (recent["confidence"] >= limits[1])
    framed = recent["sequence"] >= 0.0
    pausing = bool(len(framed)) and bool(int(recent["reasons"][-1]) & _BITS)
    window = head.get("window_mm")
    return json.dumps(
        {
            "kind": "patient",
            "count": head["count"],
            "phase": head["phase"],
            "now_s": head["now_s"],
            "silent": head["silent"],
            "wanted": head["phase"] == Phase.DELIVERY and not pausing,
            "message": head["message"],
            "window_mm": None if window is None else sorted(inwards * mm for mm in window),
            "rows": _rows(recent["number"], recent["t"], inwards * recent["si"], inside, framed),
        },
        separators=(",", ":"),
        allow_nan=False,
    )


def _limits(head: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[float, float]:
    """Return share outside and confidence that the first target needs; until it is known those of the settings."""
    own: Mapping[str, Any] = next(iter(head.get("structures") or ()), {})
    return own.get("limit", facts["outside_percent"]), own.get("confidence", facts["confidence"])


def _rows(
    numbers: NDArray[np.float64],
    times_s: NDArray[np.float64],
    places_mm: NDArray[np.float64],
    inside: NDArray[np.bool_],
    framed: NDArray[np.bool_],
) -> list[list[object]]:
    """Return the decisions on frames whose time is known."""
    return [
        [int(number), round(float(time_s), 3), round(float(mm), 2) if math.isfinite(mm) else None, bool(within)]
        for number, time_s, mm, within, on_frame in zip(numbers, times_s, places_mm, inside, framed, strict=True)
        if on_frame and math.isfinite(time_s)
    ]
