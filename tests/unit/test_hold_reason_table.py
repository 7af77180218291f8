"""The table of hold reasons is complete, and each reason has its test."""

import ast
from pathlib import Path

import pytest

from gatekeeper.config import CourseConfig, GateConfig, SessionConfig
from gatekeeper.core.decision import Reason
from gatekeeper.core.reason_row import Tier
from gatekeeper.core.reasons import FAULTS, gravest, reason_rows, text_of
from gatekeeper.gating.hold_reasons import CHECKS

SHOWN_IN = ("test_hold_reasons.py", "test_state_machine.py", "test_linac_profile.py", "test_source_checks.py")


def shown_by():
    """Every test of the gate by its name, with the text of its file."""
    texts = [(Path(__file__).parent / file).read_text(encoding="utf-8") for file in SHOWN_IN]
    return {
        node.name: (node, text) for text in texts for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)
    }


def test_the_table_lists_every_reason_once_in_the_order_of_the_words():
    assert [row.reason for row in reason_rows()] == list(Reason)


def test_texts_tell_the_reasons_apart():
    assert len({row.text for row in reason_rows()}) == len(Reason)
    assert all(row.text and row.measures for row in reason_rows())


def test_a_word_of_another_version_stands_for_itself():
    assert text_of("outside") == "Target outside envelope"
    assert text_of("unheard_of") == "unheard_of"


def test_rules_are_checked_in_the_order_of_the_table():
    assert list(CHECKS) == [reason for reason in Reason if reason in CHECKS]


def test_every_setting_of_the_gate_is_in_the_table_or_sets_others_or_is_one_of_an_operator():
    named = {row.limit for row in reason_rows()} | {name for row in reason_rows() for name in row.also}
    others = {"rebase_step_mm", "rebase_total_mm", "strategy"}
    gate = {name.removeprefix("gate.") for name in named - {None} if name.startswith("gate.")}
    assert gate == set(GateConfig.model_fields) - others
    known = {
        f"{table}.{name}" for table, part in SessionConfig() if part is not None for name in type(part).model_fields
    }
    assert named - {None} <= known | {f"course.{name}" for name in CourseConfig.model_fields}


def test_a_limit_has_a_unit():
    assert all(row.unit for row in reason_rows() if row.limit)


def test_the_faults_are_those_that_need_an_operator():
    assert set(FAULTS) == {
        Reason.ENGINE_FAULT,
        Reason.RECORDING_LOST,
        Reason.WATCHDOG_LOST,
        Reason.SOURCE_CHANGED,
        Reason.CLOCK_DRIFT,
        Reason.GEOMETRY_CHANGED,
        Reason.CLOCK_BACKWARDS,
    }
    assert all(row.action for row in reason_rows() if row.latched)


def test_each_reason_has_a_tier_and_what_is_urgent_says_what_to_do():
    tiers = {row.reason: row.tier for row in reason_rows()}
    ordinary = {reason for reason, tier in tiers.items() if tier is Tier.INFORMATION}
    assert {Reason.OUTSIDE, Reason.RESUMING} <= ordinary
    assert {tiers[one] for one in (Reason.LOW_CONFIDENCE, Reason.BASELINE_DRIFT, Reason.CANNOT_PROMISE)} == {
        Tier.MEDIUM
    }
    chain = {Reason.LINK_LOST, Reason.RECORDING_LOST, Reason.NO_FRAME, Reason.SOURCE_CHANGED, *FAULTS}
    assert {tiers[one] for one in chain} == {Tier.HIGH}
    assert all(row.action for row in reason_rows() if row.tier in (Tier.MEDIUM, Tier.HIGH))
    assert gravest(["outside", "link_lost", "low_confidence"]).reason is Reason.LINK_LOST
    assert gravest(["outside", "resuming"]).reason is Reason.OUTSIDE
    assert gravest(["unheard_of"]) is None


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_test_that_shows_it(reason):
    body, text = shown_by()[f"test_{reason}"]
    assert f"Reason.{reason.name}" in text
    assert any(isinstance(node, ast.Assert | ast.Call) for node in ast.walk(body))
