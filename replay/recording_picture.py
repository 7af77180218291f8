"""Draw a frame with its target and the sides of the patient: as half-block characters in the terminal, or as a PNG."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style
from rich.text import Text

from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.frame import Plane, Vector
from replay.recording import Recording

TARGET_RGB = (240, 228, 66)
MARK_RGB = (86, 180, 233)
PNG_SIDE_PX = 768
"""Smallest length of the longer side of a PNG; images are enlarged by an integer factor to reach it."""

_MARGIN = 2
"""Characters beside the picture in the terminal, for the sides."""
_MARK_PX = 7
_SIDES = (("L", "R"), ("P", "A"), ("S", "I"))
"""Sides of the patient towards which each axis of DICOM LPS grows, and the opposite ones."""

Rgb = tuple[int, int, int]


def sides(plane: Plane) -> tuple[str, str, str, str]:
    """Return the sides of the patient at the upper, lower, left and right edge of an image.

    Parameters
    ----------
    plane : Plane
        Position of the image.

    Returns
    -------
    tuple of str
        Each one of S I A P L R, the nearest where the plane is oblique.
    """

    def ends(step: Vector) -> tuple[str, str]:
        axis = int(np.argmax(np.abs(step)))
        grows, falls = _SIDES[axis]
        return (falls, grows) if step[axis] > 0.0 else (grows, falls)

    return *ends(plane.row_step), *ends(plane.col_step)


def shades(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return an image as 8-bit grey from its 1st to its 99.5th percentile; pixels that are not finite are black."""
    values = np.asarray(image, np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    dark, bright = np.percentile(values[finite], (1.0, 99.5))
    scaled = (np.where(finite, values, dark) - dark) / max(bright - dark, np.finfo(np.float64).tiny)
    return np.asarray(np.clip(scaled, 0.0, 1.0) * 255.0, np.uint8)


def terminal_picture(
    recording: Recording, index: int = 0, width: int = 64, mark: tuple[int, int] | None = None
) -> Text:
    """Return a frame as text, two pixels per character, with the target's edge on the first frame.

    Parameters
    ----------
    recording : Recording
        The recording.
    index : int
        Index of the frame.
    width : int
        Width in characters; the picture keeps the proportions of the image in mm.
    mark : tuple of int, optional
        Row and column of a pixel to be marked.

    Returns
    -------
    rich.text.Text
        With the sides of the patient at the four edges.
    """
    row_mm, col_mm = recording.spacing_mm
    grey = shades(recording.frames[index])
    rows, cols = grey.shape
    width = max(1, width - 2 * _MARGIN)
    height = max(2, 2 * round(width * rows * row_mm / (cols * col_mm) / 2.0))
    row_of, col_of = (
        np.minimum((np.arange(size) + 0.5) * count / size, count - 1).astype(int)
        for size, count in (
            (height, rows),
            (width, cols),
        )
    )
    small = np.repeat(grey[np.ix_(row_of, col_of)][..., None], 3, axis=2)
    if index == 0 and recording.first_mask is not None:
        inside = recording.first_mask[np.ix_(row_of, col_of)]
        padded = np.pad(inside, 1)
        small[inside & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])] = TARGET_RGB
    if mark is not None:
        small[min(mark[0] * height // rows, height - 1), min(mark[1] * width // cols, width - 1)] = MARK_RGB
    upper, lower, left, right = sides(recording.plane)
    text = Text(f"{upper:^{width + 2 * _MARGIN}}\n")
    for row in range(0, height, 2):
        is_middle = row == height // 4 * 2
        text.append(f"{left if is_middle else '':{_MARGIN}}")
        for over, under in zip(small[row], small[row + 1], strict=True):
            text.append("▀", Style(color=_color(over), bgcolor=_color(under)))
        text.append(f"{right if is_middle else '':>{_MARGIN}}\n")
    return text.append(f"{lower:^{width + 2 * _MARGIN}}\n")


def _color(rgb: NDArray[np.uint8]) -> Color:
    red, green, blue = rgb.tolist()
    return Color.from_rgb(red, green, blue)


def png_picture(recording: Recording, index: int = 0, mark: tuple[int, int] | None = None) -> bytes:
    """Return a frame as a PNG with square pixels, the sides of the patient, and the target on the first frame.

    Parameters
    ----------
    recording : Recording
        The recording.
    index : int
        Index of the frame.
    mark : tuple of int, optional
        Row and column of a pixel to be marked.

    Returns
    -------
    bytes
    """
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
    if mark is not None:
        at = np.rint((np.array(mark) + 0.5) * (row_mm, col_mm) * per_mm - 0.5)[::-1].astype(int).tolist()
        cv2.drawMarker(picture, at, MARK_RGB[::-1], cv2.MARKER_CROSS, 4 * _MARK_PX, 2, cv2.LINE_AA)
    _write_sides(picture, sides(recording.plane))
    _, encoded = cv2.imencode(".png", picture)
    return bytes(encoded)


def _write_sides(picture: NDArray[Any], letters: tuple[str, str, str, str]) -> None:
    """Write the sides of the patient at the upper, lower, left and right edge of a picture."""
    import cv2

    font, size, inset = cv2.FONT_HERSHEY_SIMPLEX, 0.9, 6
    high, wide = picture.shape[:2]
    for letter, (row, col) in zip(letters, ((0.0, 0.5), (1.0, 0.5), (0.5, 0.0), (0.5, 1.0)), strict=True):
        (across, up), _ = cv2.getTextSize(letter, font, size, 2)
        at = round(inset + col * (wide - across - 2 * inset)), round(inset + up + row * (high - up - 2 * inset))
        for rgb, thickness in (((0, 0, 0), 6), ((255, 255, 255), 2)):
            cv2.putText(picture, letter, at, font, size, rgb, thickness, cv2.LINE_AA)
