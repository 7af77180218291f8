"""Estimate a static bias field, such as the banding of balanced SSFP, from the motion of the anatomy through it.

A frame is modelled as a static field times the moved anatomy: I(x + u(x)) = g B(x + u(x)) T(x). Motion of a centimetre
or two makes the two separable: the field B is estimated from the brightness of the same tissue at different positions,
the tissue T from its mean brightness, in turn. The field is used only if it explains a good part of the residuals on
frames that it was not estimated from (cross-validation).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from gatekeeper.tracking.grid import RIM
from gatekeeper.tracking.model import Model, Scale
from gatekeeper.tracking.preview.motion_compensated import MotionCompensated
from gatekeeper.tracking.template import Template

FIELD_MM = 3.0
"""Standard deviation of the smoothing of the field, in mm."""
PASSES = 3
"""Number of alternating estimates of field and tissue."""
SHRINK = 0.1
"""Weight of the prior (no field), over the weight of the data at a typical position."""
DARKEST, BRIGHTEST = 0.5, 2.0
"""Limits of the field."""

PARTS = 4
"""Number of spans for cross-validation; each is predicted from the others."""
MOST_LEFT = 0.75
"""Largest share of the squared residuals that may remain for the field to be used."""

Array = NDArray[np.float64]


def with_bias_field(model: Model, frames: MotionCompensated) -> Model | None:
    """Return the model with a correction of the static bias field.

    The result has no stiff model, whose context exceeds the region in which the field is known.

    Parameters
    ----------
    model : Model
        The model without correction.
    frames : MotionCompensated
        Frames of the preview, moved onto the reference.

    Returns
    -------
    Model or None
        None when the frames do not show a static field.
    """
    samples = _Samples(model.fine, frames)
    spans = np.array_split(np.arange(len(frames.values)), PARTS)
    with_field, without_field = 0.0, 0.0
    for span in spans:
        others = np.setdiff1d(np.arange(len(frames.values)), span)
        with_field += samples.squares(span, *samples.estimate(others))
        without_field += samples.squares(span, None, samples.values[others].mean(axis=0))
    if not with_field <= MOST_LEFT * without_field:
        return None
    field, _ = samples.estimate(np.arange(len(frames.values)))
    fine = (1.0 / field).astype(np.float32)
    rows, cols = model.coarse.grid.distance_mm.shape
    coarse = fine[: 2 * rows, : 2 * cols].reshape(rows, 2, cols, 2).mean(axis=(1, 3))
    return replace(
        model,
        fine=_corrected(model, model.fine, fine),
        coarse=_corrected(model, model.coarse, np.ascontiguousarray(coarse)),
        stiff=None,
    )


class _Samples:
    """Values of the frames at the points of the template."""

    def __init__(self, scale: Scale, frames: MotionCompensated) -> None:
        row, col = (scale.points_px - frames.corner_px).T
        self.values = frames.values[:, row, col]
        self._positions_px = frames.positions_px[:, :, row, col]
        self._template: Template = scale.templates[0]
        self._weight = scale.templates[0].points[2].astype(np.float64)
        self._shape = scale.grid.distance_mm.shape
        self._width_px = FIELD_MM * scale.grid.scale

    def estimate(self, which: NDArray[np.intp]) -> tuple[Array, Array]:
        """Estimate field (H, W) and tissue (N,) from some of the frames."""
        values, positions_px, weight = self.values[which], self._positions_px[which], np.square(self._weight)
        pixels = np.rint(positions_px).astype(int)
        pixels = np.clip(pixels, 0, np.array(self._shape)[:, None] - 1)
        flat = np.ravel_multi_index((pixels[:, 0], pixels[:, 1]), self._shape).ravel()
        field, tissue = np.ones(self._shape), values.mean(axis=0)
        for _ in range(PASSES):
            sampled = self._at(field, which)
            expected = sampled * tissue
            gain = (values * expected * weight).sum(axis=1) / np.maximum((expected**2 * weight).sum(axis=1), 1e-30)
            sampled *= gain[:, None]
            tissue = (values * sampled).sum(axis=0) / np.maximum(np.square(sampled).sum(axis=0), 1e-30)
            expected = gain[:, None] * tissue
            numerator, denominator = (
                gaussian_filter(
                    np.bincount(flat, (weight * part).ravel(), field.size).reshape(self._shape), self._width_px
                )
                for part in (values * expected, expected**2)
            )
            prior = SHRINK * np.median(denominator[denominator > 0.0])
            field = np.clip((numerator + prior) / (denominator + prior), DARKEST, BRIGHTEST)
        return field, tissue

    def squares(self, which: NDArray[np.intp], field: Array | None, tissue: Array) -> float:
        """Return the sum of the squared residuals of some frames, without the directions that the fit projects out."""
        values = self.values[which] if field is None else self.values[which] / self._at(field, which)
        weight, projected_out = self._weight, self._template.photometric.astype(np.float64)
        gain = (values * tissue * weight**2).sum(axis=1) / np.maximum((tissue**2 * weight**2).sum(), 1e-30)
        residual = (values - gain[:, None] * tissue) * weight
        residual -= (residual @ projected_out.T) @ projected_out
        return float(np.square(residual).sum())

    def _at(self, field: Array, which: NDArray[np.intp]) -> Array:
        """Return the field (T, N) at the points of some frames."""
        positions_px = np.moveaxis(self._positions_px[which], 1, 0)
        return np.asarray(map_coordinates(field, positions_px, order=1, mode="nearest"), dtype=np.float64)


def _corrected(model: Model, scale: Scale, bias_correction: NDArray[np.float32]) -> Scale:
    """Return a scale with corrected reference and template."""
    image = scale.grid.image * np.pad(bias_correction, RIM, mode="edge")
    templates = (scale.template(image, model.deformation),)
    return replace(scale, grid=replace(scale.grid, image=image), templates=templates, bias_correction=bias_correction)
