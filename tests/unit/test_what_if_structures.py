"""What-if of several structures: with other limits of single ones, the decisions are those of a replay with them."""

import json
from contextlib import closing

import pytest

from gatekeeper.config import OtherLimits
from gatekeeper.core.errors import ConfigError
from gatekeeper.core.json_values import measured
from replay.formats.session import open_session
from replay.sessions.compare import compare
from replay.sessions.rejudge import Rejudged
from replay.sessions.what_if import WhatIf
from tests.support.command_line import gatekeeper
from tests.support.live_sessions import journal
from tests.support.matrices import mostly_slow

OTHERS = {
    "margin and area": (
        {"node": {"margin_mm": 0.0}, "bowel": {"overlap_mm2": 500.0}},
        ("--margin-mm", "node=0", "--overlap", "bowel=500mm2"),
    ),
    "percent": (
        {"GTV": {"outside_percent": 0.5}, "node": {"outside_percent": 50.0}, "bowel": {"overlap_mm2": 100.0}},
        ("--outside-percent", "GTV=0.5", "--outside-percent", "node=50", "--overlap", "bowel=100mm2"),
    ),
    "confidence": (
        {"node": {"min_confidence": 0.9995}, "bowel": {"min_confidence": 0.9985}},
        ("--min-confidence", "node=0.9995", "--min-confidence", "bowel=0.9985"),
    ),
    "nobody is sure": ({"GTV": {"min_confidence": 1.0}}, ("--min-confidence", "GTV=1")),
}


@pytest.fixture(scope="module")
def again(several_session):
    with closing(open_session(several_session)) as session:
        yield Rejudged(session)


@pytest.fixture(scope="module")
def what_if(again):
    return WhatIf(again)


def lines(folder):
    return [one for one in journal(folder) if one["kind"] in ("frame", "silence")]


@pytest.mark.parametrize("name", mostly_slow(OTHERS))
def test_each_decision_is_that_of_a_replay(again, several_session, undrawn, tmp_path, name):
    limits, options = OTHERS[name]
    assert gatekeeper("replay", several_session, *options, "--out", tmp_path / "again") == 0
    setup = again.setup
    judged = again.judge(OtherLimits(structures=limits).on(again.config, setup.targets, "test"))
    replayed = lines(tmp_path / "again")
    assert len(replayed) == len(judged.decisions)
    for decision, entry in zip(judged.decisions, replayed, strict=True):
        assert decision.state == entry["state"]
        assert list(decision.reasons) == entry["reasons"]
        for structure, result in zip(setup.names, decision.structures, strict=True):
            part = entry["structures"][structure]
            assert result.value == measured(part[result.measure])
            assert list(result.reasons) == part["reasons"]
    assert [one.state for one in judged.decisions] != [one["state"] for one in lines(several_session)]


def test_a_stricter_confidence_narrows_the_range_that_a_preview_gives(again):
    own, strict = (
        again.motions(OtherLimits(structures={"node": {"min_confidence": least}}).on(again.config, ("node",), "test"))
        for least in (0.5, 1.0)
    )
    assert own[1] is not None
    assert strict == (own[0], None)


def test_the_answer_tells_each_structure_with_its_limits_and_how_often_it_held(what_if, several_session):
    found = what_if(OtherLimits(structures={"bowel": {"overlap_mm2": 3.0}}))
    summary = json.loads((several_session / "summary.json").read_text())
    gtv, node, bowel = found["structures"]
    assert (gtv["name"], gtv["avoid"], bowel["avoid"]) == ("GTV", False, True)
    assert gtv["own"] == {"outside_percent": 5.0, "min_confidence": 0.5}, "its envelope is a region, without a margin"
    assert node["own"] == node["limits"] == {"margin_mm": 3.0, "outside_percent": 2.0, "min_confidence": 0.5}
    assert (bowel["own"]["overlap_mm2"], bowel["limits"]["overlap_mm2"]) == (30.0, 3.0)
    assert [one["held"][0] for one in found["structures"]] == [
        summary["structures"][name]["held"] for name in ("GTV", "node", "bowel")
    ]
    assert bowel["held"][1] > bowel["held"][0]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_beam_on_counts_as_out_where_any_structure_was_out(what_if, several_session):
    loose = OtherLimits({"outside_percent": 100.0}, {"node": {"outside_percent": 100.0}, "bowel": {"overlap_mm2": 9e4}})
    found = what_if(loose)
    limits = {"GTV": 5.0, "node": 2.0, "bowel": 30.0}
    out = []
    for entry in lines(several_session):
        parts = {name: part[next(key for key in part if key.startswith(("outside", "overlap")))]
                 for name, part in entry["structures"].items()}  # fmt: skip
        out.append(any(parts[name] > limits[name] for name in limits))
    assert found["original"]["on_while_out_s"] == 0.0
    assert found["now"]["on_while_out_s"] == pytest.approx(0.25 * sum(out[2:-1]), abs=0.3)


def test_a_comparison_names_the_structures_that_held(several_session):
    entries = lines(several_session)
    on = next(place for place, entry in enumerate(entries) if entry["state"] == "ON")
    parts = {
        name: {**part, "reasons": ["outside"] * (name != "bowel")} for name, part in entries[on]["structures"].items()
    }
    held = {**entries[on], "state": "HOLD", "reasons": ["outside", "no_clock"], "structures": parts}
    found = compare(entries, [*entries[:on], held, *entries[on + 1 :]])
    assert found.first[0]["what_if"]["structures"] == {"GTV": ["outside"], "node": ["outside"]}
    assert "structures" not in found.first[0]["original"]
    sequence = entries[on]["sequence"]
    assert f"frame {sequence}: ON -> HOLD (Target outside envelope by GTV and node, " in found.as_table()


def test_what_is_not_there_is_refused(what_if):
    with pytest.raises(ConfigError, match="structure 'lung' is not there; there are GTV, node, bowel"):
        what_if(OtherLimits(structures={"lung": {"margin_mm": 3.0}}))
    with pytest.raises(ConfigError, match="margin_mm"):
        what_if(OtherLimits(structures={"bowel": {"margin_mm": 3.0}}))
    with pytest.raises(ConfigError, match=r"structures\.target\.node\.margin_mm = -1"):
        what_if(OtherLimits(structures={"node": {"margin_mm": -1.0}}))


def test_sessions_of_former_schemas_tell_how_often_each_held_too(several_session):
    with closing(open_session(several_session)) as session:
        again = Rejudged(session)
    before = [one["held"] for one in WhatIf(again)(OtherLimits())["structures"]]
    for one in again.tracked:
        del one.entry["structures"]
    assert [one["held"] for one in WhatIf(again)(OtherLimits())["structures"]] == before
    assert any(was for was, _ in before)


def test_a_confidence_of_all_holds_for_those_without_their_own(what_if):
    found = what_if(OtherLimits({"min_confidence": 1.0}, {"bowel": {"min_confidence": 0.3}}))
    assert [one["limits"]["min_confidence"] for one in found["structures"]] == [1.0, 1.0, 0.3]
    assert found["min_confidence"] == 1.0
