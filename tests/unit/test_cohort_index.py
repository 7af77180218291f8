"""A cohort reads each session once, keeps up with what changes, and loses none that is bad."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from gatekeeper.analysis import Cohort
from gatekeeper.core.errors import InputError, OutputError
from replay.cohort import parts, read
from replay.cohort.index import update_cohort
from replay.cohort.run import make_cohort
from tests.support.cohorts import breathing, frame, write_course, write_session


@pytest.fixture
def clinic(tmp_path):
    root = tmp_path / "clinic"
    write_course(root, "P1", seed=1)
    write_course(root / "deep" / "er", "P2", seed=2, fractions=3)
    return root


@pytest.fixture
def small_parts(monkeypatch):
    """Let three sessions fill a part, so that few sessions need several."""
    monkeypatch.setattr("replay.cohort.index.PART_SESSIONS", 3)


def tables(out):
    """Return all tables in an order that does not depend on when their rows were read."""
    cohort = Cohort(out)
    ids = cohort.sessions.set_index("session")["session_id"]
    found = {}
    for name, frame_ in {
        "sessions": cohort.sessions.drop(columns="copy_of"),
        "decisions": cohort.decisions(),
        "breaths": cohort.breaths,
        "marks": cohort.marks,
    }.items():
        own = frame_.assign(session=frame_["session"].astype(str).map(ids)).astype(str)
        found[name] = sorted(own.itertuples(index=False, name=None))
    return found


def counting(monkeypatch):
    """Count the sessions that are read in this process."""
    seen = []
    kept = parts.read_rows
    monkeypatch.setattr(parts, "read_rows", lambda given: seen.extend(folder for folder, _ in given) or kept(given))
    return seen


def test_each_session_is_read_once_and_only_what_is_new_later(clinic, tmp_path, monkeypatch, small_parts):
    seen = counting(monkeypatch)
    out = tmp_path / "out"
    assert update_cohort(clinic, out, workers=1).new == 8
    assert len(seen) == len(set(seen)) == 8
    before = {path: path.read_bytes() for path in out.rglob("*.parquet") if path.is_file()}
    again = update_cohort(clinic, out, workers=1)
    assert (again.sessions, again.new, again.changed, again.gone) == (8, 0, 0, 0)
    assert len(seen) == 8
    assert {path: path.read_bytes() for path in out.rglob("*.parquet") if path.is_file()} == before
    added = write_session(clinic / "new", breathing(77), 777)
    assert update_cohort(clinic, out, workers=1).new == 1
    assert seen[8:] == [added]


def test_what_was_updated_in_steps_equals_what_is_made_at_once(clinic, tmp_path, small_parts):
    steps, once = tmp_path / "steps", tmp_path / "once"
    update_cohort(clinic, steps, workers=1)
    shutil.rmtree(clinic / "P1" / "fraction-2")
    changed = clinic / "P1" / "fraction-3"
    shutil.rmtree(changed)
    write_session(changed, breathing(9, frames=30), 555)
    write_course(clinic, "P3", seed=3)
    update = update_cohort(clinic, steps, workers=1)
    assert (update.sessions, update.new, update.changed, update.gone) == (12, 5, 1, 1)
    update_cohort(clinic, once, workers=1)
    assert tables(steps) == tables(once)
    rows = [pq.read_metadata(path).num_rows for path in (steps / "decisions.parquet").iterdir()]
    assert sum(rows) == len(Cohort(steps).decisions()) == 11 * 48 + 30


def test_a_bad_session_is_listed_and_stops_no_other(clinic, tmp_path):
    journal = clinic / "P1" / "fraction-1" / "decisions.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"state":"HOLD"', b'"state":"ON"', 1))
    (clinic / "P1" / "fraction-2" / "config.toml").write_text("[gate]\noutside_percent = 50.0\n")
    (clinic / "P1" / "fraction-3" / "config.toml").unlink()
    (clinic / "empty").mkdir()
    (clinic / "empty" / "decisions.jsonl").write_bytes(b"")
    write_session(clinic / "odd", [frame(0) | {"reasons": 3}], 900)
    write_session(clinic / "running", breathing(4), 901, sealed=False)
    cut = write_session(clinic / "cut", breathing(5), 902, sealed=False) / "decisions.jsonl"
    cut.write_bytes(cut.read_bytes()[:-40])
    made = make_cohort(clinic, tmp_path / "out", workers=1)
    sessions = Cohort(tmp_path / "out").sessions
    assert made.update.sessions == len(sessions) == 12
    assert (made.facts["complete"], made.facts["interrupted"], made.facts["damaged"]) == (5, 2, 5)
    by_path = {path: sessions.set_index("session").loc[key] for key, path in made.update.paths.items()}
    assert "hash does not match" in by_path["P1/fraction-1"].finding
    assert "was changed after the session was sealed" in by_path["P1/fraction-2"].finding
    assert "No such file" in by_path["P1/fraction-3"].finding
    assert "no header" in by_path["empty"].finding
    assert by_path["odd"].state == "damaged"
    assert (by_path["running"].state, by_path["running"].frames) == ("interrupted", 48)
    assert (by_path["cut"].state, by_path["cut"].frames) == ("interrupted", 47)
    assert len(made.damaged) == 5
    assert any("P1/fraction-1" in line for line in made.damaged)


def test_a_session_whose_reading_ends_the_process_costs_itself_alone(clinic, tmp_path, monkeypatch, small_parts):
    # Any session that has this word in its path kills the process that reads it.
    monkeypatch.setattr(parts, "ProcessPoolExecutor", DyingPool)
    shutil.move(clinic / "P1" / "fraction-4", clinic / "P1" / "fatal")
    made = make_cohort(clinic, tmp_path / "out", workers=2)
    assert (made.facts["complete"], made.facts["damaged"]) == (7, 1)
    assert made.damaged == (f"{clinic / 'P1' / 'fatal'}: {parts.ENDED}",)


class DyingPool:
    """A pool of processes that breaks at a session in a folder `fatal`."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, *given):
        from concurrent.futures import Future

        future = Future()
        folders = [folder for folder, _ in (given[0] if function is read.read_rows else given[0].read)]
        if any(folder.name == "fatal" for folder in folders):
            future.set_exception(parts.BrokenProcessPool())
        else:
            future.set_result(function(*given))
        return future


def test_copies_are_kept_and_counted_once(clinic, tmp_path):
    shutil.copytree(clinic / "P1", clinic / "backup")
    made = make_cohort(clinic, tmp_path / "out", workers=1)
    sessions = Cohort(tmp_path / "out").sessions
    assert (len(sessions), made.facts["copies"], made.facts["counted"]) == (13, 5, 8)
    copies = sessions[sessions["copy_of"].notna()]
    originals = sessions.set_index("session").loc[copies["copy_of"]]
    assert list(originals["session_id"]) == list(copies["session_id"])


@pytest.mark.slow
def test_a_run_that_was_interrupted_is_made_good(clinic, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("replay.cohort.index.write_index", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OutputError, match="full"):
            update_cohort(clinic, out, workers=1)
    assert update_cohort(clinic, out, workers=1).new == 8
    (next((out / "decisions.parquet").iterdir())).unlink()
    assert update_cohort(clinic, out, workers=1).new == 8
    assert len(Cohort(out).decisions()) == 8 * 48


def test_another_folder_or_foreign_files_are_refused(clinic, tmp_path):
    out = tmp_path / "out"
    update_cohort(clinic, out, workers=1)
    with pytest.raises(InputError, match="cohort of another folder"):
        update_cohort(tmp_path, out, workers=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        update_cohort(clinic, tmp_path / "mine", workers=1)
    with pytest.raises(InputError, match="not a folder"):
        update_cohort(tmp_path / "nowhere", tmp_path / "x", workers=1)


def test_nothing_that_names_a_person_is_in_any_table(tmp_path):
    root = tmp_path / "Somebody_Hans"
    write_course(root / "Somebody", "P1", seed=1)
    damaged = write_session(root / "Somebody" / "bad", breathing(3), 33)
    (damaged / "config.toml").unlink()
    out = tmp_path / "out"
    make_cohort(root, out, workers=1)
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "index.json"]
    assert len(files) > 10
    for path in files:
        assert b"omebody" not in path.read_bytes(), path
        assert "omebody" not in str(path.relative_to(out))
    for table in (*out.glob("*.parquet"), out / "decisions.parquet"):
        assert "omebody" not in pq.read_table(table).to_pandas().to_csv()
    assert (out / "index.json").stat().st_mode & 0o077 == 0
    assert "Somebody/P1" in "".join(json.loads((out / "index.json").read_text())["sessions"])


def test_links_to_folders_are_not_followed(clinic, tmp_path):
    (clinic / "loop").symlink_to(clinic)
    assert update_cohort(clinic, tmp_path / "out", workers=1).sessions == 8


@pytest.mark.slow
def test_results_below_the_folder_are_not_looked_into(clinic):
    out = clinic / "deep" / "results"
    update_cohort(clinic, out, workers=1)
    write_session(out / "inside", breathing(6), 321)
    assert update_cohort(clinic, out, workers=1).sessions == 8
    write_session(clinic / "other" / "results" / "inside", breathing(6), 322)
    assert update_cohort(clinic, out, workers=1).sessions == 9
