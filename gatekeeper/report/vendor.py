"""Show our decisions beside those of the machine's own monitoring, where a recording has them."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

WIDTH = 1000
_ROW = 18
"""Size of the ribbons, in units of the drawing."""


def vendor_rows(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the comparison with the machine's monitoring, as `summary.json` has it, as rows."""
    rows = [("machine's monitoring", str(values["name"]))]
    if values.get("distance_mm") is not None:
        left, posterior, superior = values["mean_lps_mm"]
        rows += [
            ("frames located by both", str(values["frames_located"])),
            ("distance of the centres, median (mm)", f"{values['distance_mm']:.2f}"),
            ("95th percentile (mm)", f"{values['distance_p95_mm']:.2f}"),
            ("largest (mm)", f"{values['distance_max_mm']:.2f}"),
            ("ours less theirs, S, P, L (mm)", f"{superior:+.2f}, {posterior:+.2f}, {left:+.2f}"),
        ]
    if values.get("agreement") is not None:
        first = values["first_disagreement"]
        rows += [
            ("frames decided by both", str(values["frames_decided"])),
            ("same decision", f"{100.0 * values['agreement']:.1f} %"),
            ("first other decision", "none" if first is None else f"frame {first}"),
        ]
    return rows


def vendor_ribbons(values: Mapping[str, Any]) -> str:
    """Return two ribbons as SVG, ours above the machine's; empty without decisions of the machine."""
    ribbons = [values.get("ours_on", ""), values.get("theirs_on", "")]
    if not all(ribbons):
        return ""
    rows = "".join(_ribbon(ribbon, row * (_ROW + 4)) for row, ribbon in enumerate(ribbons))
    title = "Beam on, frame by frame: ours above, the machine's below"
    return (
        f'<svg viewBox="0 0 {WIDTH} {2 * _ROW + 4}" width="100%" height="{2 * _ROW + 4}" preserveAspectRatio="none" '
        f'role="img" aria-label="{title}"><title>{title}</title>{rows}</svg>'
    )


def _ribbon(decisions: str, top: int) -> str:
    step, at, parts = WIDTH / len(decisions), 0, []
    for decision, run in groupby(decisions):
        length = len(list(run))
        color = "var(--on)" if decision == "1" else "var(--hold)"
        parts.append(
            f'<rect x="{at * step:.2f}" y="{top}" width="{length * step:.2f}" height="{_ROW}" style="fill:{color}"/>'
        )
        at += length
    return "".join(parts)
