"""Regions of a structure set that nobody asked for do not matter, and what is left out of one is said."""

import numpy as np
import pytest
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_sequence
from pydicom.sequence import Sequence

from gatekeeper.cli.target import with_target
from gatekeeper.core.errors import ConfigError, RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.formats.structure_set import is_structure_set, read_structure_set
from tests.support.dicom_folders import write_series
from tests.support.dicom_objects import REFERENCE
from tests.support.structure_sets import box, ellipsoid, ring, structure_set, written

TWO_POINTS = np.array([(-1.0, 0.0, 30.0), (1.0, 0.0, 30.0)])
PLANE = Plane((0.0, -20.0, 24.0))


def saved(folder, item):
    item.save_as(folder / "plan.dcm", enforce_file_format=True)
    return folder / "plan.dcm"


def region(path, name="GTV"):
    return read_structure_set(path).region(name)


def renamed(item, index, name):
    item.StructureSetROISequence[index].ROIName = name


def without_number(item):
    del item.ROIContourSequence[1].ReferencedROINumber
    item.StructureSetROISequence[1].ROINumber = ""


def with_words(item):
    item.ROIContourSequence[1].ContourSequence[0][0x30060050] = DataElement(0x30060050, "LO", "a\\b\\c")


def with_two_numbers(item):
    item.ROIContourSequence[1].ContourSequence[0].ContourData = ["1", "2"]


def with_underscores(item):
    item.ROIContourSequence[1].ContourSequence[0].ContourData = ["1_0"] * 9


def emptied(item):
    item.ROIContourSequence[1].ContourSequence[0].ContourData = None


def with_its_number(item):
    item.StructureSetROISequence[2].ROINumber = item.StructureSetROISequence[1].ROINumber


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda item: renamed(item, 2, "Liver"), "is the name of 2 regions with contours; rename one"),
        (without_number, None),
        (with_words, "not a number"),
        (with_two_numbers, "2 numbers"),
        (with_underscores, "not a number"),
        (emptied, "announces 4 points and has none"),
        (with_its_number, "shares its number 2"),
    ],
)
def test_only_a_region_that_is_asked_for_must_be_sound(tmp_path, spoil, said):
    item = structure_set({"GTV": ellipsoid(), "Liver": box(), "Skin": box()})
    sound = region(written(tmp_path / "sound.dcm", {"GTV": ellipsoid()}))
    spoil(item)
    path = saved(tmp_path, item)
    found = region(path)
    assert found.notes == ()
    np.testing.assert_array_equal(np.concatenate(found.contours), np.concatenate(sound.contours))
    if said is None:
        assert region(path, "Liver").contours == ()
        return
    with pytest.raises(RecordingError, match=said) as refusal:
        region(path, "Liver")
    assert "'Liver'" in str(refusal.value)


def test_a_contour_of_two_points_is_left_out_with_a_note(tmp_path):
    path = written(tmp_path / "plan.dcm", {"GTV": [*box(), TWO_POINTS], "Liver": [TWO_POINTS]})
    found = region(path)
    assert len(found.contours) == len(box())
    assert found.notes == (f"{path}: 'GTV': 1 of {len(box()) + 1} contours have no area and are left out",)
    assert region(path, "Liver").contours == ()


def test_a_contour_that_is_there_twice_counts_once(tmp_path):
    found = region(written(tmp_path / "plan.dcm", {"GTV": [*box(), box()[3]]}))
    assert len(found.contours) == len(box())
    assert "there a second time" in found.notes[0]


def test_a_second_region_of_the_name_without_contours_does_not_count(tmp_path):
    item = structure_set({"GTV": box(), "Liver": box(), "Skin": []})
    renamed(item, 2, "GTV")
    found = region(saved(tmp_path, item))
    assert len(found.contours) == len(box())
    assert "1 other regions of that name have no contours" in found.notes[0]


@pytest.mark.parametrize("name", ["GTV", "Body"])
def test_a_value_of_unknown_vr_is_read_as_text(tmp_path, name):
    """Explicit files hold values of more than 65,534 bytes with the VR UN, PS3.5 6.2.2."""
    long = ring((0.0, 0.0), (20.0, 20.0), 0.0, count=2500)
    item = structure_set({"GTV": box(), "Body": [long, *box()]})
    contour = item.ROIContourSequence[1].ContourSequence[0]
    text = "\\".join(map(str, contour.ContourData)).encode()
    assert len(text) > 65534
    contour[0x30060050] = DataElement(0x30060050, "UN", text + b" " * (len(text) % 2))
    found = region(saved(tmp_path, item), name)
    assert found.notes == ()
    if name == "Body":
        np.testing.assert_allclose(found.contours[0], long, atol=1e-6)


def test_a_sequence_of_unknown_vr_is_read(tmp_path):
    """A program that does not know an element keeps its bytes, in implicit little endian."""
    item = structure_set({"GTV": ellipsoid()})
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = True, True
    write_sequence(buffer, item[0x30060039], ["iso8859"])
    assert len(buffer.getvalue()) > 65534
    item[0x30060039] = DataElement(0x30060039, "UN", buffer.getvalue())
    assert len(region(saved(tmp_path, item)).contours) == len(ellipsoid())


def test_contours_without_a_type_are_taken_as_closed_with_a_note(tmp_path):
    item = structure_set({"GTV": box()})
    for contour in item.ROIContourSequence[0].ContourSequence:
        del contour.ContourGeometricType
    found = region(saved(tmp_path, item))
    assert found.kinds == frozenset()
    assert "taken as closed" in found.notes[0]


def test_points_beside_contours_are_left_out_with_a_note(tmp_path):
    item = structure_set({"GTV": box(), "Mark": [TWO_POINTS[:1]]}, kind="CLOSED_PLANAR")
    item.ROIContourSequence[1].ContourSequence[0].ContourGeometricType = "POINT"
    item.ROIContourSequence[0].ContourSequence = Sequence(
        [*item.ROIContourSequence[0].ContourSequence, item.ROIContourSequence[1].ContourSequence[0]]
    )
    found = region(saved(tmp_path, item))
    assert found.kinds == {"CLOSED_PLANAR"}
    assert "have no area" in found.notes[0]


@pytest.fixture
def cine(tmp_path):
    write_series(tmp_path / "cine", 3, plane=PLANE, image=np.full((32, 24), 100, np.uint16))
    return tmp_path / "cine"


def placed(cine, plan, roi):
    return with_target(open_recording(cine), cine, Choices(), plan, roi)


def test_a_frame_of_reference_that_is_not_told_is_not_another(tmp_path, cine):
    small = ellipsoid(radii=(10.0, 8.0, 10.0))
    with pytest.raises(RecordingError, match="another frame of reference"):
        placed(cine, written(tmp_path / "other.dcm", {"GTV": small}, reference="2.25.999"), "GTV")
    untold = placed(cine, written(tmp_path / "untold.dcm", {"GTV": small}, reference=""), "GTV")
    assert "has no frame of reference that could be compared" in untold.notes[-1]
    same = placed(cine, written(tmp_path / "same.dcm", {"GTV": small}), "GTV")
    assert same.notes == ()
    np.testing.assert_array_equal(untold.first_mask, same.first_mask)


def test_a_frame_of_reference_is_found_in_the_sequence_of_those_referenced(tmp_path):
    item = structure_set({"GTV": box()}, reference="")
    used = type(item)()
    used.FrameOfReferenceUID = REFERENCE
    item.ReferencedFrameOfReferenceSequence = Sequence([used])
    assert region(saved(tmp_path, item)).frame_of_reference == REFERENCE


def test_a_structure_set_without_a_region_lists_those_it_has(tmp_path, cine):
    plan = written(tmp_path / "plan.dcm", {"GTV": box(), "Liver": []})
    assert is_structure_set(plan)
    assert not is_structure_set(next(cine.iterdir()))
    with pytest.raises(ConfigError, match=r"name a region \(--roi.*'GTV', 'Liver' \(no contours\)"):
        placed(cine, plan, None)


@pytest.mark.parametrize("asked", ["L\u00e4sion", "La\u0308sion", " L\u00e4sion"])
@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("ISO_IR 100", "latin-1"),
        ("ISO_IR 100", "utf-8"),
        ("ISO_IR 192", "utf-8"),
        (None, "latin-1"),
        (None, "utf-8"),
    ],
)
def test_a_name_is_found_however_its_letters_are_written(tmp_path, asked, charset, encoding):
    item = structure_set({"Laesion": box()})
    if charset is not None:
        item.SpecificCharacterSet = charset
    path = saved(tmp_path, item)
    name = "L\u00e4sion".encode(encoding).ljust(len("Laesion "))
    content = path.read_bytes()
    assert content.count(b"Laesion ") == 1
    path.write_bytes(content.replace(b"Laesion ", name))
    assert len(region(path, asked).contours) == len(box())


def test_a_contour_of_another_number_of_points_than_it_announces_is_noted(tmp_path):
    item = structure_set({"GTV": box()})
    item.ROIContourSequence[0].ContourSequence[2].NumberOfContourPoints = 9
    (note,) = region(saved(tmp_path, item)).notes
    assert f"1 of {len(box())} contours have another number of points than they announce" in note
