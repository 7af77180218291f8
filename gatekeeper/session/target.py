"""The target of a live session: from outlines as they were drawn to masks on the reference, wherever it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import Role, Structure, checked_outline, mask_to_contour
from gatekeeper.core.errors import TargetError
from gatekeeper.core.frame import Plane
from gatekeeper.recording.session_setup import SessionSetup
from kernels.polygon import fill

SAME_PX = 0.01
"""A mask is on a grid of its own when one of its corners lies further from the reference's than this, in px."""
LARGEST_UINT16 = 65535.0


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The image on which the target is known.

    Attributes
    ----------
    image : ndarray, shape (H, W)
        Canonical, in the type of its source.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    plane : Plane
        Where it lies.
    where : str
        What messages call it.
    frame_of_reference : str or None
        UID of its DICOM frame of reference, where that is known.
    """

    image: NDArray[np.generic]
    spacing_mm: tuple[float, float]
    plane: Plane
    where: str
    frame_of_reference: str | None = None


class Outlined(Protocol):
    """A structure that was outlined somewhere."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def on(self, reference: Reference, beside_mm: float) -> NDArray[np.bool_]:
        """Return the mask (H, W) on an image, or raise InputError when the structure is not there.

        `beside_mm` is how far beside the image's plane an outline may lie that was drawn on one, in mm.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A structure that was drawn on planes such as that of the images.

    Attributes
    ----------
    name : str
        What it is called.
    contours_mm : tuple of ndarray of float64, shape (N, 3)
        Closed outlines in DICOM LPS mm; one on another plane is left out. Together they are the structure.
    mask : ndarray of bool, shape (H, W), or None
        The structure on an image of its own, from which the outlines were made.
    grid : Reference or None
        That image.
    """

    name: str
    contours_mm: tuple[NDArray[np.float64], ...]
    mask: NDArray[np.bool_] | None = None
    grid: Reference | None = None

    @classmethod
    def of_mask(cls, name: str, mask: NDArray[np.bool_], grid: Reference) -> "Drawn":
        """Return what was drawn as a mask on an image.

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
            Outlines that lie further beside its plane, in mm, are on another one.

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


def setup_of(
    name: str, target: Outlined, avoid: Sequence[Outlined], reference: Reference, beside_mm: float
) -> SessionSetup:
    """Return what a live session begins with: its gate waits for an operator.

    Parameters
    ----------
    name : str
        What the session is called.
    target : Outlined
        What must stay in its envelope.
    avoid : sequence of Outlined
        What must stay out of it.
    reference : Reference
        The image.
    beside_mm : float
        How far beside its plane an outline may lie, in mm.

    Raises
    ------
    InputError
        When a structure is not on the image.
    """
    structures = avoid_on(avoid, reference, beside_mm)
    return SessionSetup(
        name=name,
        reference=reference.image,
        target_mask=target.on(reference, beside_mm),
        spacing_mm=reference.spacing_mm,
        plane=reference.plane,
        pixel_type=_pixel_type(reference.image),
        structures=structures,
        armed=False,
    )


def avoid_on(avoid: Sequence[Outlined], reference: Reference, beside_mm: float) -> tuple[Structure, ...]:
    """Return what must be spared, outlined on an image; arguments and errors are those of `setup_of`."""
    return tuple(Structure(one.name, Role.AVOID, mask_to_contour(one.on(reference, beside_mm))) for one in avoid)


def _pixel_type(image: NDArray[np.generic]) -> np.dtype[np.generic]:
    """Return the type in which frames are kept: 16 bits where the reference fits into them exactly."""
    values = np.asarray(image, dtype=np.float64)
    whole = bool(np.all((values >= 0.0) & (values <= LARGEST_UINT16) & (values == np.floor(values))))
    return np.dtype(np.uint16) if whole else np.dtype(np.float32)


def _beside_mm(contour_mm: NDArray[np.float64], plane: Plane) -> float:
    """Return how far an outline lies beside a plane, at its farthest point; infinite when it is not finite."""
    normal = np.cross(plane.row_step, plane.col_step)
    gaps_mm = np.abs((contour_mm - np.array(plane.origin_mm)) @ normal)
    return float(gaps_mm.max()) if np.isfinite(gaps_mm).all() else float("inf")


def _is_same_grid(one: Reference, other: Reference) -> bool:
    """Return whether two images have their pixels in the same places."""
    if one.image.shape != other.image.shape:
        return False
    rows, cols = one.image.shape
    corners_px = np.array([(0.0, 0.0), (rows - 1.0, 0.0), (0.0, cols - 1.0)])
    corners_mm = one.plane.to_patient_mm(corners_px, one.spacing_mm)
    there_mm = other.plane.to_patient_mm(corners_px, other.spacing_mm)
    return bool(np.abs(corners_mm - there_mm).max() <= SAME_PX * min(other.spacing_mm))
