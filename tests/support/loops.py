"""Provide the loop's parts for its tests: a source of given frames, an engine with the beam on, a recorder."""

from gatekeeper.core.decision import Reason
from gatekeeper.core.step import Step
from gatekeeper.linac.dry_run import DryRunLinac
from tests.support.steps import HOLD, ON, decision, frame

MAX_AGE_S = 0.5


class Source:
    """Delivers frames at their times; an exception in the list is raised instead."""

    def __init__(self, clock, frames):
        self.clock, self.frames = clock, list(frames)

    def next_frame(self, timeout_s):
        assert 0.0 <= timeout_s <= MAX_AGE_S
        if not self.frames:
            return None
        if isinstance(self.frames[0], BaseException):
            raise self.frames.pop(0)
        if self.frames[0].received_s > self.clock.now_s() + timeout_s:
            self.clock.sleep_until(self.clock.now_s() + timeout_s)
            return None
        self.clock.sleep_until(self.frames[0].received_s)
        return self.frames.pop(0)

    def ended(self):
        return not self.frames


class AlwaysOn:
    """An engine that lets the beam on with every frame, unless it fails on one."""

    def __init__(self, failure=None, failing=-1):
        self.failure, self.failing = failure, failing

    def step(self, frame, now_s, link_alive=True):
        if frame.sequence == self.failing:
            raise self.failure
        return Step(decision(ON, sequence=frame.sequence, time_s=now_s), frame)

    def silence(self, now_s, link_alive=True):
        return Step(decision(HOLD, Reason.NO_FRAME, sequence=-1, time_s=now_s))


class Telling(DryRunLinac):
    """A port that tells that each beam-on allows the beam for 0.1 s, less than there is between two frames."""

    allowed_s = 0.0

    def send(self, decision):
        super().send(decision)
        self.allowed_s += 0.1 * (decision.state is ON)


class Recorder:
    fault = None

    def __init__(self, linac, failure=None):
        self.linac, self.failure, self.steps, self.totals_ms = linac, failure, [], []

    def record(self, step, total_ms):
        told = self.linac.commands[-1]
        assert told.sequence == step.decision.sequence or told.state is HOLD, "the linac is told first"
        if self.failure:
            raise self.failure
        self.steps.append(step)
        self.totals_ms.append(total_ms)


def regular(count, period_s=0.2, begin_s=0.0):
    return [frame(sequence=k, acquired_s=begin_s + k * period_s) for k in range(count)]
