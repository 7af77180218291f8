"""The overview: one picture that tells at a glance whether the target was followed and how the beam was gated."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.report.frames import box_around_mm, choose_frames, draw_frame
from gatekeeper.report.legend import draw_keys, rows_of
from gatekeeper.report.session_data import OverviewData
from gatekeeper.report.traces import (
    draw_beam,
    draw_chosen,
    draw_movement,
    draw_outside,
    draw_structure,
)
from gatekeeper.style.colors import (
    BEAM_COLOR,
    ENVELOPE_COLOR,
    ENVELOPE_DASHES,
    MUTED_COLOR,
    TARGET_COLOR,
    ZONE_DASHES,
)

PICTURES = 8
TITLE_SIZE, NAME_AT_FULL_SIZE, MOST_NAME = 17.0, 32, 64
"""Size of a name, number of characters up to which it has that size, and the largest number of them."""
WIDTH_IN = 14.0
FRAMES_IN = 5.45
HEAD_IN = 0.95
LANE_IN, LANE_SHARES = 3.1, (0.66, 0.34)
MOVED_IN, VALUE_IN = 0.95, 0.6
REASON_IN = 0.21
KEYS_IN = 0.26
LABELS = 0.175
"""Share of the width left of the curves, for the texts of reasons."""


def overview_png(seen: OverviewData) -> bytes:
    """Return the overview as PNG: eight frames, the movement in mm, the share outside, beam and reasons over time.

    Parameters
    ----------
    seen : OverviewData
        The session to be drawn.

    Returns
    -------
    bytes
        A picture 1400 pixels wide.
    """
    reasons = [reason for reason in Reason if any(reason in decision.reasons for decision in seen.decisions)]
    chosen = choose_frames(seen.decisions, seen.moved_mm()[:, 0], PICTURES)
    lanes_in, gap = [LANE_IN * share for share in LANE_SHARES], 0.1
    if seen.structures:
        lanes_in, gap = [MOVED_IN, VALUE_IN] * len(seen.structures), 0.2
    lanes_in.append(0.3 + REASON_IN * (len(reasons) + len(seen.structures)))
    head_in = HEAD_IN + KEYS_IN * rows_of(seen.structures)
    height_in = head_in + FRAMES_IN + 0.45 + sum(lanes_in) + 0.55

    figure = Figure(figsize=(WIDTH_IN, height_in), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    _draw_header(figure, seen, height_in)
    top, bottom = 1.0 - head_in / height_in, 1.0 - (head_in + FRAMES_IN) / height_in
    panels = GridSpec(2, 4, figure, left=0.008, right=0.992, top=top, bottom=bottom, hspace=0.13, wspace=0.04)
    box_mm = box_around_mm(seen)
    for number, index in enumerate(chosen):
        panel = figure.add_subplot(panels[divmod(number, 4)])
        draw_frame(panel, seen, index, number + 1, box_mm)

    top, bottom = bottom - 0.45 / height_in, 0.55 / height_in
    curves = GridSpec(
        len(lanes_in), 1, figure, left=LABELS, right=0.984, top=top, bottom=bottom, hspace=gap, height_ratios=lanes_in
    )
    lanes = [figure.add_subplot(curves[row, 0]) for row in range(len(lanes_in))]
    if seen.structures:
        for one, moved, value in zip(seen.structures, lanes[0::2], lanes[1::2], strict=False):
            draw_structure(moved, value, seen, one)
        draw_chosen(lanes[0], seen, chosen)
    else:
        draw_movement(lanes[0], seen, chosen)
        draw_outside(lanes[1], seen)
    draw_beam(lanes[-1], seen, reasons)
    lasted_s = float(seen.times_s()[-1])
    for axes in lanes:
        axes.set_xlim(0.0, lasted_s if lasted_s > 0.0 else 1.0)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _draw_header(figure: Figure, seen: OverviewData, height_in: float) -> None:
    """Write the name and the settings, and what the colours and lines mean."""
    y = 1.0 - 0.33 / height_in
    name = seen.name if len(seen.name) <= MOST_NAME else f"{seen.name[: MOST_NAME - 1]}…"
    size = TITLE_SIZE * min(1.0, NAME_AT_FULL_SIZE / len(name)) if name else TITLE_SIZE
    figure.text(0.008, y, name.replace("$", r"\$"), fontsize=size, fontweight="bold", va="center")
    limits = seen.limits
    facts = f"{seen.counts.decisions} decisions, duty cycle {100.0 * seen.counts.duty_cycle:.1f} %"
    beams = [
        Patch(facecolor=BEAM_COLOR[BeamState.ON], label="beam on"),
        Patch(facecolor=BEAM_COLOR[BeamState.HOLD], edgecolor="white", hatch="////", label="hold"),
    ]
    if seen.structures:
        zones = any(one.zone_px is not None for one in seen.structures if not one.info.is_target)
        facts += f"\n{len(seen.structures)} structures, letters as below"
        keys = [
            Line2D([], [], color=MUTED_COLOR, lw=2.0, ls=ENVELOPE_DASHES, label="envelope"),
            *([Line2D([], [], color=MUTED_COLOR, lw=2.0, ls=ZONE_DASHES, label="keep-out zone")] if zones else []),
        ]
        draw_keys(figure, seen.structures, 1.0 - 0.62 / height_in)
    else:
        envelope = "envelope: a region" if limits.region else f"margin {limits.margin_mm:g} mm"
        facts += f"\n{envelope}, at most {limits.outside_percent:g} % outside"
        keys = [
            Line2D([], [], color=TARGET_COLOR, lw=2.5, label="target"),
            Line2D([], [], color=ENVELOPE_COLOR, lw=2.0, ls=ENVELOPE_DASHES, label="envelope"),
        ]
    figure.text(0.5, y, facts, fontsize=10.5, color=MUTED_COLOR, ha="center", va="center")
    figure.legend(
        handles=[*keys, *beams], loc="center right", bbox_to_anchor=(0.998, y), ncol=5, frameon=False, fontsize=10.5
    )
