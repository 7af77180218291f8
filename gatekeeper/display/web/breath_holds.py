"""Tell pages the breath-holds of a running session, and where the envelope can be moved."""

from gatekeeper.core.axes import Orientation
from gatekeeper.core.decision import BeamState
from gatekeeper.core.json_values import number
from gatekeeper.gating.gate import Gate
from gatekeeper.operator.request import BASELINE_PLACE, HOLD_PLACE
from gatekeeper.session.hold_rows import HoldRow, mean_and_sd, rows_of
from gatekeeper.session.status import Status

LISTED = 12
"""Number of the last holds that are listed; means are those of all that are over."""


def breath_holds_for_page(
    status: Status, reference_mm: tuple[float, float], orientation: Orientation
) -> dict[str, object]:
    """Return the breath-holds as plain values, superior, posterior and left positive.

    Parameters
    ----------
    status : Status
        Status of the session, with at least one breath-hold.
    reference_mm : tuple of float
        Centre of the target where it was drawn, as (row, col) in mm.
    orientation : Orientation
        That of the images.

    Returns
    -------
    dict
        `breath_hold`, the number of the present or last one, and `breath_holds` with the last ones, whether the patient
        is in the last, and mean and standard deviation of all that are over.
    """
    rows = rows_of(status.breath_holds, reference_mm, orientation)
    over = rows[:-1] if status.holding and len(rows) > 1 else rows
    return {
        "breath_hold": rows[-1].number,
        "breath_holds": {
            "axes": orientation.names,
            "holding": status.holding,
            "rows": [_plain(row) for row in rows[-LISTED:]],
            "all": {name: [number(value) for value in pair] for name, pair in mean_and_sd(over).items()},
        },
    }


def shifts_for_page(status: Status, gate: Gate, orientation: Orientation) -> dict[str, object]:
    """Return the shifts to the newest breath-hold and to the rest that an operator may ask for, while the beam is held.

    Parameters
    ----------
    status : Status
        Status of the session.
    gate : Gate
        Its gate, of which only what another thread may read is read.
    orientation : Orientation
        That of the images.

    Returns
    -------
    dict
        By place the shift along the axes of rows and columns in mm; None where there is none. Empty while the beam is
        on.
    """
    decision = status.decision
    if decision is None or decision.state is not BeamState.HOLD:
        return {}
    places = {
        HOLD_PLACE: status.breath_holds[-1].mean_mm if status.breath_holds else None,
        BASELINE_PLACE: gate.rest_mm,
    }
    shifts = {name: None if at_mm is None else gate.shift_towards(at_mm) for name, at_mm in places.items()}
    return {
        "shifts": {
            name: None
            if shift is None or isinstance(shift, str)
            else [round(mm, 2) for mm in orientation.signed(shift)]
            for name, shift in shifts.items()
        }
    }


def _plain(row: HoldRow) -> dict[str, object]:
    return {
        name: [round(one, 3) for one in value] if isinstance(value, tuple) else round(value, 3)
        for name, value in row._asdict().items()
    }
