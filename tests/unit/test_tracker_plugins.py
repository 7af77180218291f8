"""A tracker that is a plug-in decides through the same loop; whatever it does wrong is an error at arming or a hold."""

import json
import math
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import SessionConfig, TrackerConfig, build
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.command import Action, Command
from gatekeeper.core.contour import center_mm, mask_to_contour
from gatekeeper.core.errors import ConfigError, PluginError, TargetError
from gatekeeper.core.track import Track
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.session.arming import arm
from gatekeeper.session.loop import run_loop
from gatekeeper.session.tracker_guard import with_tracker
from replay import verify_folder
from replay.formats.session import open_session
from replay.player import Player
from replay.run import replay_input
from replay.sessions.rejudge import Rejudged
from tests.support.cases import breathing_case
from tests.support.matrices import mostly_slow
from tests.support.plugin_distributions import installed

__all__ = ["installed"]

CASE = breathing_case(frames=16, amplitude_px=0.0)
BAD = 8
"""The frame on which the tracker does something wrong."""


class Still:
    """The target where it was drawn; `spoil` changes what is returned for the eighth frame."""

    spoil = None

    def __init__(self, reference, structures, spacing_mm, config):
        self.outline = mask_to_contour(structures["target"])
        self.spacing_mm, self.config, self.seen = spacing_mm, config, 0

    def track(self, image):
        self.seen += 1
        track = Track(self.outline, center_mm(self.outline, self.spacing_mm), 0.9)
        return track if self.spoil is None or self.seen != BAD else self.spoil(track, image)


def spoiled(change):
    return type("Spoiled", (Still,), {"spoil": lambda self, track, image: change(track, image)})


class Kept:
    """A recorder that keeps decisions and events in memory."""

    fault = None

    def __init__(self):
        self.decisions, self.events = [], []

    def record(self, step, total_ms):
        self.decisions.append(step.decision)

    def event(self, name, time_s, values):
        self.events.append((name, values))


def played(factory, operator=None):
    """Run the case through the loop; return its decisions, its events, and what the linac heard."""
    clock, linac, kept = VirtualClock(), DryRunLinac(), Kept()
    engine = arm(replay_input(CASE).setup, SessionConfig(), tracker=factory).engine
    asks = None if operator is None else lambda: operator(clock)
    run_loop(Player(CASE, clock), engine, linac, kept, clock, 0.5, operator=asks)
    assert len(kept.decisions) == len(CASE.frames)
    return kept.decisions, kept.events, linac


def raises(error):
    def change(track, image):
        raise error

    return change


def spoil_contour(values):
    return lambda track, image: replace(track, contour_px=values(track.contour_px))


def with_nan(contour_px):
    return np.vstack([contour_px[:-1], [[math.nan, 1.0]]])


NONSENSE = {
    "raises": (raises(ValueError("no such place")), "track() raised ValueError: no such place"),
    "exits": (raises(SystemExit(2)), "track() raised SystemExit"),
    "nothing": (lambda *_: None, "returned a NoneType; give a Track"),
    "a text": (lambda *_: "here", "returned a str; give a Track"),
    "a list": (lambda track, _: [track], "returned a list; give a Track"),
    "two tracks": (lambda track, _: (track, track), "returned 2 tracks; give 1"),
    "no track": (lambda *_: (), "returned 0 tracks; give 1"),
    "NaN in the outline": (spoil_contour(with_nan), "contour_px holds NaN"),
    "an outline of three columns": (spoil_contour(lambda px: np.zeros((9, 3))), "contour_px has the shape (9, 3)"),
    "a flat outline": (spoil_contour(np.ravel), "contour_px has the shape"),
    "two points": (spoil_contour(lambda px: px[:2]), "contour_px has the shape (2, 2)"),
    "too many points": (spoil_contour(lambda px: np.ones((10_001, 2))), "contour_px has the shape (10001, 2)"),
    "a list of points": (spoil_contour(np.ndarray.tolist), "contour_px is a list"),
    "an outline of texts": (spoil_contour(lambda px: px.astype(str)), "contour_px is a ndarray"),
    "an outline far away": (spoil_contour(lambda px: px + 1e9), "places far beside the image"),
    "confidence NaN": (lambda track, _: replace(track, confidence=math.nan), "confidence is nan; give a number"),
    "confidence above 1": (lambda track, _: replace(track, confidence=1.5), "confidence is 1.5; give a number"),
    "confidence below 0": (lambda track, _: replace(track, confidence=-0.1), "confidence is -0.1; give a number"),
    "confidence of text": (lambda track, _: replace(track, confidence="sure"), "confidence is 'sure'; give a number"),
    "an error NaN": (lambda track, _: replace(track, error_mm=math.nan), "error_mm is nan; give a finite number"),
    "a spread NaN": (lambda track, _: replace(track, spread_mm=math.nan), "spread_mm is nan; give a finite number"),
    "an error below 0": (lambda track, _: replace(track, error_mm=-0.1), "error_mm is -0.1; give a finite number"),
    "a field of numbers": (lambda track, _: replace(track, field=7.0), "field is a float; give a function of points"),
    "no centre": (lambda track, _: replace(track, center_mm=None), "center_mm is None"),
    "a centre of NaN": (lambda track, _: replace(track, center_mm=(math.nan, 1.0)), "center_mm is (nan, 1.0)"),
    "a centre elsewhere": (lambda track, _: replace(track, center_mm=(0.0, 0.0)), "center_mm is (0.0, 0.0)"),
}


def test_a_sound_tracker_switches_the_beam_and_the_record_names_it(tmp_path):
    decisions, events, _ = played(Still)
    assert decisions[-1].state == "ON"
    assert events == []
    setup = replay_input(CASE).setup
    config = arm(setup, SessionConfig(), tracker=Still).config
    with SessionRecorder(tmp_path / "s", config, setup) as kept:
        kept.seal()
    header = json.loads((tmp_path / "s" / "decisions.jsonl").read_text().splitlines()[0])
    named = f"{__name__}:Still"
    assert header["tracker"] == {"kind": named, "distribution": "injected", "version": None}
    assert f'kind = "{named}"' in (tmp_path / "s" / "config.toml").read_text()


def test_the_displacement_that_a_tracker_measures_is_given_on():
    factory = spoiled(lambda track, _: replace(track, field=lambda points: points + 1.0))
    engine = arm(replay_input(CASE).setup, SessionConfig(), tracker=factory).engine
    clock = VirtualClock()
    player = Player(CASE, clock)
    tracks = [engine.step(player.next_frame(1.0), clock.now_s()).track for _ in range(BAD)]
    assert tracks[-1].displacement_mm([(1.0, 2.0)]).tolist() == [[2.0, 3.0]]


@pytest.mark.parametrize("name", mostly_slow(NONSENSE, 8))
def test_nonsense_holds_for_a_fault_until_it_is_reset_and_the_loop_goes_on(name):
    change, why = NONSENSE[name]
    decisions, events, linac = played(spoiled(change))
    assert decisions[BAD - 2].state == "ON"
    for decision in decisions[BAD - 1 :]:
        assert decision.state == "HOLD"
        assert "engine_fault" in decision.reasons
    assert [event for event, _ in events] == ["tracker_failed"]
    note = events[0][1]["note"]
    assert note.startswith(f"frame {BAD - 1}: ")
    assert why in note
    assert linac.commands[-1].state == "HOLD"


def test_after_a_reset_a_tracker_that_has_recovered_is_believed_again():
    asked = []

    def operator(clock):
        if clock.now_s() < CASE.times_s[BAD + 1] or asked:
            return None
        asked.append(Command(Action.RESET, "someone", clock.now_s()))
        return asked[0]

    decisions, _, _ = played(spoiled(raises(ValueError("once"))), operator)
    assert asked
    assert decisions[BAD].state == "HOLD"
    assert decisions[-1].state == "ON"


def test_the_frame_in_the_record_is_not_what_a_tracker_made_of_it(tmp_path):
    def scribble(track, image):
        image[:] = 0.0
        return track

    engine = arm(replay_input(CASE).setup, SessionConfig(), tracker=spoiled(scribble)).engine
    clock = VirtualClock()
    player = Player(CASE, clock)
    for _ in range(BAD):
        step = engine.step(player.next_frame(1.0), clock.now_s())
        assert np.array_equal(step.frame.image, CASE.frames[step.frame.sequence])


def test_an_outline_that_the_tracker_changes_later_stays_as_it_was():
    class Reusing(Still):
        def track(self, image):
            self.outline += 0.01
            return super().track(image)

    engine = arm(replay_input(CASE).setup, SessionConfig(), tracker=Reusing).engine
    clock = VirtualClock()
    player = Player(CASE, clock)
    first, second = (engine.step(player.next_frame(1.0), clock.now_s()).track for _ in range(2))
    assert not np.array_equal(first.contour_px, second.contour_px)


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        (lambda *_: 1, "made a int, which has no track"),
        (lambda *_: (_ for _ in ()).throw(ValueError("no")), "cannot be made for this reference, ValueError: no"),
        (lambda: None, "cannot be made for this reference, TypeError"),
        (7, "is a int; give a factory"),
    ],
)
def test_a_factory_that_makes_no_tracker_is_an_error_at_arming(factory, why):
    with pytest.raises(PluginError, match=why):
        arm(replay_input(CASE).setup, SessionConfig(), tracker=factory)


def test_a_factory_may_say_that_a_target_cannot_be_tracked():
    def factory(*_):
        raise TargetError("too small for me")

    with pytest.raises(TargetError, match="too small for me"):
        arm(replay_input(CASE).setup, SessionConfig(), tracker=factory)


def test_a_tracker_of_an_installed_distribution_is_chosen_by_kind_and_gets_its_options(installed):
    source = (
        "from tests.unit.test_tracker_plugins import Still\n"
        "class Mine(Still):\n"
        "    def __init__(self, *args):\n"
        "        super().__init__(*args)\n"
        "        assert self.config.options == {'levels': 3}\n"
    )
    installed("mine", {"gatekeeper.trackers": {"mine": "mine_part:Mine"}}, {"mine_part": source})
    config = build(SessionConfig, {"tracker": {"kind": "mine", "options": {"levels": 3}}}, "test")
    armed = arm(replay_input(CASE).setup, config)
    assert armed.config is config
    with pytest.raises(PluginError, match=r"tracker 'mine' \(mine 1.2\): cannot be made for this reference, Assertion"):
        arm(replay_input(CASE).setup, with_tracker(SessionConfig(), "mine"))


def test_an_unknown_kind_lists_what_there_is():
    with pytest.raises(ConfigError, match=r"tracker kind 'templet': is not there; choose one of template"):
        arm(replay_input(CASE).setup, with_tracker(SessionConfig(), "templet"))


@pytest.mark.parametrize("options", [{"a": math.nan}, {"a": None}, {"a": {"b": [1, object()]}}])
def test_options_are_plain_values(options):
    with pytest.raises(ConfigError, match="options"):
        build(TrackerConfig, {"kind": "mine", "options": options}, "test")


def test_a_preview_of_a_tracker_that_does_not_learn_is_judged_from_its_tracks():
    setup = replace(replay_input(CASE).setup, preview=np.repeat(CASE.frames[:1], 40, axis=0))
    armed = arm(setup, SessionConfig(), tracker=Still)
    assert armed.preview.frames == 40
    assert armed.preview.go
    learned = armed.learn(setup.preview)
    assert learned.go
    assert "does not learn" in learned.as_lines()[-1]


def test_a_tracker_that_fails_to_learn_speaks_against_gating_and_tracks_as_without():
    class Unteachable(Still):
        def learn(self, frames):
            raise ValueError("cannot")

    setup = replace(replay_input(CASE).setup, preview=np.repeat(CASE.frames[:1], 40, axis=0))
    armed = arm(setup, SessionConfig(), tracker=Unteachable)
    assert not armed.preview.go
    assert "learn() raised ValueError: cannot" in armed.preview.reasons[0]
    assert armed.engine.tracker.track(CASE.frames[0])[0].confidence == 0.9


def test_a_tracker_that_learns_is_given_the_preview_and_may_report():
    learned = []

    class Learning(Still):
        def learn(self, frames):
            learned.append((frames.shape, frames.dtype))

    setup = replace(replay_input(CASE).setup, preview=np.repeat(CASE.frames[:1], 40, axis=0))
    assert arm(setup, SessionConfig(), tracker=Learning).preview.go
    assert learned == [((40, *CASE.frames.shape[1:]), np.float32)]


def test_a_session_in_which_a_tracker_failed_is_judged_again_as_it_was(tmp_path):
    factory, setup, clock = spoiled(raises(ValueError("once"))), replay_input(CASE).setup, VirtualClock()
    armed = arm(setup, SessionConfig(), tracker=factory)
    with SessionRecorder(tmp_path / "s", armed.config, setup) as kept:
        run_loop(Player(CASE, clock), armed.engine, DryRunLinac(), kept, clock, 0.5)
        kept.seal()
    found = verify_folder(tmp_path / "s", tracker=factory)
    assert (found.findings, found.compared) == ([], len(CASE.frames))
    with closing(open_session(tmp_path / "s")) as session:
        again = Rejudged(session, tracker=factory)
        judged = again.judge(again.config)
        states = [entry["state"] for entry in session.entries if entry["kind"] == "frame"]
    assert [decision.state for decision in judged.decisions] == states
    assert [event.failed for event in again.tracked if event.frame is not None].count(True) == 1
