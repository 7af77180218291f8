"""docs/reference/session-folder.md names every field that a session folder can hold."""

import re
from dataclasses import fields
from pathlib import Path

from gatekeeper.core.command import Action
from gatekeeper.recording.journal import entry_of
from gatekeeper.recording.summary import Latency, Summary
from gatekeeper.runtime.timing import LagSummary
from tests.support.steps import step

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "session-folder.md").read_text(encoding="utf-8")
ROWS = {
    name for row in re.findall(r"^\| (`[^|]+`) \|", TEXT, flags=re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
}


def test_every_field_of_the_journal_is_there():
    entry = entry_of(step(), 1.0)
    latency = {f"latency_ms.{name}" for name in entry.pop("latency_ms")}
    assert set(entry) | latency <= ROWS


def test_every_command_is_an_event():
    assert {action.value for action in Action} <= ROWS


def test_every_number_of_the_summary_is_there():
    assert {field.name for field in fields(Summary)} <= ROWS
    assert all(f"`{field.name}`" in TEXT for field in fields(Latency))
    assert all(f"`lag.{field.name}`" in TEXT for field in fields(LagSummary))
