"""The XML header and the DICOM attributes of an MRD file: what is taken from them, and what contradicts the images."""

import base64
import json
import subprocess
import sys
import tracemalloc
import warnings
from dataclasses import replace

import h5py
import numpy as np
import pytest

from gatekeeper.core.frame import Plane
from replay.formats.open import open_recording
from replay.formats.writers.mrd import write_mrd
from tests.support import mrd_wire as wire
from tests.support.image_files import assert_same, oblique
from tests.support.mrd_files import CASE, image, written
from tests.support.sessions import quiet
from tests.support.sources import connected, mrd_source, received

with warnings.catch_warnings():
    import ismrmrd


SYSTEM = "<acquisitionSystemInformation>{}</acquisitionSystemInformation>"
HEADER = (
    '<?xml version="1.0"?>{}<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">'
    "<subjectInformation><patientName>DOE^JANE</patientName></subjectInformation>{}"
    "<experimentalConditions><H1resonanceFrequency_Hz>1</H1resonanceFrequency_Hz></experimentalConditions>"
    "</ismrmrdHeader>"
)


def field(text, before=""):
    """Return a header that gives a field strength."""
    return HEADER.format(before, SYSTEM.format(f"<systemFieldStrength_T>{text}</systemFieldStrength_T>"))


def with_header(path, xml):
    """Write a recording whose file has an XML header, or something else in its place."""
    written(path, *(image(CASE, index) for index in range(4)))
    with h5py.File(path, "r+") as file:
        file["dataset"]["xml"] = xml
    return path


@pytest.mark.parametrize("xml", [field("0.35"), np.bytes_(field("0.35").encode() + bytes(4)), [field(" 3.5e-1\n")]])
def test_the_field_strength_comes_from_the_header(tmp_path, xml):
    opened = open_recording(with_header(tmp_path / "a.h5", xml))
    assert_same(opened, CASE)
    assert opened.field_strength_t == 0.35
    assert "DOE" not in repr(opened)


def test_the_field_strength_is_written_and_read(tmp_path):
    write_mrd(replace(CASE, field_strength_t=0.35), tmp_path / "a.h5", quiet)
    write_mrd(CASE, tmp_path / "b.h5", quiet)
    assert open_recording(tmp_path / "a.h5").field_strength_t == 0.35
    assert open_recording(tmp_path / "b.h5").field_strength_t is None


LAUGHS = "<!DOCTYPE a [<!ENTITY a '0.3'>" + "".join(
    f"<!ENTITY {name} '{f'&{of};' * 10}'>" for name, of in zip("bcdefgh", "abcdefg", strict=True)
)


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "no XML",
        field("0.35")[:-5],
        field("nan"),
        field("-inf"),
        field("0"),
        field("1000"),
        field("strong"),
        field("<deep>" * 100_000),
        field("<a/>"),
        field("&a;", LAUGHS + "]>"),
        field("&h;", LAUGHS + "]>"),
        field("0.35", '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">'),
        HEADER.format("", ""),
        HEADER.format("", SYSTEM.format("")),
        HEADER.format("", "<newer/>"),
        "<other/>",
        np.bytes_(field("0.35").encode("utf-16")),
        field("0.35") + " " * 2**20,
        [field("0.35")] * 2,
        7.0,
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_header_that_cannot_be_used_is_ignored_in_silence(tmp_path, xml, capfd):
    opened = open_recording(with_header(tmp_path / "a.h5", xml))
    assert_same(opened, CASE)
    assert opened.field_strength_t is None
    assert capfd.readouterr() == ("", "")


def test_a_header_that_announces_two_gigabytes_is_not_read(tmp_path):
    path = written(tmp_path / "a.h5", *(image(CASE, index) for index in range(4)))
    with h5py.File(path, "r+") as file:
        file["dataset"].create_dataset("xml", (1,), "S2000000000", chunks=(1,))
    tracemalloc.start()
    try:
        assert open_recording(path).field_strength_t is None
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_the_library_leaves_the_warnings_of_the_process_alone():
    script = (
        "import warnings, h5py, numpy\n"
        "before = warnings.filters[:]\n"
        "import replay.formats.mrd_header\n"
        "assert warnings.filters == before"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def dicom_json(plane, spacing_mm, size, **times):
    """Return the DICOM attributes that dicom2mrd of python-ismrmrd-server adds."""
    rows, cols = size
    values = {
        **{tag: [value] for tag, value in times.items()},
        "00100010": [{"Alphabetic": "DOE^JANE"}],
        "00200032": list(plane.origin_mm),
        "00200037": [*plane.col_step, *plane.row_step],
        "00280010": [rows],
        "00280011": [cols],
        "00280030": list(spacing_mm),
    }
    text = json.dumps({tag: {"vr": "DS", "Value": value} for tag, value in values.items()})
    return ismrmrd.Meta({"DicomJson": base64.b64encode(text.encode()).decode()}).serialize()


def with_dicom(one, plane, spacing_mm, size=None, **times):
    one.attribute_string = dicom_json(plane, spacing_mm, one.data.shape[-2:] if size is None else size, **times)
    return one


def test_a_header_that_contradicts_its_dicom_attributes_does_not_count_and_that_is_said(tmp_path):
    rows, cols = CASE.frames.shape[1:]
    wrong = {"field_of_view": (rows * 1.25, cols * 2.5, 5.0), "position": CASE.plane.origin_mm}
    images = [with_dicom(image(CASE, k, **wrong), CASE.plane, CASE.spacing_mm) for k in range(4)]
    opened = open_recording(written(tmp_path / "a.h5", *images))
    assert_same(opened, CASE)
    assert "place them up to 15.75 mm apart; the attributes are taken" in opened.notes[1]
    assert "DOE" not in " ".join(opened.notes)


def test_dicom_attributes_that_agree_or_are_of_another_size_change_nothing(tmp_path):
    agree = [with_dicom(image(CASE, k), CASE.plane, CASE.spacing_mm) for k in range(4)]
    opened = open_recording(written(tmp_path / "agree.h5", *agree))
    assert_same(opened, CASE)
    assert len(opened.notes) == 1
    other = [with_dicom(image(CASE, k), oblique(30.0), (9.0, 9.0), size=(6, 5)) for k in range(4)]
    assert_same(open_recording(written(tmp_path / "other.h5", *other)), CASE)


@pytest.mark.parametrize(("tick_ms", "is_told"), [(2.5, False), (1.0, True), (10.0, True)])
def test_time_stamps_that_contradict_the_dicom_attributes_do_not_count_and_that_is_said(tmp_path, tick_ms, is_told):
    images = [
        with_dicom(
            image(CASE, k, stamp=1000 + round(CASE.times_s[k] * 1e3 / tick_ms)),
            CASE.plane,
            CASE.spacing_mm,
            **{"00080032": f"1200{CASE.times_s[k]:09.6f}"},
        )
        for k in (2, 0, 3, 1)
    ]
    opened = open_recording(written(tmp_path / "a.h5", *images))
    assert_same(opened, CASE)
    assert is_told is any("times are the acquisition time in the DICOM attributes" in note for note in opened.notes)


def test_attributes_of_a_later_image_that_place_it_elsewhere_are_noted(tmp_path):
    beside = replace(CASE.plane, origin_mm=tuple(np.add(CASE.plane.origin_mm, (0.0, 9.0, 0.0))))
    images = [with_dicom(image(CASE, k), beside if k == 2 else CASE.plane, CASE.spacing_mm) for k in range(4)]
    opened = open_recording(written(tmp_path / "a.h5", *images))
    assert_same(opened, CASE)
    assert "DICOM attributes of some images place them 9 mm from the first; its place is taken" in opened.notes[-1]


@pytest.mark.parametrize("is_wrong", [True, False])
def test_a_live_image_that_contradicts_its_dicom_attributes_is_where_they_say(is_wrong):
    rows, cols = 6, 4
    plane, spacing_mm = Plane((7.0, 17.0, -24.5), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)), (2.0, 2.0)
    middle = plane.to_patient_mm(np.array([[(rows - 1) / 2, (cols - 1) / 2]]), spacing_mm)[0]
    right = {"field_of_view": (cols * 2.0, rows * 2.0, 5.0), "position": tuple(middle)}
    wrong = {"field_of_view": (rows * 2.0, cols * 2.0, 5.0), "position": plane.origin_mm}
    attributes = dicom_json(plane, spacing_mm, (rows, cols)).encode()
    with mrd_source() as source, connected(source) as link:
        link.sendall(wire.session(wire.image(attributes=attributes, **(wrong if is_wrong else right))))
        (frame,) = received(source, 1)
        counts = source.counts
    assert frame.spacing_mm == spacing_mm
    np.testing.assert_allclose(frame.plane.origin_mm, plane.origin_mm, atol=1e-6)
    assert dict(counts.noted) == ({"geometry": 1} if is_wrong else {})
    assert ("the attributes are taken" in counts.details.get("noted geometry", "")) is is_wrong


@pytest.mark.parametrize("text", ["", "!", "e30=", "W10=", base64.b64encode(b'{"00280010": 5}').decode()])
def test_dicom_attributes_that_cannot_be_read_change_nothing(tmp_path, text):
    images = [image(CASE, k) for k in range(4)]
    for one in images:
        one.attribute_string = ismrmrd.Meta({"DicomJson": text}).serialize()
    opened = open_recording(written(tmp_path / "a.h5", *images))
    assert_same(opened, CASE)
    assert len(opened.notes) == 1


def test_a_field_of_view_that_seems_to_be_exchanged_is_noted(tmp_path):
    images = [image(CASE, k, field_of_view=(12 * 2.5, 10 * 2.5, 5.0)) for k in range(4)]
    opened = open_recording(written(tmp_path / "a.h5", *images))
    assert opened.spacing_mm == pytest.approx((25.0 / 12, 3.0), rel=1e-6)
    assert "pixels of 2.08333 x 3 mm would be square with the sides of the field of view exchanged" in opened.notes[1]
