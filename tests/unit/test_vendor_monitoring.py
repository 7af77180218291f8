"""What an MR-linac's own monitoring says is read as it is drawn and logged, and compared with ours."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydicom.filereader import dcmread
from scipy.ndimage import binary_erosion

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.errors import RecordingError
from gatekeeper.report.vendor import vendor_ribbons, vendor_rows
from replay import run
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.formats.vendor.mridian_log import read_decisions
from replay.formats.vendor.unity_frame import read_frame
from replay.recording_info import facts_of
from replay.resample import resample
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.image_files import assert_same, small, write_side
from tests.support.sessions import quiet
from tests.support.vendor_files import dat_cine, raw_cine, unity_frame, write_unity

REAL = Path(__file__).resolve().parents[3] / "shared" / "unity"
CASE = small(frames=np.arange(4 * 24 * 20, dtype=np.uint16).reshape(4, 24, 20))
DISC = np.hypot(*(np.indices((24, 20)) - 10)) < 6.5
OUTLINE = DISC & ~binary_erosion(DISC)
TICKS = 39 * 10**16
LOCAL = -(2**63)
"""Kind of a .NET DateTime that was a local time."""


def unity(tmp_path, structures, **changes):
    (tmp_path / "cine").mkdir()
    for index, image in enumerate(CASE.frames):
        own = {name: change[index] for name, change in changes.items()}
        (tmp_path / "cine" / f"{index}.bin").write_bytes(unity_frame(image, CASE, index, structures=structures, **own))
    return tmp_path / "cine"


@pytest.mark.parametrize("value", [1, 65535])
def test_an_outline_is_filled(tmp_path, value):
    opened = open_recording(unity(tmp_path, {"GTV": OUTLINE * value}))
    np.testing.assert_array_equal(opened.first_mask, DISC)
    np.testing.assert_array_equal(np.asarray(opened.frames), CASE.frames)


def test_an_outline_that_is_not_closed_is_no_target(tmp_path):
    broken = OUTLINE.copy()
    broken[:6] = False
    opened = open_recording(unity(tmp_path, {"GTV": broken * 65535}))
    assert opened.first_mask is None
    assert "'GTV' has an outline that is not closed" in opened.notes[0]


def test_one_of_several_structures_is_chosen_by_its_name(tmp_path, capsys):
    other = np.roll(DISC, 2, axis=1)
    folder = unity(tmp_path, {"GTV": OUTLINE * 65535, "Liver": other, "Empty": np.zeros_like(DISC)})
    opened = open_recording(folder)
    assert opened.first_mask is None
    assert "2 structures are outlined: 'GTV', 'Liver'; choose the target with --roi" in opened.notes[0]
    np.testing.assert_array_equal(open_recording(folder, Choices(roi="Liver")).first_mask, other)
    with pytest.raises(RecordingError, match="has no structure 'PTV'; it has 'GTV', 'Liver'"):
        open_recording(folder, Choices(roi="PTV"))
    assert gatekeeper("info", folder, "--roi", "GTV", "--json") == 0
    area_mm2 = json.loads(capsys.readouterr().out.splitlines()[-1])["target_mm2"]
    assert area_mm2 == pytest.approx(DISC.sum() * np.prod(CASE.spacing_mm))


@pytest.mark.parametrize("nothing", [0, None])
def test_a_frame_without_a_time_is_left_out_with_a_note(tmp_path, nothing):
    ticks = [TICKS + 2_500_000 * index for index in range(4)]
    ticks[2] = nothing
    opened = open_recording(unity(tmp_path, None, Elapsed100NanosecondInterval=ticks))
    np.testing.assert_array_equal(np.asarray(opened.frames), CASE.frames[[0, 1, 3]])
    np.testing.assert_allclose(opened.times_s, [0.0, 0.25, 0.75])
    assert opened.notes == ("1 of 4 frames tell no time and are left out: 2.bin",)


def test_times_of_arrival_count_where_no_acquisition_is_told(tmp_path):
    received = [LOCAL + TICKS + 2_500_000 * (3 - index) for index in range(4)]
    opened = open_recording(unity(tmp_path, None, Elapsed100NanosecondInterval=[0] * 4, ReceivedTime=received))
    np.testing.assert_array_equal(np.asarray(opened.frames), CASE.frames[::-1])
    np.testing.assert_allclose(opened.times_s, np.arange(4) / 4.0)
    assert opened.notes == ("no frame tells the time of its acquisition; times are those of arrival",)
    assert np.isnan(opened.latency_s).all()


def test_the_trace_of_the_monitoring_follows_the_frames(tmp_path):
    masks = [np.roll(DISC, index, axis=0) for index in range(4)]
    whole = open_recording(write_unity(tmp_path / "cine", replace(CASE, times_s=np.arange(4) / 4.0), masks=masks))
    half = resample(whole, 2.0)
    for part, indices in ((half, [0, 2, 3]), (whole.part(slice(2, None)), [2, 3])):
        np.testing.assert_array_equal(part.vendor.centers_mm, whole.vendor.centers_mm[indices])
        assert part.vendor.status.tolist() == [index % 3 for index in indices]
        assert len(part.latency_s) == len(indices)


def test_pixels_follow_what_is_told_of_their_sign(tmp_path):
    frames = CASE.frames.copy()
    frames[1, 0, 0] = 40000
    for is_unsigned in (True, False):
        folder = tmp_path / str(is_unsigned)
        write_unity(folder, replace(CASE, frames=frames), Unsigned=is_unsigned)
        found = np.asarray(open_recording(folder).frames)
        assert found.dtype == (np.uint16 if is_unsigned else np.int16)
        assert found[1, 0, 0] == (40000 if is_unsigned else 40000 - 65536)


def test_the_time_from_acquisition_to_arrival_is_measured_without_the_time_zone(tmp_path, capsys):
    lates_s, zones_h = [0.13, 0.2, 0.32, 0.2], [0, 2, 5.5, -7]
    received = [
        LOCAL + TICKS + 2_500_000 * index + round((late + 3600 * zone) * 1e7)
        for index, (late, zone) in enumerate(zip(lates_s, zones_h, strict=True))
    ]
    ticks = [TICKS + 2_500_000 * index for index in range(4)]
    folder = unity(tmp_path, None, ReceivedTime=received, Elapsed100NanosecondInterval=ticks)
    np.testing.assert_allclose(open_recording(folder).latency_s, lates_s, atol=1e-6)
    assert facts_of(open_recording(folder), "", quiet).imaging_latency_s == pytest.approx((0.13, 0.2, 0.32))
    assert gatekeeper("info", folder) == 0
    assert "[prediction] imaging_s = 0.200" in capsys.readouterr().out


def test_a_mridian_cine_in_one_file_with_the_other_keywords(tmp_path):
    case = small(np.int16)
    path = tmp_path / "scan.dat"
    path.write_bytes(dat_cine(case))
    write_side(path, rate_hz=5.97)
    opened = open_recording(path)
    assert_same(opened, case)
    assert "confirm the position" in opened.notes[1]
    assert "doe" not in repr(opened.notes).lower()
    path.write_bytes(dat_cine(case)[:-9])
    with pytest.raises(RecordingError, match="copy the file again"):
        open_recording(path)
    (tmp_path / "two").mkdir()
    for name in "ab":
        (tmp_path / "two" / name).write_bytes(dat_cine(case))
    with pytest.raises(RecordingError, match="name one of them"):
        open_recording(tmp_path / "two")


def test_a_mridian_raw_cine_of_one_slice_has_columns_and_rows_and_no_axes(tmp_path):
    case = small(np.int16)
    rows, cols = case.frames.shape[1:]
    (row_mm, col_mm), content = case.spacing_mm, raw_cine(case)
    turned = np.array([(cols, 0.0, col_mm / 10), (rows, 0.0, row_mm / 10), (1, 0.0, 0.7)], dtype="<i4, <f8, <f8")
    path = tmp_path / "cine.raw"
    path.write_bytes(turned.tobytes() + content[turned.nbytes :])
    write_side(path, rate_hz=5.97)
    opened = open_recording(path)
    np.testing.assert_array_equal(np.asarray(opened.frames), case.frames[:, ::-1])
    assert opened.spacing_mm == case.spacing_mm
    assert "no file has the orientation" in opened.notes[-1]


LOG = "decision voxels_out voxels_total fraction\n" + "".join(
    f"{word} {out} 400 {out / 400:.2f}\n"
    for word, out in zip(["ON", "OFF"] * 4 + ["ON"], range(0, 360, 40), strict=True)
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LOG, [0, 1, 0, 1]),
        ("".join(f"{k}, Beam {'Hold' if k % 2 else 'On'}, {k}, 200, {k / 2} %\n" for k in range(4)), [1, 0, 1, 0]),
        ("".join(f"{k % 2},{k},200,{k / 200}\n" for k in range(4)), [0, 1, 0, 1]),
        ("".join(f"gate={k % 2} out={k} total=200 fraction={k / 200}\n" for k in range(4)), [0, 1, 0, 1]),
        ("".join(f"10:00:0{k}.5 GATE {'CLOSED' if k else 'OPEN'} {k} 200 {k / 200}\n" for k in range(4)), [1, 0, 0, 0]),
        ("".join(f"on {k + 50} 200 0.9\n" for k in range(4)), None),
        ("a letter\n" * 50, None),
    ],
)
def test_a_gating_log_has_a_decision_for_each_frame(tmp_path, text, found):
    (tmp_path / "scan.txt").write_text(text)
    beam_on, notes = read_decisions(tmp_path / "scan.dat", 9, 5)
    assert notes == []
    assert (None if beam_on is None else beam_on.tolist()) == found


def test_a_gating_log_of_another_length_is_left_out_with_a_note(tmp_path):
    (tmp_path / "scan.txt").write_text(LOG)
    beam_on, notes = read_decisions(tmp_path / "scan.dat", 30, 5)
    assert beam_on is None
    assert notes == ["the gating log scan.txt has 9 decisions, the cine 30 frames; it is left out"]


def test_a_gating_log_under_another_name_counts_when_it_fits(tmp_path):
    (tmp_path / "decisions.log").write_text(LOG)
    beam_on, notes = read_decisions(tmp_path / "scan.dat", 9, 5)
    assert beam_on is not None
    assert read_decisions(tmp_path / "scan.dat", 30, 5) == (None, notes)


def test_a_structure_that_is_not_on_the_image_is_left_out_with_a_note(tmp_path):
    folder = unity(tmp_path, {"GTV": OUTLINE * 65535, "Other": np.ones((3, 3))})
    opened = open_recording(folder)
    np.testing.assert_array_equal(opened.first_mask, DISC)
    assert "1 structures are not on the plane of the image and are left out: 'Other'" in opened.notes


@pytest.fixture
def undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


def test_a_replay_says_how_far_the_monitoring_is_from_ours(tmp_path, undrawn, capsys):
    case = breathing_case()
    frames = np.clip(np.rint(np.asarray(case.frames)), 0, 30000).astype(np.uint16)
    folder = write_unity(tmp_path / "cine", replace(case, frames=frames), masks=case.labels)
    assert gatekeeper("replay", folder, "--out", tmp_path / "s", "--json") == 0
    printed = capsys.readouterr()
    vendor = json.loads(printed.out.splitlines()[-1])["vendor"]
    assert vendor["frames_located"] == len(frames)
    assert vendor["distance_p95_mm"] < 1.0
    assert "Elekta Unity" in printed.err


@pytest.mark.slow
def test_a_replay_says_how_often_the_gating_log_agrees(tmp_path, undrawn, capsys):
    case = breathing_case()
    frames = np.clip(np.rint(np.asarray(case.frames)), 0, 30000).astype(np.int16)
    path = tmp_path / "scan.dat"
    path.write_bytes(dat_cine(replace(case, frames=frames)))
    write_side(path, rate_hz=4.0)
    mask = tmp_path / "mask.npy"
    np.save(mask, case.first_mask.astype(np.uint8)[None])
    write_side(mask, spacing_mm=list(case.spacing_mm), as_stored=True, rate_hz=1.0)
    command = ("replay", path, "--target", mask, "--as-stored", "--out")
    assert gatekeeper(*command, tmp_path / "first", "--json") == 0
    ours = [
        json.loads(line)["state"] == "ON"
        for line in (tmp_path / "first" / "decisions.jsonl").read_text().splitlines()
        if '"state"' in line
    ][: len(frames)]
    theirs = [on if index != 7 else not on for index, on in enumerate(ours)]
    path.with_suffix(".txt").write_text("".join(f"{'ON' if on else 'OFF'} 0 100 0\n" for on in theirs))
    capsys.readouterr()
    assert gatekeeper(*command, tmp_path / "second", "--json") == 0
    vendor = json.loads(capsys.readouterr().out.splitlines()[-1])["vendor"]
    assert vendor["frames_decided"] == len(frames)
    assert vendor["agreement"] == pytest.approx(1.0 - 1.0 / len(frames))
    assert vendor["first_disagreement"] == 7
    page = vendor_ribbons(vendor)
    changes = sum(one != other for word in ("ours_on", "theirs_on") for one, other in pairwise(vendor[word]))
    assert page.count("<rect") == 2 + changes
    assert ("first other decision", "frame 7") in vendor_rows(vendor)


@pytest.mark.skipif(not REAL.is_dir(), reason="real Unity frames are absent: they are expected in ../shared/unity")
@pytest.mark.parametrize("name", ["sagittal", "coronal"])
def test_real_frames_are_as_the_vendor_exports_them(name):
    frame, exported = read_frame(REAL / name / "frame.bin"), dcmread(REAL / name / "frame.dcm")
    np.testing.assert_array_equal(frame.pixels(), exported.pixel_array)
    plane = frame.slice.plane
    np.testing.assert_allclose(plane.origin_mm, exported.ImagePositionPatient, atol=1e-4)
    np.testing.assert_allclose((*plane.col_step, *plane.row_step), exported.ImageOrientationPatient, atol=1e-6)
    np.testing.assert_allclose(frame.slice.spacing_mm, exported.PixelSpacing, atol=1e-6)
    ours, theirs = (open_recording(REAL / name / file) for file in ("frame.bin", "frame.dcm"))
    assert orientation_of(ours.plane).name == name
    assert_same(ours, theirs)
    assert 0.1 < frame.latency_s < 0.4
    (structure,) = frame.structures
    mask = frame.mask(structure)
    assert mask is not None
    assert 500 < mask.sum() < 1000
