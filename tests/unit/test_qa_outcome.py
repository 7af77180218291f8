"""A latency test is judged by its tolerances, its baseline and its history, and written for people and programs."""

import csv
import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.config import load_toml
from gatekeeper.core.errors import ConfigError, InputError
from replay.qa.history import Day, append_history, read_history, slope_ms_a_month, trend_checks
from replay.qa.outcome import Judging, judged, read_baseline
from replay.qa.simulate import Chain
from replay.qa.tolerances import Tolerances, checks_of, key_figures
from replay.qa.write import page_of, table_lines, write_outcome
from tests.support.latency_chains import measured_chain, short_motion

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def result():
    return measured_chain(Chain(imaging_s=0.137, off_s=0.04, on_s=0.065), short_motion())


def good(checks):
    return {check.name: check.good for check in checks}


def test_what_is_within_100_ms_of_what_is_expected_passes(result):
    checks = checks_of(result, Tolerances(expected_off_ms=180.0, expected_on_ms=200.0))
    assert all(check.good for check in checks), checks
    assert not good(checks_of(result, Tolerances()))["latency, beam off"]
    assert good(checks_of(result, Tolerances(), assumed_s=0.2))["latency, beam off"]
    assert not good(checks_of(result, Tolerances(expected_off_ms=290.0)))["latency, beam off"]


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("position, p95", {"position_mm": 0.1}),
        ("beam as the truth", {"gating_percent": 99.0}),
        ("changes, beam on", {"least_changes": 1000}),
        ("beam off minus on", {"off_minus_on_ms": 10.0}),
        ("tracked amplitude", {"amplitude_percent": 1e-6}),
    ],
)
def test_each_tolerance_can_fail(result, name, tolerance):
    assert not good(checks_of(result, Tolerances(**tolerance)))[name]


def test_what_was_not_measured_does_not_pass(result):
    checks = good(checks_of(replace(result, off=None, off_minus_on=None), Tolerances()))
    assert not checks["latency, beam off"]
    assert not checks["beam off minus on"]


def test_a_change_from_the_baseline_fails(result):
    now = key_figures(result)
    assert good(checks_of(result, Tolerances(), baseline=now))["baseline, imaging"]
    before = {**now, "imaging": now["imaging"] - 25.0}
    assert not good(checks_of(result, Tolerances(), baseline=before))["baseline, imaging"]


def day(days_ago, imaging_ms, session="S"):
    return Day(NOW - timedelta(days=days_ago), session, True, {"imaging": imaging_ms}, 0.5, 90.0)


def test_history_is_appended_and_read_again(tmp_path):
    path = tmp_path / "history.csv"
    assert read_history(path) == []
    append_history(path, day(60, 130.0), 20.0)
    append_history(path, day(30, 133.0), 20.0)
    days = append_history(path, day(0, 136.0), 20.0)
    assert [one.figures_ms["imaging"] for one in read_history(path)] == [130.0, 133.0, 136.0]
    assert slope_ms_a_month(days, "imaging") == pytest.approx(3.0)
    assert all(check.good for check in trend_checks(days, 20.0))


def test_a_latency_that_has_changed_since_earlier_days_has_not_passed(tmp_path):
    path = tmp_path / "history.csv"
    for ago in (90, 60, 30):
        append_history(path, day(ago, 130.0), 20.0)
    append_history(path, day(20, 300.0, "other machine"), 20.0)
    days = append_history(path, day(0, 155.0), 20.0)
    assert not days[-1].passed
    assert [check.good for check in trend_checks(days, 20.0)] == [False]
    assert not read_history(path)[-1].passed


def test_two_tests_have_no_slope():
    assert math.isnan(slope_ms_a_month([day(30, 1.0), day(0, 2.0)], "imaging"))
    assert math.isnan(slope_ms_a_month([day(0, 1.0), day(0, 2.0), day(0, 3.0)], "imaging"))


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "date_utc\n2026-01-01\n", '"'])
def test_another_file_is_no_history(tmp_path, text):
    path = tmp_path / "history.csv"
    path.write_text(text if text != '"' else "date_utc,session\nyesterday,S\n")
    with pytest.raises(InputError, match="not a history"):
        read_history(path)


def outcome_of(result, history=None):
    judging = Judging(Tolerances(expected_off_ms=180.0, expected_on_ms=200.0), None, history)
    return judged("linac <2>", NOW, result, judging, None, [("phantom", "simulated")], "SI")


def test_everything_is_written(result, tmp_path):
    for _ in range(2):
        outcome = outcome_of(result, tmp_path / "history.csv")
    write_outcome(outcome, tmp_path)
    values = json.loads((tmp_path / "result.json").read_text())
    assert values["passed"] is True
    assert values["imaging"]["mean"] == pytest.approx(137.0, abs=3.0)
    assert read_baseline(tmp_path / "result.json") == pytest.approx(key_figures(result))
    page = (tmp_path / "report.html").read_text()
    assert "linac &lt;2&gt;" in page
    assert "<2>" not in page
    assert "Passed" in page
    assert page.count("<svg") == 4
    rows = list(csv.reader((tmp_path / "changes.csv").read_text().splitlines()))
    assert len(rows) == 1 + len(result.changes)
    names = [row[0] for row in csv.reader((tmp_path / "result.csv").read_text().splitlines())]
    assert names[0] == "figure"
    assert {"imaging", "beam_off", "off", "check", "position, p95"} <= set(names)


def test_the_rate_of_pulses_bounds_what_is_known(result):
    notes = outcome_of(result).notes
    assert any("pulses, 3" in note and "1.1 ms (SD) and no better" in note for note in notes)


def test_the_table_says_what_failed(result):
    lines = table_lines(judged("S", NOW, result, Judging(Tolerances()), None, [], "SI"))
    assert any(line.startswith("FAILED  latency, beam off") for line in lines)
    assert lines[-1] == "latency test FAILED"


def test_the_trace_is_shown_with_superior_positive(result):
    trace = page_of(outcome_of(result)).trace
    assert min(trace["true_mm"]) < -14.0
    assert max(trace["true_mm"]) < 1.0


@pytest.mark.parametrize("text", ["{}", "[1]", "no", '{"off": {"mean": "x"}}'])
def test_another_file_is_no_baseline(tmp_path, text):
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"result\.json"):
        read_baseline(path)


def test_unknown_tolerances_are_refused(tmp_path):
    path = tmp_path / "tolerances.toml"
    path.write_text("latency = 100\n")
    with pytest.raises(ConfigError, match="latency"):
        load_toml(path, Tolerances)
