"""`gatekeeper trackrad score` finds predictions by case, scores them twice, and pools them."""

import csv
import errno
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from replay.formats.trackrad import open_case, write_case
from replay.scores.tracking import score
from replay.scores.trackrad_cases import COMPAT, CORRECT, score_folders
from replay.scores.trackrad_official import OfficialScore
from replay.scores.trackrad_table import as_json
from replay.trackrad import Run
from tests.support.challenge_layout import OUTPUT, write_prediction
from tests.support.command_line import gatekeeper
from tests.support.recordings import disc, recording

SHAPE = (32, 24)


def case_of(name, frames, **fields):
    labels = np.stack([disc(SHAPE, (14 + index % 4, 12), 5.0) for index in range(frames)])
    return recording(frames=frames, shape=SHAPE, name=name, labels=labels, first_mask=labels[0], **fields)


CASES = [case_of("A_001", 5), case_of("B_002", 9, region="lung")]


def shifted(case, cols):
    return np.roll(case.labels, cols, axis=2)


@pytest.fixture
def truth(tmp_path):
    for case in CASES:
        write_case(case, tmp_path / "truth" / case.name)
    return tmp_path / "truth"


@pytest.fixture
def predictions(tmp_path):
    for cols, case in enumerate(CASES, start=1):
        write_prediction(tmp_path / "predictions" / f"{case.name}.mha", shifted(case, cols))
    return tmp_path / "predictions"


def unseen(doing, done, total):
    pass


def args(truth, predictions, *more):
    return "trackrad", "score", "--truth", truth, "--predictions", predictions, *more


def refusal(capsys, *words):
    assert gatekeeper(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gatekeeper: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("method", ["static", "roll3", "empty3", "half"])
def test_compat_is_what_the_organisers_own_code_prints(cine, capsys, method):
    reference = cine / "reference_score"
    expected = json.loads((reference / "expected.json").read_text())[method]
    assert gatekeeper(*args(reference / "truth", reference / "predictions" / method, "--json")) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["cases"].keys() == expected.keys()
    for name, values in expected.items():
        assert result["cases"][name]["compat"] == pytest.approx(values, abs=1e-6)


def test_json_has_both_scores_of_each_case_and_of_all(truth, predictions, capsys):
    assert gatekeeper(*args(truth, predictions, "--json")) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    result = json.loads(out)
    assert list(result["cases"]) == ["A_001", "B_002"]
    for cols, case in enumerate(CASES, start=1):
        values, right = result["cases"][case.name], score(shifted(case, cols), case)
        assert (values["frames"], values["frames_scored"]) == (len(case.labels), len(case.labels) - 1)
        assert values["compat"]["center_distance"] == pytest.approx(cols)
        assert values["correct"]["center_mm"] == pytest.approx(2.5 * cols) == pytest.approx(right.center_mm)
        for name in ("dsc", "hd95_mm", "masd_mm", "center_p95_mm", "d98_unbinarised"):
            assert values["correct"][name] == pytest.approx(getattr(right, name))
    pooled = result["pooled"]
    assert (pooled["cases"], pooled["frames_scored"]) == (2, 12)
    assert pooled["compat"].keys() == set(OfficialScore.__slots__)
    assert pooled["compat"]["center_distance"] == pytest.approx((1 + 2) / 2)
    assert pooled["correct"]["center_mm"] == pytest.approx(2.5 * (1 + 2) / 2)
    assert pooled["correct_all_frames"]["center_mm"] == pytest.approx(2.5 * (4 * 1 + 8 * 2) / 12)
    assert "A_001" in err


def test_table_has_a_row_per_case_and_two_for_all(truth, predictions, capsys):
    assert gatekeeper(*args(truth, predictions)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:13].strip() for line in lines[1:]] == ["case", "A_001", "B_002", "mean of cases", "all frames"]
    assert "compat, in pixels" in lines[0]
    assert "correct, in mm" in lines[0]
    columns = [line[13:].split() for line in lines[1:]]
    assert {len(words) for words in columns} == {11}
    assert columns[1][:1] + columns[1][4:5] + columns[1][8:9] == ["4", "1.00", "2.50"]


def test_csv_has_the_same_numbers_unrounded(truth, predictions, tmp_path, capsys):
    (tmp_path / "scores.csv").write_text("older")
    assert gatekeeper(*args(truth, predictions, "--json", "--csv", tmp_path / "scores.csv")) == 0
    result = json.loads(capsys.readouterr().out)
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["case"] for row in rows] == ["A_001", "B_002", "mean of cases", "all frames"]
    assert [row["frames_scored"] for row in rows] == ["4", "8", "12", "12"]
    for row, values in zip(rows, [*result["cases"].values(), result["pooled"]], strict=False):
        for kind in ("compat", "correct"):
            for name, value in values[kind].items():
                assert float(row[f"{kind}_{name}"]) == value
    assert float(rows[3]["correct_center_mm"]) == result["pooled"]["correct_all_frames"]["center_mm"]
    assert rows[3]["compat_center_distance"] == ""


@pytest.mark.parametrize("layout", ["{name}/" + OUTPUT, "{name}/output/" + OUTPUT])
def test_predictions_lie_as_run_writes_them_or_as_the_platform_keeps_them(truth, tmp_path, layout):
    for case in CASES:
        write_prediction(tmp_path / "p" / layout.format(name=case.name), shifted(case, 1))
    result = score_folders(truth, tmp_path / "p", unseen)
    assert [case.compat.center_distance for case in result.cases] == pytest.approx([1.0, 1.0])


def job(pk, case, folder="images/mri-linac-series-targets"):
    return {
        "pk": pk,
        "inputs": [
            {"interface": {"slug": "frame-rate"}, "value": 4},
            {"interface": {"slug": "mri-linac-series"}, "image": {"name": f"{case}_frames.mha"}},
        ],
        "outputs": [{"interface": {"slug": "mri-linac-series-targets", "relative_path": folder}}],
    }


def test_jobs_of_the_platform_are_matched_by_their_list(truth, tmp_path):
    jobs = [job("91-b", "B_002"), job("17-a", "A_001")]
    for pk, case, cols in (("17-a", CASES[0], 1), ("91-b", CASES[1], 2)):
        write_prediction(tmp_path / "p" / pk / "output" / OUTPUT, shifted(case, cols))
    (tmp_path / "p" / "predictions.json").write_text(json.dumps(jobs))
    result = score_folders(truth, tmp_path / "p", unseen)
    assert {case.case: round(case.compat.center_distance) for case in result.cases} == {"A_001": 1, "B_002": 2}


@pytest.mark.parametrize(
    ("jobs", "why"),
    [
        ("[{}]", "not a list of jobs"),
        ("{", "not a list of jobs"),
        ('[{"pk": "a", "inputs": [], "outputs": []}]', "not a list of jobs"),
        (json.dumps([job("a", "A_001")] * 2), "several jobs"),
        (json.dumps([job("a", "A_001")]), "is missing"),
    ],
)
def test_a_list_of_jobs_that_cannot_be_is_refused(truth, tmp_path, capsys, jobs, why):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "predictions.json").write_text(jobs)
    assert why in refusal(capsys, *args(truth, tmp_path / "p"))


def test_one_case_alone_is_scored_against_the_output_of_run(truth, tmp_path):
    write_prediction(tmp_path / "out" / OUTPUT, shifted(CASES[0], 1))
    result = score_folders(truth / "A_001", tmp_path / "out", unseen)
    assert [(case.case, round(case.compat.center_distance)) for case in result.cases] == [("A_001", 1)]


def test_what_observers_agree_on_is_the_truth(truth, predictions):
    agreed = np.moveaxis(shifted(CASES[0], 3), 0, -1).astype(np.uint8)
    assert open_case(truth / "A_001").labels is not None
    write_prediction(truth / "A_001" / "targets" / "A_001_staple_labels.mha", np.moveaxis(agreed, -1, 0))
    result = score_folders(truth, predictions, unseen)
    assert result.cases[0].compat.center_distance == pytest.approx(3.0 - 1.0)


def test_cases_without_truth_are_named_and_need_no_prediction(truth, predictions, capsys):
    blind = replace(CASES[0], name="C_003", labels=None)
    write_case(blind, truth / "C_003")
    write_case(replace(blind, name="D_004", labels=np.zeros_like(CASES[0].labels)), truth / "D_004")
    write_prediction(predictions / "D_004.mha", CASES[0].labels)
    assert gatekeeper(*args(truth, predictions, "--json")) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["cases"]) == ["A_001", "B_002"]
    assert result["without_truth"] == ["C_003", "D_004"]
    assert gatekeeper(*args(truth, predictions)) == 0
    assert "not scored: C_003, D_004" in capsys.readouterr().out


def test_every_case_is_told_of_as_it_is_done(truth, predictions):
    told = []
    score_folders(truth, predictions, lambda *what: told.append(what))
    assert told == [("scoring", 1, 2), ("scoring", 2, 2)]


def test_missing_predictions_are_named_before_anything_is_scored(truth, predictions, capsys, monkeypatch):
    (predictions / "B_002.mha").unlink()
    (predictions / "A_001.mha").write_bytes(b"never read")
    error = refusal(capsys, *args(truth, predictions))
    assert "no prediction of B_002;" in error
    assert str(predictions) in error


def test_two_predictions_of_a_case_are_not_chosen_among(truth, predictions, capsys):
    write_prediction(predictions / "A_001" / OUTPUT, CASES[0].labels)
    assert "one of 2 predictions of A_001" in refusal(capsys, *args(truth, predictions))


@pytest.mark.parametrize("cut", [np.s_[:-1], np.s_[:, :-1], np.s_[:, :, 1:], np.s_[:1], "transposed"])
def test_a_prediction_of_another_size_is_refused(truth, predictions, capsys, cut):
    labels = CASES[0].labels
    path = write_prediction(
        predictions / "A_001.mha", labels.transpose(0, 2, 1) if cut == "transposed" else labels[cut]
    )
    error = refusal(capsys, *args(truth, predictions))
    assert str(path) in error
    assert "(32, 24, 5)" in error


@pytest.mark.parametrize("value", [2, 255])
def test_a_prediction_that_is_no_mask_is_refused(truth, predictions, capsys, value):
    path = write_prediction(predictions / "A_001.mha", CASES[0].labels * value)
    assert f"{path}: holds other values" in refusal(capsys, *args(truth, predictions))


def test_a_damaged_prediction_is_refused(truth, predictions, capsys):
    path = predictions / "B_002.mha"
    path.write_bytes(path.read_bytes()[:-30])
    assert str(path) in refusal(capsys, *args(truth, predictions))


def test_folders_that_are_none_or_hold_no_case_are_refused(truth, predictions, tmp_path, capsys):
    assert "no such folder" in refusal(capsys, *args(tmp_path / "nowhere", predictions))
    assert "no such folder" in refusal(capsys, *args(truth, tmp_path / "nowhere"))
    assert "holds no TrackRAD case" in refusal(capsys, *args(predictions, predictions))


def test_a_folder_that_may_not_be_read_is_refused(truth, predictions, capsys, monkeypatch):
    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(type(truth), "iterdir", denied)
    assert "cannot be read (Permission denied)" in refusal(capsys, *args(truth, predictions))


def test_cases_that_all_lack_truth_are_refused(tmp_path, predictions, capsys):
    write_case(replace(CASES[0], labels=None), tmp_path / "blind" / "A_001")
    assert "no case there has a label" in refusal(capsys, *args(tmp_path / "blind", predictions))


def test_a_csv_that_cannot_be_written_is_refused(truth, predictions, tmp_path, capsys):
    error = refusal(capsys, *args(truth, predictions, "--csv", tmp_path / "nowhere" / "scores.csv"))
    assert "scores.csv: cannot be written" in error


def test_scores_that_cannot_be_are_null_and_empty(tmp_path, capsys):
    labels = np.zeros((4, *SHAPE), dtype=bool)
    labels[:, 10, 10] = True  # Too small a target for any dose in the challenge's sense.
    case = recording(frames=4, shape=SHAPE, name="A_001", labels=labels, first_mask=labels[0])
    write_case(case, tmp_path / "t" / "A_001")
    write_prediction(tmp_path / "p" / "A_001.mha", labels)
    assert gatekeeper(*args(tmp_path / "t", tmp_path / "p", "--json", "--csv", tmp_path / "s.csv")) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["cases"]["A_001"]["compat"]["relative_d98_dose"] is None
    assert json.loads(out)["pooled"]["compat"]["relative_d98_dose"] is None
    with (tmp_path / "s.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["compat_relative_d98_dose"] == ""


def test_command_has_its_own_help(capsys):
    assert gatekeeper("trackrad", "--help") == 0
    out = capsys.readouterr().out
    assert "run" in out
    assert "score" in out


def test_documentation_names_every_score_and_field(truth, predictions):
    text = (Path(__file__).parents[2] / "docs" / "reference" / "trackrad.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    result = as_json(score_folders(truth, predictions, unseen))
    fields = {*result, *result["pooled"], *result["cases"]["A_001"], *result["pooled"]["correct_all_frames"]}
    assert {*COMPAT, *CORRECT, *fields, *Run.__slots__} <= named
