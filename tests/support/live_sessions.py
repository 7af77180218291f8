"""Run live sessions on a virtual clock, with a recorded case as the scanner and a script as the operator."""

import numpy as np

from gatekeeper.config import LiveConfig, build
from gatekeeper.core.clock import VirtualClock
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.operator.request import Request
from gatekeeper.recording.hash_chain import read_chain
from gatekeeper.session.definition import SessionDefinition
from gatekeeper.session.live_session import LiveSession
from gatekeeper.session.preview_recorder import PreviewRecorder
from gatekeeper.session.target import Drawn, Reference
from replay.player import Player
from tests.support.cases import breathing_case

PREVIEW_S = 10.0


def live_config(rate_hz=4.0, preview_s=0.0, **tables):
    values = {
        "source": {"kind": "mrd", "frames_per_s": rate_hz},
        "target": {"kind": "trackrad", "case": "unused"},
        "preview": {"seconds": preview_s},
        **tables,
    }
    return build(LiveConfig, values, "test")


def reference_of(case):
    return Reference(case.frames[0], case.spacing_mm, case.plane, case.name)


def plan_of(case, config=None, **values):
    """Return a plan whose target is that of the case on its first frame; `reference=None` puts it on the first one."""
    grid = reference_of(case)
    target = Drawn.of_mask("target", case.first_mask, grid)
    values = {"target": target, "reference": grid, "arm_by": "kim", **values}
    return SessionDefinition(case.name, live_config() if config is None else config, **values)


def drawn_plan_of(case, **values):
    """Return a plan whose target an operator draws on a frame."""
    config = live_config(target={"kind": "drawn"})
    return plan_of(case, config, **{"target": None, "reference": None, **values})


class Scanner(Player):
    """Plays a case, asks the desk for what a script says just before a frame, and keeps what the phase was then."""

    def __init__(self, case, clock, script=()):
        super().__init__(case, clock)
        self.script, self.session, self.phases, self.orders = dict(script), None, [], []

    def next_frame(self, timeout_s):
        frame = super().next_frame(timeout_s)
        if frame is not None:
            self.phases.append(self.session.status.current.phase.value)
            for word in self.script.pop(frame.sequence, ()):
                self.orders.append(self.session.requests.submit(Request(word, "kim", "test")))
        return frame


def run_live(folder, case=None, definition=None, script=(), scanner=Scanner, linac=None, draw_reference=None, **run):
    """Run a live session to its end; return its outcome, the scanner and the linac."""
    case = breathing_case() if case is None else case
    clock, linac = VirtualClock(), DryRunLinac() if linac is None else linac
    definition = plan_of(case) if definition is None else definition
    session = LiveSession(definition, clock, draw_reference=draw_reference)
    source = scanner(case, clock, script)
    source.session = session
    return session.run(source, linac, folder, **run), source, linac


def learn_at_once(monkeypatch):
    """Let learning take no time, so that a clock that costs none does not run away meanwhile."""
    monkeypatch.setattr(PreviewRecorder, "start", PreviewRecorder._run)


def journal(folder):
    chain = read_chain((folder / "decisions.jsonl").read_bytes())
    assert chain.finding is None
    return chain.entries


def events(folder, name=None):
    return [one for one in journal(folder) if one["kind"] == "event" and name in (None, one["event"])]


def phases(folder):
    return [one["values"]["phase"] for one in events(folder, "phase")]


def long_case(frames=64):
    """Return a case that is long enough to be learned from and treated after that."""
    return breathing_case(frames=frames)


def drawn_mm(case):
    """Return the outline of a case's target in patient mm."""
    return np.array(Drawn.of_mask("target", case.first_mask, reference_of(case)).contours_mm[0])
