"""Describe scores, preview and events of a session in words and units."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gatekeeper.core.axes import SAGITTAL, Axis, axes_named

Row = tuple[str, str]

SCORES = {
    "frames_scored": ("frames scored", "d"),
    "dsc": ("Dice similarity coefficient", ".3f"),
    "frames_not_tracked": ("frames scored that were not tracked", "d"),
    "dsc_tracked": ("Dice similarity coefficient of the others", ".3f"),
    "hd95_mm": ("95 % Hausdorff distance (mm)", ".2f"),
    "masd_mm": ("mean surface distance (mm)", ".2f"),
    "center_mm": ("distance of the centres, mean (mm)", ".2f"),
    "center_p95_mm": ("distance of the centres, 95th percentile (mm)", ".2f"),
    "d98_relative": ("D98 of the target, relative to no motion", ".3f"),
    "d98_unbinarised": ("the same with a field that keeps its penumbra", ".3f"),
    "beyond": ("frames with the label beyond the limit of its zone", "d"),
    "found": ("of these held by it", "d"),
    "missed": ("of these not held by it", "d"),
    "not_tracked": ("of these not tracked, which holds the beam", "d"),
    "on_while_beyond_s": ("beam on while the label was beyond the limit (s)", ".2f"),
    "false_holds": ("frames held by it within the limit", "d"),
    "entries": ("times that the label went beyond the limit", "d"),
    "entries_in_time": ("of these held by it by the next frame", "d"),
    "distance_mm": ("error of the distance from the zone, mean (mm)", ".2f"),
    "distance_p95_mm": ("error of the distance from the zone, 95th percentile (mm)", ".2f"),
    "nearest_mm": ("least distance from the zone, as found (mm)", ".2f"),
    "true_nearest_mm": ("least distance from the zone, in truth (mm)", ".2f"),
    "accuracy": ("beam right, share of frames", ".3f"),
    "on_while_out_s": ("beam on while the label was outside (s)", ".2f"),
    "false_hold_s": ("beam held while the label was inside (s)", ".2f"),
}
"""Description and number format of the fields of `score`, `gating` and `structure_scores` in `summary.json`."""
SCORED = {"score": "tracking", "gating": "gating"}
"""Titles of the scores of a session; those of single structures have their names."""
SHIFT, STATES = "shift_mm", "states_mm"
"""Fields of an event that hold positions along rows and columns, and along rows."""
OUTLINE = "points_px"
"""Field of an event that holds an outline; the report gives only the number of its points."""


def score_tables(summary: Mapping[str, Any]) -> list[tuple[str, list[Row]]]:
    """Return the scores in a summary as titles and rows: of the session, and of each structure that has labels."""
    found = [(title, score_rows(summary[name])) for name, title in SCORED.items() if summary.get(name)]
    for name, one in summary.get("structure_scores", {}).items():
        # What was not measured, such as the distance of a target from a keep-out zone, has no row.
        values = {key: value for key, value in {**one["score"], **one["zone"]}.items() if value is not None}
        found.append((name, score_rows(values)))
    return found


def score_rows(values: Mapping[str, Any]) -> list[Row]:
    """Return scores as rows; an unknown score keeps its name."""
    return [(SCORES.get(name, (name, ""))[0], _score(name, value)) for name, value in values.items()]


def preview_rows(values: Mapping[str, Any]) -> list[Row]:
    """Return the preview as rows, superior, posterior and left positive."""
    rows, cols = axes_named(values.get("axes", SAGITTAL.names))
    states_mm = sorted(rows.sign * float(one) for one in values["states_mm"])
    contrast = values["contrast_to_noise"]
    learned = [
        f"templates at {rows.name} {', '.join(_signed(one) for one in states_mm)} mm" if len(states_mm) > 1 else "",
        "stiff anatomy" if values["stiff"] else "",
        "bias field corrected" if values["evened"] else "",
    ]
    search_mm = zip((rows, cols), values["search_mm"], strict=True)
    return [
        ("verdict", "go" if values["go"] else "no-go: " + "; ".join(values["reasons"])),
        ("frames", f"{values['frames']}, target found with confidence on {100.0 * values['visible']:.0f} %"),
        ("contrast", "not measured" if contrast is None else f"{contrast:.1f} times the noise"),
        *((axis.name, _between(*axis.shown(*values[f"{axis.name.lower()}_range_mm"]))) for axis in (rows, cols)),
        *_state_rows(values.get("apart", ()), (rows, cols)),
        ("search suggested", ", ".join(f"{axis.name} {mm:.0f} mm" for axis, mm in search_mm) + " either way"),
        ("learned", "; ".join(filter(None, learned)) or "nothing"),
    ]


def _state_rows(states: Sequence[Mapping[str, Any]], axes: tuple[Axis, Axis]) -> list[Row]:
    """Return a row for each breathing state, where they are apart; earlier sessions do not tell."""
    if len(states) < 2:
        return []
    return [
        (
            f"state {number}",
            ", ".join(f"{axis.name} {_between(*axis.shown(*one[f'{axis.name.lower()}_mm']))}" for axis in axes)
            + f", on {100.0 * one['share']:.0f} % of the frames with confidence",
        )
        for number, one in enumerate(states, 1)
    ]


def event_text(values: Mapping[str, Any], axes: tuple[Axis, Axis] = SAGITTAL.axes) -> str:
    """Return the values of an event as text, without empty ones and without the points of an outline.

    Positions along rows and columns get the signs that a person sees: superior, posterior and left positive.
    """
    shown = {
        name: f"{len(value)} points" if name == OUTLINE else as_seen(name, value, axes)
        for name, value in values.items()
    }
    return "; ".join(f"{name}: {as_text(value)}" for name, value in shown.items() if value not in (None, "", (), []))


def as_seen(name: str, value: Any, axes: tuple[Axis, Axis]) -> Any:
    """Return a value of an event with the signs that a person sees, where it is along rows or columns of the images.

    Examples
    --------
    >>> from gatekeeper.core.axes import SAGITTAL
    >>> as_seen("shift_mm", [2.5, -1.0], SAGITTAL.axes)
    '2.5 mm inferior, 1.0 mm anterior'
    >>> as_seen("si_range_mm", [-1.0, 14.0], SAGITTAL.axes)
    (-14.0, 1.0)
    """
    if not value:
        return value
    if name == SHIFT:
        return ", ".join(f"{abs(one):.1f} mm {axis.word(one)}" for axis, one in zip(axes, value, strict=True))
    if name == STATES:
        return sorted(axes[0].sign * float(one) for one in value)
    for axis in axes:
        if name in (f"{axis.name.lower()}_range_mm", f"{axis.name.lower()}_mm"):
            return axis.shown(*value)
    if isinstance(value, Mapping):
        return {key: as_seen(key, one, axes) for key, one in value.items()}
    if isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value):
        return [as_seen("", one, axes) for one in value]
    return value


def as_text(value: object) -> str:
    """Return a value of an event as text: floats with at most two digits, lists without brackets."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{round(value, 2) + 0.0:g}" if math.isfinite(value) else "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {as_text(one)}" for name, one in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(as_text(one) for one in value)
    return "–" if value is None else str(value)


def _score(name: str, value: object) -> str:
    if isinstance(value, int | float) and math.isfinite(value):
        return format(value, SCORES[name][1]) if name in SCORES else as_text(value)
    return as_text(value)


def _signed(value_mm: float) -> str:
    return f"{round(value_mm, 1) + 0.0:+.1f}"


def _between(low_mm: float, high_mm: float) -> str:
    return f"{_signed(low_mm)} to {_signed(high_mm)} mm"
