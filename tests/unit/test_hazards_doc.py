"""docs/explanation/hazards.md asks every guide word of every node, and each row has a test or is not covered."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "explanation" / "hazards.md").read_text(encoding="utf-8")
NODES = (
    *("Frame", "Track", "Gate", "Lease", "Linac"),
    *("Operator", "Console", "Configuration", "Record", "Time"),
)
WORDS = {"no", "more", "less", "other than", "early", "late", "reverse", "part of"}
NAMED = re.compile(r"`(test_\w+\.py(?:::test_\w+)?)`")
NOT_COVERED = "[not covered](#not-covered)"


def rows_of(title):
    part = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    [section] = [one for one in part if one.startswith(f"{title}\n")]
    lines = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


@pytest.mark.parametrize("node", NODES)
def test_every_guide_word_is_asked_of_every_node(node):
    assert {row[0] for row in rows_of(node)} == WORDS
    assert all(len(row) == 5 for row in rows_of(node))


@pytest.mark.parametrize("node", NODES)
def test_every_hazard_has_a_test_or_is_not_covered(node):
    for row in rows_of(node):
        assert NAMED.search(row[-1]) or NOT_COVERED in row[-1], row[1]


@pytest.mark.parametrize("named", sorted(set(NAMED.findall(TEXT))))
def test_named_test_is_there(named):
    file, _, test = named.partition("::")
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob(f"*/{file}")]
    assert any(re.search(rf"^def {test + '[(]' if test else 'test_'}", text, flags=re.MULTILINE) for text in texts)


def test_what_is_not_covered_says_what_else_must_guard_it():
    assert all(len(row) == 3 and all(row) for row in rows_of("Not covered"))


@pytest.mark.parametrize(
    "hazard",
    [
        *("replaced or spoofed", "near-copies", "constant lag", "no clock", "wrong header", "geometric distortion"),
        *("left to right", "without contrast", "wrong patient", "bad first 20 s", "beam-off latency"),
        *("isocentre offset", "dead watchdog", "stale ON at the end", "unsafe limits", "wrong frame rate"),
        *("folder renamed", "power loss", "insider", "suspend"),
    ],
)
def test_hazard_is_listed(hazard):
    assert any(hazard in row[1] for node in NODES for row in rows_of(node))
