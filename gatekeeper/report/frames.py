"""Frames of a session as pictures: which ones to show, and one of them with structures and zones on it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.reasons import REASONS
from gatekeeper.report.session_data import OverviewData
from gatekeeper.report.structure_data import Kind, Outline
from gatekeeper.style.colors import BEAM_COLOR, ENVELOPE_DASHES, ZONE_DASHES

AROUND_MM = 15.0
PANEL_ASPECT = 1.33
STYLES: dict[Kind, str | tuple[int, tuple[int, ...]]] = {
    "structure": "solid",
    "envelope": ENVELOPE_DASHES,
    "zone": ZONE_DASHES,
}
"""Line of each kind of outline, by which it is told apart without its colour."""

Box = tuple[float, float, float, float]


def choose_frames(decisions: Sequence[Decision], moved_mm: NDArray[np.float64], count: int) -> list[int]:
    """Return the indices of frames that are spread over the session and hold its extremes of position.

    The session is cut into `count` parts. The first gives its first frame, the others in turn their lowest and
    their highest position; the lowest and the highest of all stand for the parts they are in, the one that is
    farther from the reference if they are in the same.

    Parameters
    ----------
    decisions : sequence of Decision
        Every decision, oldest first; those without a frame are not chosen.
    moved_mm : ndarray of float64, shape (len(decisions),)
        Movement from the reference along the rows' axis in mm; NaN when unknown.
    count : int
        How many to return; fewer when there are fewer frames.
    """
    on_frames = np.flatnonzero([decision.sequence >= 0 for decision in decisions])
    if not on_frames.size:
        return []
    parts = np.array_split(on_frames, min(count, on_frames.size))
    chosen = [_extreme(part, -moved_mm if number % 2 else moved_mm) for number, part in enumerate(parts)]
    chosen[0] = int(on_frames[0])
    extremes = [_extreme(on_frames, height) for height in (moved_mm, -moved_mm)]
    for extreme in sorted(extremes, key=lambda index: abs(moved_mm[index])):
        chosen[next(number for number, part in enumerate(parts) if extreme in part)] = extreme
    return chosen


def _extreme(indices: NDArray[np.intp], height: NDArray[np.float64]) -> int:
    """Return the first of the indices at which `height` is largest."""
    known = np.where(np.isfinite(height[indices]), height[indices], -np.inf)
    return int(indices[np.argmax(known)])


def box_around_mm(seen: OverviewData) -> Box:
    """Return (top, bottom, left, right) in mm of the part of the image in which structures and zones ever were."""
    spacing = np.array(seen.spacing_mm)
    outlines = [one.points_px for index in range(len(seen.tracks)) for one in seen.outlines(index)]
    points = np.vstack(outlines)
    low = points.min(axis=0) * spacing - AROUND_MM
    high = points.max(axis=0) * spacing + AROUND_MM
    # Widened to the shape of a panel, then cut off where the image ends.
    short = np.maximum((high - low)[::-1] * (1.0 / PANEL_ASPECT, PANEL_ASPECT) - (high - low), 0.0) / 2.0
    low = np.maximum(low - short, -0.5 * spacing)
    high = np.minimum(high + short, (np.array(seen.images.shape[1:]) - 0.5) * spacing)
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def draw_frame(axes: Axes, seen: OverviewData, index: int, number: int, box_mm: Box) -> None:
    """Draw the frame of one decision, with the structures, their zones and what was decided.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    seen : OverviewData
        The session.
    index : int
        Which decision; it must have a frame.
    number : int
        By what number the picture is named.
    box_mm : tuple of float
        What to show: (top, bottom, left, right) in mm.
    """
    decision = seen.decisions[index]
    image = np.asarray(seen.images[decision.sequence], dtype=np.float64)
    draw_image(axes, image, seen.spacing_mm, seen.outlines(index), box_mm)
    color = BEAM_COLOR[decision.state]
    for spine in axes.spines.values():
        spine.set(color=color, linewidth=3.0)
    time_s = seen.times_s()[index]
    axes.set_title(f"{number}   frame {decision.sequence}, {time_s:.1f} s", loc="left", fontsize=10.5)
    reasons = "\n".join(f"{REASONS[reason].text}{_by(seen, index, reason)}" for reason in decision.reasons)
    axes.text(
        0.018,
        0.022,
        f"HOLD: {reasons}" if reasons else decision.state.value,
        transform=axes.transAxes,
        # With letters behind them, reasons are longer.
        fontsize=8.5 if seen.structures else 10,
        fontweight="bold",
        va="bottom",
        color="white" if decision.state is BeamState.ON else "black",
        bbox={"facecolor": color, "edgecolor": "none", "pad": 3.0},
    )


def _by(seen: OverviewData, index: int, reason: Reason) -> str:
    """Return which of several structures gave a reason, by their letters; empty where none did."""
    tags = [one.tag for one in seen.structures if reason in one.reasons_at(index)]
    return f" ({' '.join(tags)})" if tags else ""


def draw_image(
    axes: Axes,
    image: NDArray[np.float64],
    spacing_mm: tuple[float, float],
    outlines: Sequence[Outline],
    box_mm: Box,
) -> None:
    """Draw a part of an image with outlines.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    image : ndarray of float64, shape (H, W)
        The image.
    spacing_mm : tuple of float
        Distance of its pixel centres along rows and columns, in mm.
    outlines : sequence of Outline
        The outlines, the last on top.
    box_mm : tuple of float
        What to show: (top, bottom, left, right) in mm.
    """
    row_mm, col_mm = spacing_mm
    height, width = image.shape
    extent = (-0.5 * col_mm, (width - 0.5) * col_mm, (height - 0.5) * row_mm, -0.5 * row_mm)
    top, bottom, left, right = box_mm
    dark, bright = _window(image[_pixels(top, bottom, row_mm), _pixels(left, right, col_mm)])
    axes.imshow(image, cmap="gray", vmin=dark, vmax=bright, extent=extent, interpolation="bicubic", aspect="equal")
    axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    for one in outlines:
        _draw_outline(axes, one.points_px * spacing_mm, one.color, STYLES[one.kind])
    for one in outlines:
        if one.tag:
            _draw_tag(axes, one.points_px * spacing_mm, one.tag, one.color)


def _pixels(begin_mm: float, end_mm: float, pixel_mm: float) -> slice:
    return slice(max(round(begin_mm / pixel_mm), 0), round(end_mm / pixel_mm) + 1)


def _window(pixels: NDArray[np.float64]) -> tuple[float, float]:
    """Return the values to be shown black and white."""
    known = pixels[np.isfinite(pixels)]
    if not known.size:
        return 0.0, 1.0
    dark, bright = np.percentile(known, (1.0, 99.5))
    return float(dark), float(bright)


def _draw_outline(
    axes: Axes, points_mm: NDArray[np.float64], color: str, style: str | tuple[int, tuple[int, ...]]
) -> None:
    """Draw a closed outline of (row, col) in mm, with a dark rim so that it shows on bright and on dark tissue."""
    row, col = np.vstack([points_mm, points_mm[:1]]).T
    axes.plot(col, row, color="black", lw=3.2, alpha=0.55)
    axes.plot(col, row, color=color, lw=1.8, ls=style)


def _draw_tag(axes: Axes, points_mm: NDArray[np.float64], tag: str, color: str) -> None:
    """Write the letter of a structure into the middle of its outline, with a dark rim."""
    row, col = points_mm.mean(axis=0)
    words = axes.text(col, row, tag, color=color, fontsize=9.5, fontweight="bold", ha="center", va="center_baseline")
    words.set_path_effects([withStroke(linewidth=2.2, foreground="black")])
    words.set_clip_on(True)
