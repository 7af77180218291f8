"""Thumbnails: one frame of a session, small, with structures and zones on it, to be put into a page."""

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from gatekeeper.report.structure_data import Outline

SIDE_PX = 220
AROUND_MM = 25.0
SUBPIXEL_BITS = 4
BAR_MM = 20.0
"""Length of the white bar at the bottom, by which distances can be judged, in mm."""
DASH_PX, DOT_PX = 6.0, 2.0
"""Lengths of the dashes of an envelope, and of a keep-out zone."""
AROUND_SEVERAL_MM = 10.0
FONT, FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.4

Points = NDArray[np.float64]


def thumbnail(
    image: NDArray[np.generic],
    spacing_mm: tuple[float, float],
    envelope_px: Points,
    outlines: Sequence[Outline],
    around_mm: float = AROUND_MM,
) -> str:
    """Return a frame around the envelope as a JPEG in a data address, with a bar of `BAR_MM`.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        The frame, any real dtype.
    spacing_mm : tuple of float
        Distance of its pixel centres along rows and columns, in mm.
    envelope_px : ndarray of float64, shape (N, 2)
        Where the target had to stay, as (row, col).
    outlines : sequence of Outline
        What is drawn. With several structures, all are shown.
    around_mm : float
        How much is shown around the envelope, in mm.
    """
    spacing = np.array(spacing_mm)
    several = any(one.tag for one in outlines)
    shown_px = np.vstack([one.points_px for one in outlines]) if several else envelope_px
    middle_mm = (shown_px.min(axis=0) + shown_px.max(axis=0)) / 2.0 * spacing
    around_mm = AROUND_SEVERAL_MM if several else around_mm
    half_mm = float((np.ptp(shown_px, axis=0) * spacing).max()) / 2.0 + around_mm
    scale = SIDE_PX / (2.0 * half_mm)  # pixels of the thumbnail per mm
    low_mm = middle_mm - half_mm
    pixels = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    # Column first, as OpenCV counts; it maps pixels of the thumbnail to those of the frame.
    step = 1.0 / (scale * spacing)
    begin = low_mm / spacing
    matrix = np.array([[step[1], 0.0, begin[1]], [0.0, step[0], begin[0]]])
    shown = cv2.warpAffine(pixels, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    dark, bright = np.percentile(shown, (1.0, 99.5))
    grey = np.clip((shown - dark) / max(float(bright - dark), 1e-6) * 255.0, 0.0, 255.0).astype(np.uint8)
    colored = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for one in outlines:
        points = (one.points_px * spacing - low_mm) * scale
        if one.kind == "structure":
            _outline(colored, points, one.color)
        else:
            _dashed(colored, points, one.color, DASH_PX if one.kind == "envelope" else DOT_PX)
    for one in outlines:
        _letter(colored, (one.points_px.mean(axis=0) * spacing - low_mm) * scale, one.tag, one.color)
    _bar(colored, BAR_MM * scale)
    _, data = cv2.imencode(".jpg", colored, [cv2.IMWRITE_JPEG_QUALITY, 82])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _outline(picture: NDArray[np.uint8], points: Points, color: str) -> None:
    """Draw a closed outline of (row, col) in pixels of the picture."""
    _line(picture, np.vstack([points, points[:1]]), color)


def _letter(picture: NDArray[np.uint8], middle: Points, tag: str, color: str) -> None:
    """Write the letter of a structure into its middle, with a dark rim."""
    (width, height), _ = cv2.getTextSize(tag, FONT, FONT_SCALE, 1)
    place = (round(float(middle[1]) - width / 2.0), round(float(middle[0]) + height / 2.0))
    for thickness, ink in ((3, (0, 0, 0)), (1, _bgr(color))):
        cv2.putText(picture, tag, place, FONT, FONT_SCALE, ink, thickness, cv2.LINE_AA)


def _bgr(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return blue, green, red


def _dashed(picture: NDArray[np.uint8], points: Points, color: str, dash_px: float) -> None:
    """Draw a closed outline with gaps as long as its dashes, so that it is told apart without its colour."""
    points = np.vstack([points, points[:1]])
    along = np.append(0.0, np.cumsum(np.hypot(*np.diff(points, axis=0).T)))
    dashes = max(round(along[-1] / (2.0 * dash_px)), 1)
    for begin in np.arange(dashes) * along[-1] / dashes:
        places = np.linspace(begin, begin + dash_px, 5)
        _line(picture, np.stack([np.interp(places, along, axis) for axis in points.T], axis=1), color)


def _line(picture: NDArray[np.uint8], points: Points, color: str) -> None:
    corners = np.rint(points[:, ::-1] * (1 << SUBPIXEL_BITS)).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(picture, [corners], False, _bgr(color), 1, cv2.LINE_AA, SUBPIXEL_BITS)


def _bar(picture: NDArray[np.uint8], length: float) -> None:
    """Draw a white bar with a dark rim into the lower left corner."""
    row, first = SIDE_PX - 12, 10
    for thickness, grey in ((4, 0), (2, 255)):
        cv2.line(picture, (first, row), (first + round(length), row), (grey, grey, grey), thickness)
