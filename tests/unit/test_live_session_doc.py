"""docs/reference/live-session.md names every phase, command and kind of target, and its example is a SESSION.toml."""

import re
from pathlib import Path

import pytest

from gatekeeper.config import load_live
from gatekeeper.operator.request import WORDS
from gatekeeper.session.phases import Phase

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "live-session.md").read_text(encoding="utf-8")
ROWS = {
    name for row in re.findall(r"^\| (`[^|]+`) \|", TEXT, flags=re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
}


def test_example_is_a_session_file(tmp_path):
    example = re.search(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)[1]
    (tmp_path / "SESSION.toml").write_text(example)
    config = load_live(tmp_path / "SESSION.toml")
    assert config.target[0].roi == "GTV"
    assert config.organs[0].called == "Duodenum"


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_is_there(phase):
    assert phase.value in ROWS


def test_every_kind_of_target_and_every_word_is_there():
    assert {"rtstruct", "mask", "trackrad", "points", "drawn"} <= ROWS
    for word in WORDS:
        assert f"`{word}" in TEXT
