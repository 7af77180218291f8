"""Images of several interleaved planes: group them by plane, list the planes, and choose one."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from gatekeeper.config import GateConfig
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices

LISTED = 8
SAME_PLANE_MM = GateConfig().plane_offset_mm
"""Largest distance between the corners of images on the same plane, in mm: that by which a live session goes."""
SAME_GRID_MM = 0.05
"""Largest difference between the sizes of images of one grid, in mm."""
MOST_PLANES = 1000
"""Limit of the planes of a recording; each image is compared with all of them."""
NOTED_MM = 0.01
"""Differences between positions that are larger than this are noted, in mm."""

Group = TypeVar("Group")


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

    def apart_mm(self, other: "ImagePlane") -> float:
        """Return the largest distance between the corners of two images, in mm; infinite for another size."""
        sizes = np.abs(np.subtract(self.spacing_mm, other.spacing_mm)) * np.subtract(self.shape, 1)
        if self.shape != other.shape or not sizes.max() <= SAME_GRID_MM:
            return float("inf")
        return corners_apart_mm(self.plane, other.plane, self.shape, self.spacing_mm)

    def describe(self) -> str:
        """Return a description for a list, such as "sagittal 256 x 256"."""
        return f"{orientation_of(self.plane).name} {self.shape[0]} x {self.shape[1]}"


def corners_apart_mm(one: Plane, other: Plane, shape: tuple[int, int], spacing_mm: tuple[float, float]) -> float:
    """Return the largest distance between the corners of an image on two planes along an axis of the patient, in mm.

    Parameters
    ----------
    one, other : Plane
        Planes of the stored image.
    shape : tuple of int
        (H, W) in pixels.
    spacing_mm : tuple of float
        Distance of pixel centres along stored rows and columns, in mm.
    """
    rows, cols = shape
    ends = np.array([(0.0, 0.0), (0.0, cols - 1.0), (rows - 1.0, 0.0)])
    return float(np.abs(one.to_patient_mm(ends, spacing_mm) - other.to_patient_mm(ends, spacing_mm)).max())


def of_orientation(groups: Sequence[Group], plane_of: Callable[[Group], Plane | None], wanted: str | None) -> list[int]:
    """Return the indices of the groups whose plane has an orientation.

    Parameters
    ----------
    groups : sequence
        Groups of images.
    plane_of : callable
        Returns the plane of a group; None where it is not known, which may be any.
    wanted : str or None
        Name of the orientation; None for all groups.
    """
    planes = [plane_of(group) for group in groups]
    return [
        index
        for index, plane in enumerate(planes)
        if wanted is None or plane is None or orientation_of(plane).name == wanted
    ]


def described_rate(times_s: Sequence[float]) -> str:
    """Return the usual rate of times in words that follow a number of images; "" where it is not known."""
    steps_s = np.diff(np.sort(np.asarray(times_s, np.float64)))
    usual_s = float(np.median(steps_s)) if steps_s.size else 0.0
    return f", {1.0 / usual_s:.3g} per second" if usual_s > 0.0 else ""


def choose_plane(
    slices: Sequence[ImagePlane], choices: Choices, path: Path, times_s: Sequence[float] | None = None
) -> tuple[list[int], list[str]]:
    """Return the indices of the images of one plane.

    Parameters
    ----------
    slices : sequence of ImagePlane
        The plane of each image. Images belong to the first plane to which they lie as near as a live session allows.
    choices : Choices
        `scan` is the number of the plane in the list that the error gives, `orientation` that of the plane; neither is
        needed for the only plane.
    path : Path
        Named in messages.
    times_s : sequence of float, optional
        Time of each image in s, for the rate of each plane in the list.

    Returns
    -------
    indices : list of int
        Indices into `slices`.
    notes : list of str
        Which planes are left out, and how far the images of the plane lie apart.

    Raises
    ------
    RecordingError
        When there are several planes and none is chosen, or none has that number or orientation.
    """
    found = grouped(slices, path)

    def listed(groups: Sequence[int]) -> str:
        words = []
        for number in groups[:LISTED]:
            members = found[number]
            rate = "" if times_s is None else described_rate([times_s[index] for index in members])
            words.append(f"{number + 1} ({slices[members[0]].describe()}, {len(members)} images{rate})")
        return ", ".join(words)

    fitting = of_orientation(found, lambda group: slices[group[0]].plane, choices.orientation)
    wanted = choices.scan
    if wanted is not None and not (wanted.isdecimal() and int(wanted) - 1 in fitting):
        raise RecordingError(f"{path}: has no plane {wanted!r:.20}; it holds {listed(fitting):.300}")
    if wanted is not None:
        fitting = [int(wanted) - 1]
    everything = listed(range(len(found)))
    if not fitting:
        raise RecordingError(f"{path}: has no {choices.orientation} plane; it holds {everything:.300}")
    if len(fitting) > 1:
        raise RecordingError(
            f"{path}: holds {len(fitting)} planes: {listed(fitting):.300}; choose one with --scan NUMBER or --plane "
            "NAME"
        )
    chosen = found[fitting[0]]
    others = [number for number in range(len(found)) if number != fitting[0]]
    notes = [f"of {len(found)} planes this is {fitting[0] + 1}, without {listed(others):.300}"] if others else []
    return chosen, notes + note_on_positions(max(slices[chosen[0]].apart_mm(slices[index]) for index in chosen))


def note_on_positions(apart_mm: float) -> list[str]:
    """Return a note that images of one plane lie up to a distance from the first, in mm; none where it is too small."""
    if not apart_mm > NOTED_MM:
        return []
    return [f"positions of images differ by up to {apart_mm:.2g} mm; that of the first is used for all"]


def grouped(slices: Sequence[ImagePlane], path: Path) -> list[list[int]]:
    """Return the indices of the images of each plane, within the tolerances, in the order of their first images.

    Parameters
    ----------
    slices : sequence of ImagePlane
        The plane of each image.
    path : Path
        Named in messages.

    Raises
    ------
    RecordingError
        When there are more planes than any device images in turn.
    """
    found: list[list[int]] = []
    known: dict[Hashable, list[int]] = {}
    for index, one in enumerate(slices):
        key = one.key()
        near = known.get(key)
        if near is None:
            near = next((members for members in found if slices[members[0]].apart_mm(one) <= SAME_PLANE_MM), None)
            if near is None:
                near = []
                found.append(near)
                if len(found) > MOST_PLANES:
                    raise RecordingError(f"{path}: holds more than {MOST_PLANES} planes; give a cine of a few planes")
            known[key] = near
        near.append(index)
    return found
