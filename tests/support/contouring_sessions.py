"""Run sessions with contouring on a virtual clock, with a script as the operator."""

from contextlib import closing

import numpy as np

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.errors import InputError
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.operator.request import Request
from gatekeeper.session.contouring.requests import request_of
from gatekeeper.session.live_session import LiveSession
from replay.formats.session import open_session
from tests.support.cases import breathing_case
from tests.support.contours import ellipse_px
from tests.support.live_sessions import Scanner, drawn_plan_of, live_config, plan_of, reference_of

TAKE, AGAIN = {"take": True}, {"again": True}
CASE = breathing_case(frames=24)
SHAPE, SPACING_MM = CASE.frames.shape[1:], CASE.spacing_mm
BESIDE_MM, BEHIND_MM = np.array([9.0, 0.0, 0.0]), np.array([0.0, 30.0, 0.0])
POINTS_PX = ellipse_px(CASE.first_mask)


def sketch(sequence, points_px=None, margin_mm=4.0, shape="polygon"):
    points_px = POINTS_PX if points_px is None else points_px
    return {"points_px": points_px, "margin_mm": margin_mm, "sequence": sequence, "shape": shape}


class Easels(Scanner):
    """Plays a case, and just before a frame asks for what a script says: of the desk by words, of the easel by dicts.

    What the page shows is noted with each frame.
    """

    def __init__(self, case, clock, script=()):
        super().__init__(case, clock, script)
        self.answers, self.contourings, self.beam = [], [], None

    def next_frame(self, timeout_s):
        frame = super(Scanner, self).next_frame(timeout_s)
        if frame is not None:
            self.contourings.append(self.session.status.current.contouring)
            self.phases.append(self.session.status.current.phase.value)
            for asked in self.script.pop(frame.sequence, ()):
                self.ask(asked)
        return frame

    def ask(self, asked):
        operator, asked = asked if isinstance(asked, tuple) else ("Anna", asked)
        if isinstance(asked, str):
            self.orders.append(self.session.requests.submit(Request(asked, operator, "test")))
            return
        try:
            self.orders.append(self.session.contour_requests.submit(request_of(asked, operator, "test")))
        except InputError as error:
            self.orders.append(error)

    @property
    def notes(self):
        return [str(one) if isinstance(one, Exception) else one.answer.note for one in self.orders]

    @property
    def accepted(self):
        return [not isinstance(one, Exception) and one.answer.accepted for one in self.orders]


def drawn(folder, script, case=CASE, definition=None, scanner=Easels):
    """Run a session in which a script draws; return its outcome, the scanner, the linac and the session."""
    clock, linac = VirtualClock(), DryRunLinac()
    session = LiveSession(drawn_plan_of(case) if definition is None else definition, clock)
    source = scanner(case, clock, script)
    source.session = session
    return session.run(source, linac, folder), source, linac, session


def fixed_plan(case, **values):
    return drawn_plan_of(case, reference=reference_of(case), **values)


def adjusted_plan(case, **values):
    return plan_of(case, live_config(target={"kind": "trackrad", "case": "unused", "adjust": True}), **values)


def setup_and_margin(folder):
    with closing(open_session(folder)) as session:
        return session.setup, session.config().envelope.margin_mm
