"""What an MR-linac's own monitoring said of the frames of a recording."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class VendorTrace:
    """Position of the target and decisions of a machine's own monitoring, one for each frame; never used as truth.

    Attributes
    ----------
    name : str
        What it is called in results, such as "Elekta Unity".
    centers_mm : ndarray of float64, shape (T, 3), or None
        Centre of the target in DICOM LPS mm, NaN where it was not told.
    beam_on : ndarray of int8, shape (T,), or None
        1 where the machine let the beam on, 0 where it held it, -1 where it was not told.
    status : ndarray of int64, shape (T,), or None
        The machine's own status code, -1 where it was not told.
    """

    name: str
    centers_mm: NDArray[np.float64] | None = None
    beam_on: NDArray[np.int8] | None = None
    status: NDArray[np.int64] | None = None

    def part(self, frames: slice | NDArray[np.intp]) -> "VendorTrace":
        """Return the trace of some of the frames, a slice or their indices."""
        return VendorTrace(
            self.name,
            None if self.centers_mm is None else self.centers_mm[frames],
            None if self.beam_on is None else self.beam_on[frames],
            None if self.status is None else self.status[frames],
        )
