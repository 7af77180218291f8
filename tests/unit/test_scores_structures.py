"""Each of several structures is scored against its labels: where it was, and whether it held the beam in time."""

import json

import numpy as np
import pytest

from gatekeeper.config import GateConfig
from gatekeeper.core.contour import Role
from gatekeeper.core.decision import BeamState, Decision, Measure, Reason, StructureResult
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.zones import KeepOutZone, TargetZone
from replay.recording import LazyFrames, RecordedStructure
from replay.scores.structure_table import LEGEND, as_table
from replay.scores.structures import Judged, distance_mm, score_structures
from tests.support.recordings import recording

SHAPE, SPACING_MM = (64, 48), (2.0, 1.5)
BEAM = Envelope(np.array([[9.5, 9.5], [9.5, 29.5], [29.5, 29.5], [29.5, 9.5]]), SPACING_MM)
ROLES = {"GTV": Role.TARGET, "bowel": Role.AVOID}
ZONES = TargetZone(BEAM, most_percent=30.0), KeepOutZone((BEAM,), most_percent=10.0)
BOWEL = [40, 36, 28, 26, 36, 40, 40, 28]
"""First row of the bowel on each frame; the beam ends at row 29."""
FOUND = [40, 36, 31, 26, 35, None, 40, None]
"""Where it was found; None: the frame was not tracked."""
HELD = {3, 4}
ON = {1, 2}


def outline(row, count=10):
    """A block of some rows and 10 columns as an outline."""
    return np.array([[row, 12.0], [row, 22.0], [row + count, 22.0], [row + count, 12.0]]) - 0.5


def block(row, count=10):
    label = np.zeros(SHAPE, np.bool_)
    label[row : row + count, 12:22] = True
    return label


def case(exact):
    target = np.stack([block(14)] * 8)
    bowel = np.stack([block(row) for row in BOWEL])
    bowel[6] = False
    outlines = tuple(outline(row) for row in BOWEL) if exact else None
    return recording(
        frames=8,
        shape=SHAPE,
        spacing_mm=SPACING_MM,
        times_s=0.25 * np.arange(8),
        first_mask=target[0],
        labels=target,
        structures=(RecordedStructure("bowel", bowel[0], bowel, outlines),),
    )


def decided(number, held):
    found = FOUND[number]
    state = BeamState.ON if number in ON else BeamState.HOLD
    if found is None:
        return Judged(Decision(number, 0.0, state, (), np.nan), ())
    reasons = (Reason.AVOID_IN_ZONE,) if number in held else ()
    results = StructureResult(Measure.OUTSIDE_PERCENT, 0.0), StructureResult(Measure.OVERLAP_PERCENT, 0.0, reasons)
    tracks = tuple(Track.of_contour(outline(row), SPACING_MM, 0.9) for row in (15, found))
    return Judged(Decision(number, 0.0, state, reasons, 0.0, structures=results), tracks)


def scored(exact=True, roles=ROLES, held=HELD):
    told = []
    judged = {number: decided(number, held) for number in range(8)}
    return score_structures(case(exact), roles, ZONES, GateConfig(), judged, lambda *args: told.append(args)), told


def test_an_organ_is_scored_against_its_own_zone():
    (scores, gating), told = scored()
    zone = scores["bowel"].zone
    assert (zone.frames_scored, zone.beyond, zone.found, zone.missed, zone.not_tracked) == (6, 3, 1, 1, 1)
    assert (zone.false_holds, zone.on_while_beyond_s) == (1, 0.25)
    # It enters on frame 2, held on frame 3, and on frame 7, which is not tracked.
    assert (zone.entries, zone.entries_in_time) == (2, 1)
    # Off by 3 rows on frame 2 and by 1 on frame 4, of 1, 2, 3 and 4.
    assert zone.distance_mm == pytest.approx((0.0 + 6.0 + 0.0 + 2.0) / 4.0)
    assert (zone.nearest_mm, zone.true_nearest_mm) == pytest.approx((-8.0, -8.0))
    assert told[-1] == ("bowel", 8, 8)
    # On frames 1 and 2 the beam is on, on 2 wrongly; it is held rightly on 3 and 7.
    assert (gating.frames_scored, gating.on_while_out_s, gating.false_hold_s) == (7, 0.25, 0.75)
    assert gating.accuracy == pytest.approx(3.0 / 7.0)


@pytest.mark.parametrize(("held", "in_time"), [({2}, 1), ({3}, 1), ({4}, 0)])
def test_an_entry_is_held_on_its_frame_or_the_next(held, in_time):
    (scores, _), _ = scored(held=held)
    assert (scores["bowel"].zone.entries, scores["bowel"].zone.entries_in_time) == (2, in_time)


def test_the_tracking_of_each_is_scored():
    (scores, _), _ = scored()
    assert scores["GTV"].tracking.center_mm == pytest.approx((5 * 2.0 + 2 * 128.0) / 7.0)
    assert scores["GTV"].zone.beyond == 0
    bowel = scores["bowel"].tracking
    assert (bowel.frames_scored, bowel.frames_not_tracked) == (6, 2)
    assert bowel.dsc_tracked == pytest.approx((1.0 + 0.7 + 1.0 + 0.9) / 4.0)


def test_outlines_of_labels_serve_where_none_is_exact():
    (exact, _), _ = scored()
    (drawn, _), _ = scored(exact=False)
    assert drawn["bowel"].zone.beyond == exact["bowel"].zone.beyond
    assert drawn["bowel"].zone.true_nearest_mm == pytest.approx(-8.0, abs=0.5)


def test_a_structure_without_labels_is_left_out():
    (scores, gating), _ = scored(roles={"GTV": Role.TARGET, "other": Role.AVOID})
    assert list(scores) == ["GTV"]
    assert gating.false_hold_s == 1.25


def test_json_has_no_dose_of_an_organ_and_no_nan():
    (scores, _), _ = scored()
    values = json.loads(json.dumps({name: one.as_json() for name, one in scores.items()}, allow_nan=False))
    assert values["GTV"]["zone"]["distance_mm"] is None
    assert "d98_relative" in values["GTV"]["score"]
    assert "d98_relative" not in values["bowel"]["score"]
    assert values["bowel"]["role"] == "avoid"


def test_the_table_lines_up():
    (scores, _), _ = scored()
    header, *lines = as_table(scores).removesuffix(LEGEND).splitlines()
    assert [line.split()[:3] for line in lines] == [["GTV", "target", "7"], ["bowel", "OAR", "6"]]
    assert len({len(line) for line in (header, *lines)}) == 1
    assert {line.index(word) for line, word in zip(lines, ("target", "OAR"), strict=True)} == {header.index("role")}


@pytest.mark.parametrize(("row", "away_mm"), [(16.0, 4.5), (19.0, 2.0), (22.0, -4.0)])
def test_distance_from_a_zone_that_lies_beyond_a_boundary(row, away_mm):
    zone = KeepOutZone((BEAM,), beyond=True)
    assert distance_mm(zone, outline(row) + np.array([0.0, 1.0])) == pytest.approx(away_mm)
    assert np.isnan(distance_mm(zone, np.full((4, 2), np.nan)))


def test_the_distance_of_a_target_is_not_told():
    assert np.isnan(distance_mm(ZONES[0], outline(14)))


def test_labels_are_read_one_by_one():
    whole = case(exact=True)
    lazy = LazyFrames(lambda index: whole.structures[0].labels[index], 8, SHAPE, np.dtype(np.bool_))
    one = RecordedStructure("bowel", None, lazy).part(slice(2, None))
    assert len(one.labels) == 6
    assert one.labels[0].sum() == 100
