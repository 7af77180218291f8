"""Move the envelopes on an operator's command, within limits."""

import math

from gatekeeper.config import GateConfig
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.zones import TargetZone, Zone

ROUNDING_MM = 1e-9


class EnvelopeShift:
    """The zones of a session and their displacement from the plan.

    Parameters
    ----------
    planned : tuple of TargetZone and KeepOutZone
        The zones as planned, that of the primary target first.
    config : GateConfig
        The limits.

    Attributes
    ----------
    zones : tuple of TargetZone and KeepOutZone
        The zones at their present position.
    moved_mm : tuple of float
        Their displacement from the planned position along rows and columns, in mm.
    """

    def __init__(self, planned: tuple[Zone, ...], config: GateConfig) -> None:
        self._planned = planned
        self._config = config
        self.zones = planned
        self._primary = _primary(planned)
        self.moved_mm = (0.0, 0.0)

    @property
    def envelope(self) -> Envelope:
        """Envelope of the primary target at its present position."""
        return self._primary.envelope

    def move(self, shift_mm: tuple[float, float]) -> tuple[bool, str]:
        """Move all zones, if the limits allow it; keep-out zones move with the targets, as the beam does.

        Parameters
        ----------
        shift_mm : tuple of float
            Displacement along rows and columns, in mm.

        Returns
        -------
        accepted : bool
            False when the zones were not moved.
        note : str
            The displacement, or why it was refused, in one line.
        """
        step_mm, total_mm = self._config.rebase_step_mm, self._config.rebase_total_mm
        moved_mm = (self.moved_mm[0] + shift_mm[0], self.moved_mm[1] + shift_mm[1])
        by_mm, from_plan_mm = math.hypot(*shift_mm), math.hypot(*moved_mm)
        if not by_mm <= step_mm + ROUNDING_MM:
            return False, f"not moved: {by_mm:.2f} mm is more than rebase_step_mm = {step_mm:g}; move less"
        if not from_plan_mm <= total_mm + ROUNDING_MM:
            return False, (
                f"not moved: {from_plan_mm:.2f} mm from the plan is more than rebase_total_mm = {total_mm:g}; "
                "reposition the patient"
            )
        self.zones = tuple(zone.moved(moved_mm) for zone in self._planned)
        self._primary = _primary(self.zones)
        self.moved_mm = moved_mm
        return True, (
            f"moved by {shift_mm[0]:+.2f} mm along rows and {shift_mm[1]:+.2f} mm along columns, now "
            f"{from_plan_mm:.2f} mm from the plan"
        )


def _primary(zones: tuple[Zone, ...]) -> TargetZone:
    """Return the zone of the primary target."""
    return next(zone for zone in zones if isinstance(zone, TargetZone))
