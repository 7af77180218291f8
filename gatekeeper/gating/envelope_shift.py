"""Move the envelopes on an operator's command, towards where the target was measured to rest, and within limits."""

import math

from gatekeeper.config import GateConfig
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.contour import center_mm
from gatekeeper.core.frame import Plane
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.rest_position import RestPosition
from gatekeeper.gating.zones import TargetZone, Zone

ROUNDING_MM = 1e-9
AT_REST_MM = 1.0
"""The envelope may be moved to within this of the position of rest, and beside the way to it by this, in mm."""
LEAST_MM = 0.5
"""A button or a word moves the envelope by no less than this, in mm."""
COUCH = "moving the treatment couch keeps the plan and is the better way"
"""Said wherever a shift is shown."""


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
    rest : RestPosition
        Where the target was found lately.
    orientation : Orientation
        That of the images, by the plane of the primary target's envelope.
    """

    def __init__(self, planned: tuple[Zone, ...], config: GateConfig) -> None:
        self._planned = planned
        self._config = config
        self.zones = planned
        self._primary = _primary(planned)
        self._planned_mm = center_mm(self._primary.envelope.contour_px, self._primary.envelope.spacing_mm)
        self.moved_mm = (0.0, 0.0)
        self.rest = RestPosition()
        self.orientation = orientation_of(self._primary.envelope.plane or Plane())
        self._in_words = self.orientation.in_words

    @property
    def envelope(self) -> Envelope:
        """Envelope of the primary target at its present position."""
        return self._primary.envelope

    def to_rest_mm(self) -> tuple[float, float] | None:
        """Return the shift along rows and columns to where the target rests, in mm; None when that is not known."""
        rest_mm = self.rest_mm()
        return None if rest_mm is None else self.to_mm(rest_mm)

    def rest_mm(self) -> tuple[float, float] | None:
        """Return where the target rests as (row, col) in mm; None when that is not known."""
        return self.rest.find((self._planned_mm[0] + self.moved_mm[0], self._planned_mm[1] + self.moved_mm[1]))

    def to_mm(self, place_mm: tuple[float, float]) -> tuple[float, float]:
        """Return the way from the envelope's present position to a place (row, col), in mm."""
        return (
            place_mm[0] - self._planned_mm[0] - self.moved_mm[0],
            place_mm[1] - self._planned_mm[1] - self.moved_mm[1],
        )

    def towards(self, place_mm: tuple[float, float]) -> tuple[float, float] | str:
        """Return the longest shift towards a place that the limits allow, at most all of it, or why there is none.

        Parameters
        ----------
        place_mm : tuple of float
            Where the target is to be, as (row, col) in mm.

        Returns
        -------
        tuple of float or str
            Shift along rows and columns in mm; one line where it is too small or a limit is used up.
        """
        way_mm, (moved_row_mm, moved_col_mm) = self.to_mm(place_mm), self.moved_mm
        length_mm, there = math.hypot(*way_mm), f"{self._in_words(way_mm)} of the envelope"
        if not length_mm >= LEAST_MM:
            return f"not moved: it is there already, {there}"
        along_mm = (moved_row_mm * way_mm[0] + moved_col_mm * way_mm[1]) / length_mm
        left_mm2 = self._config.rebase_total_mm**2 - math.hypot(*self.moved_mm) ** 2 + along_mm**2
        reach_mm = math.sqrt(max(left_mm2, 0.0)) - along_mm
        shift_mm = min(length_mm, self._config.rebase_step_mm, reach_mm)
        if not shift_mm >= LEAST_MM:
            step_mm, total_mm = self._config.rebase_step_mm, self._config.rebase_total_mm
            return (
                f"not moved: it is {there}, and rebase_step_mm = {step_mm:g} and rebase_total_mm = {total_mm:g} leave "
                "no way there; move the treatment couch"
            )
        return shift_mm / length_mm * way_mm[0], shift_mm / length_mm * way_mm[1]

    def refusal(
        self, shift_mm: tuple[float, float], *, held: bool, hold_mm: tuple[float, float] | None = None
    ) -> str | None:
        """Return why the zones may not be moved by a shift, in one line; None when they may.

        Parameters
        ----------
        shift_mm : tuple of float
            Displacement along rows and columns, in mm.
        held : bool
            Whether the beam is held now.
        hold_mm : tuple of float, optional
            Mean position in the newest breath-hold as (row, col) in mm, to which the zones may be moved as well.
        """
        if not held:
            return "not moved: the beam is on; hold it first"
        if (too_far := self._too_far(shift_mm)) is not None:
            return too_far
        if hold_mm is not None and _leads_to_rest(shift_mm, self.to_mm(hold_mm)):
            return None
        to_rest_mm = self.to_rest_mm()
        if to_rest_mm is None:
            return "not moved: where the target rests has not been measured; wait, or move the treatment couch"
        if not _leads_to_rest(shift_mm, to_rest_mm):
            return (
                f"not moved: that is not where the target rests, {self._in_words(to_rest_mm)} of the envelope; "
                "move towards it, by no more"
            )
        return None

    def as_words(self, shift_mm: tuple[float, float]) -> str:
        """Describe a shift that is asked for, and where the target rests, in one line."""
        to_rest_mm = self.to_rest_mm()
        rests = "" if to_rest_mm is None else f"; the target rests {self._in_words(to_rest_mm)} of the envelope"
        return (
            f"moves the envelope {self._in_words(shift_mm)}, to {self._from_plan_mm(shift_mm):.2f} mm from the plan"
            f"{rests}; {COUCH}"
        )

    def move(self, shift_mm: tuple[float, float]) -> tuple[bool, str]:
        """Move all zones, if the limits allow it; keep-out zones move with the targets, as the beam does.

        An operator's shift is checked by `refusal` before.

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
        too_far = self._too_far(shift_mm)
        if too_far is not None:
            return False, too_far
        self.moved_mm = (self.moved_mm[0] + shift_mm[0], self.moved_mm[1] + shift_mm[1])
        self.zones = tuple(zone.moved(self.moved_mm) for zone in self._planned)
        self._primary = _primary(self.zones)
        return True, f"moved by {self._in_words(shift_mm)}, now {math.hypot(*self.moved_mm):.2f} mm from the plan"

    def _too_far(self, shift_mm: tuple[float, float]) -> str | None:
        """Return which limit a shift exceeds, in one line; None when it is within both."""
        step_mm, total_mm = self._config.rebase_step_mm, self._config.rebase_total_mm
        by_mm, from_plan_mm = math.hypot(*shift_mm), self._from_plan_mm(shift_mm)
        if not by_mm <= step_mm + ROUNDING_MM:
            return f"not moved: {by_mm:.2f} mm is more than rebase_step_mm = {step_mm:g}; move less"
        if not from_plan_mm <= total_mm + ROUNDING_MM:
            return (
                f"not moved: {from_plan_mm:.2f} mm from the plan is more than rebase_total_mm = {total_mm:g}; "
                "move the treatment couch"
            )
        return None

    def _from_plan_mm(self, shift_mm: tuple[float, float]) -> float:
        return math.hypot(self.moved_mm[0] + shift_mm[0], self.moved_mm[1] + shift_mm[1])


def _leads_to_rest(shift_mm: tuple[float, float], to_rest_mm: tuple[float, float]) -> bool:
    """Return whether a shift ends where the target rests, or brings the envelope nearer to it on a straight way.

    Every shift brings the envelope nearer or leaves it within `AT_REST_MM`, so that many small ones lead nowhere else.
    """
    before_mm = math.hypot(*to_rest_mm)
    after_mm = math.hypot(to_rest_mm[0] - shift_mm[0], to_rest_mm[1] - shift_mm[1])
    if after_mm <= AT_REST_MM:
        return True
    if not after_mm < before_mm:
        return False
    along_mm = (shift_mm[0] * to_rest_mm[0] + shift_mm[1] * to_rest_mm[1]) / before_mm
    beside_mm = abs(shift_mm[0] * to_rest_mm[1] - shift_mm[1] * to_rest_mm[0]) / before_mm
    return along_mm <= before_mm and beside_mm <= AT_REST_MM


def _primary(zones: tuple[Zone, ...]) -> TargetZone:
    """Return the zone of the primary target."""
    return next(zone for zone in zones if isinstance(zone, TargetZone))
