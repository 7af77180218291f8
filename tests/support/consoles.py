"""Run a real session with a console, and record what a browser shows of it and when."""

import itertools
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.sync.client import connect

from gatekeeper.core.clock import PacedClock
from gatekeeper.display.web.process import Address, Console
from gatekeeper.display.web.publisher import WebPublisher
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.operator.request import END, Request
from gatekeeper.session.live_session import LiveSession
from gatekeeper.session.status import SessionStatus
from replay.player import Player
from tests.support.cases import breathing_case
from tests.support.live_sessions import plan_of

RATE_HZ = 8.0
ARTEFACTS = Path(__file__).parents[2] / ".artefacts"

WATCH = """
window.shownAt = [];
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  const {sequence, beam, place} = document.body.dataset;
  window.shownAt.push({sequence: Number(sequence ?? -1), beam, place, ms: Date.now()});
}).observe(document.body, {attributes: true}));
"""
"""Notes when the page changed, by the clock of the machine."""


class TimedBoard(SessionStatus):
    """A board that notes when it was told of each decision, by the clock of the machine in ms."""

    def __init__(self):
        super().__init__()
        self.told = []

    def update(self, step, *rest):
        super().update(step, *rest)
        self.told.append((step.decision, 1e3 * time.time()))


@dataclass
class Running:
    """A session with its console."""

    session: LiveSession
    console: Console
    folder: Path
    ended: threading.Event = field(default_factory=threading.Event)
    outcome: object = None

    @property
    def status(self):
        return self.session.status

    @property
    def url(self):
        return self.console.url

    def transitions(self):
        """Return (beam, ms) of each frame on which the beam came on or was held."""
        told = [(decision.state.value.lower(), ms) for decision, ms in self.status.told]
        return [new for old, new in itertools.pairwise(told) if old[0] != new[0]]


@contextmanager
def running(folder, seconds=120.0, control=False, arm_by="kim", plan_for=plan_of, **facts):
    """Run a session of a breathing case in real time, with a console, until it is left; `plan_for` returns its plan."""
    case = breathing_case(frames=int(seconds * RATE_HZ), rate_hz=RATE_HZ)
    clock = PacedClock(1.0)
    definition = plan_for(case, arm_by=arm_by)
    session = LiveSession(definition, clock, TimedBoard())
    console = Console(
        Address(control=control), SessionInfo.of(case.name, definition.config, "a recording", "nowhere", **facts)
    )
    run = Running(session, console, folder)

    def go():
        try:
            run.outcome = session.run(Player(case, clock), DryRunLinac(), folder)
        finally:
            run.ended.set()

    thread = threading.Thread(target=go, name="session")
    try:
        with WebPublisher(session.status, clock, console, session.requests, session.contour_requests):
            thread.start()
            try:
                yield run
            finally:
                session.requests.submit(Request(END, "kim", "test"))
                thread.join()
    finally:
        console.close()


def views(url):
    """Return the connection on which the console at a URL sends what it shows."""
    place, _, token = url.partition("#token=")
    names = ["gatekeeper", *([f"token.{token}"] if token else [])]
    return connect(f"{place.replace('http', 'ws')}views", origin=place[:-1], subprotocols=names, max_size=None)


def kept_screenshot(page, name):
    """Keep a picture of a page, for people to look at."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=str(ARTEFACTS / f"{name}.png"))
