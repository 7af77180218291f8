"""The definition of a live session: what is known before its first frame, and how it is armed on a reference."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gatekeeper.config import LiveConfig, SessionConfig, TargetLimits, only_structures
from gatekeeper.core.contour import Role, Structure
from gatekeeper.core.errors import TargetError
from gatekeeper.core.protocols import TrackerFactory
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed, arm
from gatekeeper.session.planned import NotDrawn, Planned, setup_of, structures_on
from gatekeeper.session.target import Outlined, Reference


@dataclass(frozen=True, slots=True, eq=False)
class ByHand:
    """A structure that an operator draws or adjusts before the session begins.

    Attributes
    ----------
    name : str
        Name of the structure.
    role : Role
        Target or organ at risk.
    required : bool
        Whether the session cannot begin without it.
    margin_mm : float or None
        Margin from a target to its envelope, in mm, unless the operator changes it; None for an organ at risk.
    known : Outlined or None
        The outline to be adjusted; None: it is drawn.
    """

    name: str
    role: Role
    required: bool
    margin_mm: float | None
    known: Outlined | None


@dataclass(frozen=True, slots=True, eq=False)
class SessionDefinition:
    """What is known of a live session before its first frame.

    Attributes
    ----------
    name : str
        Name of the session.
    config : LiveConfig
        All settings.
    target : Outlined or None
        The primary target; None: an operator draws it.
    structures : sequence of Planned
        Further targets and organs at risk.
    reference : Reference or None
        Image on which the target is known or drawn; None: the first suitable frame, or the one that an operator takes.
    arm_by : str or None
        Operator in whose name the gate is armed once everything is ready; None: an operator arms it.
    seconds : float
        Duration of the session in seconds of session time.
    tracker : TrackerFactory or None
        Makes the tracker; None: the one that the settings name.
    envelope : Outlined or None
        The primary target's own envelope; None: it is made from the margin.
    left_out : sequence of str
        Structures that could not be read and are not required, one line each.
    """

    name: str
    config: LiveConfig
    target: Outlined | None
    structures: Sequence[Planned] = ()
    reference: Reference | None = None
    arm_by: str | None = None
    seconds: float = math.inf
    tracker: TrackerFactory | None = None
    envelope: Outlined | None = None
    left_out: Sequence[str] = ()

    @property
    def silence_s(self) -> float:
        """Time since the last frame above which a frame counts as missing, in s."""
        rate_hz = self.config.source.frames_per_s
        return self.config.silence_s(math.inf if rate_hz is None else 1.0 / rate_hz)

    def setup(self, reference: Reference, drawn: Mapping[str, Outlined] | None = None) -> SessionSetup:
        """Return the session's setup on a reference.

        Parameters
        ----------
        reference : Reference
            The reference image.
        drawn : mapping of str to Outlined, optional
            What operators have drawn or adjusted, by the names of the structures.

        Returns
        -------
        SessionSetup
            Reference, masks and geometry.

        Raises
        ------
        InputError
            When a structure is not on the reference, or the target has not been drawn yet.
        """
        outlines = {} if drawn is None else drawn
        target = outlines.get(self.config.primary_name, self.target)
        if target is None:
            raise TargetError("target: it has not been drawn yet; draw it on the console's page")
        beside_mm = self.config.gate.plane_offset_mm
        structures = [one.drawn(outlines) for one in self.structures]
        setup = setup_of(self.name, target, structures, reference, beside_mm, self.envelope)
        left_out = (*self.left_out, *setup.left_out)
        return replace(setup, frames_per_s=self.config.source.frames_per_s, left_out=left_out)

    @property
    def by_hand(self) -> tuple[ByHand, ...]:
        """Structures that an operator draws or adjusts before the session begins, the primary target first."""
        settings, found = self.config.settings(), []
        margin_mm = settings.envelope.margin_mm
        if self.config.target[0].by_hand:
            found.append(ByHand(self.config.primary_name, Role.TARGET, True, margin_mm, self.target))
        for one in self.structures:
            if one.by_hand:
                name, known = one.outlined.name, None if isinstance(one.outlined, NotDrawn) else one.outlined
                own_mm = settings.structures.target.get(name, TargetLimits()).margin_mm
                of_target = margin_mm if own_mm is None else own_mm
                found.append(
                    ByHand(name, one.role, one.required, of_target if one.role is Role.TARGET else None, known)
                )
        return tuple(found)

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of the readers of all outlines, one line each."""
        drawn = [self.target, self.envelope]
        for one in self.structures:
            drawn += [one.outlined, one.zone]
        return (*self.left_out, *(note for one in drawn if one is not None for note in one.notes))

    def structures_on(self, reference: Reference) -> tuple[Structure, ...]:
        """Return further targets and organs at risk as contours on an image.

        Those that are left out or by hand are not among them.

        Raises
        ------
        InputError
            When one that is required is not on the image.
        """
        known = [one for one in self.structures if not one.by_hand]
        return structures_on(known, reference, self.config.gate.plane_offset_mm)[0]

    def begin(
        self,
        reference: Reference,
        drawn: Mapping[str, Outlined] | None = None,
        settings: SessionConfig | None = None,
    ) -> tuple[SessionSetup, Armed]:
        """Return the session's setup and the engine for it.

        Parameters
        ----------
        reference : Reference
            The reference image.
        drawn : mapping of str to Outlined, optional
            What operators have drawn or adjusted, by the names of the structures.
        settings : SessionConfig, optional
            Settings to use instead of those of the definition.

        Raises
        ------
        InputError
            When a structure is not on the reference, or cannot be tracked there.
        """
        setup = self.setup(reference, drawn)
        settings = only_structures(self.config.settings() if settings is None else settings, setup.names)
        return setup, arm(setup, settings, tracker=self.tracker)
