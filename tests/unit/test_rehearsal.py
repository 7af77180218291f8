"""Rehearsals go through frames that were decided on: no decision, record or lease differs by them."""

import math
from functools import partial
from types import FunctionType

import numpy as np
import pytest

from gatekeeper import Engine, Envelope, Gate, GateConfig, StructureTracker
from gatekeeper.config import PredictionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.command import Action, Command
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import RehearsingPort
from gatekeeper.gating.zones import TargetZone
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.journal import entry_of
from gatekeeper.session.loop import run_loop
from gatekeeper.session.rehearsal import MOST_COSTLY, Rehearsal
from tests.support.loops import MAX_AGE_S, Recorder, Source
from tests.support.scenes import Scene
from tests.support.steps import ON

SCENE = Scene()
MASKS = {"gtv": SCENE.disc(14.0), "vessels": SCENE.disc(12.0, (45, 60))}
PERIOD_S = 0.125


def images(count):
    random = np.random.default_rng(5)
    for number in range(count):
        moved_mm = (6.0 - 6.0 * math.cos(0.3 * number), 0.0)
        image = SCENE.image(moved_mm)
        yield np.float32(image + random.normal(0.0, 0.02 * image.mean(), image.shape))


def frames_at(times_s):
    return [
        Frame(image, SCENE.spacing_mm, number, time_s, time_s)
        for number, (time_s, image) in enumerate(zip(times_s, images(len(times_s)), strict=True))
    ]


def regular(count, period_s=PERIOD_S, begin_s=0.1):
    return [begin_s + period_s * number for number in range(count)]


def engine():
    tracker = StructureTracker(SCENE.image(), MASKS, SCENE.spacing_mm)
    tracks = tracker.track(SCENE.image())
    zones = [TargetZone(Envelope.around(track.contour_px, 5.0, SCENE.spacing_mm)) for track in tracks]
    config = GateConfig(frames_to_resume=2, learning_s=2.0)
    return Engine(tracker, Gate(zones, config, prediction=PredictionConfig(mode="conservative")))


class Port(DryRunLinac):
    """A port that remembers what is rehearsed."""

    def __init__(self):
        super().__init__()
        self.rehearsed = []

    def rehearse(self, decision):
        self.rehearsed.append(decision)


def decided(frames, rehearse, commands=(), one=None):
    """Return the lines of the journal, the decisions sent, the rehearsal and the port."""
    clock, linac, one = VirtualClock(), Port(), one or engine()
    source = Source(clock, frames)
    waiting = list(commands)

    def operator():
        due = waiting and waiting[0].time_s <= clock.now_s()
        return waiting.pop(0) if due else None

    recorder = Recorder(linac)
    recorder.events = []
    recorder.event = lambda *event: recorder.events.append(event)
    used = Rehearsal(source, one, linac, clock) if rehearse else source
    run_loop(used, one, linac, recorder, clock, MAX_AGE_S, operator=operator)
    lines = [entry_of(step, 0.0, tuple(MASKS)) for step in recorder.steps]
    for line in lines:
        line.pop("latency_ms")
    outlines = [
        track.contour_px.tobytes() for step in recorder.steps if step.track for track in (step.track, *step.others)
    ]
    return (lines, outlines, recorder.events, linac.commands), used, linac


def test_no_decision_record_or_outline_differs_by_rehearsals():
    frames = frames_at(regular(40))
    plain, _, _ = decided(frames, rehearse=False)
    rehearsed, rehearsal, linac = decided(frames, rehearse=True)
    assert rehearsed == plain
    assert any(command.state is ON for command in linac.commands)
    assert rehearsal.count > 30


@pytest.mark.slow
def test_neither_do_they_where_an_operator_commands():
    commands = [
        Command(Action.HOLD, "kim", 2.0),
        Command(Action.RELEASE, "kim", 3.0),
        Command(Action.DISARM, "kim", 4.0),
        Command(Action.ARM, "kim", 5.0),
    ]
    frames = frames_at(regular(60))
    plain, _, _ = decided(frames, False, commands)
    rehearsed, rehearsal, _ = decided(frames, True, commands)
    assert rehearsed == plain
    assert len(rehearsed[2]) == 4
    assert rehearsal.count > 30


@pytest.mark.slow
@pytest.mark.parametrize("pacing", ["jitter", "early", "doubled", "bursts", "lost"])
def test_hostile_pacing_neither_delays_nor_loses_a_frame(pacing):
    random = np.random.default_rng(1)
    times_s = np.array(regular(50))
    if pacing == "jitter":
        times_s += random.uniform(-0.02, 0.02, 50)
    elif pacing == "early":
        times_s[25:] -= 0.1
    elif pacing == "doubled":
        times_s[25:] = times_s[25] + 0.0625 * np.arange(25)
    elif pacing == "bursts":
        times_s[1::2] = times_s[::2] + 0.001
    else:
        times_s = times_s[random.random(50) < 0.8]
    frames = frames_at([float(time_s) for time_s in times_s])
    plain, _, _ = decided(frames, rehearse=False)
    rehearsed, _, _ = decided(frames, rehearse=True)
    # The clock stands still during a rehearsal, so the times of all decisions are the same, too.
    assert rehearsed == plain
    assert [line["sequence"] for line in rehearsed[0] if line["sequence"] >= 0] == [frame.sequence for frame in frames]


def test_port_gets_only_decisions_of_the_loop_and_rehearses_those_of_the_copy():
    _, rehearsal, linac = decided(frames_at(regular(20)), rehearse=True)
    assert isinstance(linac, RehearsingPort)
    assert len(linac.rehearsed) == rehearsal.count > 0
    sent = {id(command) for command in linac.commands}
    assert not sent & {id(decision) for decision in linac.rehearsed}


class Counting:
    """A tracker that finds the same on every frame and counts its calls; of its copies none is asked for more."""

    def __init__(self, track, failure=None):
        self._track, self.calls, self.twins, self.failure = track, 0, [], failure

    def track(self, image):
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        return self._track


class Copied(Counting):
    def twin(self):
        self.twins.append(Counting(self._track, self.twin_failure))
        return self.twins[-1]

    twin_failure = None


def simple(kind):
    mask = SCENE.disc(14.0)
    track = StructureTracker(SCENE.image(), {"gtv": mask}, SCENE.spacing_mm).track(SCENE.image())[0]
    tracker = kind(track)
    gate = Gate(Envelope.around(track.contour_px, 5.0, SCENE.spacing_mm), GateConfig())
    return Engine(tracker, gate), tracker


class Uncopied(Counting):
    def twin(self):
        raise ZeroDivisionError


@pytest.mark.parametrize("kind", [Counting, Uncopied])
def test_tracker_that_cannot_be_copied_is_asked_once_a_frame(kind):
    one, tracker = simple(kind)
    _, rehearsal, _ = decided(frames_at(regular(20)), rehearse=True, one=one)
    assert (tracker.calls, rehearsal.count) == (20, 0)


def test_failing_copy_ends_the_rehearsals_and_not_the_session():
    one, tracker = simple(Copied)
    tracker.twin_failure = ZeroDivisionError()
    _, rehearsal, _ = decided(frames_at(regular(30)), rehearse=True, one=one)
    assert (tracker.calls, rehearsal.count, rehearsal.pauses) == (30, 0, 1)
    assert sum(twin.calls for twin in tracker.twins) == 1


class Slow(Copied):
    """Its copies take some time on the clock."""

    clock, takes_s = None, 0.0

    def twin(self):
        twin = super().twin()
        track = twin.track

        def slow(image):
            self.clock.sleep_until(self.clock.now_s() + self.takes_s)
            return track(image)

        twin.track = slow
        return twin


@pytest.mark.parametrize(
    ("takes_s", "most"), [(0.02, MOST_COSTLY + 1), (0.0016, 2 * MOST_COSTLY + 2)], ids=["too long", "in the way"]
)
def test_rehearsals_that_cost_are_paused(takes_s, most):
    one, tracker = simple(Slow)
    clock, linac = VirtualClock(), Port()
    tracker.clock, tracker.takes_s = clock, takes_s
    recorder = Recorder(linac)
    rehearsal = Rehearsal(Source(clock, frames_at(regular(60))), one, linac, clock)
    run_loop(rehearsal, one, linac, recorder, clock, MAX_AGE_S)
    assert len([step for step in recorder.steps if step.frame is not None]) == 60
    assert rehearsal.pauses == 1
    assert 1 <= rehearsal.count <= most


def parts(thing, found, path="engine"):
    """Yield path and object of every array and every object of ours, but frozen ones, that a thing is made of."""
    if id(thing) in found or isinstance(thing, (str, bytes, int, float, complex, bool, type(None), type, np.dtype)):
        return
    found[id(thing)] = thing
    if isinstance(thing, np.ndarray):
        yield path, thing
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from parts(value, found, f"{path}[{key!r}]")
    elif isinstance(thing, (list, tuple, set, frozenset)):
        for number, value in enumerate(thing):
            yield from parts(value, found, f"{path}[{number}]")
    elif isinstance(thing, partial):
        yield from parts((thing.func, thing.args, thing.keywords), found, path)
    elif isinstance(thing, FunctionType):
        for cell in thing.__closure__ or ():
            yield from parts(cell.cell_contents, found, f"{path} closure")
    elif hasattr(thing, "__self__") and hasattr(thing, "__func__"):
        yield from parts(thing.__self__, found, path)
    else:
        module, frozen = type(thing).__module__, getattr(type(thing), "__dataclass_params__", None)
        if module.startswith("gatekeeper") and "config" not in module and not getattr(frozen, "frozen", False):
            yield path, thing
        names = {slot for kind in type(thing).__mro__ for slot in getattr(kind, "__slots__", ())}
        for name in [*getattr(thing, "__dict__", {}), *names]:
            if hasattr(thing, name):
                yield from parts(getattr(thing, name), found, f"{path}.{name}")


def test_tracker_and_its_twin_track_alike():
    tracker = StructureTracker(SCENE.image(), MASKS, SCENE.spacing_mm)
    *before, last = images(6)
    for image in before:
        tracker.track(image)
    twin = tracker.twin()
    assert twin.template_trackers[0].fine[0]._fixed[7] is tracker.template_trackers[0].fine[0].template.steepest
    for track, other in zip(tracker.track(last), twin.track(last), strict=True):
        np.testing.assert_array_equal(track.contour_px, other.contour_px)
        assert track.confidence == other.confidence


def test_engine_and_its_twin_share_only_what_never_changes():
    one = engine()
    frames = frames_at(regular(24))
    for frame in frames[:12]:
        one.step(frame, frame.received_s)
    twin = one.twin()
    mine, others = list(parts(one, {})), list(parts(twin, {}))
    assert len(others) > 100
    shared = {id(thing) for _, thing in mine} & {id(thing) for _, thing in others}
    assert not [path for path, thing in others if id(thing) in shared and not isinstance(thing, np.ndarray)]
    arrays = [array for _, array in mine if isinstance(array, np.ndarray)]
    common = {
        path: (array, array.tobytes())
        for path, array in others
        if isinstance(array, np.ndarray) and any(np.shares_memory(array, other) for other in arrays)
    }
    for frame in frames[12:]:
        one.step(frame, frame.received_s)
        twin.step(frame, frame.received_s)
    assert [path for path, (array, before) in common.items() if array.tobytes() != before] == []
