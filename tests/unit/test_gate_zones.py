"""Several structures: all targets inside, everything else out of the way."""

import math

import numpy as np
import pytest

from gatekeeper.core.contour import Role, Structure
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import TargetError
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.zones import KeepOutZone, TargetZone, checked, zones_for
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
