"""Faces show the limits of the primary target: its own where it has them, otherwise those of all."""

import numpy as np
import pytest

from gatekeeper import SessionConfig, SessionSetup
from gatekeeper.config import StructuresConfig, TargetLimits
from gatekeeper.session.primary_limits import PrimaryLimits

SQUARE = np.zeros((60, 60), dtype=np.bool_)
SQUARE[20:30, 20:30] = True


def box(low, high):
    return np.array([(low, low), (low, high), (high, high), (high, low)], dtype=float)


def limits(zone_px=None, **own):
    setup = SessionSetup("case", np.zeros((60, 60)), SQUARE, (2.0, 2.0), target_name="GTV1", target_zone_px=zone_px)
    others = {"GTV2": TargetLimits(margin_mm=9.0, outside_percent=9.0)}
    structures = StructuresConfig(target={"GTV1": TargetLimits(**own), **others})
    return PrimaryLimits.of(setup, SessionConfig(structures=structures))


def test_limits_of_all_hold_without_its_own():
    assert limits() == PrimaryLimits(5.0, 5.0, 0.5)
    assert limits().envelope == "the target and 5 mm around it"


def test_its_own_go_before_those_of_all():
    own = limits(margin_mm=3.0, outside_percent=2.0, min_confidence=0.7)
    assert own == PrimaryLimits(3.0, 2.0, 0.7)
    assert own.envelope == "the target and 3 mm around it"


def test_margin_of_a_region_is_its_least_distance():
    found = limits(box(16.0, 40.0), margin_mm=3.0)
    assert found.region
    assert found.margin_mm == pytest.approx(2.0 * 3.75, abs=1.0)
    assert found.envelope.startswith("a region of its own, ")


def test_target_may_reach_out_of_its_region():
    assert limits(box(22.0, 40.0)).margin_mm == 0.0
    assert limits(box(22.0, 40.0)).envelope == "a region of its own, out of which the target reaches"
