"""What the user tells about images completes and replaces what the files say, with a note."""

import json

import numpy as np
import pytest
import SimpleITK

from gatekeeper.cli import main
from gatekeeper.cli.settings import choices_of
from gatekeeper.core.errors import ConfigError, RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.formats.sidecar import Sidecar
from replay.formats.trackrad import write_case
from tests.support.image_files import SAGITTAL, assert_same, itk_image, small, write_itk, write_side

PERSON = {"PatientName": "DOE^JANE", "PatientBirthDate": "1970-01-02"}


def refusal(path, choices=None):
    with pytest.raises(RecordingError) as caught:
        open_recording(path, choices)
    assert "DOE" not in str(caught.value)
    assert "1970" not in str(caught.value)
    return str(caught.value)


def test_a_sidecar_file_replaces_what_the_header_says(tmp_path):
    path = write_itk(tmp_path / "a.mha", small(), beside=False)
    write_side(path, rate_hz=5.0, spacing_mm=[2.0, 3.0], row_step=[0, 0, 1], col_step=[0, 1, 0])
    opened = open_recording(path)
    assert opened.spacing_mm == (2.0, 3.0)
    np.testing.assert_array_equal(opened.frames[0], small().frames[0][::-1])
    assert opened.notes == (
        "spacing_mm is 2 x 3 as you tell, and not 1.25 x 2.5 as the images say",
        "the orientation in the images is not used, as you tell another",
    )


def test_the_command_line_replaces_the_sidecar_file(tmp_path):
    path = write_itk(tmp_path / "a.mha", small(), beside=False)
    write_side(path, times_s=[0.0, 1.0, 2.0, 5.0], spacing_mm=[9.0, 9.0])
    told = Choices(rate_hz=4.0, spacing_mm=(1.25, 2.5), plane=SAGITTAL)
    opened = open_recording(path, told)
    assert_same(opened, small(times_s=np.arange(4) / 4.0))
    assert opened.notes == ()


def test_a_plane_of_the_command_line_counts_before_as_stored_in_the_sidecar_file(tmp_path):
    path = write_itk(tmp_path / "a.mha", small(), beside=False)
    write_side(path, rate_hz=4.0, as_stored=True, time_axis="last")
    assert open_recording(path, Choices(plane=SAGITTAL)).plane == SAGITTAL
    assert open_recording(path).plane == Plane()


@pytest.mark.parametrize("values", [PERSON, [5.0, "DOE^JANE"], {"name": "DOE^JANE", "id": 1970}, {}, "DOE"])
def test_a_json_file_of_another_program_is_no_sidecar_file(tmp_path, values):
    path = write_itk(tmp_path / "a.mha", small(), beside=False)
    (tmp_path / "a.json").write_text(json.dumps(values))
    assert "write rate_hz = ... into a.mha.toml" in refusal(path)
    assert_same(open_recording(path, Choices(rate_hz=5.97)), small())


@pytest.mark.parametrize("name", ["a.json", "a.toml"])
@pytest.mark.parametrize(
    "values",
    [
        {"rate_hz": 5.0, **PERSON},
        {"rate_hz": "DOE^JANE"},
        {"rate_hz": 5.0, "name": "DOE^JANE"},
        {"rate_hz": 5.0, "time_axis": "DOE"},
        {"rate_hz": 5.0, "DOE^JANE": 1},
    ],
)
def test_no_value_of_a_file_beside_images_is_shown(tmp_path, name, values):
    path = write_itk(tmp_path / "a.mha", small(), beside=False)
    text = json.dumps(values)
    if name.endswith("toml"):
        text = "\n".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in values.items())
    (tmp_path / name).write_text(text)
    assert str(tmp_path / name) in refusal(path)


@pytest.mark.parametrize("text", ['{"PatientName": "DOE^JANE"', "DOE = JANE", "\ufeff{}", "[DOE]\n[DOE]\n"])
def test_no_text_of_a_file_that_cannot_be_parsed_is_shown(tmp_path, text):
    path = write_itk(tmp_path / "a.mha", small(), beside=False)
    for name in ("a.json", "a.toml"):
        (tmp_path / name).write_text(text if name == "a.toml" else text + '"rate_hz"')
        assert "cannot be read as " in refusal(path)
        (tmp_path / name).unlink()
    (tmp_path / "a.json").write_text(text)
    opened = open_recording(path, Choices(rate_hz=5.97))
    assert_same(opened, small())
    assert opened.notes == ("a.json cannot be read as JSON and is not used",)


def test_two_sidecar_files_must_agree(tmp_path):
    path = write_itk(tmp_path / "a.mha", small(), beside=False)
    for name in ("a.mha.json", "a.json"):
        (tmp_path / name).write_text('{"rate_hz": 5.97}')
    assert_same(open_recording(path), small())
    (tmp_path / "a.json").write_text('{"rate_hz": 4}')
    assert "has two sidecar files, a.mha.json and a.json; keep one of them" in refusal(path)


@pytest.mark.parametrize("told", [2.5, [2.5], 3])
def test_one_size_of_pixels_in_a_sidecar_file_is_that_of_both_sides(tmp_path, told):
    path = write_itk(tmp_path / "a.mha", small(), beside=False)
    write_side(path, rate_hz=4.0, spacing_mm=told)
    size_mm = told[0] if isinstance(told, list) else told
    assert open_recording(path).spacing_mm == (size_mm, size_mm)


def test_a_scan_that_there_is_not_is_refused(tmp_path):
    path = write_itk(tmp_path / "a.mha", small())
    assert_same(open_recording(path, Choices(scan="1")), small())
    assert "holds one scan, and --scan is 2" in refusal(path, Choices(scan="2"))


def test_a_json_file_with_a_key_of_ours_is_a_sidecar_file(tmp_path):
    path = write_itk(tmp_path / "a.mha", small(), beside=False)
    write_side(path, name="case 7")
    assert "no frame rate" in refusal(path)
    for key in set(Sidecar.model_fields) - {"name", "region", "target", "labels"}:
        (tmp_path / "a.mha.json").write_text(json.dumps({key: None, "other": 1}))
        assert "does not have (other)" in refusal(path)


def nifti(folder, period_s, **values):
    """Write a NIfTI with a JSON file of dcm2niix."""
    image = itk_image(small(np.int16), axes=4)
    image.SetSpacing((*image.GetSpacing()[:3], period_s))
    SimpleITK.WriteImage(image, str(folder / "a.nii.gz"))
    (folder / "a.json").write_text(json.dumps({"MagneticFieldStrength": 0.35, **PERSON, **values}))
    return folder / "a.nii.gz"


@pytest.mark.parametrize(
    ("period_s", "values", "rate_hz", "says"),
    [
        (0.25, {"RepetitionTime": 0.25}, 4.0, None),
        (0.25, {"RepetitionTime": 0.5}, 4.0, "is 0.5 s from frame to frame; the header counts"),
        (0.25, {"RepetitionTime": 0.003}, 4.0, None),
        (1.0, {"RepetitionTime": 0.25}, 4.0, "is 0.25 s from frame to frame; that counts"),
        (1.0, {"VolumeTiming": [0, 0.25, 0.5, 0.75]}, 4.0, "times are those of a.json"),
        (1.0, {"RepetitionTime": 0.003}, 1.0, "1 s from frame to frame is what programs write"),
        (1.0, {"RepetitionTime": 10**400}, 1.0, "1 s from frame to frame is what programs write"),
        (1.0, {"RepetitionTime": "DOE^JANE"}, 1.0, "1 s from frame to frame is what programs write"),
        (1.0, {"RepetitionTime": 250}, 1.0, "RepetitionTime in a.json is no time in s from frame to frame and is not"),
    ],
)
def test_a_bids_file_tells_what_the_header_does_not(tmp_path, period_s, values, rate_hz, says):
    opened = open_recording(nifti(tmp_path, period_s, **values))
    np.testing.assert_allclose(opened.times_s, np.arange(4) / rate_hz, rtol=1e-6)
    assert opened.field_strength_t == 0.35
    assert "a.json is no sidecar file of gatekeeper; it is read as BIDS" in opened.notes
    assert says is None or any(says in note for note in opened.notes)
    assert "DOE" not in " ".join(opened.notes)


@pytest.mark.parametrize("timing", [[0, 0.5, 0.25, 0.75], [0, 0.25], "DOE"])
def test_times_of_bids_that_do_not_rise_or_fit_are_not_used(tmp_path, timing):
    opened = open_recording(nifti(tmp_path, 1.0, VolumeTiming=timing))
    np.testing.assert_allclose(opened.times_s, np.arange(4))


def test_files_of_bids_in_folders_above_complete_that_of_an_image(tmp_path):
    folder = tmp_path / "sub-01" / "func"
    folder.mkdir(parents=True)
    path = nifti(folder, 1.0).rename(folder / "sub-01_task-cine_run-2_bold.nii.gz")
    (folder / "a.json").rename(folder / "sub-01_task-cine_run-2_bold.json")
    (tmp_path / "task-cine_bold.json").write_text(json.dumps({"RepetitionTime": 0.25, "MagneticFieldStrength": 3}))
    for other in ("task-rest_bold.json", "run-1_bold.json", "task-cine_T1w.json"):
        (tmp_path / other).write_text('{"RepetitionTime": 7}')
    opened = open_recording(path)
    np.testing.assert_allclose(opened.times_s, np.arange(4) / 4.0)
    assert opened.field_strength_t == 0.35
    assert "RepetitionTime in task-cine_bold.json is 0.25 s from frame to frame; that counts" in opened.notes
    (folder / "dataset_description.json").write_text("{}")
    np.testing.assert_allclose(open_recording(path).times_s, np.arange(4))


def test_a_trackrad_case_takes_what_the_command_line_tells(tmp_path):
    case = small(times_s=np.arange(4) / 4.0)
    folder = write_case(case, tmp_path / "A")
    opened = open_recording(folder, Choices(rate_hz=8.0, spacing_mm=(3.0, 3.0)))
    np.testing.assert_allclose(opened.times_s, np.arange(4) / 8.0)
    assert opened.notes == (
        "spacing_mm is 3 x 3 as you tell, and not 1.25 x 2.5 as the images say",
        "rate_hz is 8 as you tell, and not 4 as the images say",
    )
    (folder / "frame-rate.json").unlink()
    assert_same(open_recording(folder, Choices(rate_hz=4.0)), case)
    assert "frame-rate.json: is missing" in refusal(folder)


@pytest.mark.parametrize(
    ("told", "step_mm"), [("2.5", (2.5, 2.5)), ("2.5,2", (2.5, 2.0)), ("0", None), ("2,2,2", None), ("nan", None)]
)
def test_the_size_of_pixels_on_the_command_line(told, step_mm):
    if step_mm is None:
        with pytest.raises(ConfigError, match="must be one or two numbers above 0"):
            choices_of(None, None, None, False, spacing_mm=told)
    else:
        assert choices_of(None, None, None, False, spacing_mm=told).spacing_mm == step_mm


@pytest.mark.parametrize("told", ["ip", "12.5,-80.25,61,0,0,-1,0,1,0", "I", "IS", "IX", "0,0,0,0,0,2,0,1,0", "1,2,nan"])
def test_the_plane_on_the_command_line(told):
    if told in ("ip", "12.5,-80.25,61,0,0,-1,0,1,0"):
        plane = choices_of(None, None, None, False, plane=told).plane
        assert plane == (Plane() if told == "ip" else SAGITTAL)
        return
    with pytest.raises(ConfigError, match="command line: plane = ") as caught:
        choices_of(None, None, None, False, plane=told)
    assert "\n" not in str(caught.value)


def test_a_plane_and_as_stored_contradict_each_other():
    with pytest.raises(ConfigError, match="--plane and --as-stored contradict"):
        choices_of(None, None, None, True, plane="IP")


def test_the_options_reach_the_reader(tmp_path, capsys):
    path = write_itk(tmp_path / "a.mha", small(), beside=False, told=False)
    options = ["--rate-hz", "4", "--spacing-mm", "2,3", "--plane", "SP", "--time-axis", "last", "--json"]
    with pytest.raises(SystemExit) as ended:
        main(["info", str(path), *options])
    assert ended.value.code == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["spacing_mm"] == [2.0, 3.0]
    assert facts["timing"]["rate_hz"] == pytest.approx(4.0)
    assert any("spacing_mm is 2 x 3 as you tell" in note for note in facts["notes"])
