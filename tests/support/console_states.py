"""Show the page every state of a session, made by the code that makes it of a running one, without waiting for any."""

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from gatekeeper.config import GateConfig, SessionConfig
from gatekeeper.core.contour import Role
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.frame import Frame
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.display.web.access import Access
from gatekeeper.display.web.live_message import LiveMessage
from gatekeeper.display.web.message import for_page
from gatekeeper.display.web.serve import listening, make_server, url_of
from gatekeeper.display.web.server import make_app
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.session.arming import arm
from gatekeeper.session.contouring.state import ContouredStructure, ContouringStatus
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import SessionStatus
from replay.run import replay_input
from tests.support.cases import breathing_case

MANY = (Reason.NO_FRAME, Reason.STALE_FRAME, Reason.LOW_CONFIDENCE, Reason.OUTSIDE, Reason.BASELINE_DRIFT)
PERIOD_S = 0.125


class ShownSession:
    """A session in any state; a feed of the console.

    Attributes
    ----------
    asked : list
        Requests of the page.
    """

    def __init__(self):
        setup = replay_input(breathing_case()).setup
        self.config = SessionConfig(gate=GateConfig(outside_percent=10.0))
        self.setup, self.armed = setup, arm(setup, self.config)
        self.status = SessionStatus()
        self.shown = LiveMessage(self.status)
        self.asked = []
        self._number = self._time_s = 0
        self._message, self._count, self._silent = b"", 0, False

    def hello(self):
        info = SessionInfo.of("Liver P07 fraction 3", self.config, "MRD at 10.0.0.7", "lease to 10.0.0.9", 90.0)
        return {"kind": "hello", "mode": "live", "facts": info.as_json()}

    async def view(self, asked):
        for _ in range(20):
            if self._count > int(asked.get("after", -1)) and self._message and not self._silent:
                return for_page(self._message, self._count)
            await asyncio.sleep(0.02)
        return '{"kind": "silent"}'

    async def ask(self, words, operator, login):
        self.asked.append((words, operator))
        return True, f"{words[0]} by {operator or 'nobody'}"

    def enter(self, phase):
        """Enter a phase."""
        if phase in (Phase.READY, Phase.DELIVERY, Phase.PAUSED) and self.status.begun is None:
            self.status.begin(self.setup, self.armed)
        self.status.enter(phase, self._time_s)
        self._send()

    def draw(self):
        """Wait for the target to be drawn."""
        structure = ContouredStructure("target", Role.TARGET, "#F0E442", margin_mm=5.0)
        self.status.current = replace(self.status.current, phase=Phase.DRAWING)
        self.status.show_contouring(ContouringStatus(self._frame(), False, False, (structure,)), self._time_s)
        self._send()

    def decide(self, *reasons, count=1, moved_mm=0.0, link=True):
        """Decide on frames: beam-on, or a hold for reasons."""
        state = BeamState.HOLD if reasons else BeamState.ON
        for _ in range(count):
            self._number += 1
            self._time_s += PERIOD_S
            at = np.add(self.armed.target_px, (moved_mm / self.setup.spacing_mm[0], 0.0))
            center = tuple(np.multiply(at.mean(axis=0), self.setup.spacing_mm))
            percent = min(8.0 * abs(moved_mm), 100.0)
            decision = Decision(self._number, self._time_s, state, tuple(reasons), percent)
            track = Track(at, center, 0.31 if Reason.LOW_CONFIDENCE in reasons else 0.93)
            frame = None if Reason.NO_FRAME in reasons else self._frame()
            self.status.update(Step(decision, frame, track if frame else None, 0.5, 0.2), 0.7, link)
        self._send()

    def lose(self):
        """Show nothing new any more."""
        self._silent = True

    def _frame(self):
        image = self.setup.reference
        return Frame(image, self.setup.spacing_mm, self._number, self._time_s, self._time_s, self.setup.plane)

    def _send(self):
        self._silent = False
        # The server reads both in its own thread: what is counted must be there.
        self._message = b"".join(self.shown.parts(self._time_s + 0.02, {}))
        self._count += 1


@contextmanager
def served(feed, *routes, control=False):
    """Serve a feed, and yield the page's address."""
    access, ready = Access.of("127.0.0.1", control), threading.Event()
    with listening("127.0.0.1", 0) as server_socket:
        server = make_server(make_app(feed, access, routes), ready.set)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([server_socket])), name="server")
        thread.start()
        try:
            assert ready.wait(20.0)
            yield url_of(access, server_socket.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
