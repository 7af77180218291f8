"""Decisions on three phantoms are what they were: states and reasons exactly, numbers to 1e-6."""

import pytest

from tests.golden.scenes import PHANTOMS, read, record

EXACT = ("kind", "sequence", "skipped", "state", "raw_state", "reasons")


def _numbers(entry):
    for name, value in entry.items():
        if name not in EXACT:
            for place, number in enumerate(value if isinstance(value, list) else [value]):
                yield f"{name}[{place}]", number


def _tolerance(key, expected):
    """Return 1e-6 of a number's scale; a predicted share is an extrapolation, which multiplies what is rounded."""
    scale = 300.0 if key.startswith("predicted_percent") else 100.0 if "percent" in key else 1.0
    return 1e-6 * max(scale, abs(expected))


@pytest.mark.parametrize("name", PHANTOMS)
def test_decisions_are_the_pinned_ones(name, tmp_path):
    now, then = record(name, tmp_path / "session"), read(name)
    assert len(now) == len(then)
    for entry, pinned in zip(now, then, strict=True):
        where = f"{name}, frame {pinned['sequence']}"
        assert entry.keys() == pinned.keys(), where
        assert {key: entry[key] for key in EXACT} == {key: pinned[key] for key in EXACT}, where
        for (key, number), (_, expected) in zip(_numbers(entry), _numbers(pinned), strict=True):
            assert (number is None) == (expected is None), f"{where}, {key}"
            if expected is not None:
                assert abs(number - expected) <= _tolerance(key, expected), f"{where}, {key}"


def test_the_scenes_show_what_they_are_for():
    reasons = {name: {reason for entry in read(name) for reason in entry["reasons"]} for name in PHANTOMS}
    assert "outside" in reasons["free-breathing"]
    assert "baseline_drift" in reasons["breath-hold-drift"] or "exceptional_position" in reasons["breath-hold-drift"]
    assert {"avoid_in_zone", "low_confidence"} <= reasons["hard"]
    for name in PHANTOMS:
        assert {"ON", "HOLD"} == {entry["state"] for entry in read(name)}
