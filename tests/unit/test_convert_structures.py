"""Every structure of a recording is converted, in each format that holds it, and what is left out is said."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.cli.target import first_image, target_of
from gatekeeper.config import RtStructRegion
from gatekeeper.core.errors import RecordingError
from gatekeeper.session.target import Reference
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.formats.trackrad import write_case
from replay.recording import RecordedStructure
from tests.support.command_line import gatekeeper
from tests.support.image_files import SAGITTAL, assert_same, oblique
from tests.support.recordings import disc, recording
from tests.support.vendor_files import write_unity
from tests.support.written_recordings import npz

SHAPE = (36, 30)


def case(overlap=False, **changes):
    """A recording of a target, a node with labels of its own, and a bowel that is drawn on the first frame alone."""
    made = replace(recording(shape=SHAPE), plane=SAGITTAL, target_name="GTV", **changes)
    nodes = np.stack([disc(SHAPE, (8.0 + index, 8.0), 3.2) for index in range(4)])
    bowel = disc(SHAPE, (19.0 if overlap else 30.0, 20.0), 4.3)
    structures = RecordedStructure("node", nodes[0], nodes), RecordedStructure("bowel", bowel)
    return replace(made, structures=structures)


def converted(capsys, path, out, *options):
    assert gatekeeper("convert", path, out, *options) == 0
    return capsys.readouterr().err.splitlines()


def as_stored(opened):
    """Return name, first mask and labels of each structure."""
    return {
        one.name: (one.first_mask, None if one.labels is None else np.asarray(one.labels))
        for one in opened.named_structures
    }


def assert_same_structures(opened, original):
    found, wanted = as_stored(opened), as_stored(original)
    assert list(found) == list(wanted)
    for name, (mask, labels) in wanted.items():
        np.testing.assert_array_equal(found[name][0], mask)
        np.testing.assert_array_equal(found[name][1], labels)


@pytest.mark.parametrize("overlap", [False, True])
def test_npz_keeps_every_structure_also_where_they_overlap(overlap, tmp_path, capsys):
    source = npz(tmp_path, case(overlap))
    assert_same_structures(open_recording(source), case(overlap))
    assert converted(capsys, source, tmp_path / "again.npz") == []
    assert_same_structures(open_recording(tmp_path / "again.npz"), case(overlap))
    chosen = open_recording(source, Choices(roi="bowel"))
    assert [one.name for one in chosen.named_structures] == ["bowel", "GTV", "node"]
    np.testing.assert_array_equal(chosen.first_mask, case(overlap).structures[1].first_mask)
    with pytest.raises(RecordingError, match="has no structure 'lung'; it has 'GTV', 'node', 'bowel'"):
        open_recording(source, Choices(roi="lung"))


def test_trackrad_labels_have_a_value_for_each_structure_and_its_name(tmp_path, capsys):
    assert converted(capsys, npz(tmp_path, case()), tmp_path / "P", "--to", "trackrad") == []
    assert json.loads((tmp_path / "P" / "targets" / "structures.json").read_text()) == {
        "1": "GTV",
        "2": "node",
        "3": "bowel",
    }
    opened = open_recording(tmp_path / "P")
    assert "holds labels GTV, node, bowel; all are one target" in opened.notes[0]
    assert opened.first_mask.sum() == sum(one.first_mask.sum() for one in case().named_structures)
    for one, value in zip(case().named_structures, "123", strict=True):
        chosen = open_recording(tmp_path / "P", Choices(roi=one.name))
        np.testing.assert_array_equal(chosen.first_mask, one.first_mask)
        np.testing.assert_array_equal(open_recording(tmp_path / "P", Choices(roi=value)).first_mask, one.first_mask)
        assert {other.name for other in chosen.structures} == {"GTV", "node", "bowel"} - {one.name}
    # The bowel has no labels after the first frame, which an image of labels cannot tell from empty ones.
    labels = as_stored(open_recording(tmp_path / "P", Choices(roi="GTV")))
    np.testing.assert_array_equal(labels["GTV"][1], case().labels)
    np.testing.assert_array_equal(labels["node"][1], case().structures[0].labels)
    assert not labels["bowel"][1].any()
    converted(capsys, tmp_path / "P", tmp_path / "back.npz")
    assert list(as_stored(open_recording(tmp_path / "back.npz"))) == ["GTV", "node", "bowel"]


def test_pixels_of_two_structures_are_told_where_a_label_has_one_value(tmp_path, capsys):
    (note,) = converted(capsys, npz(tmp_path, case(overlap=True)), tmp_path / "P", "--to", "trackrad")
    both = (case(True).first_mask & case(True).structures[1].first_mask).sum()
    assert f"structures overlap in {both} pixels on 1 label images" in note
    chosen = open_recording(tmp_path / "P", Choices(roi="GTV"))
    np.testing.assert_array_equal(chosen.first_mask, case().first_mask)


@pytest.mark.parametrize("plane", [SAGITTAL, pytest.param(oblique(), marks=pytest.mark.slow)])
def test_dicom_has_a_structure_set_of_all(plane, tmp_path, capsys):
    original = replace(case(overlap=True), plane=plane)
    (note,) = converted(capsys, npz(tmp_path, original), tmp_path / "D", "--to", "dicom")
    assert "labels after the first frame are not part of this format" in note
    opened = open_recording(tmp_path / "D")
    assert_same(opened, original)
    assert "structures.dcm is an RT Structure Set; --target names its regions" in opened.notes[-1]
    reference = first_image(opened, tmp_path / "D", Choices())
    assert isinstance(reference, Reference)
    for one in original.named_structures:
        region = RtStructRegion(kind="rtstruct", file=str(tmp_path / "D" / "structures.dcm"), roi=one.name)
        mask = target_of(region, one.name).on(reference, 0.5)
        np.testing.assert_array_equal(mask, one.first_mask)


def test_mrd_says_which_structures_it_does_not_hold(tmp_path, capsys):
    (note,) = converted(capsys, npz(tmp_path, case()), tmp_path / "out.h5")
    assert note == "gatekeeper: the structures GTV, node, bowel are not part of this format and are left out"


def test_labels_without_names_are_called_by_their_values(tmp_path, capsys):
    whole = case()
    write_case(whole, tmp_path / "P")
    (tmp_path / "P" / "targets" / "structures.json").unlink()
    converted(capsys, tmp_path / "P", tmp_path / "out.npz")
    assert list(as_stored(open_recording(tmp_path / "out.npz"))) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "names", ["[]", '{"1": ""}', '{"one": "GTV"}', '{"1": "a", "2": "a"}', '{"1": 3}', "{", '{"1": "a\\u0007"}']
)
def test_names_of_labels_that_are_none_are_refused(names, tmp_path):
    write_case(case(), tmp_path / "P")
    (tmp_path / "P" / "targets" / "structures.json").write_text(names)
    with pytest.raises(RecordingError, match=r"structures\.json"):
        open_recording(tmp_path / "P")


def test_unity_structures_are_all_converted(tmp_path, capsys):
    made = replace(recording(shape=SHAPE), plane=SAGITTAL)
    rings = {name: np.where(edge(one), 65535, 0) for name, one in (("GTV", made.first_mask), ("node", NODE))}
    source = write_unity(tmp_path / "cine", made, structures=rings)
    converted(capsys, source, tmp_path / "out.npz")
    found = as_stored(open_recording(tmp_path / "out.npz"))
    np.testing.assert_array_equal(found["GTV"][0], made.first_mask)
    np.testing.assert_array_equal(found["node"][0], NODE)


NODE = disc(SHAPE, (8.0, 8.0), 3.2)


def edge(mask):
    inner = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return mask & ~np.pad(inner, 1)
