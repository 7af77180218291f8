"""docs/reference/recording-formats.md names every format that is read or written, and every key of the sidecar file."""

import re
from pathlib import Path

import pytest

from replay.formats.open import formats
from replay.formats.sidecar import Sidecar
from replay.formats.writers.slicer import COLUMNS
from replay.formats.writers.targets import TARGETS

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "recording-formats.md").read_text(encoding="utf-8")
ROWS = {
    name for row in re.findall(r"^\| (`[^|]+`) \|", TEXT, flags=re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
}


@pytest.mark.parametrize("name", [one.name for one in formats()])
def test_every_format_that_is_read_is_there(name):
    assert f"| {name} |" in TEXT


def test_every_key_of_the_sidecar_file_is_there():
    assert set(Sidecar.model_fields) <= ROWS


def test_everything_that_is_written_is_there():
    assert set(TARGETS) <= ROWS
    assert all(f"`{column}`" in TEXT for column in COLUMNS)
