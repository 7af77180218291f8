"""The plan of a live session: everything that is known of it before its first frame, and how it begins on an image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gatekeeper.config import LiveConfig, SessionConfig
from gatekeeper.core.contour import Structure
from gatekeeper.core.errors import TargetError
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed, arm
from gatekeeper.session.target import Outlined, Reference, avoid_on, setup_of


@dataclass(frozen=True, slots=True, eq=False)
class SessionDefinition:
    """What a live session is to be.

    Attributes
    ----------
    name : str
        What it is called.
    config : LiveConfig
        All settings.
    target : Outlined or None
        What must stay in its envelope; None: an operator draws it.
    avoid : sequence of Outlined
        What must stay out of it.
    reference : Reference or None
        The image on which the target is known, or to be drawn; None: the first frame on which it can be, or the one
        that an operator takes to draw on.
    arm_by : str or None
        In whose name the gate is armed as soon as everything is ready; None: an operator does it.
    seconds : float
        The session ends after this much session time, in seconds.
    """

    name: str
    config: LiveConfig
    target: Outlined | None
    avoid: Sequence[Outlined] = ()
    reference: Reference | None = None
    arm_by: str | None = None
    seconds: float = math.inf

    @property
    def silence_s(self) -> float:
        """How long after a frame the source counts as silent, in seconds."""
        rate_hz = self.config.source.frames_per_s
        return self.config.silence_s(math.inf if rate_hz is None else 1.0 / rate_hz)

    def setup(self, reference: Reference, target: Outlined | None = None) -> SessionSetup:
        """Return what the session begins with on a reference, with the plan's target or another.

        Raises
        ------
        InputError
            When a structure is not on it, or nobody has drawn the target yet.
        """
        target = self.target if target is None else target
        if target is None:
            raise TargetError("target: nobody has drawn it yet; draw it on the console's page")
        return setup_of(self.name, target, self.avoid, reference, self.config.gate.plane_offset_mm)

    def avoid_on(self, reference: Reference) -> tuple[Structure, ...]:
        """Return what must be spared, outlined on an image.

        Raises
        ------
        InputError
            When a structure is not on it.
        """
        return avoid_on(self.avoid, reference, self.config.gate.plane_offset_mm)

    def begin(
        self, reference: Reference, target: Outlined | None = None, settings: SessionConfig | None = None
    ) -> tuple[SessionSetup, Armed]:
        """Return that, and the engine for it, with the plan's settings or others.

        Raises
        ------
        InputError
            When a structure is not on the reference, or cannot be tracked there.
        """
        setup = self.setup(reference, target)
        return setup, arm(setup, self.config.settings() if settings is None else settings)
