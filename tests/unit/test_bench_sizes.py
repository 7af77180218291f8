"""Scenes and tables by size of target: what they show, and what they count."""

import json
import math

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.scenes import __main__ as command
from benchmarks.scenes.catalogue import Scene
from benchmarks.scenes.follow import Followed, first_center_mm, judged, staged
from benchmarks.scenes.size_table import frames_after_changes, size_figures, size_table
from benchmarks.scenes.sizes import SIZES, WORSE, size_scenes, state_scenes
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.track import Track
from replay.scores.outline import moved_points

SHORT = {"matrix": (64, 64), "duration_s": 2.0}


def run(errors_mm, confidence, deep=None, trackable=None):
    errors_mm = np.array(errors_mm, dtype=float)
    return Followed(
        errors_mm,
        np.array(confidence, dtype=float),
        np.full(errors_mm.shape, True) if trackable is None else np.array(trackable),
        np.full(errors_mm.shape, ""),
        np.stack([errors_mm, 3.0 * errors_mm], axis=1),
        np.full(errors_mm.shape, 0.9),
        np.full(errors_mm.shape, False) if deep is None else np.array(deep, dtype=bool),
    )


def test_every_size_has_the_same_motions_and_states():
    for scenes, count in ((size_scenes(), 4), (state_scenes(), 2)):
        assert len({scene.name for scene in scenes}) == len(scenes)
        assert {size: sum(scene.size == size for scene in scenes) for size in SIZES} == dict.fromkeys(SIZES, count)
        for scene in scenes:
            config = scene.config(1)
            assert config.target.kind == scene.size
            assert config.acquisition.matrix == (240, 200)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["liver-into-hold", "liver-jump"])
def test_a_change_of_state_begins_shallow_and_goes_deep_with_worse_images(name):
    scene = next(scene for scene in state_scenes() if scene.name == name)
    small = {"matrix": (64, 64), "pixel_mm": (4.0, 4.0), "frame_rate_hz": 4.0}
    phantom, _ = staged(scene, 1, **small)
    found = judged(phantom, np.full(phantom.visible.shape, ""), exact(phantom))
    assert not found.deep[:24].any()
    assert 40.0 < phantom.signal_mm.max() < 60.0
    assert phantom.signal_mm[:24].max() < 10.0
    assert len(frames_after_changes(found)) in (3, 4)
    plain, _ = staged(Scene("plain", "", scene.settings), 1, **small)
    changed = np.any(phantom.recording.frames != plain.recording.frames, axis=(1, 2))
    np.testing.assert_array_equal(changed, found.deep)
    brighter = phantom.recording.frames[changed].mean() / plain.recording.frames[changed].mean()
    assert brighter == pytest.approx(WORSE.gain, rel=0.2)


def exact(phantom, off_px=(0.0, 0.0)):
    """Return tracks whose outline is the true one, but for an offset."""
    recording = phantom.recording
    start_mm = first_center_mm(recording.first_mask, recording.spacing_mm)
    outlines = moved_points(mask_to_contour(recording.first_mask), phantom.contours)
    off_mm = np.array(off_px) * recording.spacing_mm
    return [
        Track(outline + off_px, tuple(start_mm + moved_mm + off_mm), 0.9)
        for outline, moved_mm in zip(outlines, phantom.displacement_mm, strict=True)
    ]


@pytest.mark.parametrize("transposed", [False, True])
def test_outline_and_mask_are_judged_frame_by_frame(transposed):
    phantom, kind = staged(Scene("here", "", transposed=transposed), 1, **SHORT)
    right, off = judged(phantom, kind, exact(phantom)), judged(phantom, kind, exact(phantom, (1.0, 0.0)))
    assert right.outline_mm == pytest.approx(0.0, abs=1e-9)
    assert right.errors_mm == pytest.approx(0.0, abs=1e-9)
    assert right.dsc.min() > 0.95
    assert off.outline_mm == pytest.approx(1.8)
    assert 0.8 < off.dsc.mean() < 0.95


def test_transposed_frames_show_the_same_with_rows_and_columns_exchanged():
    plain, _ = staged(Scene("here", ""), 1, **SHORT)
    turned, _ = staged(Scene("here", "", transposed=True), 1, **SHORT)
    np.testing.assert_array_equal(turned.recording.frames[3], plain.recording.frames[3].T)
    np.testing.assert_array_equal(turned.recording.labels[3], plain.recording.labels[3].T)
    np.testing.assert_array_equal(turned.displacement_mm, plain.displacement_mm[:, ::-1])
    np.testing.assert_array_equal(turned.contours[3], plain.contours[3][:, ::-1])


def test_frames_are_counted_from_the_first_one_in_the_new_state():
    deep = [0, 0, 1, 1, 1, 1, 0, 0, 0]
    errors_mm = [0, 0, 9, 2, 2, 2, 1, 1, 1]
    assert frames_after_changes(run(errors_mm, [0.9] * 9, deep)) == [(2.0, 2.0), (1.0, 1.0)]
    assert frames_after_changes(run(errors_mm, [0.9] * 4 + [0.1] * 4 + [0.9], deep)) == [(2.0, 2.0), (1.0, 3.0)]
    assert frames_after_changes(run([9] * 9, [0.9] * 9, deep)) == [(math.inf, math.inf)] * 2
    assert frames_after_changes(run(errors_mm, [0.9] * 9)) == []


def test_figures_are_of_trackable_frames_and_sure_errors_of_all():
    row = size_figures([run([1.0, 3.0, 9.0], [0.9, 0.1, 0.9], trackable=[True, True, False]), run([2.0], [0.9])])
    assert (row.runs, row.frames, row.center_mm, row.center_p95_mm) == (2, 3, 2.0, 3.0)
    assert (row.outline_mm, row.outline_p95_mm) == (4.0, 9.0)
    assert row.sure_share == pytest.approx(2.0 / 3.0)
    assert row.sure_and_far == 1
    late = size_figures([run([0] + [9] * 3 + [1] * 5, [0.9] * 9, [0] + [1] * 8)])
    assert (late.changes, late.found_after, late.found_late, late.sure_after, late.sure_late) == (1, 4.0, 1, 4.0, 0)


def test_a_tracker_that_moves_other_points_has_no_outline_error():
    phantom, kind = staged(Scene("here", ""), 1, **SHORT)
    tracks = [Track(track.contour_px[::2], track.center_mm, 0.9) for track in exact(phantom)]
    found = judged(phantom, kind, tracks)
    assert np.isnan(found.outline_mm).all()
    row = size_figures([found])
    assert math.isnan(row.outline_mm)
    assert size_table("none", {"lesion": row}, with_changes=True).row_count == 1


def test_the_command_takes_sizes_and_states_alone(monkeypatch, capsys):
    small = {"target": {"kind": "dome"}, "acquisition": SHORT | {"center_mm": (-40.0, 0.0)}}
    monkeypatch.setattr(command, "size_scenes", lambda: (Scene("dome-small", "", small),))
    monkeypatch.setattr(command, "state_scenes", lambda: (Scene("dome-state", "", small, quality=WORSE),))
    assert command.main(["--sizes", "dome", "--states", "--seeds", "1", "--json"]) in (0, 1)
    out, err = capsys.readouterr()
    told = json.loads(out.splitlines()[-1])
    assert set(told["by_size"]) == {command.SIZES_TITLE, command.STATES_TITLE}
    assert told["by_size"][command.SIZES_TITLE][SIZES["dome"]]["frames"] > 0
    assert told["scenes"] == {}
    assert "outline mm" in err
    assert command.main(["--sizes", "spleen"]) == 2
    assert "spleen" in capsys.readouterr().err


def test_peers_are_compared_by_size_and_by_outline(monkeypatch, capsys):
    small = {"target": {"kind": "dome"}, "acquisition": SHORT | {"center_mm": (-40.0, 0.0)}}
    monkeypatch.setattr(peers, "size_scenes", lambda: (Scene("dome-small", "", small),))
    slow = ["NCC then demons", "Farneback", "CSRT", "KCF"]
    names = {method.name for method in peers.available_methods()[0]}
    left_out = [name for name in slow if name in names]
    assert peers.main(["dome", "--json", "--leave-out", *left_out]) == 0
    out, err = capsys.readouterr()
    pooled = json.loads(out.splitlines()[-1])["pooled"]["dome"]
    assert set(left_out).isdisjoint(pooled)
    assert 0.0 < pooled["gatekeeper"]["outline_mm"] < pooled["no tracking"]["outline_mm"]
    assert "By size" in err
    assert peers.main(["dome", "--leave-out", "gatekeeper"]) == 2
    assert "gatekeeper" in capsys.readouterr().err
