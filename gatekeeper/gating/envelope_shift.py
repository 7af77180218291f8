"""Rebase: an operator moves the envelope to where the target now is at rest, within bounds."""

import math

from gatekeeper.config import GateConfig
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.zones import TargetZone, Zone

ROUNDING_MM = 1e-9


class EnvelopeShift:
    """The zones of a session as they are now, and how far they are from where they were planned.

    Parameters
    ----------
    planned : tuple of TargetZone and Avoid
        The zones as planned, that of the primary target first.
    config : GateConfig
        The bounds.

    Attributes
    ----------
    zones : tuple of TargetZone and Avoid
        The zones as they are now.
    moved_mm : tuple of float
        By how much they were moved from where they were planned, along rows and columns.
    """

    def __init__(self, planned: tuple[Zone, ...], config: GateConfig) -> None:
        self._planned = planned
        self._config = config
        self.zones = planned
        self._primary = _primary(planned)
        self.moved_mm = (0.0, 0.0)

    @property
    def envelope(self) -> Envelope:
        """That of the primary target now."""
        return self._primary.envelope

    def move(self, shift_mm: tuple[float, float]) -> tuple[bool, str]:
        """Move all zones, what is to be avoided with the targets since the beam moves, unless it is too far.

        Parameters
        ----------
        shift_mm : tuple of float
            Along rows and columns, in mm.

        Returns
        -------
        accepted : bool
            False when nothing was moved.
        note : str
            By how much, or why not, in one line.
        """
        step_mm, total_mm = self._config.rebase_step_mm, self._config.rebase_total_mm
        moved_mm = (self.moved_mm[0] + shift_mm[0], self.moved_mm[1] + shift_mm[1])
        by_mm, from_plan_mm = math.hypot(*shift_mm), math.hypot(*moved_mm)
        if not by_mm <= step_mm + ROUNDING_MM:
            return False, f"not moved: {by_mm:.2f} mm is more than rebase_step_mm = {step_mm:g}; move less"
        if not from_plan_mm <= total_mm + ROUNDING_MM:
            return False, (
                f"not moved: {from_plan_mm:.2f} mm from the plan is more than rebase_total_mm = {total_mm:g}; "
                "position the patient anew"
            )
        self.zones = tuple(zone.moved(moved_mm) for zone in self._planned)
        self._primary = _primary(self.zones)
        self.moved_mm = moved_mm
        return True, (
            f"moved by {shift_mm[0]:+.2f} mm along rows and {shift_mm[1]:+.2f} mm along columns, now "
            f"{from_plan_mm:.2f} mm from the plan"
        )


def _primary(zones: tuple[Zone, ...]) -> TargetZone:
    """Return the zone of the primary target, which `zones.checked` has put first."""
    return next(zone for zone in zones if isinstance(zone, TargetZone))
