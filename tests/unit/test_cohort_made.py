"""The tables of a made cohort equal those that pandas computes from its journals and its CSV files."""

import numpy as np
import pandas as pd
import pytest

from gatekeeper.analysis import Cohort
from replay.cohort.run import make_cohort as index
from replay.made_cohort import make_cohort
from tests.support.cohorts import lines_of
from tests.support.sessions import quiet

pytestmark = pytest.mark.slow


def test_tables_of_a_made_cohort_are_those_of_its_journals(tmp_path):
    made, out = tmp_path / "made", tmp_path / "out"
    make_cohort(made, 3, quiet, courses=2, fractions=2)
    index(made, out, made / "outcomes.csv", marks=made / "marks.csv", workers=1)
    journals = [lines_of(path.parent) for path in sorted(made.rglob("decisions.jsonl"))]
    assert len(journals) == len(Cohort(out).sessions) == 4
    setup_min, duty_percent = [], []
    for lines in journals:
        marks = [line for line in lines if line.get("event") == "mark"]
        setup_min.append((marks[1]["time_s"] - marks[0]["time_s"]) / 60.0)
        frames = pd.DataFrame([line for line in lines if line["kind"] in ("frame", "silence")])
        lasts_s = frames["decided_s"].diff().shift(-1).fillna(0.0)
        allowed_s = frames["allowed_s"].shift(-1) if "allowed_s" in frames else np.inf
        armed = ~frames["reasons"].map(lambda reasons: "not_armed" in reasons)
        on_s = np.minimum(lasts_s, np.nan_to_num(allowed_s, nan=np.inf))[frames["state"] == "ON"].sum()
        duty_percent.append(100.0 * on_s / lasts_s[armed].sum())
    workflow = pd.read_csv(out / "workflow.csv").set_index("step")
    gating = pd.read_csv(out / "gating.csv").set_index(["strategy", "quantity"])
    told_min = pd.read_csv(made / "marks.csv")["minutes"]
    for row, values in (
        (workflow.loc["set-up"], setup_min),
        (workflow.loc["other"], told_min),
        (gating.loc[("all", "duty cycle")], duty_percent),
    ):
        expected = [np.mean(values), np.std(values, ddof=1), np.median(values), min(values), max(values)]
        assert row[["mean", "sd", "median", "min", "max"]].astype(float).tolist() == pytest.approx(expected)
    outcomes = pd.read_csv(made / "outcomes.csv")
    survival = pd.read_csv(out / "survival.csv").set_index("endpoint")
    assert survival.loc["overall survival", ["patients", "events"]].tolist() == [2, outcomes["os_event"].sum()]
    died = outcomes["os_days"][(outcomes["os_event"] == 1) & (outcomes["os_days"] <= 365.25)]
    at_risk = [np.count_nonzero(outcomes["os_days"] >= days) for days in sorted(died)]
    first_year = np.prod([1.0 - 1.0 / count for count in at_risk])
    assert survival.loc["overall survival", "at_1_year_percent"] == pytest.approx(100.0 * first_year)
