"""Run sessions on a phantom with the target at rest in the envelope, so that the beam is on unless a fault occurs."""

from dataclasses import dataclass, field

from gatekeeper.config import GateConfig, SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.decision import BeamState
from gatekeeper.core.errors import GatekeeperError
from gatekeeper.session.arming import arm
from gatekeeper.session.loop import run_loop
from replay.faults import inject
from replay.player import Player
from replay.run import replay_input
from tests.support.phantoms import STILL, phantom

ON, HOLD = BeamState.ON, BeamState.HOLD
MAX_AGE_S = GateConfig().max_age_s


class TimedLinac:
    """A linac that knows the true time at which it was told."""

    alive = True

    def __init__(self, clock):
        self.clock, self.told = clock, []

    def send(self, decision):
        self.told.append((self.clock.now_s(), decision.state, decision.sequence))

    def close(self):
        self.told.append((self.clock.now_s(), HOLD, -1))


@dataclass
class Outcome:
    """What came of a session; times in true seconds of session time."""

    steps: list = field(default_factory=list)
    told: list = field(default_factory=list)
    acquired_s: dict = field(default_factory=dict)
    delivered: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    error: BaseException | None = None

    @property
    def decisions(self):
        return [step.decision for step in self.steps]

    def beam(self):
        """Return the stretches of beam-on as (begin, end, frame)."""
        return [
            (begin_s, end_s, sequence)
            for (begin_s, state, sequence), (end_s, _, _) in zip(self.told, self.told[1:], strict=False)
            if state is ON
        ]

    def oldest_s(self):
        """Return how old, at the most, the frame was that the beam was on for."""
        return max((end_s - self.acquired_s[sequence] for _, end_s, sequence in self.beam()), default=0.0)

    def reasons(self, sequences):
        """Return, for each frame judged of some sequence numbers, the set of its reasons as words."""
        return [{reason.value for reason in one.reasons} for one in self.decisions if one.sequence in sequences]


class Keep:
    """A recorder that keeps everything."""

    def __init__(self, outcome):
        self.outcome = outcome

    fault = None

    def record(self, step, total_ms):
        self.outcome.steps.append(step)

    def event(self, name, time_s, values):
        pass


def same(thing, clock):
    return thing


def session(*faults, rate_hz=8.0, duration_s=8.0, seed=0, loop_clock=same, linac=same, tracker=same, recorder=same):
    """Run a session with faults of the source, and of whatever else is wrapped; never raises."""
    made = phantom(breathing=STILL, acquisition={"frame_rate_hz": rate_hz, "duration_s": duration_s}).recording
    clock, outcome = VirtualClock(), Outcome()
    armed = arm(replay_input(made).setup, SessionConfig(), lambda finds: tracker(finds, clock))
    source = inject(Player(made, clock), faults, clock, seed)
    told = TimedLinac(clock)
    outcome.acquired_s = dict(enumerate(made.times_s.tolist()))
    try:
        run_loop(
            source,
            armed.engine,
            linac(told, clock),
            recorder(Keep(outcome), clock),
            loop_clock(clock, clock),
            MAX_AGE_S,
        )
    except (GatekeeperError, OSError) as error:
        outcome.error = error
    outcome.told, outcome.delivered, outcome.lost = told.told, source.delivered, source.lost
    return outcome
