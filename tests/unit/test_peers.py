"""The peers follow what they should, see what they should, and all of them are in the table."""

import json

import numpy as np
import pytest
from scipy import ndimage

from benchmarks import peers as command
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.errors import InputError
from kernels.polygon import area, centroid
from replay.formats.trackrad import write_case
from replay.peers.flow import AlignedFlow, dis
from replay.peers.measure import WARM_UP_CALLS, measure, pooled
from replay.peers.methods import NONE, OURS, PREVIEWED, Method, Previewed, available_methods, one_thread_each
from replay.peers.table import FASTEST_GOOD, MOST_EXACT, cases_table, figures, methods_table, pool
from replay.peers.template import Template
from replay.recording import Recording
from tests.support.cases import breathing_case
from tests.support.phantoms import phantom
from tests.support.recordings import disc

SHAPE = (96, 88)
SPACING_MM = (2.0, 2.0)
METHODS, _ = available_methods()
NAMES = [method.name for method in METHODS]


@pytest.fixture(autouse=True)
def _one_thread():
    one_thread_each()


def textured(down=0.0, right=0.0):
    """Return tissue with detail of some pixels, moved; what comes in over the edge is tissue too."""
    tissue = ndimage.gaussian_filter(np.random.default_rng(8).normal(size=(200, 200)), 2.5)
    tissue = 500.0 + 150.0 * tissue / tissue.std()
    moved = ndimage.shift(tissue, (down, right), order=3, mode="nearest")
    return np.rint(moved[50 : 50 + SHAPE[0], 50 : 50 + SHAPE[1]].clip(0)).astype(np.uint16)


def middle(outline):
    """Return where the middle of an outline is, as (row, col)."""
    out = np.empty(2)
    centroid(np.ascontiguousarray(outline), out)
    return out


def indexed_case(labelled):
    """Return a recording whose frames each hold nothing but their index, with labels on some of them."""
    mask = disc((40, 40), (20.0, 20.0), 6.0)
    frames = np.broadcast_to(np.arange(230, dtype=np.uint16)[:, None, None], (230, 40, 40))
    labels = np.zeros(frames.shape, dtype=np.bool_)
    labels[labelled] = mask
    return Recording("P_002", frames, SPACING_MM, np.arange(230) / 4.0, first_mask=mask, labels=labels)


def spy(seen, every_frame=True):
    """Return a method that notes which frames it is shown, and leaves the target where it was."""

    def start(reference, mask, spacing_mm):
        contour_px = mask_to_contour(mask)

        def follow(image):
            seen.append(int(image[0, 0]))
            return contour_px

        return follow

    return Method("spy", start, every_frame)


def quiet(doing, done, total):
    assert 0 <= done <= total


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_every_peer_follows_moving_tissue_to_less_than_a_pixel(method):
    mask = disc(SHAPE, (46.0, 42.0), 10.0)
    follow = method.start(textured(), mask, SPACING_MM)
    follow(textured())
    outline = follow(textured(down=4.0, right=-3.0))
    start = mask_to_contour(mask)
    moved = (0.0, 0.0) if method.name == NONE else (4.0, -3.0)
    assert outline.shape == start.shape
    assert np.abs(middle(outline) - middle(start) - moved).max() < 1.0
    assert area(np.ascontiguousarray(outline)) == pytest.approx(area(start), rel=0.1)


def test_the_template_is_found_between_pixels():
    follow = Template(textured(), disc(SHAPE, (46.0, 42.0), 10.0), SPACING_MM)
    assert follow.shift_px(textured(down=2.4, right=-1.7)) == pytest.approx((2.4, -1.7), abs=0.1)


def test_the_template_is_not_looked_for_beyond_its_range():
    follow = Template(textured(), disc(SHAPE, (46.0, 42.0), 10.0), SPACING_MM)
    assert follow.shift_px(textured(down=14.0))[0] == pytest.approx(14.0, abs=0.1)
    assert abs(follow.shift_px(textured(down=19.0))[0]) <= 15.0


@pytest.mark.parametrize(("center", "down", "right"), [((22.0, 40.0), -7.0, 0.0), ((74.0, 66.0), 6.0, 7.0)])
def test_flow_is_computed_where_its_box_leaves_the_image(center, down, right):
    mask = disc(SHAPE, center, 8.0)
    outline = AlignedFlow(textured(), mask, SPACING_MM, dis(2))(textured(down=down, right=right))
    assert middle(outline) - middle(mask_to_contour(mask)) == pytest.approx((down, right), abs=0.3)


def test_frames_are_shown_once_in_order_and_scored_where_labelled():
    seen, slow = [], []
    labelled = [0, 5, 6, 150, 229]
    recording = indexed_case(labelled)
    outcome = measure(recording, [spy(seen)], quiet)["spy"]
    measure(recording, [spy(slow, every_frame=False)], quiet)
    assert seen == [0] * WARM_UP_CALLS + list(range(1, 230))
    assert slow == [0] * WARM_UP_CALLS + labelled[1:]
    assert [score.sequence for score in outcome.scores] == labelled[1:]
    assert len(outcome.times_ms) == 229
    assert [score.dsc for score in outcome.scores] == [1.0] * 4


def test_pooled_means_are_over_frames_not_cases():
    long = measure(indexed_case([0, 5, 6, 7]), [spy([])], quiet)["spy"]
    short = measure(indexed_case([0, 5]), [spy([])], quiet)["spy"]
    assert figures(pooled([long, short])).frames_scored == 4


def test_a_case_without_labels_cannot_be_measured():
    with pytest.raises(InputError, match="P_002: has no label on the first frame"):
        measure(indexed_case([0]), [spy([])], quiet)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return write_case(breathing_case(frames=8), tmp_path_factory.mktemp("cases") / "P_001")


def test_every_method_is_in_the_json_and_in_the_table(case, capsys):
    assert command.main([str(case), "--json"]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out.splitlines()[-1])
    assert list(result["pooled"]) == ["recorded"]
    assert result["cases"]["P_001"] == result["pooled"]["recorded"]
    assert list(result["pooled"]["recorded"]) == NAMES
    assert result["pooled"]["recorded"][OURS]["time_ratio"] == 1.0
    assert all(one["frames_scored"] == 7 for one in result["pooled"]["recorded"].values())
    assert all(name in err for name in NAMES)


def test_tables_have_a_row_per_method_and_per_case():
    found = measure(breathing_case(frames=4), METHODS, quiet)
    cases = {"P_001": found, "P_002": found}
    assert methods_table("both", pool(cases)).row_count == len(METHODS)
    assert cases_table(cases).row_count == 2


def test_a_preview_is_the_beginning_of_the_case_and_is_seen_before_frame_0():
    seen, learned = [], []

    class Learner:
        def __init__(self, reference, mask, spacing_mm):
            self.contour_px = mask_to_contour(mask)

        def learn(self, images):
            assert seen == []
            learned.extend(images[:, 0, 0].tolist())

        def __call__(self, image):
            seen.append(int(image[0, 0]))
            return self.contour_px

    outcome = measure(indexed_case([0, 5, 229]), [Previewed("spy", Learner, 2.5)], quiet)["spy"]
    assert learned == list(range(10))
    assert seen == [0] * WARM_UP_CALLS + list(range(1, 230))
    assert len(outcome.times_ms) == 229
    assert [score.sequence for score in outcome.scores] == [5, 229]


@pytest.mark.slow
def test_with_a_preview_gatekeeper_is_in_the_table_twice(tmp_path, capsys):
    long = write_case(breathing_case(frames=60), tmp_path / "P_001")
    assert command.main([str(long), "--json", "--preview", "14"]) == 0
    out, err = capsys.readouterr()
    rows = json.loads(out.splitlines()[-1])["cases"]["P_001"]
    assert list(rows) == [*NAMES, PREVIEWED]
    assert rows[PREVIEWED]["frames_scored"] == rows[OURS]["frames_scored"] == 59
    assert rows[PREVIEWED]["center_mm"] != rows[OURS]["center_mm"]
    assert PREVIEWED in err


def test_the_best_peer_is_not_gatekeeper_itself():
    outcome = measure(breathing_case(frames=4), METHODS, quiet)
    table = cases_table({"P_001": {**outcome, PREVIEWED: outcome[OURS]}})
    best = next(column for column in table.columns if column.header == "best peer there")
    assert not {OURS, PREVIEWED} & set(best.cells)


@pytest.mark.parametrize("length", ["0", "-3", "nan", "inf", "soon"])
def test_a_preview_of_no_length_is_bad_usage(length, capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(["--preview", length])
    assert caught.value.code == 2
    assert "--preview" in capsys.readouterr().err


def test_a_missing_case_is_one_line_and_exit_2(tmp_path, capsys):
    assert command.main([str(tmp_path / "nowhere")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "nowhere: no such folder" in err
    assert err.count("\n") == 1


def test_without_recorded_cases_the_phantom_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "CINE", tmp_path / "absent")
    monkeypatch.setattr(command, "KINDS", (command.PHANTOM, command.HALF_REAL))
    monkeypatch.setattr(command, "make_phantom", lambda config: phantom())
    few = [method for method in METHODS if method.name in (FASTEST_GOOD, MOST_EXACT, OURS)]
    monkeypatch.setattr(command, "available_methods", lambda preview_s: (few, None))
    assert command.main(["--json"]) == 0
    out, err = capsys.readouterr()
    assert list(json.loads(out.splitlines()[-1])["pooled"]) == ["phantom"]
    assert "No recorded case" in err
