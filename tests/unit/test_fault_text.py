"""A fault is written as one line, and what cannot be understood is said with the form it should have."""

import math

import pytest

from gatekeeper.core.errors import ConfigError
from replay.faults.spec import KINDS, FaultSpec, When, parse
from replay.faults.stages import STAGES


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("drop@40", FaultSpec("drop", When(40, 1))),
        ("nan@40+5", FaultSpec("nan", When(40, 5), 1.0)),
        ("freeze@0+", FaultSpec("freeze", When(0, None))),
        ("delay@7+~0.25=0.4", FaultSpec("delay", When(7, None, 0.25), 0.4)),
        (" plane@1=-3 ", FaultSpec("plane", When(1), -3.0)),
    ],
)
def test_text_is_read(text, spec):
    found = parse(text)
    assert (found.name, found.when) == (spec.name, spec.when)
    assert found.amount == spec.amount or (math.isnan(found.amount) and math.isnan(spec.amount))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have the form NAME@START"),
        ("nan", "must have the form"),
        ("nan@-1", "must have the form"),
        ("nan@3+5 later", "must have the form"),
        ("hiccup@3", "'hiccup': unknown; the faults are nan, inf"),
        ("nan@3+0", "lasts 0 frames; it must be at least 1"),
        ("nan@3~0", "chance is 0; it must be above 0 and at most 1"),
        ("nan@3~1.5", "chance is 1.5"),
        ("nan@3~often", "'often' is not a number"),
        ("nan@3~nan", "'nan' is not a number"),
        ("delay@3=inf", "'inf' is not a number"),
        ("delay@3=-1", "amount is -1 s; it must be from 0 to 60"),
        ("nan@3=1.5", "amount is 1.5 pixels; it must be a whole number from 1 to"),
        ("saturate@3=101", "amount is 101 %; it must be from 0.1 to 100"),
        ("drop@3=2", "takes no amount, and was given 2"),
    ],
)
def test_text_that_says_no_fault_is_refused_in_one_line(text, message):
    with pytest.raises(ConfigError) as refused:
        parse(text)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_name_has_a_stage():
    assert set(STAGES) == set(KINDS)
