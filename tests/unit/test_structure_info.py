"""Faces show each structure with its own colour and its own limits, or those of all."""

import math

import numpy as np
import pytest

from gatekeeper import SessionConfig, SessionSetup
from gatekeeper.config import GateConfig, OarLimits, StructuresConfig, TargetLimits
from gatekeeper.core.contour import Role, Structure
from gatekeeper.core.decision import Measure
from gatekeeper.session.arming import zones_of
from gatekeeper.session.structure_info import shown_zone_px, structure_infos
from gatekeeper.style.structures import structure_colors

SQUARE = np.zeros((60, 60), dtype=np.bool_)
SQUARE[20:30, 20:30] = True


def box(low, high):
    return np.array([(low, low), (low, high), (high, high), (high, low)], dtype=float)


def infos_and_zones(own, *structures):
    setup = SessionSetup("case", np.zeros((60, 60)), SQUARE, (2.0, 2.0), target_name="GTV1", structures=structures)
    config = SessionConfig(gate=GateConfig(overlap_percent=4.0), structures=own)
    return structure_infos(setup, config), zones_of(setup, config)


def test_each_target_has_its_own_margin_and_limits():
    own = TargetLimits(margin_mm=3.0, outside_percent=1.0, min_confidence=0.7)
    (first, second), _ = infos_and_zones(
        StructuresConfig(target={"GTV2": own}), Structure("GTV2", Role.TARGET, box(40.0, 50.0))
    )
    assert (first.margin_mm, first.limit, first.min_confidence) == (5.0, 5.0, 0.5)
    assert (second.margin_mm, second.limit, second.min_confidence) == (3.0, 1.0, 0.7)
    assert second.resume_limit < second.limit


@pytest.mark.parametrize(
    ("own", "measure", "limit"),
    [
        ({}, Measure.OVERLAP_PERCENT, 4.0),
        ({"overlap_percent": 9.0}, Measure.OVERLAP_PERCENT, 9.0),
        ({"overlap_mm2": 20.0}, Measure.OVERLAP_MM2, 20.0),
        ({"nearer_mm": 2.0}, Measure.NEARER_MM, 2.0),
    ],
)
def test_organ_has_the_limit_that_is_set_for_it(own, measure, limit):
    organ = Structure("Bowel", Role.AVOID, box(40.0, 50.0))
    (_, info), zones = infos_and_zones(StructuresConfig(oar={"Bowel": OarLimits(**own)}), organ)
    assert (info.measure, info.limit) == (measure, limit) == (zones[1].measure, limit)
    assert info.resume_limit == pytest.approx(0.8 * limit)
    assert math.isnan(info.margin_mm)


def test_zone_of_an_organ_is_shown_where_it_is_its_own():
    plain, grown = (Structure(name, Role.AVOID, box(40.0, 50.0)) for name in ("Bowel", "Stomach"))
    region = Structure("Cord", Role.AVOID, box(40.0, 50.0), zone_px=box(2.0, 9.0))
    own = StructuresConfig(oar={"Stomach": OarLimits(zone_margin_mm=4.0)})
    infos, zones = infos_and_zones(own, plain, grown, region)
    shown = [shown_zone_px(info, zone) for info, zone in zip(infos, zones, strict=True)]
    assert shown[0] is zones[0].envelope.contour_px
    assert shown[1] is None
    assert (infos[2].zone_margin_mm, infos[2].region) == (4.0, False)
    assert shown[2].min() == pytest.approx(38.0, abs=0.1)
    np.testing.assert_array_equal(shown[3], box(2.0, 9.0))


def test_no_two_structures_have_the_same_color():
    roles = {f"T{number}": Role.TARGET for number in range(16)} | {f"O{number}": Role.AVOID for number in range(16)}
    given = StructuresConfig(target={"T5": TargetLimits(colour="#56b4e9")})
    colors = structure_colors(roles, given)
    assert list(colors) == list(roles)
    assert len(set(colors.values())) == 32
    assert colors["T5"] == "#56B4E9"
