"""The tables of a cohort equal what numpy and pandas compute from the lines of the journals."""

import json

import numpy as np
import pandas as pd
import pytest

from gatekeeper.analysis import Cohort, read_decisions
from gatekeeper.core.reason_row import Category
from gatekeeper.core.reasons import REASONS
from gatekeeper.core.session_counts import counts_of
from replay.cohort.run import make_cohort
from tests.support.cohorts import breathing, event, frame, lines_of, silence, write_course, write_session


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    root = tmp_path_factory.mktemp("clinic")
    for seed in (1, 2, 3):
        write_course(root, f"P{seed}", seed, fractions=5 if seed < 3 else 2)
    write_session(root / "unlabelled", [*breathing(8), silence(12.5), silence(13.0), frame(55)], 7)
    return root


@pytest.fixture(scope="module")
def cohort(clinic, tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "out"
    make_cohort(clinic, out, workers=1)
    return Cohort(out)


@pytest.fixture(scope="module")
def journals(clinic):
    """Decisions of each session, by its id, from the lines alone."""
    found = {}
    for path in sorted(clinic.rglob("decisions.jsonl")):
        lines = lines_of(path.parent)
        frame_ = pd.DataFrame([line for line in lines if line["kind"] in ("frame", "silence")])
        frame_["lasts_s"] = frame_["decided_s"].diff().shift(-1).fillna(0.0)
        found[lines[0]["session"]["id"]] = frame_
    return found


def table(cohort, name):
    return pd.read_csv(cohort.folder / f"{name}.csv")


def statistics(values):
    known = np.array([value for value in values if value == value], float)
    return [len(known), known.mean(), known.std(ddof=1), np.median(known), known.min(), known.max()]


def shown(row):
    return row[["n", "mean", "sd", "median", "min", "max"]].astype(float).tolist()


def test_figures_of_each_session_are_those_of_its_lines(cohort, journals):
    for row in cohort.sessions.itertuples():
        lines = journals[row.session_id]
        counts = counts_of(json.loads(lines.to_json(orient="records")))
        assert (row.frames, row.silences, row.holds) == (counts.frames, counts.silences, counts.holds)
        assert (row.beam_on_s, row.armed_s) == (counts.beam_on_s, counts.armed_s)
        assert row.duty_cycle == pytest.approx(counts.armed_duty_cycle)
        assert {name: getattr(row, f"frames_{name}") for name in counts.hold_reasons} == counts.hold_reasons
        rows_mm = np.array([center[0] for center in lines["center_mm"] if center])
        assert row.motion_si_mm == pytest.approx(np.subtract(*np.percentile(rows_mm, (95, 5))))
        known = lines[lines["center_mm"].notna()]
        slope = np.polyfit(known["decided_s"], -rows_mm, 1)[0]
        assert row.drift_mm_per_min == pytest.approx(60.0 * slope)


def test_parts_of_the_delivery_are_those_of_the_report(cohort, journals):
    for row in cohort.sessions.itertuples():
        seen = {"held_s": 0.0, "waiting_s": 0.0, "interrupted_s": 0.0}
        for line in journals[row.session_id].itertuples():
            categories = {REASONS[one].category for one in line.reasons}
            if Category.MOTION in categories:
                seen["held_s"] += line.lasts_s
            elif categories:
                seen["waiting_s" if categories == {Category.WAITING} else "interrupted_s"] += line.lasts_s
        assert {name: getattr(row, name) for name in seen} == pytest.approx(seen)
        assert row.beam_on_s + sum(seen.values()) == pytest.approx(row.delivery_s)


def test_workflow_times_are_those_of_the_marks(cohort):
    workflow = table(cohort, "workflow").set_index("step")
    seeds = [seed for seed, fractions in ((1, 5), (2, 5), (3, 2)) for _ in range(fractions)]
    fractions = [one for count in (5, 5, 2) for one in range(1, count + 1)]
    setup = [(120.0 + seed) / 60.0 for seed in seeds]
    # Contouring began that long after the mark of set-up, and ended with the preview, 30 s before the first frame.
    contouring = [
        (60.0 * (10 + fraction) - 120.0 - seed - 30.0) / 60.0 for seed, fraction in zip(seeds, fractions, strict=True)
    ]
    assert shown(workflow.loc["set-up"]) == pytest.approx(statistics(setup))
    assert shown(workflow.loc["contouring"]) == pytest.approx(statistics(contouring))
    assert shown(workflow.loc["preview"])[:2] == pytest.approx([12, 0.5])
    beam = cohort.sessions["beam_on_s"] / 60.0
    assert shown(workflow.loc["beam-on"]) == pytest.approx(statistics(beam))
    assert list(workflow.index) == [
        *("set-up", "contouring", "preview", "delivery", "beam-on", "held", "waiting", "interruption")
    ]


def test_gating_is_told_over_all_and_over_each_strategy(cohort, journals):
    gating = table(cohort, "gating").set_index(["strategy", "quantity"])
    duty = {}
    for row in cohort.sessions.itertuples():
        lines = journals[row.session_id]
        on_s = lines.loc[lines["state"] == "ON", "lasts_s"].sum()
        strategy = row.strategy if isinstance(row.strategy, str) else None
        duty.setdefault(strategy, []).append(100.0 * on_s / lines["lasts_s"].sum())
    assert shown(gating.loc[("all", "duty cycle")]) == pytest.approx(
        statistics(one for values in duty.values() for one in values)
    )
    for strategy in ("inhale_hold", "exhale"):
        assert shown(gating.loc[(strategy, "duty cycle")]) == pytest.approx(statistics(duty[strategy]))
    outside = [100.0 * lines["reasons"].map(lambda one: "outside" in one).mean() for lines in journals.values()]
    found = shown(gating.loc[("all", "decisions with: target outside envelope")])
    assert found == pytest.approx(statistics(outside))


def test_characteristics_count_patients_courses_and_fractions(cohort):
    found = table(cohort, "characteristics")
    rows = {(row.of, row.characteristic, row.value): row for row in found.itertuples()}
    assert [rows[of, of, "all"].n for of in ("patients", "courses", "fractions")] == [3, 3, 13]
    assert (rows["courses", "prescription", "50 Gy in 5"].n, rows["courses", "prescription", "40 Gy in 5"].n) == (2, 1)
    assert rows["courses", "strategy", "exhale"].percent == pytest.approx(200.0 / 3.0)
    assert (rows["fractions", "contrast_agent", "gadoxetate"].n, rows["fractions", "contrast_agent", "not told"].n) == (
        7,
        6,
    )
    bed = found[(found["characteristic"] == "BED to the tumour")].iloc[0]
    assert shown(bed) == pytest.approx(statistics([100.0, 100.0, 72.0]))
    assert shown(found[found["characteristic"] == "fractions in this cohort"].iloc[0]) == pytest.approx(
        statistics([5, 5, 2])
    )


def test_interruptions_are_told_by_cause(tmp_path):
    stale, held = ("stale_frame",), ("outside",)
    reasons = [(), stale, stale, (), held, ("stale_frame", "outside"), (), ("operator_hold",), ()]
    folder = tmp_path / "clinic"
    write_session(folder / "one", [frame(number, one) for number, one in enumerate(reasons)], 1)
    write_session(folder / "two", [frame(0), frame(1, stale), frame(2)], 2)
    make_cohort(folder, tmp_path / "out", workers=1)
    found = table(Cohort(tmp_path / "out"), "interruptions").set_index("cause")
    assert found.loc["stale_frame", ["sessions", "n"]].tolist() == [2, 2]
    assert shown(found.loc["stale_frame"]) == pytest.approx(statistics([0.5, 0.25]))
    assert found.loc["operator_hold", ["sessions", "n"]].tolist() == [1, 1]


def test_time_before_arming_is_no_delivery(tmp_path):
    folder = tmp_path / "clinic" / "one"
    entries = [frame(0, ("not_armed",)), frame(1, ("not_armed",)), event("arm", 0.5), frame(2), frame(3, ("outside",))]
    write_session(folder, [*entries, frame(4)], 1)
    make_cohort(tmp_path / "clinic", tmp_path / "out", workers=1)
    (row,) = Cohort(tmp_path / "out").sessions.itertuples()
    assert (row.armed_s, row.delivery_s, row.beam_on_s, row.duty_cycle, row.interruptions) == (0.5, 0.5, 0.25, 0.5, 0)


def test_beam_on_time_ends_with_what_the_port_allowed(tmp_path):
    folder = tmp_path / "one"
    write_session(folder, [frame(0), frame(1) | {"allowed_s": 0.1}, frame(2)], 1)
    assert read_decisions(folder)["beam_on_s"].tolist() == pytest.approx([0.1, 0.25, 0.0])


def test_a_cohort_without_any_usable_session_has_tables_all_the_same(tmp_path):
    (tmp_path / "clinic").mkdir()
    made = make_cohort(tmp_path / "clinic", tmp_path / "out", workers=1)
    assert made.facts["counted"] == 0
    assert table(Cohort(tmp_path / "out"), "gating").empty
    assert "Cohort" in (tmp_path / "out" / "cohort.html").read_text()


def test_steps_measured_elsewhere_count_in_the_workflow(clinic, tmp_path):
    marks = tmp_path / "marks.csv"
    marks.write_text("label,course,fraction,step,minutes\nP1,1,1,other,4\nP1,1,2,other,6\nP9,1,1,other,99\n")
    make_cohort(clinic, tmp_path / "out", marks=marks, workers=1)
    found = table(Cohort(tmp_path / "out"), "workflow").set_index("step")
    assert shown(found.loc["other"]) == pytest.approx(statistics([4.0, 6.0]))


def test_breaths_and_breath_holds_are_told_with_their_beam(tmp_path):
    times = np.arange(160) * 0.25
    moved_mm = np.where(times % 20.0 < 12.0, 12.0, 6.0 - 6.0 * np.cos(2.0 * np.pi * times / 4.0))
    on = times % 20.0 < 10.0
    entries = [frame(number, () if on[number] else ("outside",), (mm, 0.0)) for number, mm in enumerate(moved_mm)]
    write_session(tmp_path / "clinic" / "one", entries, 1)
    make_cohort(tmp_path / "clinic", tmp_path / "out", workers=1)
    holds = Cohort(tmp_path / "out").breaths.query("kind == 'hold'")
    assert holds["begin_s"].tolist() == [0.0, 20.0]
    assert holds["lasts_s"].tolist() == pytest.approx([12.0, 12.0])
    assert holds["beam_on_s"].tolist() == pytest.approx([10.0, 10.0])
    # Inhalation moves inferior, where a person sees negative numbers; both lie where the session began.
    assert holds["position_mm"].tolist() == [0.0, 0.0]
    cycles = Cohort(tmp_path / "out").breaths.query("kind == 'cycle'")
    assert cycles["amplitude_mm"].tolist() == pytest.approx([12.0] * len(cycles))
    assert len(cycles) >= 2
