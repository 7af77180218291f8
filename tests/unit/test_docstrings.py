"""Docstrings of public names are complete, and the examples in all docstrings run."""

import doctest
import enum
import importlib
import inspect
from pathlib import Path

import pytest
from numpydoc.validate import validate
from pydantic import BaseModel

import gatekeeper

ROOT = Path(__file__).parents[2]
REQUIRED = {"GL08", "PR01", "PR02", "PR04", "RT01", "EX01"}
"""Checks of numpydoc: docstring, every parameter and no other, their types, what is returned, examples."""


def modules_with_examples():
    for room in ("gatekeeper", "kernels", "replay"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_protocol(found):
    return getattr(found, "_is_protocol", False)


def faults(name, required):
    return [f"{name}: {code} {text}" for code, text in validate(name)["errors"] if code in required]


@pytest.mark.parametrize("name", gatekeeper.__all__)
def test_public_name_is_documented(name):
    found = getattr(gatekeeper, name)
    path = f"{found.__module__}.{found.__qualname__}"
    # Fields of settings, members of enumerations and fields of dataclasses are documented as attributes.
    has_fields = inspect.isclass(found) and (
        issubclass(found, BaseModel | enum.Enum | tuple | Exception) or hasattr(found, "__dataclass_fields__")
    )
    # A protocol is not called; the examples are those of what conforms to it.
    left_out = {"PR01", "EX01"} if is_protocol(found) else {"PR01"} if has_fields else set()
    assert faults(path, REQUIRED - left_out) == []


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_examples_run(name):
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0
    assert outcome.failed == 0
