"""The picture by which an operator judges a frame that is to become the reference."""

import io
import textwrap
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.report.frames import AROUND_MM, Box, draw_image
from gatekeeper.report.legend import draw_keys, rows_of
from gatekeeper.report.structure_data import Outline, structures_in
from gatekeeper.session.arming import Armed
from gatekeeper.session.taken_frame import TakenFrame
from gatekeeper.style.colors import ENVELOPE_COLOR, ENVELOPE_DASHES, MUTED_COLOR, TARGET_COLOR

SIZE_IN = (12.0, 7.2)
LINE = 130
"""Longest line of text, in characters."""
KEYS = 0.037
"""Height of a row of names, as a share of the picture's."""


def draw_reference(path: Path, setup: SessionSetup, armed: Armed, taken: TakenFrame) -> None:
    """Draw all structures as they were drawn, and beside it the frame with the outlines that tracking has carried over.

    Parameters
    ----------
    path : Path
        File of the picture, a PNG.
    setup : SessionSetup
        Reference on which the target was drawn.
    armed : Armed
        Its envelope, where it is now.
    taken : TakenFrame
        The frame.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    figure = Figure(figsize=SIZE_IN, dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2)
    structures = structures_in(setup, armed.config, armed.gate.zones)
    below = KEYS * rows_of(structures)
    figure.subplots_adjust(left=0.01, right=0.99, top=0.83, bottom=0.02 + below, wspace=0.03)
    draw_keys(figure, structures, below + 0.01)
    envelope_px, spacing_mm = armed.gate.envelope.contour_px, setup.spacing_mm
    outlines = [
        [Outline(envelope_px, ENVELOPE_COLOR, "envelope"), Outline(outline_px, TARGET_COLOR, "structure")]
        for outline_px in (armed.target_px, taken.target_px)
    ]
    if structures:
        outlines = [
            [outline for one in structures for outline in one.drawn(one.reference_px)],
            [o for one, track in zip(structures, taken.tracks, strict=True) for o in one.drawn(track.contour_px)],
        ]
    points_mm = np.vstack([one.points_px for drawn in outlines for one in drawn]) * spacing_mm
    low_mm, high_mm = points_mm.min(axis=0) - AROUND_MM, points_mm.max(axis=0) + AROUND_MM
    low_mm = np.maximum(low_mm, -0.5 * np.array(spacing_mm))
    high_mm = np.minimum(high_mm, (np.array(taken.image.shape) - 0.5) * spacing_mm)
    box_mm: Box = (float(low_mm[0]), float(high_mm[0]), float(low_mm[1]), float(high_mm[1]))
    what = "structures" if structures else "target"
    shown = (
        (f"Reference, with the {what} as drawn", setup.reference),
        (f"Frame {taken.sequence}, with the {what} carried over by tracking", taken.image),
    )
    for panel, (title, image), drawn in zip(panels, shown, outlines, strict=True):
        draw_image(panel, np.asarray(image, dtype=np.float64), spacing_mm, drawn, box_mm)
        panel.set_title(title, loc="left", fontsize=11)
    figure.text(0.01, 0.955, f"{setup.name}: use frame {taken.sequence} as reference?", fontsize=15, fontweight="bold")
    words = "\n".join(textwrap.wrap(taken.as_words(armed.target_px, armed.names), LINE))
    figure.text(0.01, 0.935, words, fontsize=10, color=MUTED_COLOR, va="top")
    if structures:
        keys = [Line2D([], [], color=MUTED_COLOR, lw=2.0, ls=ENVELOPE_DASHES, label="envelope")]
    else:
        keys = [
            Line2D([], [], color=TARGET_COLOR, lw=2.5, label="target"),
            Line2D([], [], color=ENVELOPE_COLOR, lw=2.0, ls=ENVELOPE_DASHES, label="envelope"),
        ]
    figure.legend(handles=keys, loc="upper right", bbox_to_anchor=(0.995, 1.0), ncol=2, frameon=False, fontsize=10)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_atomically(path, picture.getvalue())
