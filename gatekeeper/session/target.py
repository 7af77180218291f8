"""The structures of a live session: from the structures of any input to masks on the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import Role, Structure, checked_outline, mask_to_contour
from gatekeeper.core.errors import InputError, TargetError
from gatekeeper.core.frame import Plane
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.tracking.tracker import StructureTracker
from kernels.polygon import fill

SAME_PX = 0.01
"""Largest distance of corners, in px, at which two images count as having the same grid."""
LARGEST_UINT16 = 65535.0


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


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """A structure that an operator has yet to draw.

    Attributes
    ----------
    name : str
        Name of the structure.
    notes : tuple of str
        Empty.
    """

    name: str
    notes: tuple[str, ...] = ()

    def on(self, _reference: Reference, _beside_mm: float) -> NDArray[np.bool_]:
        """Raise TargetError."""
        raise TargetError(f"{self.name}: has not been drawn; draw it on the console's page")


@runtime_checkable
class ExactlyOutlined(Protocol):
    """A structure whose outline on an image is known more exactly than to a pixel."""

    def outline_px(self, reference: Reference) -> NDArray[np.float64]:
        """Return the outline (N, 2) on an image as (row, col), or raise InputError when it is not there."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A further target or an organ at risk of a live session.

    Attributes
    ----------
    outlined : Outlined
        Where it is.
    role : Role
        Target or organ at risk.
    zone : Outlined or None
        Its own envelope or keep-out zone; None: the zone is made from margins.
    required : bool
        Whether the session cannot begin without it.
    by_hand : bool
        Whether an operator draws or adjusts it before the session begins.
    """

    outlined: Outlined
    role: Role
    zone: Outlined | None = None
    required: bool = True
    by_hand: bool = False

    def drawn(self, outlines: Mapping[str, Outlined]) -> "Planned":
        """Return the structure with its outline among those that were drawn; without one there, it is not drawn."""
        if not self.by_hand:
            return self
        name = self.outlined.name
        return replace(self, outlined=outlines.get(name, NotDrawn(name)))

    def on(self, reference: Reference, beside_mm: float) -> Structure:
        """Return the structure on an image; see `setup_of` for parameters and errors."""
        contour_px = mask_to_contour(self.outlined.on(reference, beside_mm))
        return Structure(self.outlined.name, self.role, contour_px, zone_px(self.zone, reference, beside_mm))


def zone_px(zone: Outlined | None, reference: Reference, beside_mm: float) -> NDArray[np.float64] | None:
    """Return the outline of a zone on an image as (row, col), if there is one; see `setup_of`."""
    if zone is None:
        return None
    if isinstance(zone, ExactlyOutlined):
        return zone.outline_px(reference)
    return mask_to_contour(zone.on(reference, beside_mm))


def setup_of(
    name: str,
    target: Outlined,
    planned: Sequence[Planned],
    reference: Reference,
    beside_mm: float,
    envelope: Outlined | None = None,
) -> SessionSetup:
    """Return the setup of a live session, with the gate not armed.

    Parameters
    ----------
    name : str
        Name of the session.
    target : Outlined
        The primary target.
    planned : sequence of Planned
        Further targets and organs at risk; those that are not required are left out where they are not on the image.
    reference : Reference
        The image.
    beside_mm : float
        Largest distance between the image's plane and that of an outline, in mm.
    envelope : Outlined, optional
        The primary target's own envelope.

    Raises
    ------
    InputError
        When a structure is not on the image.
    """
    structures, left_out = structures_on(planned, reference, beside_mm)
    return SessionSetup(
        name=name,
        reference=reference.image,
        target_mask=target.on(reference, beside_mm),
        spacing_mm=reference.spacing_mm,
        plane=reference.plane,
        pixel_type=_pixel_type(reference.image),
        structures=structures,
        armed=False,
        target_name=target.name,
        target_zone_px=zone_px(envelope, reference, beside_mm),
        left_out=left_out,
    )


def structures_on(
    planned: Sequence[Planned], reference: Reference, beside_mm: float
) -> tuple[tuple[Structure, ...], tuple[str, ...]]:
    """Return structures on an image, and a line on each that is left out; see `setup_of`."""
    found, left_out = [], []
    for one in planned:
        try:
            structure = one.on(reference, beside_mm)
            if not one.required:
                # Raises TargetError when it cannot be tracked.
                StructureTracker(
                    reference.image, {structure.name: structure.mask(reference.image.shape)}, reference.spacing_mm
                )
            found.append(structure)
        except InputError as error:
            if one.required:
                raise
            left_out.append(without(one.outlined.name, error))
    return tuple(found), tuple(left_out)


def without(name: str, error: InputError) -> str:
    """Return the line that says that an optional structure is left out, and why."""
    why = str(error)
    return f"without {name}, which is not required: {why.removeprefix(f'{name}: ')}"


def _pixel_type(image: NDArray[np.generic]) -> np.dtype[np.generic]:
    """Return the type in which frames are stored: 16 bits where they represent the reference exactly."""
    values = np.asarray(image, dtype=np.float64)
    fits = bool(np.all((values >= 0.0) & (values <= LARGEST_UINT16) & (values == np.floor(values))))
    return np.dtype(np.uint16) if fits else np.dtype(np.float32)


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
