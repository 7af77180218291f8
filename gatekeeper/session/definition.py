"""The definition of a live session: what is known before its first frame, and how it is armed on a reference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatekeeper.config import LiveConfig, SessionConfig, only_structures
from gatekeeper.core.contour import Structure
from gatekeeper.core.errors import TargetError
from gatekeeper.core.protocols import TrackerFactory
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed, arm
from gatekeeper.session.target import Outlined, Planned, Reference, setup_of, structures_on


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

    def setup(self, reference: Reference, target: Outlined | None = None) -> SessionSetup:
        """Return the session's setup on a reference.

        Parameters
        ----------
        reference : Reference
            The reference image.
        target : Outlined, optional
            Target to use instead of the one in the definition.

        Returns
        -------
        SessionSetup
            Reference, masks and geometry.

        Raises
        ------
        InputError
            When a structure is not on the reference, or the target has not been drawn yet.
        """
        target = self.target if target is None else target
        if target is None:
            raise TargetError("target: it has not been drawn yet; draw it on the console's page")
        beside_mm = self.config.gate.plane_offset_mm
        setup = setup_of(self.name, target, self.structures, reference, beside_mm, self.envelope)
        left_out = (*self.left_out, *setup.left_out)
        return replace(setup, frames_per_s=self.config.source.frames_per_s, left_out=left_out)

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of the readers of all outlines, one line each."""
        drawn = [self.target, self.envelope]
        for one in self.structures:
            drawn += [one.outlined, one.zone]
        return (*self.left_out, *(note for one in drawn if one is not None for note in one.notes))

    def structures_on(self, reference: Reference) -> tuple[Structure, ...]:
        """Return further targets and organs at risk as contours on an image, without those that are left out.

        Raises
        ------
        InputError
            When one that is required is not on the image.
        """
        return structures_on(self.structures, reference, self.config.gate.plane_offset_mm)[0]

    def begin(
        self, reference: Reference, target: Outlined | None = None, settings: SessionConfig | None = None
    ) -> tuple[SessionSetup, Armed]:
        """Return the session's setup and the engine for it.

        Parameters
        ----------
        reference : Reference
            The reference image.
        target : Outlined, optional
            Target to use instead of the one in the definition.
        settings : SessionConfig, optional
            Settings to use instead of those of the definition.

        Raises
        ------
        InputError
            When a structure is not on the reference, or cannot be tracked there.
        """
        setup = self.setup(reference, target)
        settings = only_structures(self.config.settings() if settings is None else settings, setup.names)
        return setup, arm(setup, settings, tracker=self.tracker)
