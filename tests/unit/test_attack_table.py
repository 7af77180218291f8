"""The table of attacks: what counts as held, and the exit code."""

import json
import math
from pathlib import Path

import pytest

from benchmarks.attacks.__main__ import main
from benchmarks.attacks.attack import Attack, Outcome, Row, collect, run_all
from benchmarks.attacks.table import BEGIN, END, values


def attack(on_s: float = 0.0, hold_s: float = 0.0, limit_s: float = 0.1) -> Attack:
    return Attack("stranger", lambda: Outcome(on_s, hold_s, "source_changed"), limit_s, "one frame period")


def ok(one: Attack) -> bool:
    return Row(one, one.run(), 0.0).ok


def test_row_is_within_its_limit_up_to_the_limit():
    assert ok(attack(0.1, 0.1))
    assert not ok(attack(0.11, 0.1))
    assert not ok(attack(0.1, 0.11))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_attack_that_shows_nothing_or_is_never_held_is_beyond_its_limit(bad):
    assert not ok(attack(bad, 0.0))
    assert not ok(attack(0.0, bad))


def test_attack_that_fails_is_a_finding_and_the_others_run():
    def fail() -> Outcome:
        raise RuntimeError("no place")

    rows = run_all([Attack("broken", fail, 1.0, "-"), attack()])
    assert [row.ok for row in rows] == [False, True]
    assert "RuntimeError: no place" in rows[0].outcome.reason


def test_quick_form_is_run_where_there_is_one():
    slow = Attack("slow", lambda: Outcome(9.0, 9.0, "long"), 1.0, "-", lambda: Outcome(0.0, 0.0, "short"))
    assert [row.outcome.reason for row in run_all([slow, attack()], quick=True)] == ["short", "source_changed"]


def test_exit_code_says_whether_all_are_within_their_limits(capsys):
    assert main(["--json"], [attack()]) == 0
    assert main(["--json"], [attack(), attack(5.0, math.inf)]) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["ok"] for row in last["attacks"]] == [True, False]
    assert last["attacks"][1]["time_to_hold_s"] is None


def test_table_is_written_between_its_markers(tmp_path: Path, capsys):
    document = tmp_path / "safety.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    assert main(["--write", str(document)], [attack()]) == 0
    text = document.read_text(encoding="utf-8")
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| stranger | 0.000 | 0.000 | 0.100 | one frame period | `source_changed` |" in text


def test_every_attack_has_a_name_of_its_own_a_limit_and_what_sets_it():
    attacks = collect()
    names = [one.name for one in attacks]
    assert len(set(names)) == len(names)
    assert all(one.why and 0.0 <= one.limit_s < math.inf for one in attacks)


def test_values_are_valid_json():
    rows = run_all([attack(math.nan, math.inf)])
    assert json.loads(json.dumps(values(rows), allow_nan=False))[0]["on_while_out_s"] is None
