"""Survival: worked by hand, on the data that lifelines ships, and from a file in which nothing may name a person."""

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_waltons

from gatekeeper.analysis import Cohort
from gatekeeper.core.errors import ConfigError, InputError
from replay.cohort.outcomes import Outcomes, read_outcomes
from replay.cohort.run import make_cohort
from replay.cohort.survival import estimates, numbers_at_risk, survival_curves
from tests.support.cohorts import write_course

# Remission of 21 patients on 6-mercaptopurine in weeks, 0 censored: Freireich et al., Blood 21 (1963) 699-716.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
BY_HAND = {6: 18 / 21, 7: 16 / 17, 10: 14 / 15, 13: 11 / 12, 16: 10 / 11, 22: 6 / 7, 23: 5 / 6}
"""Share of those at risk without event, at the time of each event."""


def outcomes(days, events, endpoint="overall"):
    table = pd.DataFrame({f"{endpoint}_days": np.array(days, float), f"{endpoint}_event": np.array(events, float)})
    return Outcomes(table, (endpoint,), ())


def test_curve_equals_one_worked_by_hand():
    (curve,) = survival_curves(outcomes(WEEKS, RELAPSED))
    survival = 1.0
    for week, share in BY_HAND.items():
        survival *= share
        assert curve.at(week)[0] == pytest.approx(survival)
        assert curve.at(week - 0.5)[0] == pytest.approx(survival / share)
    assert (curve.patients, curve.events, curve.median_days) == (21, 9, 23.0)
    assert [curve.at_risk(week) for week in (0, 6, 7, 10, 23, 35, 36)] == [21, 21, 17, 15, 6, 1, 0]


def test_band_equals_greenwood_on_the_log_log_scale():
    (curve,) = survival_curves(outcomes(WEEKS, RELAPSED))
    days, events = np.array(WEEKS), np.array(RELAPSED)
    variance, survival = 0.0, 1.0
    for week in sorted(set(days[events == 1])):
        at_risk, died = np.count_nonzero(days >= week), np.count_nonzero(events[days == week])
        survival *= 1.0 - died / at_risk
        variance += died / (at_risk * (at_risk - died))
        width = 1.959964 * np.sqrt(variance) / np.log(survival)
        expected = [survival ** np.exp(-width), survival ** np.exp(width)]
        assert sorted(curve.at(week)[1:]) == pytest.approx(sorted(expected), rel=1e-5)


def test_curve_equals_a_product_over_the_data_set_of_lifelines():
    data = load_waltons()
    (curve,) = survival_curves(outcomes(data["T"], data["E"]))
    days, events = data["T"].to_numpy(), data["E"].to_numpy()
    for time in (10.0, 35.0, 54.0, 68.0):
        steps = [one for one in sorted(set(days[events == 1])) if one <= time]
        shares = [
            1.0 - np.count_nonzero((days == one) & (events == 1)) / np.count_nonzero(days >= one) for one in steps
        ]
        assert curve.at(time)[0] == pytest.approx(np.prod(shares))


def test_warnings_of_numpy_stay_as_they_were():
    before = np.geterr()
    survival_curves(outcomes([100, 200], [1, 1]))
    assert np.geterr() == before


def test_estimates_are_told_at_one_and_two_years_and_not_beyond_the_last_patient():
    table = estimates(survival_curves(outcomes([100, 400, 500, 600], [1, 0, 1, 0]))).iloc[0]
    assert table["at_1_year_percent"] == pytest.approx(75.0)
    assert np.isnan(table["at_2_years_percent"])
    everybody = estimates(survival_curves(outcomes([100, 200], [1, 1]))).iloc[0]
    assert everybody["at_2_years_percent"] == 0.0
    risk = numbers_at_risk(survival_curves(outcomes([100, 400, 500, 600], [1, 0, 1, 0])))
    assert risk["at_risk"].tolist() == [4, 3, 3, 1]


def test_a_patient_of_whom_an_endpoint_is_not_known_is_left_out_of_it():
    (curve,) = survival_curves(outcomes([100, np.nan, 300], [1, 0, np.nan]))
    assert (curve.patients, curve.events) == (1, 1)


def csv(tmp_path, text):
    path = tmp_path / "outcomes.csv"
    path.write_text(text)
    return path


GOOD = "label,overall_days,overall_event,liver_grade\nP1,400,1,2\nP2,800,0,\n"


def test_outcomes_are_read_by_label(tmp_path):
    read = read_outcomes(csv(tmp_path, GOOD), None, ())
    assert (read.endpoints, read.grades) == (("overall",), ("liver_grade",))
    assert read.table.loc["P1"].tolist() == [400.0, 1.0, 2.0]
    assert np.isnan(read.table.loc["P2", "liver_grade"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("label,name,overall_days,overall_event\nP1,Hans Huber,4,1\n", "may name persons: name"),
        ("name,overall_days,overall_event\nHans Huber,4,1\n", "no column 'label'"),
        ("label,overall_days,overall_event\nHans Huber,4,1\n", "row 2 has a label that may be a name"),
        ("label,overall_days,overall_event\nP1,4,1\nHuber,4,1\n", "row 3 has a label that may be a name"),
        ("label,overall_days,overall_event\nP1,4,1\nP1,4,1\n", "row 3 has the label of an earlier row"),
        ("label,overall_days,overall_event\nP1,-4,1\n", "row 2, column overall_days"),
        ("label,overall_days,overall_event\nP1,4,2\n", "row 2, column overall_event: is not 0 or 1"),
        ("label,overall_days,overall_event\nP1,soon,1\n", "row 2, column overall_days"),
        ("label,overall_days,overall_event,x_grade\nP1,4,1,7\n", "a grade, 0 to 5"),
        ("label,overall_days\nP1,4\n", "may name persons: overall_days"),
        ("label\nP1\n", "has no endpoint"),
        ("", "cannot be read as CSV"),
    ],
)
def test_other_outcomes_are_refused_without_a_name_in_the_message(tmp_path, text, told):
    with pytest.raises(InputError, match=told) as refusal:
        read_outcomes(csv(tmp_path, text), None, ())
    assert "Huber" not in str(refusal.value)


def test_a_file_with_names_is_used_only_by_the_column_of_the_pseudonyms(tmp_path):
    text = "name,study,overall_days,overall_event\nHans Huber,P1,4,1\nEva Hofer,P2,5,0\n"
    read = read_outcomes(csv(tmp_path, text), "study", ())
    assert list(read.table.index) == ["P1", "P2"]
    assert "Huber" not in read.table.to_csv()
    with pytest.raises(InputError, match="may be a name"):
        read_outcomes(csv(tmp_path, text), "name", ())
    # A word of letters alone is a pseudonym only where a session has it.
    only = "label,overall_days,overall_event\nAlpha,4,1\n"
    assert list(read_outcomes(csv(tmp_path, only), None, {"Alpha"}).table.index) == ["Alpha"]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    root = tmp_path_factory.mktemp("clinic")
    for seed in (1, 2):
        write_course(root, f"P{seed}", seed, fractions=1)
    return root


def test_survival_of_a_cohort_is_that_of_its_patients(clinic, tmp_path):
    path = csv(tmp_path, "name,study,overall_days,overall_event\nHans Huber,P1,400,1\nEva Hofer,X9,5,0\n")
    made = make_cohort(clinic, tmp_path / "out", path, "study", workers=1)
    assert made.facts["notes"] == [
        "1 patients have outcomes and no session, and are left out",
        "1 patients have sessions and no outcome",
    ]
    table = pd.read_csv(tmp_path / "out" / "survival.csv")
    assert table[["endpoint", "patients", "events"]].to_numpy().tolist() == [["overall survival", 1, 1]]
    assert (tmp_path / "out" / "survival.png").stat().st_size > 10_000
    for written in tmp_path.joinpath("out").rglob("*"):
        assert not written.is_file() or b"Huber" not in written.read_bytes()
    # Tables follow the outcomes, although no session has changed.
    path.write_text(path.read_text().replace("400,1", "401,0"))
    make_cohort(clinic, tmp_path / "out", path, "study", workers=1)
    assert pd.read_csv(tmp_path / "out" / "survival.csv")["events"].tolist() == [0]
    assert len(Cohort(tmp_path / "out").sessions) == 2


@pytest.mark.slow
def test_outcomes_of_others_are_refused(clinic, tmp_path):
    with pytest.raises(InputError, match="no label of a session"):
        make_cohort(clinic, tmp_path / "out", csv(tmp_path, GOOD.replace("P", "Q")), workers=1)
    with pytest.raises(ConfigError, match="without --outcomes"):
        make_cohort(clinic, tmp_path / "out", None, "study", workers=1)
