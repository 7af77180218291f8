"""Draw a frame with its target: as half-block characters in the terminal, or as a PNG."""

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style
from rich.text import Text

from gatekeeper.core.contour import mask_to_contour
from replay.recording import Recording

TARGET_RGB = (240, 228, 66)
PNG_SIDE_PX = 768
"""Smallest length of the longer side of a PNG; images are enlarged by an integer factor to reach it."""

Rgb = tuple[int, int, int]


def shades(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return an image as 8-bit grey from its 1st to its 99.5th percentile; pixels that are not finite are black."""
    values = np.asarray(image, np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    dark, bright = np.percentile(values[finite], (1.0, 99.5))
    scaled = (np.where(finite, values, dark) - dark) / max(bright - dark, np.finfo(np.float64).tiny)
    return np.asarray(np.clip(scaled, 0.0, 1.0) * 255.0, np.uint8)


def terminal_picture(recording: Recording, index: int = 0, width: int = 64) -> Text:
    """Return a frame as text, two pixels per character, with the target's edge on the first frame.

    Parameters
    ----------
    recording : Recording
        The recording.
    index : int
        Index of the frame.
    width : int
        Width in characters; the picture keeps the proportions of the image in mm.

    Returns
    -------
    rich.text.Text
    """
    row_mm, col_mm = recording.spacing_mm
    grey = shades(recording.frames[index])
    rows, cols = grey.shape
    height = max(2, 2 * round(width * rows * row_mm / (cols * col_mm) / 2.0))
    row_of, col_of = (
        np.minimum((np.arange(size) + 0.5) * count / size, count - 1).astype(int)
        for size, count in (
            (height, rows),
            (width, cols),
        )
    )
    small = grey[np.ix_(row_of, col_of)]
    edge = np.zeros(small.shape, bool)
    if index == 0 and recording.first_mask is not None:
        inside = recording.first_mask[np.ix_(row_of, col_of)]
        padded = np.pad(inside, 1)
        edge = inside & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])
    text = Text()
    for row in range(0, height, 2):
        for col in range(width):
            upper, lower = (TARGET_RGB if edge[at, col] else (int(small[at, col]),) * 3 for at in (row, row + 1))
            text.append("▀", Style(color=_color(upper), bgcolor=_color(lower)))
        text.append("\n")
    return text


def _color(rgb: tuple[int, ...]) -> Color:
    return Color.from_rgb(*rgb)


def png_picture(recording: Recording, index: int = 0) -> bytes:
    """Return a frame as a PNG with square pixels, and the outline of the target on the first frame."""
    import cv2

    row_mm, col_mm = recording.spacing_mm
    grey = shades(recording.frames[index])
    rows, cols = grey.shape
    per_mm = max(1.0, np.ceil(PNG_SIDE_PX / max(rows, cols))) / min(row_mm, col_mm)
    size = round(cols * col_mm * per_mm), round(rows * row_mm * per_mm)
    picture = cv2.cvtColor(cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR)
    if index == 0 and recording.first_mask is not None:
        outline = (mask_to_contour(recording.first_mask) + 0.5) * (row_mm, col_mm) * per_mm - 0.5
        points = np.rint(outline[:, ::-1] * 8.0).astype(np.int32)
        cv2.polylines(picture, [points], True, TARGET_RGB[::-1], 2, cv2.LINE_AA, shift=3)
    _, encoded = cv2.imencode(".png", picture)
    return bytes(encoded)
