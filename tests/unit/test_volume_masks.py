"""A target as voxels, in a mask of three axes or a DICOM Segmentation, is cut by the cine plane."""

import numpy as np
import pytest
import SimpleITK
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from gatekeeper.cli.target import with_target
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices
from replay.formats.volume_mask import SEGMENTATION, VolumeMask, read_volume_mask
from replay.recording import Recording
from tests.support.image_files import oblique, write_side

STEP_MM = 2.0
CINE = Recording(
    name="cine",
    frames=np.zeros((2, 50, 40), np.uint16),
    spacing_mm=(2.0, 2.5),
    times_s=np.array([0.0, 0.25]),
    plane=Plane((10.0, -50.0, 50.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
)
CENTRE_MM, RADIUS_MM = np.array([14.0, 0.0, 0.0]), 20.0


def ball(radius_mm=RADIUS_MM, center_mm=CENTRE_MM, size=32, label=1):
    """Voxels of a ball on an axial grid in LPS, as an array (z, y, x), and its first voxel."""
    first = np.array([-18.0, -32.0, -32.0])
    at = np.indices((size, size, size))[::-1].reshape(3, -1).T * STEP_MM + first
    inside = np.linalg.norm(at - center_mm, axis=1) <= radius_mm
    return label * inside.reshape(size, size, size).astype(np.uint8), first


def write_volume(path, voxels=None, first=None):
    voxels, first = ball() if voxels is None else (voxels, ball()[1] if first is None else first)
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing([STEP_MM] * 3)
    image.SetOrigin(first.tolist())
    SimpleITK.WriteImage(image, str(path))
    return path


def write_segmentation(path, structures, uid="1.2.3", shuffled=True):
    """Write a binary segmentation with one frame for each slice in which a structure is."""
    data, frames, planes = Dataset(), [], []
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = SEGMENTATION
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.FrameOfReferenceUID, data.SegmentationType = uid, "BINARY"
    segments = []
    for number, (label, voxels) in enumerate(structures.items(), 1):
        one = Dataset()
        one.SegmentNumber, one.SegmentLabel = number, label
        segments.append(one)
        for z, image in enumerate(voxels):
            if image.any():
                group, place, named = Dataset(), Dataset(), Dataset()
                place.ImagePositionPatient = [*ball()[1][:2], ball()[1][2] + STEP_MM * z]
                named.ReferencedSegmentNumber = number
                group.PlanePositionSequence, group.SegmentIdentificationSequence = Sequence([place]), Sequence([named])
                planes.append(group)
                frames.append(image)
    order = np.random.default_rng(0).permutation(len(frames)) if shuffled else range(len(frames))
    shared, turned, measures = Dataset(), Dataset(), Dataset()
    turned.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [STEP_MM, STEP_MM], STEP_MM
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([turned]), Sequence([measures])
    data.SegmentSequence, data.SharedFunctionalGroupsSequence = Sequence(segments), Sequence([shared])
    data.PerFrameFunctionalGroupsSequence = Sequence([planes[k] for k in order])
    data.NumberOfFrames, data.Rows, data.Columns = len(frames), *frames[0].shape
    data.BitsAllocated = data.BitsStored = data.SamplesPerPixel = 1
    data.HighBit = data.PixelRepresentation = 0
    data.PhotometricInterpretation = "MONOCHROME2"
    bits = np.packbits(np.array([frames[k] for k in order], bool).ravel(), bitorder="little").tobytes()
    data.PixelData = bits + b"\0" * (len(bits) % 2)
    data.save_as(path, enforce_file_format=True)
    return path


def target(path, roi=None, cine=CINE, tmp=None):
    return with_target(cine, write_volume(path.with_name("cine.mha")), Choices(), path, roi).first_mask


def assert_is_disc(mask, cine=CINE, radius_mm=RADIUS_MM):
    """The mask is what the plane cuts out of the ball, within about half a voxel."""
    rows, cols = np.indices(mask.shape)
    at = cine.plane.to_patient_mm(np.stack([rows, cols], axis=-1).reshape(-1, 2).astype(float), cine.spacing_mm)
    away_mm = np.linalg.norm(at - CENTRE_MM, axis=1).reshape(mask.shape)
    assert mask[away_mm <= radius_mm - 1.5].all()
    assert not mask[away_mm >= radius_mm + 1.5].any()


@pytest.mark.parametrize("ending", ["mha", "nrrd", "nii.gz"])
def test_a_mask_of_three_axes_is_cut_by_the_plane(tmp_path, ending):
    assert_is_disc(target(write_volume(tmp_path / f"gtv.{ending}")))


def test_an_oblique_plane_cuts_a_mask_too(tmp_path):
    cine = Recording("cine", CINE.frames, (2.0, 2.5), CINE.times_s, plane=oblique(20.0))
    plane = Plane((18.0, -42.0, 50.0), cine.plane.row_step, cine.plane.col_step)
    cine = Recording("cine", CINE.frames, (2.0, 2.5), CINE.times_s, plane=plane)
    assert_is_disc(target(write_volume(tmp_path / "gtv.mha"), cine=cine), cine)


def test_a_segmentation_is_cut_by_the_plane_whatever_the_order_of_its_frames(tmp_path):
    assert_is_disc(target(write_segmentation(tmp_path / "seg.dcm", {"GTV": ball()[0]})))


def test_a_segment_is_chosen_by_its_label_or_number(tmp_path):
    path = write_segmentation(tmp_path / "seg.dcm", {"liver": ball(26.0)[0], "GTV": ball()[0]})
    for roi in ("GTV", "2"):
        assert_is_disc(target(path, roi))
    with pytest.raises(RecordingError, match="choose a segment with --roi; it has 1 'liver', 2 'GTV'"):
        target(path)
    with pytest.raises(RecordingError, match="'PTV' is not one segment; it has 1 'liver', 2 'GTV'"):
        target(path, "PTV")


def test_a_value_of_a_mask_is_chosen(tmp_path):
    path = write_volume(tmp_path / "gtv.mha", np.maximum(ball(26.0)[0], ball(label=3)[0]))
    assert_is_disc(target(path, "3"))
    with pytest.raises(RecordingError, match="holds the structures 1, 3; choose one with --roi"):
        target(path)
    with pytest.raises(RecordingError, match="has no structure '2'; it holds 1, 3"):
        target(path, "2")


@pytest.mark.parametrize(
    ("voxels", "says"),
    [
        (np.zeros((32, 32, 32), np.uint8), "is empty"),
        (ball(6.0, CENTRE_MM + np.array([20.0, 0.0, 0.0]))[0], "does not meet the cine plane"),
        (np.roll(ball()[0], 16, axis=0), "pieces on the cine plane"),
        (ball()[0] - ball(9.0)[0], "has a hole on the cine plane"),
    ],
)
def test_what_is_no_target_on_the_plane_is_refused_in_one_line(tmp_path, voxels, says):
    with pytest.raises(RecordingError, match=says) as caught:
        target(write_volume(tmp_path / "gtv.mha", voxels))
    assert "\n" not in str(caught.value)


def test_a_mask_beyond_the_image_is_refused(tmp_path):
    cine = Recording("cine", CINE.frames[:, :30], CINE.spacing_mm, CINE.times_s, plane=CINE.plane)
    with pytest.raises(RecordingError, match="reaches beyond the image"):
        target(write_volume(tmp_path / "gtv.mha"), cine=cine)


def test_frames_over_time_are_no_volume(tmp_path):
    path = write_volume(tmp_path / "gtv.mha")
    assert isinstance(read_volume_mask("target", path, None), VolumeMask)
    write_side(path, time_axis="last")
    assert read_volume_mask("target", path, None) is None


def test_a_segmentation_that_is_damaged_is_refused_in_one_line(tmp_path):
    path = write_segmentation(tmp_path / "seg.dcm", {"GTV": ball()[0]})
    whole = path.read_bytes()
    for keep in range(400, len(whole), len(whole) // 40):
        path.write_bytes(whole[:keep])
        with pytest.raises(RecordingError) as caught:
            target(path)
        assert "\n" not in str(caught.value)


def test_a_mask_of_several_volumes_has_their_numbers(tmp_path):
    small = ball(radius_mm=5.0)[0]
    for name, volumes in (("one", [ball()[0]]), ("two", [small, ball()[0]])):
        image = SimpleITK.JoinSeries([SimpleITK.GetImageFromArray(one) for one in volumes])
        image.SetSpacing([*[STEP_MM] * 3, 1.0])
        image.SetOrigin([*ball()[1].tolist(), 0.0])
        SimpleITK.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    assert_is_disc(target(tmp_path / "one.nii.gz"))
    assert_is_disc(target(tmp_path / "two.nii.gz", "2"))
    with pytest.raises(RecordingError, match="holds the structures 1, 2; choose one with --roi"):
        target(tmp_path / "two.nii.gz")


@pytest.mark.parametrize("is_layered", [True, False])
def test_a_segment_of_3d_slicer_is_chosen_by_its_name(tmp_path, is_layered):
    path, (voxels, first) = tmp_path / "a.seg.nrrd", ball()
    beside = ball(radius_mm=5.0, center_mm=CENTRE_MM + np.array([0.0, 0.0 if is_layered else 28.0, 0.0]))[0]
    pixels = np.stack([voxels, beside], axis=-1) if is_layered else np.where(beside, 2, voxels)[..., None]
    layers = pixels.shape[-1]
    path.write_bytes(
        f"NRRD0004\n# Complete NRRD file format specification at:\ntype: unsigned char\ndimension: 4\n"
        f"space: left-posterior-superior\nsizes: {layers} 32 32 32\nspace directions: none (2,0,0) (0,2,0) (0,0,2)\n"
        f"kinds: list domain domain domain\nencoding: raw\nspace origin: ({','.join(map(str, first))})\n"
        "PatientName:=DOE^JANE\nSegment0_LabelValue:=1\nSegment0_Layer:=0\nSegment0_Name:=GTV 1\n"
        f"Segment1_LabelValue:={2 - is_layered}\nSegment1_Layer:={int(is_layered)}\nSegment1_Name:=Liver\n\n".encode()
        + pixels.astype(np.uint8).tobytes()
    )
    assert_is_disc(target(path, "GTV 1"))
    for roi, says in ((None, "holds the structures 'GTV 1', 'Liver'; choose one"), ("PTV", "has no structure 'PTV'")):
        with pytest.raises(RecordingError, match=says) as caught:
            target(path, roi)
        assert "DOE" not in str(caught.value)
