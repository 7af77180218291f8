"""Sessions and cohorts in pandas and xarray, and the command line on them."""

import json

import numpy as np
import pytest

from gatekeeper.analysis import Cohort, extra, journal, read_decisions, read_frames, read_sweep
from gatekeeper.analysis.columns import TABLES, arrow_schema
from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.recording.hash_chain import read_chain
from replay.cohort.run import make_cohort
from replay.formats.session import open_session
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.cohorts import breathing, lines_of, write_course, write_session
from tests.support.command_line import gatekeeper


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    root = tmp_path_factory.mktemp("clinic")
    write_course(root, "P1", 1, fractions=2)
    return root


def test_decisions_of_a_session_are_its_lines(eventful_session):
    decisions = read_decisions(eventful_session)
    lines = [line for line in lines_of(eventful_session) if line["kind"] in ("frame", "silence")]
    assert decisions["on"].tolist() == [line["state"] == "ON" for line in lines]
    assert [list(one) for one in decisions["reasons"]] == [line["reasons"] for line in lines]
    assert decisions["kind"].tolist() == [line["kind"] for line in lines]
    outside = np.array([line["outside_percent"] for line in lines], float)
    np.testing.assert_allclose(decisions["outside_percent"], outside, rtol=1e-6)
    summary = json.loads((eventful_session / "summary.json").read_text())
    assert decisions["beam_on_s"].sum() == pytest.approx(summary["beam_on_s"])
    centers = np.array([line["center_mm"] or [np.nan, np.nan] for line in lines], float)
    np.testing.assert_allclose(decisions["si_mm"], centers[0, 0] - centers[:, 0], atol=1e-4)
    np.testing.assert_allclose(decisions["ap_mm"], centers[:, 1] - centers[0, 1], atol=1e-4)
    assert decisions["rl_mm"].isna().all()


def test_frames_of_a_session_are_those_that_were_judged(breathing_session):
    frames = read_frames(breathing_session, first=3, last=7)
    opened = open_session(breathing_session)
    expected = [opened.frames.frame(place)[0] for place in range(3, 7)]
    opened.close()
    np.testing.assert_array_equal(frames.values, [frame.image for frame in expected])
    assert frames.acquired_s.values.tolist() == [frame.acquired_s for frame in expected]
    assert (float(frames.row_mm[1]), frames.dims) == (2.0, ("acquired_s", "row_mm", "col_mm"))
    with pytest.raises(RecordingError, match="at least one"):
        read_frames(breathing_session, first=3, last=3)


def test_lines_that_are_parsed_at_once_equal_those_parsed_one_by_one(eventful_session):
    data = (eventful_session / "decisions.jsonl").read_bytes()
    (at_once,) = journal._at_once([data])
    one_by_one = journal._line_by_line(data)
    assert at_once.decisions.equals(one_by_one.decisions)
    assert (at_once.header, at_once.events, at_once.end, at_once.head) == (
        one_by_one.header,
        one_by_one.events,
        one_by_one.end,
        one_by_one.head,
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_changed_journal_is_read_as_far_as_the_hash_chain_is_intact(eventful_session, seed):
    data = bytearray((eventful_session / "decisions.jsonl").read_bytes())
    random = np.random.default_rng(seed)
    lines = bytes(data).splitlines(keepends=True)
    if seed % 3 == 0:  # a byte
        data[random.integers(len(lines[0]), len(data))] ^= 1
    elif seed % 3 == 1:  # a line that is missing
        lines.pop(int(random.integers(1, len(lines) - 1)))
        data = b"".join(lines)
    else:  # an end that is cut off
        data = data[: int(random.integers(len(lines[0]), len(data) - 1))]
    chain, read = read_chain(bytes(data)), journal.read_columns(bytes(data))
    assert (read.finding, read.head, read.cut) == (chain.finding, chain.head, chain.cut)
    assert read.finding is not None
    assert read.decisions.num_rows == sum(one["kind"] in ("frame", "silence") for one in chain.entries)


def test_a_cohort_has_the_columns_of_its_dictionary(clinic, tmp_path):
    out = tmp_path / "out"
    make_cohort(clinic, out, workers=1)
    cohort = Cohort(out)
    dictionary = (out / "dictionary.md").read_text()
    tables = {
        "sessions": cohort.sessions,
        "decisions": cohort.decisions(),
        "breaths": cohort.breaths,
        "marks": cohort.marks,
    }
    for name, table in tables.items():
        assert list(table.columns) == [one.name for one in TABLES[name]]
        assert all(f"| `{one.name}` | {one.type} | {one.unit} | {one.meaning} |" in dictionary for one in TABLES[name])
        assert all(field.metadata[b"meaning"] for field in arrow_schema(TABLES[name]))
    key = cohort.sessions["session"][0]
    traces = cohort.traces(key)
    assert (traces["si_mm"].attrs["units"], traces.sizes["time_s"]) == ("mm", 48)
    assert len(cohort.decisions(key, ["time_s", "on"])) == 48
    with pytest.raises(InputError, match="no decision of a session"):
        cohort.traces("other")


def test_what_is_not_there_is_told(tmp_path):
    for read in (Cohort, read_sweep):
        with pytest.raises(InputError, match=r"make (it|one)"):
            read(tmp_path)
    with pytest.raises(RecordingError, match="cannot be read"):
        read_decisions(tmp_path)
    write_session(tmp_path / "none", [])
    with pytest.raises(RecordingError, match="no decision"):
        read_decisions(tmp_path / "none")


def test_command_tells_what_was_read_and_lists_what_is_damaged(clinic, tmp_path, capfd):
    assert gatekeeper("cohort", clinic, "--out", tmp_path / "out", "--workers", 1, "--json") == 0
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (told["sessions"], told["new"], told["counted"], told["patients"]) == (2, 2, 2, 1)
    assert gatekeeper("cohort", clinic, "--out", tmp_path / "out", "--workers", 1) == 0
    assert "2, 0 new, 0 changed, 0 gone" in capfd.readouterr().out
    bad = write_session(tmp_path / "two" / "bad", breathing(1), 5)
    (bad / "config.toml").unlink()
    for _ in range(2):
        assert gatekeeper("cohort", tmp_path / "two", "--out", tmp_path / "out2", "--workers", 1) == 1
        assert f"{bad}: cannot be read (No such file or directory)" in capfd.readouterr().err


def test_sweep_command_writes_results_and_names_the_best(tmp_path, capfd):
    write_case(breathing_case(frames=16), tmp_path / "case")
    grid = tmp_path / "grid.toml"
    grid.write_text("[grid]\nenvelope.margin_mm = [2.0, 5.0]\n")
    words = ("sweep", tmp_path / "case", "--grid", grid, "--out", tmp_path / "out", "--workers", 0)
    assert gatekeeper(*words, "--json") == 0
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (told["tasks"], told["faults"], told["best"][0]["envelope.margin_mm"]) == (1, {}, 5.0)
    assert len(read_sweep(tmp_path / "out")) == 2
    assert gatekeeper(*words) == 2
    assert "--resume" in capfd.readouterr().err
    assert gatekeeper(*words, "--resume") == 0
    assert "1, 1 done before" in capfd.readouterr().out
    assert gatekeeper("sweep", tmp_path / "none", "--grid", grid, "--out", tmp_path / "o", "--workers", 0) == 1


@pytest.mark.parametrize("command", ["cohort", "sweep"])
def test_without_the_extra_a_command_says_how_to_install_it(tmp_path, monkeypatch, capfd, command):
    def absent(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(extra, "import_module", absent)
    (tmp_path / "grid.toml").write_text("[grid]\nenvelope.margin_mm = [2.0]\n")
    words = {
        "cohort": (tmp_path, "--out", tmp_path / "out"),
        "sweep": (tmp_path, "--grid", tmp_path / "grid.toml", "--out", tmp_path / "out"),
    }
    assert gatekeeper(command, *words[command]) == 2
    told = capfd.readouterr().err
    assert "make env-analysis" in told
    assert len(told.strip().splitlines()) == 1
