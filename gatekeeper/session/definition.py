"""The definition of a live session: what is known before its first frame, and how it is armed on a reference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatekeeper.config import LiveConfig, SessionConfig
from gatekeeper.core.contour import Structure
from gatekeeper.core.errors import TargetError
from gatekeeper.core.protocols import TrackerFactory
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed, arm
from gatekeeper.session.target import Outlined, Reference, avoid_on, setup_of


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
        The target; None: an operator draws it.
    avoid : sequence of Outlined
        Organs at risk, each with its keep-out zone.
    reference : Reference or None
        Image on which the target is known or drawn; None: the first suitable frame, or the one that an operator takes.
    arm_by : str or None
        Operator in whose name the gate is armed once everything is ready; None: an operator arms it.
    seconds : float
        Duration of the session in seconds of session time.
    tracker : TrackerFactory or None
        Makes the tracker; None: the one that the settings name.
    """

    name: str
    config: LiveConfig
    target: Outlined | None
    avoid: Sequence[Outlined] = ()
    reference: Reference | None = None
    arm_by: str | None = None
    seconds: float = math.inf
    tracker: TrackerFactory | None = None

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
        setup = setup_of(self.name, target, self.avoid, reference, self.config.gate.plane_offset_mm)
        return replace(setup, frames_per_s=self.config.source.frames_per_s)

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of the readers of all outlines, one line each."""
        drawn = self.avoid if self.target is None else (self.target, *self.avoid)
        return tuple(note for one in drawn for note in one.notes)

    def avoid_on(self, reference: Reference) -> tuple[Structure, ...]:
        """Return the organs at risk as contours on an image.

        Raises
        ------
        InputError
            When one is not on the image.
        """
        return avoid_on(self.avoid, reference, self.config.gate.plane_offset_mm)

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
        return setup, arm(setup, self.config.settings() if settings is None else settings, tracker=self.tracker)
