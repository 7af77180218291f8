"""The structures that a live session is planned with, and its setup with them on a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import Role, Structure, mask_to_contour
from gatekeeper.core.errors import InputError, TargetError
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.target import ExactlyOutlined, Outlined, Reference
from gatekeeper.tracking.tracker import StructureTracker

LARGEST_UINT16 = 65535.0


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
