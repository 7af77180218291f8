"""Decisions on four phantoms are what they were: states and reasons exactly, numbers to 1e-6."""

import pytest

from replay.sessions.differences import close_but_for_rounding, flat
from tests.golden.scenes import PHANTOMS, read, record

EXACT = ("kind", "sequence", "skipped", "state", "raw_state", "reasons")


@pytest.mark.parametrize("name", PHANTOMS)
def test_decisions_are_the_pinned_ones(name, tmp_path, undrawn):
    now, then = record(name, tmp_path / "session"), read(name)
    assert len(now) == len(then)
    for entry, pinned in zip(now, then, strict=True):
        where = f"{name}, frame {pinned['sequence']}"
        assert entry.keys() == pinned.keys(), where
        assert {key: entry[key] for key in EXACT} == {key: pinned[key] for key in EXACT}, where
        found, expected = flat(entry), flat(pinned)
        assert found.keys() == expected.keys(), where
        for field in expected.keys() - set(EXACT):
            assert close_but_for_rounding(field.rpartition(".")[2], found[field], expected[field]), f"{where}, {field}"


def test_the_scenes_show_what_they_are_for():
    reasons = {name: {reason for entry in read(name) for reason in entry["reasons"]} for name in PHANTOMS}
    assert "outside" in reasons["free-breathing"]
    assert "baseline_drift" in reasons["breath-hold-drift"] or "exceptional_position" in reasons["breath-hold-drift"]
    assert {"avoid_in_zone", "low_confidence"} <= reasons["hard"]
    held = {
        (name, reason)
        for entry in read("several")
        for name, one in (entry.get("structures") or {}).items()
        for reason in one["reasons"]
    }
    assert {
        ("target", "outside"),
        ("node", "outside"),
        ("bowel", "avoid_in_zone"),
        ("stomach", "avoid_in_zone"),
    } <= held
    for name in PHANTOMS:
        assert {"ON", "HOLD"} == {entry["state"] for entry in read(name)}
