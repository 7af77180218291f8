"""Change pixels, grid or plane of a copy of a frame."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gatekeeper.core.frame import Frame, Plane

Change = Callable[[Frame, float, np.random.Generator], Frame]
"""Return a faulty copy of a frame, given an amount and a random generator."""


def _nan(frame: Frame, pixels: float, rng: np.random.Generator) -> Frame:
    image = frame.image.copy()
    image.flat[_some(image.size, pixels, rng)] = np.nan
    return replace(frame, image=image)


def _inf(frame: Frame, pixels: float, rng: np.random.Generator) -> Frame:
    image = frame.image.copy()
    image.flat[_some(image.size, pixels, rng)] = np.inf if rng.random() < 0.5 else -np.inf
    return replace(frame, image=image)


def _zero(frame: Frame, _: float, __: np.random.Generator) -> Frame:
    return replace(frame, image=np.zeros_like(frame.image))


def _saturate(frame: Frame, percent: float, _: np.random.Generator) -> Frame:
    # Counted, not interpolated: at least one pixel, and all of them at 100 %.
    count = min(max(1, round(frame.image.size * percent / 100.0)), frame.image.size)
    level = np.partition(frame.image, frame.image.size - count, axis=None)[frame.image.size - count]
    return replace(frame, image=np.minimum(frame.image, level))


def _flip(frame: Frame, bits: float, rng: np.random.Generator) -> Frame:
    image = frame.image.copy()
    words = image.reshape(-1).view(np.uint32)
    for index in rng.choice(words.size * 32, size=min(int(bits), words.size * 32), replace=False):
        words[index // 32] ^= np.uint32(1 << (int(index) % 32))
    return replace(frame, image=image)


def _shape(frame: Frame, columns: float, _: np.random.Generator) -> Frame:
    left = max(1, frame.image.shape[1] - int(columns))
    return replace(frame, image=np.ascontiguousarray(frame.image[:, :left]))


def _spacing(frame: Frame, times: float, _: np.random.Generator) -> Frame:
    row_mm, col_mm = frame.spacing_mm
    return replace(frame, spacing_mm=(row_mm * times, col_mm * times))


def _plane(frame: Frame, offset_mm: float, _: np.random.Generator) -> Frame:
    plane = frame.plane
    x_mm, y_mm, z_mm = map(float, np.cross(plane.row_step, plane.col_step) * offset_mm + plane.origin_mm)
    return replace(frame, plane=Plane((x_mm, y_mm, z_mm), plane.row_step, plane.col_step))


def _some(size: int, count: float, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return rng.choice(size, size=min(int(count), size), replace=False)


CHANGES: dict[str, Change] = {
    "nan": _nan,
    "inf": _inf,
    "zero": _zero,
    "saturate": _saturate,
    "flip": _flip,
    "shape": _shape,
    "spacing": _spacing,
    "plane": _plane,
}
"""Change of a frame by name of the fault."""
