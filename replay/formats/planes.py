"""Images of several interleaved planes: group them by plane, list the planes, and choose one."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane

LISTED = 8


@dataclass(frozen=True, slots=True)
class ImagePlane:
    """Size and plane of an image of an export; images with the same belong to one recording.

    Attributes
    ----------
    shape : tuple of int
        (H, W) in pixels.
    spacing_mm : tuple of float
        Distance of pixel centres along stored rows and columns, in mm.
    plane : Plane
        Plane of the stored image.
    """

    shape: tuple[int, int]
    spacing_mm: tuple[float, float]
    plane: Plane

    def key(self) -> Hashable:
        """Return a value that is the same for planes that differ only by rounding."""
        plane = self.plane
        numbers = (*self.spacing_mm, *plane.origin_mm, *plane.row_step, *plane.col_step)
        return (self.shape, *(round(value, 2) + 0.0 for value in numbers))

    def describe(self) -> str:
        """Return a description for a list, such as "sagittal 256 x 256"."""
        normal = np.abs(np.cross(self.plane.row_step, self.plane.col_step))
        name = ("sagittal", "coronal", "axial")[int(np.argmax(normal))]
        return f"{name} {self.shape[0]} x {self.shape[1]}"


def choose_plane(slices: Sequence[ImagePlane], wanted: str | None, path: Path) -> list[int]:
    """Return the indices of the images of one plane.

    Parameters
    ----------
    slices : sequence of ImagePlane
        The plane of each image.
    wanted : str or None
        Number of the plane in the list that the error gives; None for the only one.
    path : Path
        Named in messages.

    Returns
    -------
    list of int
        Indices into `slices`.

    Raises
    ------
    RecordingError
        When there are several planes and none is chosen, or none has that number.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, one in enumerate(slices):
        groups.setdefault(one.key(), []).append(index)
    found = list(groups.values())
    listed = ", ".join(
        f"{number} ({slices[one[0]].describe()}, {len(one)} images)" for number, one in enumerate(found, 1)
    )
    if wanted is None and len(found) == 1:
        return found[0]
    if wanted is None:
        raise RecordingError(f"{path}: holds {len(found)} planes: {listed:.300}; choose one with --scan")
    if not (wanted.isdecimal() and 1 <= int(wanted) <= len(found)):
        raise RecordingError(f"{path}: has no plane {wanted!r:.20}; it holds {listed:.300}")
    return found[int(wanted) - 1]
