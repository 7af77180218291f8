"""`gatekeeper trackrad run` takes a case as the challenge's platform gives it and writes its masks as wanted."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK
import tifffile

from gatekeeper.core.track import Track
from replay import trackrad as contract
from replay.scores.tracking import score
from replay.trackrad import open_input, track_masks
from tests.support.cases import breathing_case
from tests.support.challenge_layout import OUTPUT, SERIES, TARGET, read_masks, write_input
from tests.support.command_line import gatekeeper
from tests.support.matrices import mostly_slow


@pytest.fixture(scope="module")
def breathing():
    return breathing_case()


@pytest.fixture
def case(breathing, tmp_path):
    return write_input(breathing, tmp_path / "input")


def run(case, output):
    return gatekeeper("trackrad", "run", "--input", case, "--output", output)


def refusal(case, output, capsys):
    """Run what must be refused, and return the one line that says why."""
    assert run(case, output) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gatekeeper: ")
    assert err.count("\n") == 1
    assert not (output / OUTPUT).exists()
    return err


def test_target_is_followed_to_where_it_truly_is(breathing, case, tmp_path, capsys):
    assert run(case, tmp_path / "out") == 0
    assert "24 frames" in capsys.readouterr().out
    result = score(read_masks(tmp_path / "out") != 0, breathing)
    assert result.dsc > 0.9
    assert result.center_mm < 1.0


def test_output_has_the_size_and_the_place_of_the_images_and_holds_0_and_1(case, tmp_path):
    image = SimpleITK.ReadImage(case / SERIES)
    image.SetSpacing((0.25, 1.5, 2.0))
    image.SetOrigin((7.0, -31.0, 12.5))
    image.SetDirection((0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0))
    SimpleITK.WriteImage(image, case / SERIES, useCompression=True)
    assert run(case, tmp_path / "out") == 0
    masks = SimpleITK.ReadImage(tmp_path / "out" / OUTPUT)
    assert masks.GetSize() == image.GetSize() == (24, 60, 72)
    assert masks.GetPixelID() == SimpleITK.sitkUInt8
    for of in ("GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(masks, of)() == pytest.approx(getattr(image, of)())
    assert set(np.unique(SimpleITK.GetArrayFromImage(masks))) == {0, 1}


def test_mask_of_the_first_frame_is_the_given_one(breathing, tmp_path):
    ragged = breathing.first_mask.copy()
    ragged[30, 30] = False  # A hole, which no outline has.
    case = write_input(replace(breathing, first_mask=ragged), tmp_path / "input")
    assert run(case, tmp_path / "out") == 0
    np.testing.assert_array_equal(read_masks(tmp_path / "out")[0] != 0, ragged)


@pytest.mark.parametrize("known", mostly_slow([9, 1, 2, 23]))
@pytest.mark.parametrize("later", mostly_slow(["noise", "nothing", "nan", "other order"], 2))
def test_no_mask_depends_on_later_frames(breathing, tmp_path, known, later):
    frames = breathing.frames.astype(np.float32)
    changed = frames.copy()
    changed[known:] = {
        "noise": np.random.default_rng(1).normal(500.0, 200.0, frames[known:].shape),
        "nothing": np.zeros_like(frames[known:]),
        "nan": np.full_like(frames[known:], np.nan),
        "other order": frames[known:][::-1],
    }[later]
    masks = []
    for name, stack in (("as it was", frames), ("changed", changed)):
        assert run(write_input(replace(breathing, frames=stack), tmp_path / name), tmp_path / name / "out") == 0
        masks.append(read_masks(tmp_path / name / "out"))
    np.testing.assert_array_equal(masks[0][:known], masks[1][:known])
    if later in ("noise", "other order") and known < 23:
        assert (masks[0][known:] != masks[1][known:]).any()


def test_a_frame_is_looked_at_only_when_its_mask_is_asked_for(breathing):
    class Seen:
        shape, dtype = breathing.frames.shape, breathing.frames.dtype
        latest = -1

        def __len__(self):
            return len(breathing.frames)

        def __getitem__(self, index):
            self.latest = max(self.latest, index)
            return breathing.frames[index]

    seen = Seen()
    for index, _ in enumerate(track_masks(replace(breathing, frames=seen))):
        assert seen.latest == index


def test_a_lost_target_is_guessed_where_it_was_last(breathing):
    frames = breathing.frames.copy()
    frames[12:15] = 7
    masks = list(track_masks(replace(breathing, frames=frames)))
    for lost in (12, 13, 14):
        np.testing.assert_array_equal(masks[lost], masks[11])


def test_a_mask_is_never_empty_though_the_target_leaves_the_image(breathing, monkeypatch):
    class Leaves:
        def __init__(self, *args):
            self.row = 30.0

        def track(self, image):
            self.row += 40.0
            corners = [(-4.0, -4.0), (-4.0, 4.0), (4.0, 4.0), (4.0, -4.0)]
            return Track(np.add(corners, (self.row, 30.0)), (0.0, 0.0), 1.0)

    monkeypatch.setattr(contract, "Tracker", Leaves)
    masks = list(track_masks(breathing))
    assert masks[1][70].any()
    for mask in masks[2:]:
        np.testing.assert_array_equal(mask, masks[1])


def test_an_older_output_is_replaced_and_nothing_else_left(case, tmp_path):
    output = tmp_path / "out" / OUTPUT
    output.parent.mkdir(parents=True)
    output.write_bytes(b"older")
    assert run(case, tmp_path / "out") == 0
    assert read_masks(tmp_path / "out").shape == (24, 72, 60)
    assert [path.name for path in output.parent.iterdir()] == ["output.mha"]


def test_json_tells_how_long_each_part_took(case, tmp_path, capsys):
    assert gatekeeper("trackrad", "run", "--input", case, "--output", tmp_path / "out", "--json") == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert result["output"] == str(tmp_path / "out" / OUTPUT)
    assert result["frames"] == 24
    assert all(result[part] > 0.0 for part in ("read_s", "arm_s", "track_s", "write_s"))
    assert "24 frames" in err


def test_input_is_what_was_recorded(breathing, tmp_path):
    case = open_input(write_input(breathing, tmp_path / "in", **{"b-field-strength": 1.5, "scanned-region": "lung"}))
    np.testing.assert_array_equal(case.recording.frames, breathing.frames)
    np.testing.assert_array_equal(case.recording.first_mask, breathing.first_mask)
    np.testing.assert_allclose(case.recording.times_s, breathing.times_s)
    assert (case.recording.spacing_mm, case.recording.field_strength_t) == ((2.0, 2.0), 1.5)
    assert case.recording.region == "lung"


FILES = [SERIES, TARGET, "frame-rate.json", "b-field-strength.json", "scanned-region.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(case, tmp_path, capsys, name):
    (case / name).unlink()
    where = name if name.endswith(".json") else name.rpartition("/")[0]
    assert str(case / where) in refusal(case, tmp_path / "out", capsys)


@pytest.mark.parametrize("name", [SERIES, TARGET])
@pytest.mark.parametrize("left", [0.0, 0.01, 0.5, 0.999])
def test_an_image_cut_short_is_named(case, tmp_path, capsys, name, left):
    content = (case / name).read_bytes()
    (case / name).write_bytes(content[: int(left * len(content))])
    assert str(case / name) in refusal(case, tmp_path / "out", capsys)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".json")])
@pytest.mark.parametrize("content", [b"", b"{", b'"abd', b"4.0 8.0", b"\xff\xfe"])
def test_a_damaged_value_is_named(case, tmp_path, capsys, name, content):
    (case / name).write_bytes(content)
    assert str(case / name) in refusal(case, tmp_path / "out", capsys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frame-rate", 0.0),
        ("frame-rate", "4"),
        ("frame-rate", [4.0]),
        ("b-field-strength", -1.5),
        ("b-field-strength", None),
        ("scanned-region", 3),
    ],
)
def test_a_value_that_cannot_be_is_named(breathing, tmp_path, capsys, name, value):
    case = write_input(breathing, tmp_path / "input", **{name: value})
    assert f"{name}.json" in refusal(case, tmp_path / "out", capsys)


def test_a_folder_that_is_none_is_refused(tmp_path, capsys):
    assert "no such folder" in refusal(tmp_path / "nowhere", tmp_path / "out", capsys)


def test_two_image_files_are_not_guessed_among(case, tmp_path, capsys):
    (case / SERIES).with_name("another.mha").write_bytes((case / SERIES).read_bytes())
    assert "holds 2 files" in refusal(case, tmp_path / "out", capsys)


def test_a_target_of_another_size_is_refused(breathing, case, tmp_path, capsys):
    smaller = replace(breathing, first_mask=breathing.first_mask[:-1])
    write_input(smaller, tmp_path / "smaller")
    (case / TARGET).write_bytes((tmp_path / "smaller" / TARGET).read_bytes())
    assert TARGET in refusal(case, tmp_path / "out", capsys)


def test_an_empty_target_is_refused(breathing, tmp_path, capsys):
    case = write_input(replace(breathing, first_mask=np.zeros_like(breathing.first_mask)), tmp_path / "input")
    assert f"{TARGET}: is empty" in refusal(case, tmp_path / "out", capsys)


def test_images_without_time_are_refused(case, tmp_path, capsys):
    SimpleITK.WriteImage(SimpleITK.Image(60, 72, SimpleITK.sitkUInt16), case / SERIES)
    assert "has 2 axes" in refusal(case, tmp_path / "out", capsys)


def test_a_first_frame_that_shows_nothing_is_refused(breathing, tmp_path, capsys):
    frames = breathing.frames.copy()
    frames[0] = 7
    assert "reference" in refusal(
        write_input(replace(breathing, frames=frames), tmp_path / "in"), tmp_path / "o", capsys
    )


def test_an_output_that_is_a_file_is_refused(case, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert "cannot be written" in refusal(case, tmp_path / "out", capsys)
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("ending", [".tif", ".tiff"])
@pytest.mark.parametrize("pages", ["frames", "rows"])
def test_tiff_images_are_taken_as_the_template_of_the_challenge_takes_them(breathing, case, tmp_path, ending, pages):
    stacks = {SERIES: np.asarray(breathing.frames), TARGET: breathing.first_mask[None].astype(np.uint8)}
    for name, stack in stacks.items():
        (case / name).unlink()
        pixels = stack if pages == "frames" else np.moveaxis(stack, 0, -1).copy()
        tifffile.imwrite((case / name).with_suffix(ending), pixels, photometric="minisblack")
    opened = open_input(case).recording
    np.testing.assert_array_equal(np.asarray(opened.frames), breathing.frames)
    np.testing.assert_array_equal(opened.first_mask, breathing.first_mask)
    if (ending, pages) == (".tiff", "frames"):
        assert run(case, tmp_path / "out") == 0
        assert read_masks(tmp_path / "out").shape == breathing.frames.shape
