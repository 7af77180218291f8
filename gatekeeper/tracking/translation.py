"""Convert between the parameters of a fit and the translation in mm that they contain."""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.deformation import TRANSLATION_SD_MM

Params = NDArray[np.float32]


def translation_mm(params: Params) -> tuple[float, float]:
    """Return the translation in `params` along rows and columns, in mm."""
    return params.item(0) * TRANSLATION_SD_MM, params.item(params.size // 2) * TRANSLATION_SD_MM


def set_translation(params: Params, moved_mm: tuple[float, float]) -> None:
    """Set `params` to a translation along rows and columns, in mm, without deformation."""
    params[:] = 0.0
    params[0] = moved_mm[0] / TRANSLATION_SD_MM
    params[len(params) // 2] = moved_mm[1] / TRANSLATION_SD_MM
