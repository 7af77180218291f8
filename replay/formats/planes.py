"""Images of several planes that lie among each other: put into one group for each plane, listed, and one chosen."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane

LISTED = 8


@dataclass(frozen=True, slots=True)
class Slice:
    """How an image of an export lies and what it is like; equal slices belong to one recording.

    Attributes
    ----------
    shape : tuple of int
        (H, W) in pixels.
    spacing_mm : tuple of float
        Distance of pixel centres along stored rows and columns.
    plane : Plane
        Where it lies.
    """

    shape: tuple[int, int]
    spacing_mm: tuple[float, float]
    plane: Plane

    def key(self) -> Hashable:
        """Return what is the same of slices that differ by rounding only."""
        plane = self.plane
        numbers = (*self.spacing_mm, *plane.origin_mm, *plane.row_step, *plane.col_step)
        return (self.shape, *(round(value, 2) + 0.0 for value in numbers))

    def told(self) -> str:
        """Return it in words."""
        normal = np.abs(np.cross(self.plane.row_step, self.plane.col_step))
        name = ("sagittal", "coronal", "axial")[int(np.argmax(normal))]
        return f"{name} {self.shape[0]} x {self.shape[1]}"


def chosen_plane(slices: Sequence[Slice], wanted: str | None, path: Path) -> list[int]:
    """Return the indices of the images of one plane.

    Parameters
    ----------
    slices : sequence of Slice
        How each image lies.
    wanted : str or None
        Which plane, by its number in the list that the error gives; the only one unless told.
    path : Path
        What the message names.

    Raises
    ------
    RecordingError
        When there are several and none is chosen, or there is none of that number.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, one in enumerate(slices):
        groups.setdefault(one.key(), []).append(index)
    found = list(groups.values())
    listed = ", ".join(f"{number} ({slices[one[0]].told()}, {len(one)} images)" for number, one in enumerate(found, 1))
    if wanted is None and len(found) == 1:
        return found[0]
    if wanted is None:
        raise RecordingError(f"{path}: holds {len(found)} planes: {listed:.300}; choose one with --scan")
    if not (wanted.isdecimal() and 1 <= int(wanted) <= len(found)):
        raise RecordingError(f"{path}: has no plane {wanted!r:.20}; it holds {listed:.300}")
    return found[int(wanted) - 1]
