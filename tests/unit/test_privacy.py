"""Nothing that names a person gets out of DICOM: into no recording, session, log, message or converted file."""

import logging
import math
from dataclasses import fields, replace

import numpy as np
import pytest
from pydicom.datadict import keyword_dict
from pydicom.filereader import dcmread

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.errors import InputError
from replay import run
from replay.formats.format import Use
from replay.formats.open import open_recording
from replay.formats.rtstruct import ImageGrid, plan_contours
from replay.formats.trackrad import write_case
from replay.formats.writers.dicom import write_dicom
from replay.formats.writers.mrd import write_mrd
from replay.formats.writers.npz import write_npz
from replay.run import replay_input
from tests.support.dicom_objects import PLANE, enhanced, listening, sender, single, taken
from tests.support.identifying_attributes import ANNEX_E, CLOCK, DAY, MARK, UID, filled, marks_in
from tests.support.phantoms import phantom
from tests.support.sessions import quiet
from tests.support.structure_sets import box, structure_set


@pytest.fixture(scope="module")
def case():
    return replace(phantom(acquisition={"matrix": (64, 64), "duration_s": 1.0}).recording, plane=PLANE)


@pytest.fixture(scope="module")
def folder(case, tmp_path_factory):
    """The phantom as a clinic that hides nothing would export it."""
    folder = tmp_path_factory.mktemp("export")
    item = filled(single(0, image=case.frames[0]))
    for k, image in enumerate(case.frames):
        plain = single(k, image=image, spacing_mm=case.spacing_mm, acquired_s=float(case.times_s[k]))
        for keyword in ("PixelData", "PixelSpacing", "InstanceNumber", "AcquisitionTime", "ContentTime"):
            item[keyword] = plain[keyword]
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = f"{UID}.{k}"
        item.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    return folder


def everything_in(path):
    return b"".join(file.read_bytes() + file.name.encode() for file in sorted(path.rglob("*")) if file.is_file())


def test_the_export_hides_nothing(folder):
    item = dcmread(folder / "0.dcm")
    known = [keyword for keyword in ANNEX_E if keyword in keyword_dict]
    assert len(known) > 180
    assert [keyword for keyword in known if keyword not in item] == ["DataSetTrailingPadding", "PregnancyStatus"]
    assert set(marks_in((folder / "0.dcm").read_bytes())) == {MARK, DAY, UID, CLOCK}


def test_recording_holds_no_identity(folder, case):
    opened = open_recording(folder)
    assert opened.name.startswith("dicom-")
    said = " ".join(str(getattr(opened, field.name)) for field in fields(opened) if field.name != "frames")
    assert marks_in(said.encode()) == []
    assert opened.times_s[0] == 0.0
    np.testing.assert_array_equal(np.asarray(opened.frames), case.frames)


def test_session_holds_no_identity(folder, case, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    opened = replace(open_recording(folder), first_mask=case.first_mask)
    run.replay(replay_input(opened), SessionConfig(), tmp_path / "session", VirtualClock(), quiet)
    assert (tmp_path / "session" / "decisions.jsonl").stat().st_size > 1000
    assert marks_in(everything_in(tmp_path)) == []
    assert marks_in(caplog.text.encode()) == []
    assert marks_in("".join(capfd.readouterr()).encode()) == []


@pytest.mark.parametrize("write", [write_dicom, write_npz, write_mrd])
def test_converted_file_holds_no_identity(folder, tmp_path, write):
    write(open_recording(folder), tmp_path / "converted", quiet)
    converted = tmp_path / "converted"
    data = everything_in(converted) if converted.is_dir() else converted.read_bytes()
    assert len(data) > 10_000
    assert marks_in(data) == []


def test_trackrad_case_holds_no_identity(folder, case, tmp_path):
    opened = replace(open_recording(folder), first_mask=case.first_mask)
    write_case(opened, tmp_path / opened.name)
    assert marks_in(everything_in(tmp_path)) == []


def damaged():
    """Objects of somebody that cannot be frames, each in another way."""
    yield from (without("PixelData"), without("PixelSpacing"), without("ImageOrientationPatient"), without("Rows"))
    for keyword in ("AcquisitionTime", "PixelSpacing", "ImagePositionPatient", "InstanceNumber", "RescaleSlope"):
        item = filled(single(0))
        item.add_new(item.data_element(keyword).tag if keyword in item else keyword, "LO", MARK)
        yield item
    item = filled(single(0))
    item.PhotometricInterpretation = MARK  # which pydicom quotes
    yield item
    item = filled(enhanced(3))
    item.NumberOfFrames = 7
    yield item


def of_no_syntax():
    """An object whose transfer syntax is none, but a mark."""
    item = filled(single(0))
    item.file_meta.TransferSyntaxUID = UID
    return item


def without(keyword):
    item = filled(single(0))
    del item[keyword]
    return item


def test_errors_and_logs_hold_no_identity(tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    told = []
    for k, item in enumerate((*damaged(), of_no_syntax())):
        path = tmp_path / f"{k}.dcm"
        item.save_as(path, enforce_file_format=True, implicit_vr=False, little_endian=True)
        for cut in (0, 5000):
            path.write_bytes(path.read_bytes()[: -cut or None])
            try:
                np.asarray(open_recording(path).frames)
            except InputError as error:
                told.append(str(error))
    assert len(told) > 15
    assert marks_in("".join(told).encode()) == []
    assert marks_in(caplog.text.encode()) == []
    assert marks_in("".join(capfd.readouterr()).encode()) == []


def test_live_source_holds_no_identity(caplog, capfd):
    caplog.set_level(logging.DEBUG, "gatekeeper")
    with listening() as source, sender(source) as association:
        for item in damaged():
            association.send_c_store(item)
        association.send_c_store(filled(single(3)))
        (frame,) = taken(source, 1)
        assert marks_in(repr(frame).encode()) == []
        assert sum(source.counts.unfit.values()) > 5
        assert marks_in(repr(source.counts).encode()) == []
    assert marks_in("".join(capfd.readouterr()).encode()) == []


def test_structure_set_holds_no_identity(tmp_path):
    item = structure_set({"GTV": box()}, reference=UID)
    regions = item.StructureSetROISequence, item.ROIContourSequence
    item = filled(item)
    item.StructureSetROISequence, item.ROIContourSequence = regions
    for roi in regions[0]:
        roi.ROIDescription = MARK
    path = tmp_path / "plan.dcm"
    item.save_as(path, enforce_file_format=True)
    view = ImageGrid(PLANE, (2.0, 2.0), (128, 128), "2.25.1")
    with pytest.raises(InputError) as refusal:
        plan_contours(path, {"GTV": Use.TARGET}, view)
    assert marks_in(str(refusal.value).encode()) == []
    plan = plan_contours(path, {"GTV": Use.TARGET}, replace(view, frame_of_reference=UID))
    assert marks_in(repr(plan).encode()) == []
    assert math.isfinite(plan.targets[0].contour_px.sum())
