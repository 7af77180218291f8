"""Read dose, fractions and beam-on time of an RTPLAN; nothing else of it is looked at."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import RTPlanStorage

from gatekeeper.config import CourseConfig
from gatekeeper.config.strict import build
from gatekeeper.core.errors import ConfigError, RecordingError
from gatekeeper.sources.dicom.values import real, value_of, whole
from replay.formats.dicom_object import items_of, read_object

LARGEST_FILE = 64 * 2**20
_TAGS: list[Any] = ["SOPClassUID", "DoseReferenceSequence", "FractionGroupSequence", "BeamSequence"]
AGREES = 1e-3
"""Relative difference up to which a setting and the plan agree."""


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """Facts of a plan; None for what it does not tell.

    Attributes
    ----------
    fractions : int or None
        Number of planned fractions.
    dose_gy : float or None
        Prescribed total dose to the target, in Gy.
    beam_on_s : float or None
        Beam-on time of a fraction at the planned dose rates, in seconds.
    """

    fractions: int | None
    dose_gy: float | None
    beam_on_s: float | None


def with_plan(course: CourseConfig) -> CourseConfig:
    """Return the facts of a course, completed from its plan file.

    Parameters
    ----------
    course : CourseConfig
        Facts; returned as they are without a plan file.

    Returns
    -------
    CourseConfig
        Without the path of the file.

    Raises
    ------
    RecordingError
        When the file is not a readable RTPLAN.
    ConfigError
        When a setting and the plan differ, or the plan's values are outside the limits.
    """
    if course.plan_file is None:
        return course
    path = Path(course.plan_file)
    plan = read_plan(path)
    values = course.model_dump(exclude={"plan_file"})
    for name in ("fractions", "dose_gy", "beam_on_s"):
        told = getattr(plan, name)
        if values[name] is None:
            values[name] = told
        elif told is not None and not math.isclose(values[name], told, rel_tol=AGREES):
            raise ConfigError(f"course.{name} is {values[name]:g} and {told:g} in {path}; correct one, or leave it out")
    return build(CourseConfig, values, str(path))


def read_plan(path: Path) -> PlanFacts:
    """Read the facts of an RTPLAN.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    PlanFacts

    Raises
    ------
    RecordingError
        When the file is missing, damaged or not an RTPLAN, has several fraction groups, or several doses to targets.
    """
    return read_object(path, _TAGS, LARGEST_FILE, "an RTPLAN", _facts, "plan")


def _facts(dataset: Dataset, where: str) -> PlanFacts:
    if value_of(dataset, "SOPClassUID") != RTPlanStorage:
        raise RecordingError(f"{where}: is not an RTPLAN; name one")
    groups = items_of(dataset, "FractionGroupSequence")
    if len(groups) != 1:
        raise RecordingError(
            f"{where}: has {len(groups)} fraction groups and not one; leave plan_file out and set fractions, dose_gy "
            "and beam_on_s"
        )
    doses = {
        dose
        for item in items_of(dataset, "DoseReferenceSequence")
        if value_of(item, "DoseReferenceType") == "TARGET"
        and (dose := _number(item, "TargetPrescriptionDose")) is not None
    }
    if len(doses) > 1:
        told = ", ".join(f"{dose:g}" for dose in sorted(doses))
        raise RecordingError(f"{where}: prescribes {told} Gy to several targets; leave plan_file out and set dose_gy")
    planned = value_of(groups[0], "NumberOfFractionsPlanned")
    beams = {whole(value_of(beam, "BeamNumber")): beam for beam in items_of(dataset, "BeamSequence")}
    return PlanFacts(
        fractions=None if planned is None else whole(planned),
        dose_gy=doses.pop() if doses else None,
        beam_on_s=_beam_on_s(groups[0], beams),
    )


def _beam_on_s(group: Dataset, beams: Mapping[int, Dataset]) -> float | None:
    """Return the time of all beams of a fraction; None when the meterset or the dose rate of one is not told."""
    total_s = 0.0
    referenced = items_of(group, "ReferencedBeamSequence")
    for item in referenced:
        beam = beams.get(whole(value_of(item, "ReferencedBeamNumber")))
        meterset = _number(item, "BeamMeterset")
        beam_s = None if beam is None or meterset is None else _seconds_of(beam, meterset)
        if beam_s is None:
            return None
        total_s += beam_s
    return total_s if referenced and total_s > 0.0 else None


def _seconds_of(beam: Dataset, meterset: float) -> float | None:
    """Return the time of one beam: the part of the meterset between two control points over the first one's rate."""
    points = items_of(beam, "ControlPointSequence")
    final = _number(beam, "FinalCumulativeMetersetWeight")
    if final is None or final <= 0.0:
        return None
    lasted_s, rate = 0.0, None
    for point, following in pairwise(points):
        # Stated at the first control point and wherever it changes, in monitor units per minute.
        rate = _number(point, "DoseRateSet") or rate
        begin, end = (_number(one, "CumulativeMetersetWeight") for one in (point, following))
        if begin is None or end is None or end < begin or rate is None or rate <= 0.0:
            return None
        lasted_s += 60.0 * meterset * (end - begin) / final / rate
    return lasted_s


def _number(dataset: Dataset, keyword: str) -> float | None:
    value = value_of(dataset, keyword)
    return None if value is None else real(value)
