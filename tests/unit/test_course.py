"""Facts of a course: the linear-quadratic model, the settings, and what an RTPLAN fills in."""

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTPlanStorage, RTStructureSetStorage

from gatekeeper.config import CourseConfig, SessionConfig
from gatekeeper.core.errors import ConfigError, InputError, RecordingError
from gatekeeper.core.fractionation import bed_gy, eqd2_gy
from gatekeeper.recording.session_setup import config_hash
from replay.formats.rtplan import read_plan, with_plan
from tests.support.command_line import gatekeeper


@pytest.mark.parametrize(
    ("dose_gy", "fractions", "tumour", "late", "eqd2"),
    [(50.0, 5, 100.0, 216.7, 83.3), (54.0, 3, 151.2, 378.0, 126.0), (40.0, 5, 72.0, 146.7, 60.0)],
)
def test_published_schemes_have_their_published_doses(dose_gy, fractions, tumour, late, eqd2):
    assert bed_gy(dose_gy, fractions, 10.0) == pytest.approx(tumour, abs=0.05)
    assert bed_gy(dose_gy, fractions, 3.0) == pytest.approx(late, abs=0.05)
    assert eqd2_gy(dose_gy, fractions, 10.0) == pytest.approx(eqd2, abs=0.05)


def test_a_dose_of_nothing_is_refused():
    with pytest.raises(InputError, match="give values above 0"):
        bed_gy(float("nan"), 5, 10.0)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"label": "Anna Berg"}, "label"),
        ({"label": "BERG^ANNA"}, "label"),
        ({"fraction": 6}, "at most fractions = 5"),
        ({"contrast_min": 20.0}, "name the agent"),
        ({"strategy": "exhale", "breath_hold": "inhale"}, "breath_hold"),
        ({"dose_gy": float("nan")}, "dose_gy"),
    ],
)
def test_facts_that_contradict_or_name_a_person_are_refused(values, says):
    with pytest.raises(ValueError, match=says):
        CourseConfig(**{"label": "P07", "fraction": 2, "fractions": 5, **values})


def test_a_session_without_a_course_keeps_its_hash_and_one_with_it_has_another():
    course = CourseConfig(label="P07", fraction=2)
    assert config_hash(SessionConfig(course=course)) != config_hash(SessionConfig())


def plan(path, change=None, **values):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = RTPlanStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.PatientName = RTPlanStorage, "1.2.3", "Berg^Anna"
    target, organ = Dataset(), Dataset()
    target.DoseReferenceType, target.TargetPrescriptionDose = "TARGET", values.get("dose", "50")
    organ.DoseReferenceType, organ.TargetPrescriptionDose = "ORGAN_AT_RISK", "12"
    dataset.DoseReferenceSequence = [target, organ]
    dataset.BeamSequence, referenced = [], []
    for number, meterset in ((1, 600.0), (2, 300.0)):
        beam, reference = Dataset(), Dataset()
        beam.BeamNumber, beam.FinalCumulativeMetersetWeight, beam.ControlPointSequence = number, 1.0, []
        # The rate is stated at the first control point, and once more where it doubles.
        for weight, rate in ((0.0, 300.0), (0.5, 600.0), (1.0, None)):
            point = Dataset()
            point.CumulativeMetersetWeight = weight
            if rate is not None and values.get("rates", True):
                point.DoseRateSet = rate
            beam.ControlPointSequence.append(point)
        dataset.BeamSequence.append(beam)
        reference.ReferencedBeamNumber, reference.BeamMeterset = number, meterset
        referenced.append(reference)
    group = Dataset()
    group.NumberOfFractionsPlanned, group.ReferencedBeamSequence = 5, referenced
    dataset.FractionGroupSequence = [group]
    if change is not None:
        change(dataset)
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_a_plan_fills_in_fractions_dose_and_beam_on_time(tmp_path):
    path = plan(tmp_path / "plan.dcm")
    course = with_plan(CourseConfig(label="P07", fraction=1, plan_file=str(path)))
    # Half of 900 monitor units at 300 and half at 600 per minute.
    assert (course.fractions, course.dose_gy, course.beam_on_s) == (5, 50.0, pytest.approx(90.0 + 45.0))
    assert course.plan_file is None
    assert course.bed_gy == 100.0


def test_a_plan_without_dose_rates_gives_no_beam_on_time(tmp_path):
    assert read_plan(plan(tmp_path / "plan.dcm", rates=False)).beam_on_s is None


def test_a_plan_that_differs_from_the_settings_is_refused(tmp_path):
    path = plan(tmp_path / "plan.dcm")
    with pytest.raises(ConfigError, match=r"course.dose_gy is 54 and 50 in .*plan.dcm; correct one"):
        with_plan(CourseConfig(label="P07", fraction=1, dose_gy=54.0, plan_file=str(path)))
    with pytest.raises(ConfigError, match="fraction is 6 and must be at most fractions = 5"):
        with_plan(CourseConfig(label="P07", fraction=6, plan_file=str(path)))


def test_a_plan_that_does_not_say_one_thing_is_refused(tmp_path):
    def two_doses(dataset):
        dataset.DoseReferenceSequence[1].DoseReferenceType = "TARGET"

    def two_groups(dataset):
        dataset.FractionGroupSequence.append(dataset.FractionGroupSequence[0])

    def other_kind(dataset):
        dataset.SOPClassUID = RTStructureSetStorage

    for change, says in ((two_doses, "12, 50 Gy"), (two_groups, "2 fraction groups"), (other_kind, "not an RTPLAN")):
        with pytest.raises(RecordingError, match=says):
            read_plan(plan(tmp_path / "plan.dcm", change))
    (tmp_path / "not.dcm").write_bytes(b"x" * 600)
    with pytest.raises(RecordingError, match="is not a DICOM file"):
        read_plan(tmp_path / "not.dcm")


def test_a_bad_plan_is_one_line_and_exit_code_2(tmp_path, capsys):
    (tmp_path / "c.toml").write_text('[course]\nlabel = "P07"\nfraction = 1\nplan_file = "plan.dcm"\n')
    assert gatekeeper("replay", "phantom", "--config", tmp_path / "c.toml", "--out", tmp_path / "s") == 2
    err = capsys.readouterr().err
    assert "plan.dcm: cannot be read" in err
    assert not (tmp_path / "s").exists()
