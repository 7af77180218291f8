"""Decisions do not depend on how a version of Python adds."""

import ast
from pathlib import Path

import pytest

import gatekeeper
from gatekeeper.core.addition import add

ROOMS = Path(gatekeeper.__file__).parent
DECIDING = sorted(file for room in ("tracking", "gating") for file in (ROOMS / room).rglob("*.py"))


def test_numbers_are_added_from_left_to_right_without_compensation():
    assert add([1.0, 1e16, 1.0, -1e16]) == 0.0
    assert add(iter((0.1, 0.2, 0.3))) == 0.1 + 0.2 + 0.3
    assert add([]) == 0.0


@pytest.mark.parametrize("file", DECIDING, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_decides_does_not_use_the_built_in_sum(file):
    names = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)]
    assert not any(node.id == "sum" for node in names), f"{file}: use gatekeeper.core.addition.add"
