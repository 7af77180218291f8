"""The table of reasons is whole, and docs/gate.md and the tests are what it says."""

import ast
from pathlib import Path

import pytest

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import Reason
from gatekeeper.gating.hold_reasons import LATCHED, TABLE
from tests.support.gate_doc import DOC, with_reasons

UNIT = Path(__file__).parent


def test_the_table_lists_every_reason_once_in_the_order_of_the_words():
    assert [row.reason for row in TABLE] == list(Reason)


def test_every_setting_is_in_the_table_or_one_of_an_operator():
    named = {row.limit for row in TABLE} | {name for row in TABLE for name in row.also}
    assert named - {None} == set(GateConfig.model_fields) - {"rebase_step_mm", "rebase_total_mm"}
    assert all(f"`{name}`" in DOC.read_text(encoding="utf-8") for name in ("rebase_step_mm", "rebase_total_mm"))


def test_a_limit_has_a_unit():
    assert all(row.unit for row in TABLE if row.limit)


def test_the_faults_are_those_that_need_an_operator():
    assert set(LATCHED) == {
        Reason.ENGINE_FAULT,
        Reason.RECORDING_LOST,
        Reason.GEOMETRY_CHANGED,
        Reason.CLOCK_BACKWARDS,
    }


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.reason.value)
def test_every_reason_has_the_test_that_it_names(row):
    file, function = row.shown_by.split("::")
    tree = ast.parse((UNIT / file).read_text(encoding="utf-8"))
    (body,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    assert function == f"test_{row.reason}"
    assert f"Reason.{row.reason.name}" in ast.unparse(tree)
    assert any(isinstance(node, ast.Assert | ast.Call) for node in ast.walk(body))


def test_the_document_is_written_from_the_table():
    text = DOC.read_text(encoding="utf-8")
    assert with_reasons(text) == text, "docs/gate.md is not what the table says; run python -m tests.support.gate_doc"
