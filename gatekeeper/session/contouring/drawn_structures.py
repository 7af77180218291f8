"""What is known, proposed and confirmed of each structure while structures are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig, TargetLimits, with_limits
from gatekeeper.core.contour import Role, mask_to_contour
from gatekeeper.core.errors import InputError, TargetError
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed
from gatekeeper.session.contouring.outline import Region, outline_to_adjust
from gatekeeper.session.contouring.state import ContouredStructure
from gatekeeper.session.definition import ByHand, SessionDefinition
from gatekeeper.session.target import Drawn, Outlined, Reference
from gatekeeper.session.tracker_guard import TrackerMaker
from gatekeeper.style.structures import structure_colors


@dataclass(frozen=True, slots=True, eq=False)
class Confirmed:
    """An outline that an operator has confirmed.

    Attributes
    ----------
    region : Region
        Its mask and envelope.
    margin_mm : float or None
        Margin from a target to its envelope, in mm; None for an organ at risk.
    """

    region: Region
    margin_mm: float | None


class DrawnStructures:
    """The structures of a session on the image on which some of them are drawn.

    Parameters
    ----------
    definition : SessionDefinition
        What is known already.

    Attributes
    ----------
    by_hand : dict of str to ByHand
        Structures that an operator draws or adjusts, by their names, the primary target first.
    """

    def __init__(self, definition: SessionDefinition) -> None:
        self._definition = definition
        self.by_hand: dict[str, ByHand] = {one.name: one for one in definition.by_hand}
        roles = {definition.config.primary_name: Role.TARGET}
        self._roles = {**roles, **{one.outlined.name: one.role for one in definition.structures}}
        self._colors = structure_colors(self._roles, definition.config.settings().structures)
        self._known: dict[str, NDArray[np.float64]] = {}
        self._proposals: dict[str, NDArray[np.float64]] = {}
        self._confirmed: dict[str, Confirmed] = {}

    @property
    def missing(self) -> Sequence[str]:
        """Names of structures that are required and not confirmed yet."""
        return [name for name, one in self.by_hand.items() if one.required and name not in self._confirmed]

    def place(self, reference: Reference, *, propose: bool) -> None:
        """Put what is known on an image, and forget what was confirmed on another.

        Parameters
        ----------
        reference : Reference
            The image.
        propose : bool
            Whether outlines to be adjusted are proposed.

        Raises
        ------
        InputError
            When a structure that is required is not on the image.
        """
        definition, beside_mm = self._definition, self._definition.config.gate.plane_offset_mm
        primary = definition.config.primary_name
        known, proposals = {one.name: one.contour_px for one in definition.structures_on(reference)}, {}
        if definition.target is not None and primary not in self.by_hand:
            known[primary] = mask_to_contour(definition.target.on(reference, beside_mm))
        for name, one in self.by_hand.items():
            if one.known is None:
                continue
            try:
                mask = one.known.on(reference, beside_mm)
            except InputError:
                if one.required:
                    raise
                continue
            if propose:
                proposals[name] = outline_to_adjust(mask)
        self._known, self._proposals, self._confirmed = known, proposals, {}

    def clear(self) -> None:
        """Forget what was on the last image."""
        self._known, self._proposals, self._confirmed = {}, {}, {}

    def release(self) -> None:
        """Forget what was drawn and proposed on a frame that is released."""
        self._proposals, self._confirmed = {}, {}

    def confirm(self, name: str, region: Region, margin_mm: float | None) -> None:
        """Keep the outline of a structure."""
        self._confirmed[name] = Confirmed(region, margin_mm)

    def begin(self, name: str, reference: Reference) -> tuple[SessionSetup, Armed] | None:
        """Return setup and engine of the session; None while the outline of a required structure is missing.

        Parameters
        ----------
        name : str
            The structure that was confirmed last; forgotten where it, or the session with it, cannot be tracked.
        reference : Reference
            The image.

        Raises
        ------
        InputError
            When a structure cannot be tracked.
        """
        definition, settings = self._definition, self.settings()
        try:
            if not self.missing:
                return definition.begin(reference, self._outlines(reference), settings)
            self._check_tracked(name, reference, settings)
        except InputError:
            del self._confirmed[name]
            raise
        return None

    def _check_tracked(self, name: str, reference: Reference, settings: SessionConfig) -> None:
        """Raise TargetError when a structure cannot be tracked by itself."""
        maker = TrackerMaker(settings.tracker.on(reference.plane), self._definition.tracker)
        image = np.ascontiguousarray(reference.image, dtype=np.float32)
        try:
            maker.make(image, {name: self._confirmed[name].region.mask}, reference.spacing_mm)
        except TargetError as error:
            # A tracker of one structure calls it the target.
            raise TargetError(f"{name}: {str(error).removeprefix('target: ')}") from None

    def _outlines(self, reference: Reference) -> dict[str, Outlined]:
        return {name: Drawn.of_mask(name, one.region.mask, reference) for name, one in self._confirmed.items()}

    def settings(self) -> SessionConfig:
        """Return the settings of the session, with the margins that the operator has confirmed."""
        settings, primary = self._definition.config.settings(), self._definition.config.primary_name
        targets = dict(settings.structures.target)
        for name, one in self._confirmed.items():
            if one.margin_mm is None:
                continue
            if name == primary:
                settings = with_limits(settings, one.margin_mm, None, "outline of the target")
            else:
                limits = targets.get(name, TargetLimits())
                targets[name] = limits.model_copy(update={"margin_mm": one.margin_mm})
        structures = settings.structures.model_copy(update={"target": targets})
        return settings.model_copy(update={"structures": structures})

    def shown(self) -> tuple[ContouredStructure, ...]:
        """Return all structures for the faces of the session, the primary target first."""
        return tuple(self._shown(name, role) for name, role in self._roles.items())

    def _shown(self, name: str, role: Role) -> ContouredStructure:
        color, one, confirmed = self._colors[name], self.by_hand.get(name), self._confirmed.get(name)
        if one is None:
            return ContouredStructure(name, role, color, by_hand=False, outline_px=self._known.get(name))
        margin_mm = one.margin_mm if confirmed is None else confirmed.margin_mm
        return ContouredStructure(
            name,
            role,
            color,
            required=one.required,
            margin_mm=margin_mm,
            confirmed=confirmed is not None,
            proposal_px=self._proposals.get(name),
            outline_px=None if confirmed is None else confirmed.region.points_px,
            zone_px=None if confirmed is None or margin_mm is None else confirmed.region.envelope_px,
        )
