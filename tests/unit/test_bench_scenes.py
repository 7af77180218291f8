"""The yardsticks for hard scenes: what is staged, how it is judged, and what the command prints."""

import json
import math

import numpy as np
import pytest

from benchmarks.scenes import __main__ as command
from benchmarks.scenes import cine
from benchmarks.scenes.catalogue import SCENES, Scene
from benchmarks.scenes.disturb import SHOWS_NOTHING, Disturbance
from benchmarks.scenes.follow import Followed, first_center_mm, judged, staged
from benchmarks.scenes.judge import BINS, figures, frames_until_back, reliability, roc_area
from benchmarks.scenes.table import areas, unsure_shares
from gatekeeper.core.track import Track
from gatekeeper.tracking.tracker import Tracker
from replay.formats.trackrad import write_case
from replay.phantom import make_phantom
from tests.support.cases import breathing_case
from tests.support.matrices import mostly_slow

SHORT = {"matrix": (64, 64), "duration_s": 2.0}


def run(errors_mm, confidence, trackable=None, kinds=None):
    errors_mm = np.array(errors_mm, dtype=float)
    return Followed(
        errors_mm,
        np.array(confidence, dtype=float),
        np.isfinite(errors_mm) if trackable is None else np.array(trackable),
        np.full(errors_mm.shape, "") if kinds is None else np.array(kinds),
    )


def told(phantom, off_mm=(0.0, 0.0)):
    """Return tracks that are right, but for an offset."""
    recording = phantom.recording
    start_mm = first_center_mm(recording.first_mask, recording.spacing_mm)
    places_mm = start_mm + phantom.displacement_mm + np.array(off_mm)
    return [Track(np.zeros((3, 2)), tuple(place_mm), 0.9) for place_mm in places_mm.tolist()]


def test_names_are_unique_and_each_scene_can_be_made_also_later():
    assert len({scene.name for scene in SCENES}) == len(SCENES)
    for scene in SCENES:
        now, later = scene.config(1), scene.config(1, 20.0)
        assert later.acquisition.duration_s == now.acquisition.duration_s + 20.0
        for event, delayed in zip(now.breathing.deep_breaths, later.breathing.deep_breaths, strict=True):
            assert delayed.start_s == event.start_s + 20.0
        assert [one.start_s for one in scene.befalls(20.0)] == [one.start_s + 20.0 for one in scene.disturbances]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_everything_befalls_within_the_recording(scene):
    config = scene.config(1)
    breathing = config.breathing
    events = (*breathing.deep_breaths, *breathing.coughs, *breathing.out_of_plane, *scene.disturbances)
    assert all(event.start_s + 3.0 < config.acquisition.duration_s for event in events)


def test_a_tracker_that_is_right_has_no_error_and_one_that_is_off_has_that_error():
    phantom, kind = staged(Scene("here", ""), 1, **SHORT)
    assert judged(phantom, kind, told(phantom)).errors_mm == pytest.approx(0.0, abs=1e-9)
    assert judged(phantom, kind, told(phantom, (3.0, -4.0))).errors_mm == pytest.approx(5.0)


def test_out_of_the_plane_any_place_is_wrong_and_is_not_asked_for():
    scene = Scene("away", "", {"breathing": {"out_of_plane": [{"start_s": 0.5, "duration_s": 1.0, "ramp_s": 0.0}]}})
    phantom, kind = staged(scene, 1, **SHORT)
    found = judged(phantom, kind, told(phantom))
    np.testing.assert_array_equal(kind == "out of sight", ~phantom.visible)
    assert np.count_nonzero(~phantom.visible) == 6
    np.testing.assert_array_equal(np.isinf(found.errors_mm), ~phantom.visible)
    np.testing.assert_array_equal(found.trackable, phantom.visible)


def test_a_target_that_is_mostly_off_the_image_need_not_be_followed_but_has_its_truth():
    at_the_edge = {"acquisition": {"center_mm": (-56.0, 8.0)}, "breathing": {"start_phase": 0.0, "period_s": 3.0}}
    phantom, kind = staged(Scene("edge", "", at_the_edge), 1, **SHORT)
    found = judged(phantom, kind, told(phantom))
    assert found.trackable[0]
    assert not found.trackable.all()
    shown = phantom.visible & ~found.trackable
    assert shown.any()
    assert np.isfinite(found.errors_mm[shown]).all()


@pytest.mark.parametrize("kind", mostly_slow(["noise", "other anatomy", "banding", "smear"]))
def test_a_disturbance_changes_its_frames_and_no_other(kind):
    scene = Scene("disturbed", "", disturbances=(Disturbance(kind, 0.5, 0.5), Disturbance(kind, 1.5, 0.25)))
    phantom, kinds = staged(scene, 1, **SHORT)
    hit = kinds == kind
    np.testing.assert_array_equal(np.flatnonzero(hit), [3, 4, 5, 9, 10])
    plain = make_phantom(scene.config(1, **SHORT)).recording.frames
    changed = (phantom.recording.frames != plain).mean(axis=(1, 2))
    np.testing.assert_array_equal(changed > 0.5, hit)
    assert (changed[~hit] == 0.0).all()
    found = judged(phantom, kinds, told(phantom))
    assert not found.trackable[hit].any()
    assert np.isinf(found.errors_mm[hit]).all() == (kind in SHOWS_NOTHING)
    assert np.isfinite(found.errors_mm[~hit]).all()


def test_after_a_preview_only_what_comes_later_is_judged():
    phantom, kind = staged(Scene("here", ""), 1, 1.0, **SHORT)
    assert len(kind) == 18
    found = judged(phantom, kind, told(phantom)[6:], 6)
    assert found.errors_mm.shape == found.trackable.shape == found.kinds.shape == (12,)
    assert found.errors_mm == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_the_chance_that_the_wrong_frame_has_the_lower_confidence(seed):
    random = np.random.default_rng(seed)
    confidence = random.integers(0, 6, 40) / 5.0
    errors_mm = np.where(random.random(40) < 0.2, np.inf, random.uniform(0.0, 6.0, 40))
    pairs = [
        1.0 if wrong < right else 0.5 if wrong == right else 0.0
        for wrong in confidence[errors_mm > 3.0]
        for right in confidence[errors_mm <= 3.0]
    ]
    assert roc_area(confidence, errors_mm) == pytest.approx(np.mean(pairs))


def test_there_is_no_area_without_both_kinds_of_frames():
    assert math.isnan(roc_area(np.array([0.1, 0.9]), np.array([1.0, 2.0])))
    assert math.isnan(roc_area(np.array([0.1, 0.9]), np.array([np.inf, 4.0])))


def test_return_is_counted_in_frames_that_show_the_target_again():
    inf = np.inf
    assert frames_until_back(run([0, inf, 0, 0], [0.9, 0.1, 0.9, 0.9])) == [1]
    assert frames_until_back(run([0, inf, 0, 9, 1], [0.9, 0.1, 0.4, 0.9, 0.9])) == [3]
    assert frames_until_back(run([0, inf, 0, inf, 0], [0.9, 0.1, 0.9, 0.1, 0.1])) == [1, 6]
    assert frames_until_back(run([0, 0, 0], [0.1, 0.1, 0.9])) == []


@pytest.mark.parametrize(
    ("errors_mm", "confidence", "faults"),
    [
        ([1.0] * 20, [0.9] * 20, ()),
        ([1.0] * 20, [0.9] * 18 + [0.4] * 2, ()),
        ([1.0] * 20, [0.9] * 17 + [0.4] * 3, ("unsure",)),
        ([1.0] * 17 + [2.1] * 3, [0.9] * 20, ("p95",)),
        ([1.0] * 99 + [5.1], [0.9] * 100, ("far",)),
        ([1.0] * 99 + [5.1], [0.9] * 99 + [0.49], ()),
        ([1.0] * 30 + [np.inf] * 5, [0.9] * 31 + [0.1] * 4, ("far",)),
        ([1.0] * 30 + [np.inf] + [1.0] * 30, [0.9] * 30 + [0.1] * 3 + [0.9] * 28, ("back",)),
        ([1.0] * 30 + [np.inf] + [1.0] * 30, [0.9] * 30 + [0.1] * 2 + [0.9] * 29, ()),
        ([1.0] * 20, [0.1] * 20, ("p95", "unsure")),
    ],
)
def test_what_is_not_as_it_must_be_is_named(errors_mm, confidence, faults):
    assert figures([run(errors_mm, confidence)], can_be_followed=True).faults == faults


def test_where_doubt_is_a_good_answer_only_certainty_can_be_at_fault():
    assert figures([run([1.0] * 20, [0.1] * 20)], can_be_followed=False).faults == ()
    assert figures([run([9.0] * 20, [0.1] * 19 + [0.9])], can_be_followed=False).faults == ("p95", "far")


def test_errors_are_told_of_frames_that_show_the_target_even_where_the_tracker_is_sure_of_another():
    row = figures([run([1.0, 3.0, np.inf, 9.0], [0.9, 0.9, 0.9, 0.1])], can_be_followed=True)
    assert (row.mean_mm, row.worst_mm, row.sure_and_far) == (2.0, 3.0, 1)


def test_every_frame_is_in_one_bin_of_confidence():
    confidence = np.linspace(0.0, 1.0, 101)
    rows = reliability(confidence, np.where(confidence < 0.3, np.inf, 1.0))
    assert sum(row[2] for row in rows) == 101
    assert [row[0] for row in rows] == list(BINS[:-1])
    assert [row[3] for row in rows] == [1.0] * 3 + [0.0] * 7
    assert rows[-1][4] == 1.0
    assert math.isnan(rows[0][4])


def test_sources_are_pooled_and_doubt_is_told_by_kind():
    good = run([0, 1, 2, 4], [0.9, 0.8, 0.7, 0.1])
    lost = run([0, np.inf, np.inf], [0.9, 0.2, 0.6], kinds=["", "noise", "noise"])
    found = areas({"a": [good], "b": [lost]})
    assert found["a"] == (4, 1, 1.0)
    assert found["b"] == (3, 2, 1.0)
    assert found["all together"][:2] == (7, 3)
    assert unsure_shares({"a": [good], "b": [lost]}) == {"noise": (2, 0.5)}


def test_other_people_s_frames_are_mixed_in_and_are_wrong_wherever_they_are():
    case, other = breathing_case(frames=90, name="A1_v"), breathing_case(frames=50, name="B1_v")
    own, mixed = cine.follow_labels(case), cine.follow_mixed(case, [other])
    assert own.errors_mm.size == 89
    assert np.isfinite(own.errors_mm).all()
    assert np.count_nonzero(mixed.kinds == "other anatomy") == 2 * cine.RUN
    np.testing.assert_array_equal(np.isinf(mixed.errors_mm), mixed.kinds == "other anatomy")
    assert cine.others_of(case, [case, other, breathing_case(name="A1_d")]) == [other]


def test_the_command_prints_all_tables_and_the_recorded_cases(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "SCENES", (Scene("short", "", {"acquisition": SHORT}),))
    monkeypatch.setattr(command, "CINE", tmp_path)
    monkeypatch.setattr(command, "size_scenes", lambda: ())
    monkeypatch.setattr(command, "state_scenes", lambda: ())
    monkeypatch.setattr(command, "ORGAN_SCENES", ())
    write_case(breathing_case(frames=44, name="A1_v"), tmp_path / "A1_v")
    write_case(breathing_case(frames=44, name="B1_v"), tmp_path / "B1_v")
    command.main(["--seeds", "1", "2", "--json"])
    out, err = capsys.readouterr()
    told = json.loads(out.splitlines()[-1])
    assert told["scenes"]["short"]["frames"] == 24
    assert {"phantom", "recorded", "recorded, others mixed in", "all together"} == set(told["roc_area"])
    assert told["roc_area"]["all together"]["frames"] == 24 + 2 * 43 * 2
    assert "other anatomy" in told["unsure"]
    for word in ("short", "What a confidence means", "unsure %", "area"):
        assert word in err


def test_a_tracker_that_can_learn_is_shown_the_preview_and_judged_on_what_comes_after(monkeypatch, capsys):
    learnt = []
    monkeypatch.setattr(Tracker, "learn", lambda _self, frames: learnt.append(frames.shape), raising=False)
    monkeypatch.setattr(command, "SCENES", (Scene("short", "", {"acquisition": SHORT}),))
    command.main(["short", "--seeds", "1", "2", "--preview", "1.0", "--json"])
    assert learnt == [(6, 64, 64)] * 2
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["scenes"]["short"]["frames"] == 2 * 12


@pytest.mark.parametrize(("errors", "code"), [(None, 0), (4.0, 1)])
def test_a_limit_that_is_not_kept_shows_in_the_exit_code(errors, code, monkeypatch, capsys):
    found = run([1.0] * 20 if errors is None else [errors] * 20, [0.9] * 20)
    monkeypatch.setattr(command, "run_scenes", lambda *_: {"plain": [found]})
    assert command.main(["plain", "--seeds", "1"]) == code
    assert "p95" in capsys.readouterr().out


def test_an_unknown_scene_is_refused_in_one_line(capsys):
    assert command.main(["no-such"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
