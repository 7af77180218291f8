"""The outlines of structures of a live session: from any input to masks on the reference."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import checked_outline, mask_to_contour
from gatekeeper.core.errors import TargetError
from gatekeeper.core.frame import Plane
from kernels.polygon import fill

SAME_PX = 0.01
"""Largest distance of corners, in px, at which two images count as having the same grid."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The image on which the target is known.

    Attributes
    ----------
    image : ndarray, shape (H, W)
        Canonical image, in the type of its source.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    plane : Plane
        Position and orientation of the image.
    where : str
        Name of the image in messages.
    frame_of_reference : str or None
        UID of its DICOM frame of reference, where known.
    """

    image: NDArray[np.generic]
    spacing_mm: tuple[float, float]
    plane: Plane
    where: str
    frame_of_reference: str | None = None


class Outlined(Protocol):
    """A structure that was outlined on some image."""

    @property
    def name(self) -> str:
        """Name of the structure."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of its reader, one line each: what was left out or could not be compared."""
        ...

    def on(self, reference: Reference, beside_mm: float) -> NDArray[np.bool_]:
        """Return the mask (H, W) on an image.

        Parameters
        ----------
        reference : Reference
            The image.
        beside_mm : float
            Largest distance between the image's plane and that of an outline, in mm.

        Raises
        ------
        InputError
            When the structure is not on the image.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A structure that was drawn on one or more planes.

    Attributes
    ----------
    name : str
        Name of the structure.
    contours_mm : tuple of ndarray of float64, shape (N, 3)
        Closed contours in DICOM LPS mm, whose union is the structure; those on other planes are ignored.
    mask : ndarray of bool, shape (H, W), or None
        Mask from which the contours were made.
    grid : Reference or None
        Image of that mask.
    notes : tuple of str
        Remarks of its reader.
    """

    name: str
    contours_mm: tuple[NDArray[np.float64], ...]
    mask: NDArray[np.bool_] | None = None
    grid: Reference | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of_mask(cls, name: str, mask: NDArray[np.bool_], grid: Reference) -> "Drawn":
        """Return a structure from a mask on an image.

        Parameters
        ----------
        name : str
            Name of the structure.
        mask : ndarray of bool, shape (H, W)
            The mask.
        grid : Reference
            The image.

        Raises
        ------
        TargetError
            When the mask is empty or of another size than the image.
        """
        if mask.shape != grid.image.shape:
            raise TargetError(
                f"{name}: its mask is {mask.shape} pixels, {grid.where} is {grid.image.shape}; draw it on that image"
            )
        if not mask.any():
            raise TargetError(f"{name}: its mask in {grid.where} is empty; draw it")
        contour_mm = grid.plane.to_patient_mm(mask_to_contour(mask), grid.spacing_mm)
        return cls(name, (contour_mm,), mask, grid)

    def on(self, reference: Reference, beside_mm: float) -> NDArray[np.bool_]:
        """Return the mask (H, W) on an image.

        Parameters
        ----------
        reference : Reference
            The image.
        beside_mm : float
            Largest distance between the image's plane and that of an outline, in mm.

        Raises
        ------
        TargetError
            When the structure is not on that plane, or not on the image.
        """
        if self.mask is not None and self.grid is not None and _is_same_grid(self.grid, reference):
            return self.mask
        mask = np.zeros(reference.image.shape, dtype=np.bool_)
        part = np.zeros_like(mask)
        gaps_mm = [_beside_mm(contour_mm, reference.plane) for contour_mm in self.contours_mm]
        for contour_mm, gap_mm in zip(self.contours_mm, gaps_mm, strict=True):
            if gap_mm <= beside_mm:
                contour_px = reference.plane.to_pixel(contour_mm, reference.spacing_mm)
                fill(checked_outline(contour_px, self.name), part)
                mask |= part
        if not any(gap_mm <= beside_mm for gap_mm in gaps_mm):
            raise TargetError(
                f"{self.name}: lies {min(gaps_mm, default=np.inf):.1f} mm beside the plane of {reference.where}, "
                f"the limit is {beside_mm:g} mm; draw it on that plane, or set up the plane on which it was drawn"
            )
        if not mask.any():
            raise TargetError(f"{self.name}: is on the plane of {reference.where} but not on the image; draw it again")
        return mask


@runtime_checkable
class ExactlyOutlined(Protocol):
    """A structure whose outline on an image is known more exactly than to a pixel."""

    def outline_px(self, reference: Reference) -> NDArray[np.float64]:
        """Return the outline (N, 2) on an image as (row, col), or raise InputError when it is not there."""
        ...


def _beside_mm(contour_mm: NDArray[np.float64], plane: Plane) -> float:
    """Return the largest distance of a contour from a plane, in mm; infinite when it is not finite."""
    normal = np.cross(plane.row_step, plane.col_step)
    gaps_mm = np.abs((contour_mm - np.array(plane.origin_mm)) @ normal)
    return float(gaps_mm.max()) if np.isfinite(gaps_mm).all() else float("inf")


def _is_same_grid(one: Reference, other: Reference) -> bool:
    """Return whether two images have their pixels in the same positions."""
    if one.image.shape != other.image.shape:
        return False
    rows, cols = one.image.shape
    corners_px = np.array([(0.0, 0.0), (rows - 1.0, 0.0), (0.0, cols - 1.0)])
    corners_mm = one.plane.to_patient_mm(corners_px, one.spacing_mm)
    there_mm = other.plane.to_patient_mm(corners_px, other.spacing_mm)
    return bool(np.abs(corners_mm - there_mm).max() <= SAME_PX * min(other.spacing_mm))
