"""docs/formats.md names every setting, field and reason that a session folder can hold, and no other setting."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.decision import Reason
from gatekeeper.recording.journal import entry_of
from gatekeeper.recording.summary import Latency, Summary
from gatekeeper.runtime.timing import LagSummary
from replay.formats.open import FORMATS
from replay.formats.sidecar import Sidecar
from replay.formats.writers.slicer import COLUMNS
from replay.formats.writers.targets import TARGETS
from tests.support.settings import settings
from tests.support.steps import step

TEXT = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
ROWS = {
    name for row in re.findall(r"^\| (`[^|]+`) \|", TEXT, flags=re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
}


SETTINGS = set(settings(SessionConfig))


def test_settings_are_those_of_the_config():
    stages = tuple(f"{stage}." for stage in SessionConfig.model_fields)
    assert {row for row in ROWS if row.startswith(stages)} == SETTINGS


def test_every_field_of_the_journal_is_there():
    entry = entry_of(step(), 1.0)
    latency = {f"latency_ms.{name}" for name in entry.pop("latency_ms")}
    assert set(entry) | latency <= ROWS


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_there(reason):
    assert reason.value in ROWS


def test_every_number_of_the_summary_is_there():
    assert {field.name for field in fields(Summary)} <= ROWS
    assert all(f"`{field.name}`" in TEXT for field in fields(Latency))
    assert all(f"`lag.{field.name}`" in TEXT for field in fields(LagSummary))


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
def test_every_format_that_is_read_is_there(name):
    assert f"| {name} |" in TEXT


def test_every_key_of_the_side_file_is_there():
    assert set(Sidecar.model_fields) <= ROWS


def test_everything_that_is_written_is_there():
    assert set(TARGETS) <= ROWS
    assert all(f"`{column}`" in TEXT for column in COLUMNS)
