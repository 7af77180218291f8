"""Recording: a recorded cine sequence with its geometry, times and, where known, its target."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gatekeeper.frame import Plane


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A cine sequence in canonical orientation: rows superior to inferior, columns anterior to posterior.

    Attributes
    ----------
    name : str
        What the case is called.
    frames : ndarray of float32 or an integer type, shape (T, H, W)
        Pixel values as recorded.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    times_s : ndarray of float64, shape (T,)
        Acquisition time of each frame from the first, in seconds.
    first_mask : ndarray of bool, shape (H, W), or None
        The target on the first frame.
    labels : ndarray of bool, shape (T, H, W), or None
        The target on every frame; a frame whose label is empty is not labelled.
    plane : Plane
        Where the images lie in the patient.
    field_strength_t : float or None
        Field strength of the scanner in tesla.
    region : str or None
        Scanned region, for example "abdomen".
    """

    name: str
    frames: NDArray[np.generic]
    spacing_mm: tuple[float, float]
    times_s: NDArray[np.float64]
    first_mask: NDArray[np.bool_] | None = None
    labels: NDArray[np.bool_] | None = None
    plane: Plane = field(default_factory=Plane)
    field_strength_t: float | None = None
    region: str | None = None
