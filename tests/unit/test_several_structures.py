"""Sessions with several targets and organs at risk: how they begin, are recorded and are verified."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK

from gatekeeper.cli.run import plan_of
from gatekeeper.config import SessionConfig, StructuresConfig, TargetLimits
from gatekeeper.core.contour import Role
from gatekeeper.core.errors import GatekeeperError
from gatekeeper.session.arming import arm, zones_of
from replay.formats.session import open_session
from replay.sessions.differences import differences, same_but_for_rounding
from replay.sessions.rejudge import Rejudged
from tests.support.cases import SHAPE, SPACING_MM
from tests.support.live_sessions import journal, live_config, run_live
from tests.support.live_sessions import reference_of as first_of
from tests.support.recordings import disc
from tests.support.sessions import checked, recorded
from tests.support.several_structures import CASE, LIMITS, several

FLAT = replace(CASE, frames=CASE.frames.copy())
FLAT.frames[:, 44:, 34:] = 500


@pytest.fixture
def session(several_session):
    """A recorded session with several structures, only read."""
    return several_session


def test_a_session_keeps_names_order_zones_and_limits_of_its_structures(session):
    opened, given = open_session(session), several(preview_s=8.0).setup
    assert opened.setup.names == ("GTV", "node", "bowel")
    assert [one.role for one in opened.setup.structures] == [Role.TARGET, Role.AVOID]
    assert np.array_equal(opened.setup.target_zone_px, given.target_zone_px)
    assert opened.config().structures == LIMITS
    gtv, node, bowel = zones_of(opened.setup, opened.config())
    assert np.array_equal(gtv.envelope.contour_px, given.target_zone_px)
    assert (node.most_percent, bowel.most_mm2) == (2.0, 30.0)


def test_it_verifies_and_is_judged_again(session):
    assert checked(session).findings == []
    again = Rejudged(open_session(session))
    judged = again.judge(again.config)
    entries = [one.entry for one in again.tracked if one.entry["kind"] == "frame"]
    assert [decision.state for decision in judged.decisions] == [entry["state"] for entry in entries]
    assert {"ON", "HOLD"} == {entry["state"] for entry in entries}


def test_a_line_has_each_structure_and_each_of_its_numbers_is_compared(session):
    entry = next(one for one in open_session(session).entries if one["kind"] == "frame")
    assert list(entry["structures"]) == ["GTV", "bowel", "node"]
    assert entry["structures"]["GTV"]["center_mm"] == entry["center_mm"]
    assert entry["structures"]["GTV"]["contour_hash"] == entry["contour_hash"]
    assert [sorted(one)[-2] for one in entry["structures"].values()] == [
        "outside_percent",
        "overlap_mm2",
        "outside_percent",
    ]
    for field, wrong in (("confidence", 0.1), ("overlap_mm2", 99.0), ("reasons", ["outside"])):
        other = {
            **entry,
            "structures": {**entry["structures"], "bowel": {**entry["structures"]["bowel"], field: wrong}},
        }
        assert not same_but_for_rounding(entry, other)
        assert [one.field for one in differences(1, entry, other)] == [f"structures.bowel.{field}"]
    (center_mm, *_) = entry["structures"]["bowel"]["center_mm"]
    close = json.loads(json.dumps(entry).replace(repr(center_mm), repr(center_mm + 1e-9)))
    assert close != entry
    assert same_but_for_rounding(entry, close)


def test_the_summary_tells_of_each_structure(session):
    structures = json.loads((session / "summary.json").read_text())["structures"]
    entries = [one["structures"] for one in open_session(session).entries if "structures" in one]
    for name, one in structures.items():
        parts = [entry[name] for entry in entries]
        assert one["frames"] == len(parts) > 0
        assert one["held"] == sum(bool(part["reasons"]) for part in parts)
        assert one["largest"] == max(part[one["measure"]] for part in parts)
    assert structures["node"]["hold_reasons"].keys() >= {"outside"}


def test_each_target_learns_its_range_from_a_preview():
    armed = arm(several(preview_s=8.0).setup, SessionConfig())
    gtv, node = armed.motions
    assert node is not None
    assert gtv.col_mm[0] - node.col_mm[0] == pytest.approx(36.0, abs=1.0)


def test_limits_of_a_structure_that_is_not_there_are_refused():
    config = SessionConfig(structures=StructuresConfig(target={"nodes": TargetLimits()}))
    with pytest.raises(GatekeeperError, match="limits of target 'nodes': it is not there"):
        arm(several().setup, config)


def labelled(folder, *discs):
    """Write an image whose pixels have the value 1 in the first disc, 2 in the second, and so on."""
    labels = np.zeros(SHAPE, np.uint8)
    for value, (center, radius_px) in enumerate(discs, start=1):
        labels[disc(SHAPE, center, radius_px)] = value
    plane = CASE.plane
    image = SimpleITK.GetImageFromArray(labels[None])
    # Columns run to posterior, rows to inferior, slices to the right, as in the case.
    image.SetDirection(np.stack([plane.col_step, plane.row_step, (-1.0, 0.0, 0.0)], axis=1).ravel().tolist())
    image.SetOrigin(plane.origin_mm)
    image.SetSpacing((SPACING_MM[1], SPACING_MM[0], 5.0))
    SimpleITK.WriteImage(image, str(folder / "labels.mha"))
    return {"kind": "mask", "file": str(folder / "labels.mha")}


def planned(folder, **optional):
    """Return a live session of three structures in one label image, with a fourth that is optional."""
    image = labelled(folder, ((30.0, 30.0), 8.0), ((30.0, 12.0), 5.0), ((16.0, 31.0), 4.0), ((60.0, 50.0), 0.1))
    config = live_config(
        target=[
            {**image, "name": "GTV", "label": 1, "margin_mm": 4.0},
            {**image, "name": "node", "label": 2},
            {**image, "name": "spot", **optional},
        ],
        oar=[{**image, "name": "bowel", "label": 3}],
    )
    return replace(plan_of(CASE.name, config, arm_by="kim"), reference=first_of(FLAT))


@pytest.mark.parametrize(
    ("label", "why"),
    [(9, "no pixel of .*labels.mha is 9; it holds 1, 2, 3, 4"), (4, "the reference is constant around it; .*")],
)
def test_a_live_session_begins_without_what_is_optional_and_says_so(label, why, tmp_path):
    definition = planned(tmp_path, label=label, required=False)
    outcome, _, _ = run_live(tmp_path / "s", FLAT, definition)
    assert outcome.summary.frames == len(CASE.frames)
    opened = open_session(tmp_path / "s")
    assert opened.setup.names == ("GTV", "node", "bowel")
    (line,) = opened.setup.left_out
    assert re.fullmatch(f"without spot, which is not required: .*{why}.*", line)
    warnings = [entry["values"]["note"] for entry in journal(tmp_path / "s") if entry.get("event") == "warning"]
    assert line in warnings
    assert opened.config().structures.target["GTV"].margin_mm == 4.0
    assert checked(tmp_path / "s").findings == []


@pytest.mark.parametrize("label", [4, 9])
def test_a_live_session_does_not_begin_without_what_is_required(label, tmp_path):
    with pytest.raises(GatekeeperError, match="spot"):
        run_live(tmp_path / "s", FLAT, planned(tmp_path, label=label))


def test_the_header_of_a_session_of_one_structure_says_nothing_new(tmp_path):
    header = json.loads((recorded(tmp_path / "s", CASE) / "decisions.jsonl").read_text().splitlines()[0])
    assert header["setup"].keys() == {"name", "pixel_type", "spacing_mm", "plane", "breath_holds"}
