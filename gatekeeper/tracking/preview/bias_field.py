"""Evening: what stands still in the images while the anatomy moves through it, such as the banding of balanced SSFP.

A frame is taken as a field that stands still times the anatomy moved: I(x + u(x)) = g B(x + u(x)) T(x). Motion of a
centimetre or two makes the two separable: the field B is estimated from how bright the same tissue is at different
places, the tissue T from how bright it is on average, in turn, until both agree. Nothing is evened out unless the
field explains a good part of the residuals on frames that it was not estimated from.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from gatekeeper.tracking.model import Model, Scale
from gatekeeper.tracking.preview.motion_compensated import MotionCompensated
from gatekeeper.tracking.template import RIM, Template

FIELD_MM = 3.0
"""The field is smooth over about this length: standard deviation, in mm."""
PASSES = 3
"""How often field and tissue are estimated in turn."""
SHRINK = 0.1
"""Weight of no field, as a share of what is measured at a typical place."""
DARKEST, BRIGHTEST = 0.5, 2.0
"""Limits of the field."""

PARTS = 4
"""The frames are divided into so many spans; each is predicted from the others."""
MOST_LEFT = 0.75
"""Share of the squared residuals that may be left for the field to be believed: what stands still explains a
quarter."""

Array = NDArray[np.float64]


def with_bias_field(model: Model, frames: MotionCompensated) -> Model | None:
    """Return the model that evens out what stands still; None when the frames do not show that anything does.

    It has no steady model, which sees further around the target than the field is known.
    """
    seen = _Seen(model.fine, frames)
    spans = np.array_split(np.arange(len(frames.values)), PARTS)
    left, whole = 0.0, 0.0
    for span in spans:
        others = np.setdiff1d(np.arange(len(frames.values)), span)
        left += seen.squares(span, *seen.estimate(others))
        whole += seen.squares(span, None, seen.values[others].mean(axis=0))
    if not left <= MOST_LEFT * whole:
        return None
    field, _ = seen.estimate(np.arange(len(frames.values)))
    evening = (1.0 / field).astype(np.float32)
    rows, cols = model.coarse.grid.distance_mm.shape
    joined = evening[: 2 * rows, : 2 * cols].reshape(rows, 2, cols, 2).mean(axis=(1, 3))
    return replace(
        model,
        fine=_evened(model, model.fine, evening),
        coarse=_evened(model, model.coarse, np.ascontiguousarray(joined)),
        steady=None,
    )


class _Seen:
    """The frames at the points of the template, and the arithmetic on them."""

    def __init__(self, scale: Scale, frames: MotionCompensated) -> None:
        row, col = (scale.points_px - frames.corner_px).T
        self.values = frames.values[:, row, col]
        self._places_px = frames.places_px[:, :, row, col]
        self._template: Template = scale.templates[0]
        self._weight = scale.templates[0].points[2].astype(np.float64)
        self._shape = scale.grid.distance_mm.shape
        self._width_px = FIELD_MM * scale.grid.scale

    def estimate(self, which: NDArray[np.intp]) -> tuple[Array, Array]:
        """Return field (H, W) and tissue (N,) from some of the frames."""
        values, places_px, weight = self.values[which], self._places_px[which], np.square(self._weight)
        pixels = np.rint(places_px).astype(int)
        pixels = np.clip(pixels, 0, np.array(self._shape)[:, None] - 1)
        flat = np.ravel_multi_index((pixels[:, 0], pixels[:, 1]), self._shape).ravel()
        field, tissue = np.ones(self._shape), values.mean(axis=0)
        for _ in range(PASSES):
            below = self._at(field, which)
            expected = below * tissue
            gain = (values * expected * weight).sum(axis=1) / np.maximum((expected**2 * weight).sum(axis=1), 1e-30)
            below *= gain[:, None]
            tissue = (values * below).sum(axis=0) / np.maximum(np.square(below).sum(axis=0), 1e-30)
            expected = gain[:, None] * tissue
            over, under = (
                gaussian_filter(
                    np.bincount(flat, (weight * part).ravel(), field.size).reshape(self._shape), self._width_px
                )
                for part in (values * expected, expected**2)
            )
            prior = SHRINK * np.median(under[under > 0.0])
            field = np.clip((over + prior) / (under + prior), DARKEST, BRIGHTEST)
        return field, tissue

    def squares(self, which: NDArray[np.intp], field: Array | None, tissue: Array) -> float:
        """Return the sum of the squared residuals of some frames, without what the fit ignores anyway."""
        values = self.values[which] if field is None else self.values[which] / self._at(field, which)
        weight, ignored = self._weight, self._template.photometric.astype(np.float64)
        gain = (values * tissue * weight**2).sum(axis=1) / np.maximum((tissue**2 * weight**2).sum(), 1e-30)
        residual = (values - gain[:, None] * tissue) * weight
        residual -= (residual @ ignored.T) @ ignored
        return float(np.square(residual).sum())

    def _at(self, field: Array, which: NDArray[np.intp]) -> Array:
        """Return the field (T, N) below the points of some frames."""
        places_px = np.moveaxis(self._places_px[which], 1, 0)
        return np.asarray(map_coordinates(field, places_px, order=1, mode="nearest"), dtype=np.float64)


def _evened(model: Model, scale: Scale, evening: NDArray[np.float32]) -> Scale:
    """Return a scale with its reference evened out, and the template made of that."""
    image = scale.grid.image * np.pad(evening, RIM, mode="edge")
    templates = (scale.template(image, model.free),)
    return replace(scale, grid=replace(scale.grid, image=image), templates=templates, evening=evening)
