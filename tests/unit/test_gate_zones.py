"""Several structures: all targets inside, everything else out of the way."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import GateConfig, OarLimits, PredictionConfig, StructuresConfig, TargetLimits
from gatekeeper.core.contour import Role, Structure
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import TargetError
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.structures import WAITING
from gatekeeper.gating.zones import PLAUSIBLE, KeepOutZone, TargetZone, checked, zones_for
from kernels.polygon import area
from tests.support.gates import ENVELOPE, HOLD, ON, SHAPE, SPACING_MM, TARGET, frame, gate, track
from tests.support.polygons import circle, rectangle

SECOND_PX = circle(3.0, (33.0, 8.0), n=40)
BOWEL_PX = circle(3.0, (19.0, 31.5), n=40)
GTV = Structure("GTV", Role.TARGET, TARGET)
NODE = Structure("node", Role.TARGET, SECOND_PX)
BOWEL = Structure("bowel", Role.AVOID, BOWEL_PX)


def tracks(gtv_mm=0.0, node_mm=0.0, bowel_mm=0.0, confidence=(0.9, 0.9, 0.9)):
    """The target moved along SI, the node along SI, the bowel towards the target."""
    return (
        track(gtv_mm, confidence=confidence[0]),
        Track(np.add(SECOND_PX, (node_mm, 0.0)), (33.0 + node_mm, 8.0), confidence[1]),
        Track(np.subtract(BOWEL_PX, (0.0, bowel_mm)), (19.0, 31.5 - bowel_mm), confidence[2]),
    )


def judge(**config):
    return gate(zones_for([GTV, NODE, BOWEL], 4.0, SPACING_MM, SHAPE), **config)


def test_the_beam_is_on_when_all_structures_are_where_they_should_be():
    decision = judge().decide(tracks(), frame(0))
    assert (decision.state, decision.outside_percent) == (ON, 0.0)


@pytest.mark.parametrize(
    ("moved", "reason"),
    [
        ({"gtv_mm": 8.0}, Reason.OUTSIDE),
        ({"node_mm": 8.0}, Reason.OUTSIDE),
        ({"bowel_mm": 5.0}, Reason.AVOID_IN_ZONE),
        ({"confidence": (0.2, 0.9, 0.9)}, Reason.LOW_CONFIDENCE),
        ({"confidence": (0.9, 0.2, 0.9)}, Reason.LOW_CONFIDENCE),
        ({"confidence": (0.9, 0.9, 0.2)}, Reason.LOW_CONFIDENCE),
        ({"confidence": (0.9, math.nan, 0.9)}, Reason.LOW_CONFIDENCE),
        ({"confidence": (math.nan, 0.9, 0.9)}, Reason.LOW_CONFIDENCE),
        ({"gtv_mm": math.nan}, Reason.OUTSIDE),
        ({"node_mm": math.nan}, Reason.OUTSIDE),
        ({"bowel_mm": math.nan}, Reason.AVOID_IN_ZONE),
    ],
)
def test_one_structure_that_is_not_holds(moved, reason):
    one = judge()
    assert one.decide(tracks(), frame(0)).state is ON
    assert reason in one.decide(tracks(**moved), frame(1)).reasons


def test_the_worst_target_is_the_one_that_counts():
    assert judge().decide(tracks(gtv_mm=5.0, node_mm=6.0), frame(0)).outside_percent == pytest.approx(
        Envelope.around(SECOND_PX, 4.0, SPACING_MM).outside_percent(tracks(node_mm=6.0)[1].contour_px)
    )


def test_a_structure_to_avoid_is_kept_from_every_target():
    zones = zones_for([GTV, NODE, BOWEL], 4.0, SPACING_MM, SHAPE)
    assert [type(zone) for zone in zones] == [TargetZone, TargetZone, KeepOutZone]
    assert zones[2].zones == (zones[0].envelope, zones[1].envelope)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_track_too_few_or_many_is_a_fault(count):
    one = judge()
    with pytest.raises(TargetError, match=f"{count} tracks for 3 zones"):
        one.decide((tracks() * 2)[:count], frame(0))
    assert one.decide(tracks(), frame(0)).reasons == (Reason.ENGINE_FAULT,)


def test_the_area_inside_a_zone_is_exact():
    zone = Envelope(rectangle(1, 1, 4, 4), (1.5, 2.0))
    assert zone.inside(rectangle(1, 3, 4, 4)) == pytest.approx((50.0, 24.0))
    assert zone.inside(rectangle(1, 6, 4, 4)) == (0.0, 0.0)
    assert zone.inside(rectangle(2, 2, 1, 1)) == pytest.approx((100.0, 3.0))
    assert zone.inside(rectangle(0, 0, 9, 9)) == pytest.approx((100.0 * 16 / 81, 48.0))
    assert np.isnan(zone.inside(rectangle(1, 3, 4, 4) * np.nan)).all()
    assert np.isnan(zone.inside(np.zeros((3, 2)))).all()


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        ([], "put the primary target first"),
        ([KeepOutZone((ENVELOPE,)), TargetZone(ENVELOPE)], "put the primary target first"),
        ([TargetZone(ENVELOPE), TargetZone(Envelope(SECOND_PX, (2.0, 2.0)))], "draw all on one"),
        ([TargetZone(ENVELOPE), KeepOutZone((Envelope(SECOND_PX, SPACING_MM, (9, 9)),))], "draw all on one"),
    ],
)
def test_zones_that_no_gate_can_judge_by_are_refused(zones, message):
    with pytest.raises(TargetError, match=message):
        checked(zones)


@pytest.mark.parametrize(
    ("zones", "limits", "message"),
    [
        ((), {}, "keep-out zone: is empty"),
        ((ENVELOPE,), {"most_percent": 5.0, "most_mm2": 5.0}, "give one of them"),
        ((ENVELOPE,), {"most_percent": -1.0}, "give 0 or more"),
        ((ENVELOPE,), {"most_mm2": math.nan}, "give 0 or more"),
        ((ENVELOPE,), {"most_nearer_mm": 2.0}, "needs the planned distance"),
        ((ENVELOPE,), {"most_nearer_mm": 2.0, "planned_mm": 5.0, "beyond": True}, "beyond a zone has one part"),
    ],
)
def test_a_structure_to_avoid_needs_a_zone_and_one_limit(zones, limits, message):
    with pytest.raises(TargetError, match=message):
        KeepOutZone(zones, **limits)


def test_the_first_structure_must_be_a_target():
    with pytest.raises(TargetError, match="primary target first"):
        zones_for([BOWEL, GTV], 4.0, SPACING_MM)


def test_no_overlap_at_all_may_be_asked_for():
    zones = (TargetZone(ENVELOPE), KeepOutZone((ENVELOPE,), most_percent=0.0))
    one = gate(zones)
    clear, touching = tracks()[2], tracks(bowel_mm=3.0)[2]
    assert one.decide((track(), clear), frame(0)).state is ON
    assert one.decide((track(), touching), frame(1)).state is HOLD


def alone(structure, **config):
    return gate(zones_for([structure], 4.0, SPACING_MM, SHAPE), **config)


@pytest.mark.parametrize("frames_to_resume", [1, 3])
@pytest.mark.parametrize("mode", ["off", "conservative", "full"])
def test_two_targets_decide_as_both_alone(mode, frames_to_resume):
    prediction = PredictionConfig(mode=mode, burn_in_s=5.0)
    limits = GateConfig(frames_to_resume=frames_to_resume, learning_s=3.0, drift_cycles=1, drift_mm=1.0)
    pairs = [zones_for(list(some), 4.0, SPACING_MM, SHAPE) for some in ((GTV, NODE), (GTV,), (NODE,))]
    both, first, second = (Gate(zones, limits, prediction=prediction) for zones in pairs)
    rng, states, reasons = np.random.default_rng(0), set(), set()
    for k in range(240):
        wave = math.sin(0.3 * k)
        gtv, node, _ = tracks(
            4.2 * wave + 0.01 * k, 5.0 * math.sin(0.31 * k), confidence=(*rng.uniform(0.48, 0.9, 2), 0.9)
        )
        together = both.decide((gtv, node), frame(k))
        one, other = first.decide(gtv, frame(k)), second.decide(node, frame(k))
        assert (together.state is ON) == (one.state is ON and other.state is ON), k
        assert (together.raw_state is ON) == (one.raw_state is ON and other.raw_state is ON), k
        assert set(together.reasons) - WAITING == (set(one.reasons) | set(other.reasons)) - WAITING, k
        states |= {(one.state, other.state)}
        reasons |= set(together.reasons)
    assert len(states) == 4
    assert {Reason.OUTSIDE, Reason.LOW_CONFIDENCE} <= reasons


def test_each_target_and_organ_tells_what_it_measures_and_why_it_holds():
    one = judge(min_confidence=0.5)
    assert [result.reasons for result in one.decide(tracks(), frame(0)).structures] == [(), (), ()]
    held = one.decide(tracks(node_mm=8.0, bowel_mm=5.0, confidence=(0.9, 0.9, 0.2)), frame(1))
    gtv, node, bowel = held.structures
    assert (gtv.value, gtv.reasons) == (0.0, ())
    assert node.reasons == (Reason.OUTSIDE,)
    assert node.value == held.outside_percent > 5.0
    assert (bowel.measure, bowel.reasons) == ("overlap_percent", (Reason.LOW_CONFIDENCE, Reason.AVOID_IN_ZONE))


def test_one_target_alone_has_no_parts():
    assert alone(GTV).decide(track(), frame(0)).structures == ()


LIMITS = StructuresConfig(
    target={"node": TargetLimits(margin_mm=2.0, outside_percent=0.5, min_confidence=0.7)},
    oar={"bowel": OarLimits(overlap_mm2=3.0, min_confidence=0.3)},
)


@pytest.mark.parametrize(
    ("moved", "holds"),
    [
        ({"gtv_mm": 4.5}, ()),
        ({"node_mm": 2.4}, (Reason.OUTSIDE,)),
        ({"confidence": (0.6, 0.8, 0.4)}, ()),
        ({"confidence": (0.6, 0.65, 0.4)}, (Reason.LOW_CONFIDENCE,)),
        ({"confidence": (0.6, 0.8, 0.25)}, (Reason.LOW_CONFIDENCE,)),
        ({"confidence": (0.6, 0.8, math.nan)}, (Reason.LOW_CONFIDENCE,)),
        ({"confidence": (0.4, 0.8, 0.4)}, (Reason.LOW_CONFIDENCE,)),
        ({"bowel_mm": 2.2}, ()),
        ({"bowel_mm": 3.5}, (Reason.AVOID_IN_ZONE,)),
    ],
)
def test_each_structure_has_limits_of_its_own(moved, holds):
    one = gate(zones_for([GTV, NODE, BOWEL], 4.0, SPACING_MM, SHAPE, None, LIMITS))
    assert one.decide(tracks(), frame(0)).state is ON
    assert one.decide(tracks(**moved), frame(1)).reasons == holds


def test_an_envelope_and_a_zone_may_be_regions():
    ptv, beam = circle(9.0, (19.0, 17.0), n=50), rectangle(10, 27, 20, 3)
    structures = [replace(GTV, zone_px=ptv), replace(BOWEL, zone_px=beam)]
    target, organ = zones_for(structures, 4.0, SPACING_MM, SHAPE)
    assert np.array_equal(target.envelope.contour_px, ptv)
    assert np.array_equal(organ.zones[0].contour_px, beam)


def test_an_organ_may_have_to_stay_within_a_margin_of_where_it_was_drawn():
    limits = StructuresConfig(oar={"bowel": OarLimits(zone_margin_mm=2.0)})
    _, organ = zones_for([GTV, BOWEL], 4.0, SPACING_MM, SHAPE, None, limits)
    assert organ.overlap(tracks(bowel_mm=1.9)[2], 5.0) == (0.0, 5.0)
    percent, _ = organ.overlap(tracks(bowel_mm=4.0)[2], 5.0)
    assert percent == pytest.approx(
        Envelope.around(BOWEL_PX, 2.0, SPACING_MM).outside_percent(np.add(BOWEL_PX, (0.0, 4.0)))
    )
    assert math.isnan(organ.overlap(tracks(bowel_mm=math.nan)[2], 5.0)[0])


@pytest.mark.parametrize(("bowel_mm", "nearer_mm"), [(-3.0, 0.0), (0.0, 0.0), (1.0, 1.0), (3.0, 3.0), (math.nan, None)])
def test_an_organ_may_come_nearer_by_so_much(bowel_mm, nearer_mm):
    limits = StructuresConfig(oar={"bowel": OarLimits(nearer_mm=2.0)})
    _, organ = zones_for([GTV, BOWEL], 4.0, SPACING_MM, SHAPE, None, limits)
    found_mm, limit_mm = organ.overlap(tracks(bowel_mm=bowel_mm)[2], 5.0)
    assert limit_mm == 2.0
    assert math.isnan(found_mm) if nearer_mm is None else found_mm == pytest.approx(nearer_mm, abs=0.02)


def test_limits_of_a_structure_that_is_not_there_are_refused():
    with pytest.raises(TargetError, match="limits of target 'nodes': it is not there"):
        zones_for([GTV], 4.0, SPACING_MM, None, None, StructuresConfig(target={"nodes": TargetLimits()}))


@pytest.mark.parametrize("limits", [OarLimits(), OarLimits(overlap_mm2=30.0), OarLimits(nearer_mm=1.0)])
def test_an_organ_is_judged_as_if_it_were_nearer_by_its_error(limits):
    _, organ = zones_for([GTV, BOWEL], 4.0, SPACING_MM, SHAPE, None, StructuresConfig(oar={"bowel": limits}))
    values = []
    for error_mm in (0.0, 0.4, 0.8, math.nan):
        where = replace(tracks(bowel_mm=3.0)[2], error_mm=error_mm)
        values.append(organ.overlap(where, 5.0)[0])
    assert 0.0 < values[0] < values[1] < values[2]
    assert math.isnan(values[3])
    if limits.nearer_mm is not None:
        assert values[2] - values[0] == pytest.approx(0.8 * PLAUSIBLE)


def test_an_organ_that_may_be_elsewhere_is_measured_in_percent_of_its_own_area():
    in_percent, in_mm2 = (
        zones_for([GTV, BOWEL], 4.0, SPACING_MM, SHAPE, None, StructuresConfig(oar={"bowel": limits}))[1]
        for limits in (OarLimits(overlap_percent=5.0), OarLimits(overlap_mm2=9.0))
    )
    where = replace(tracks(bowel_mm=3.0)[2], error_mm=0.8)
    own_mm2 = area(where.contour_px) * SPACING_MM[0] * SPACING_MM[1]
    assert in_percent.overlap(where, 5.0)[0] == pytest.approx(100.0 * in_mm2.overlap(where, 5.0)[0] / own_mm2)


def test_an_organ_beyond_its_margin_is_judged_by_its_error_as_well():
    limits = StructuresConfig(oar={"bowel": OarLimits(zone_margin_mm=2.0)})
    _, organ = zones_for([GTV, BOWEL], 4.0, SPACING_MM, SHAPE, None, limits)
    where = tracks(bowel_mm=1.5)[2]
    assert organ.overlap(where, 5.0)[0] == 0.0
    assert organ.overlap(replace(where, error_mm=1.0), 5.0)[0] > 0.0
