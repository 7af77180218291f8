"""Fit a template to a frame in one step: read the part of the frame around it, correct it, and fit."""

import numpy as np
from numpy.typing import NDArray

from kernels.bias_field import remove_bias_field
from kernels.deformation import fit
from kernels.jit import b1, f4, f4_1d, f4_2d, f4_2d_in, f8_1d, i8, kernel
from kernels.pyramid import block_mean, smooth

Array = NDArray[np.float32]


@kernel(
    b1(
        f4_2d_in,
        i8,
        i8,
        f4_2d,
        f4_1d,
        f4_2d,
        i8,
        f4_1d,
        i8,
        f4,
        f4_2d,
        f4_2d,
        f4_2d,
        f8_1d,
        f4_2d,
        f4_2d,
        f4_2d,
        f4,
        f4,
        f4,
        f4,
        f4,
        f4_2d,
        f4_2d,
        f8_1d,
    )
)
def fit_frame(
    frame: Array,
    row: int,
    col: int,
    points: Array,
    prior: Array,
    inverse_hessian: Array,
    max_iterations: int,
    params: Array,
    factor: int,
    share: float,
    bias_correction: Array,
    image: Array,
    smoothing: Array,
    window: NDArray[np.float64],
    modes: Array,
    steepest: Array,
    photometric: Array,
    template_norm: float,
    row_scale: float,
    col_scale: float,
    tolerance: float,
    reject: float,
    scratch: Array,
    steps: Array,
    out: NDArray[np.float64],
) -> bool:
    """Read a part of a frame at the resolution of a template, and fit the template to it.

    Parameters
    ----------
    frame : ndarray of float32, shape (H, W)
        The frame.
    row, col : int
        Corner of the part, in pixels of the template's grid.
    points, prior, inverse_hessian : ndarray of float32
        See `kernels.deformation.fit`.
    max_iterations : int
        See there.
    params : ndarray of float32, shape (2 K,)
        See there.
    factor : int
        Side of the blocks of frame pixels that are binned, see `kernels.pyramid.block_mean`.
    share : float
        See `kernels.pyramid.smooth`; 0 for none.
    bias_correction : ndarray of float32, shape (h, w)
        See `kernels.bias_field.remove_bias_field`; without pixels for none.
    image : ndarray of float32, shape (r, c)
        Receives the part.
    smoothing : ndarray of float32, shape (r, c)
        Scratch.
    window : ndarray of float64, shape (6,)
        See `kernels.deformation.fit`; the first two receive `row` and `col`.
    modes, steepest, photometric : ndarray of float32
        See there.
    template_norm, row_scale, col_scale, tolerance, reject : float
        See there.
    scratch, steps : ndarray of float32
        See there.
    out : ndarray of float64, shape (5,)
        See there.

    Returns
    -------
    bool
        True when the result is finite.
    """
    block_mean(frame, row * factor, col * factor, factor, image)
    if share > 0.0:
        smooth(image, share, smoothing, image)
    if bias_correction.size > 0:
        remove_bias_field(bias_correction, row, col, image)
    window[0] = row
    window[1] = col
    found: bool = fit(
        image,
        window,
        points,
        modes,
        steepest,
        prior,
        inverse_hessian,
        photometric,
        template_norm,
        row_scale,
        col_scale,
        max_iterations,
        tolerance,
        reject,
        params,
        scratch,
        steps,
        out,
    )
    return found
