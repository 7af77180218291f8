"""Recognise the breath-holds of a recorded session, as they were recognised while it was recorded."""

import numpy as np

from gatekeeper.core.breath_holds import breath_holds
from gatekeeper.core.contour import center_mm
from gatekeeper.report.session_data import SessionData
from gatekeeper.session.hold_rows import HoldRow, rows_of


def breath_holds_of(session: SessionData) -> list[HoldRow]:
    """Return the breath-holds of a session on frames with sufficient confidence; they begin since the first decision.

    Parameters
    ----------
    session : SessionData
        The session.

    Returns
    -------
    list of HoldRow
        Oldest first.
    """
    acquired_s = np.array([np.nan if (at := one.get("acquired_s")) is None else at for one in session.decisions])
    known = session.sure() & np.isfinite(acquired_s)
    centers_mm = [one["center_mm"] for one, is_known in zip(session.decisions, known, strict=True) if is_known]
    found = breath_holds(acquired_s[known].tolist(), centers_mm, session.config.breath_hold.is_expected)
    reference_mm, begin_s = center_mm(session.target_px, session.spacing_mm), float(session.numbers("decided_s")[0])
    rows = rows_of(found, reference_mm, session.orientation)
    return [row._replace(begin_s=row.begin_s - begin_s) for row in rows]
