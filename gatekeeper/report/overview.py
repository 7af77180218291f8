"""The overview: one picture that tells at a glance whether the target was followed and how the beam was gated."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.report.frames import box_around_mm, choose_frames, draw_frame
from gatekeeper.report.session_data import OverviewData
from gatekeeper.report.traces import draw_beam, draw_movement, draw_outside
from gatekeeper.style.colors import BEAM_COLOR, ENVELOPE_COLOR, ENVELOPE_DASHES, MUTED_COLOR, TARGET_COLOR

PICTURES = 8
WIDTH_IN = 14.0
FRAMES_IN = 5.45
TRACES_IN = 3.1
REASON_IN = 0.21
LABELS = 0.15
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
    beam_in = 0.3 + REASON_IN * len(reasons)
    height_in = 0.95 + FRAMES_IN + 0.45 + TRACES_IN + beam_in + 0.55

    figure = Figure(figsize=(WIDTH_IN, height_in), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    _draw_header(figure, seen, y=1.0 - 0.33 / height_in)
    top, bottom = 1.0 - 0.95 / height_in, 1.0 - (0.95 + FRAMES_IN) / height_in
    panels = GridSpec(2, 4, figure, left=0.008, right=0.992, top=top, bottom=bottom, hspace=0.13, wspace=0.04)
    box_mm = box_around_mm(seen)
    for number, index in enumerate(chosen):
        panel = figure.add_subplot(panels[divmod(number, 4)])
        draw_frame(panel, seen, index, number + 1, box_mm)

    top, bottom = bottom - 0.45 / height_in, 0.55 / height_in
    shares = (0.66 * TRACES_IN, 0.34 * TRACES_IN, beam_in)
    curves = GridSpec(3, 1, figure, left=LABELS, right=0.992, top=top, bottom=bottom, hspace=0.1, height_ratios=shares)
    movement, outside, beam = (figure.add_subplot(curves[row, 0]) for row in range(3))
    draw_movement(movement, seen, chosen)
    draw_outside(outside, seen)
    draw_beam(beam, seen, reasons)
    lasted_s = float(seen.times_s()[-1])
    for axes in (movement, outside, beam):
        axes.set_xlim(0.0, lasted_s if lasted_s > 0.0 else 1.0)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _draw_header(figure: Figure, seen: OverviewData, y: float) -> None:
    """Write the name and the settings, and what the colours mean."""
    figure.text(0.008, y, seen.name, fontsize=17, fontweight="bold", va="center")
    limits = seen.limits
    envelope = "envelope: a region" if limits.region else f"margin {limits.margin_mm:g} mm"
    facts = (
        f"{seen.counts.decisions} decisions, duty cycle {100.0 * seen.counts.duty_cycle:.1f} %\n"
        f"{envelope}, at most {limits.outside_percent:g} % outside"
    )
    figure.text(0.5, y, facts, fontsize=10.5, color=MUTED_COLOR, ha="center", va="center")
    keys = [
        Line2D([], [], color=TARGET_COLOR, lw=2.5, label="target"),
        Line2D([], [], color=ENVELOPE_COLOR, lw=2.0, ls=ENVELOPE_DASHES, label="envelope"),
        Patch(facecolor=BEAM_COLOR[BeamState.ON], label="beam on"),
        Patch(facecolor=BEAM_COLOR[BeamState.HOLD], edgecolor="white", hatch="////", label="hold"),
    ]
    figure.legend(handles=keys, loc="center right", bbox_to_anchor=(0.998, y), ncol=4, frameon=False, fontsize=10.5)
