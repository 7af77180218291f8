"""A session folder is whole when its summary is there, and nothing half-written ever looks like that."""

import errno
import json
import os
import resource
import signal
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gatekeeper.config import EnvelopeConfig, GateConfig, SessionConfig, load_toml
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import OutputError
from gatekeeper.core.step import Step
from gatekeeper.recording.folder_files import UNHASHED
from gatekeeper.recording.frames_reader import FramesReader
from gatekeeper.recording.hash_chain import read_chain
from gatekeeper.recording.hashing import hashes_of
from gatekeeper.recording.journal import read_decisions
from gatekeeper.recording.ring_buffer import WriterState
from gatekeeper.recording.session_folder import SessionRecorder, make_session_folder
from gatekeeper.recording.writer_client import LIVE_TIMEOUTS, OFFLINE_TIMEOUTS, SPARE, WriterClient
from gatekeeper.runtime.process import NICENESS
from replay.run import replay, replay_input
from replay.sessions.verify import verify_folder
from tests.support.cases import breathing_case
from tests.support.processes import is_running
from tests.support.sessions import RING, killed, quiet, small_setup, stop
from tests.support.steps import HOLD, ON, frame, silent_step, step
from tests.support.waiting import until

CONFIG = SessionConfig(envelope=EnvelopeConfig(margin_mm=3.25), gate=GateConfig(outside_percent=10.0))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_session_holds_settings_decisions_and_summary(tmp_path):
    folder = tmp_path / "sessions" / "one"
    with SessionRecorder(folder, CONFIG) as session:
        session.record(step(HOLD, Reason.RESUMING, sequence=0), 1.0)
        session.record(step(ON, sequence=1, time_s=0.2), 1.0)
        assert "summary.json" not in names(folder)
        session.finish({"frames": session.summary().frames})
    files = ["config.toml", "decisions.jsonl", "frames.h5", "signatures.jsonl", "summary.json"]
    assert names(folder) == files
    assert load_toml(folder / "config.toml", SessionConfig) == CONFIG
    assert [line["state"] for line in read_decisions(folder / "decisions.jsonl")] == ["HOLD", "ON"]
    summary = json.loads((folder / "summary.json").read_text())
    chain = read_chain((folder / "decisions.jsonl").read_bytes())
    assert summary == {"frames": 2, "frames_kept": 2, "frames_dropped": 0}
    assert sorted(chain.entries[-1]["files"]) == [name for name in files if name not in UNHASHED]
    assert [line["kind"] for line in chain.entries] == ["header", "frame", "frame", "end"]
    assert chain.finding is None


def test_lines_stand_in_the_order_in_which_things_happened(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG, small_setup()) as session:
        session.event("arm", 0.0, {"by": "operator"})
        session.record(step(HOLD, Reason.RESUMING), 1.0)
        session.record(silent_step(0.5), 1.0)
        session.event("disarm", 0.75, {})
        session.finish({})
    entries = read_chain((tmp_path / "s" / "decisions.jsonl").read_bytes()).entries
    assert [entry["kind"] for entry in entries] == ["header", "event", "frame", "silence", "event", "end"]
    assert entries[1] == {"kind": "event", "event": "arm", "time_s": 0.0, "values": {"by": "operator"}}
    assert {name: entries[5][name] for name in ("frames_kept", "frames_dropped")} == {
        "frames_kept": 1,
        "frames_dropped": 0,
    }


def test_summary_counts_the_very_numbers_of_the_journal(tmp_path):
    """So that no page shows one latency as 6.83 and 6.84 ms."""
    with SessionRecorder(tmp_path / "s", CONFIG) as session:
        session.record(step(ON), 6.83496)
        session.finish({})
        assert session.summary().latency_ms.max == 6.835
    [line] = read_decisions(tmp_path / "s" / "decisions.jsonl")
    assert line["latency_ms"]["total"] == 6.835


def test_every_frame_is_kept_beside_its_line(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG, small_setup()) as session:
        for number in range(40):
            one = step(sequence=number, time_s=0.1 * number)
            session.record(Step(one.decision, frame(number), one.track), 1.0)
        session.finish({})
    reader = FramesReader(tmp_path / "s" / "frames.h5")
    lines = read_decisions(tmp_path / "s" / "decisions.jsonl")
    assert [line["frame_row"] for line in lines] == list(range(40))
    for line in lines:
        kept, digest = reader.frame(line["frame_row"])
        assert digest == line["frame_hash"]
        assert kept.image[0, 0] - frame().image[0, 0] == kept.sequence == line["sequence"]


def test_frame_that_cannot_be_kept_is_counted_and_its_decision_is_there(tmp_path):
    complex_image = frame().image.astype(complex)
    with SessionRecorder(tmp_path / "s", CONFIG, small_setup()) as session:
        session.record(Step(step(HOLD).decision, frame(image=complex_image)), 1.0)
        session.record(step(sequence=1), 1.0)
        assert session.fault is None
        session.finish({})
        assert session.frames_dropped == 1
    lines = read_decisions(tmp_path / "s" / "decisions.jsonl")
    assert [(line["frame_row"], line["frame_hash"] is None) for line in lines] == [(None, True), (0, False)]


def record_until_fault(session, image=None, limit=20_000):
    """Record frames until the record is lost, and return how many were handed over."""
    for number in range(limit):
        if session.fault is not None:
            return number
        session.record(Step(step(sequence=number).decision, frame(number, image=image)), 1.0)
    return pytest.fail("the record was never lost")


def test_dead_writer_is_a_fault_that_stays_and_never_an_exception(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG, small_setup()) as session:
        session.record(step(), 1.0)
        assert session.fault is None
        killed(session)
        assert "the writer has ended; the record is lost from here on, and the beam is held" in session.fault
        session.record(step(sequence=1), 1.0)
        session.event("reset", 1.0, {})
        assert "the writer has ended" in session.fault
        assert session.summary().frames == 2
        with pytest.raises(OutputError, match="the writer has ended"):
            session.finish({})
    assert "summary.json" not in names(tmp_path / "s")


def test_writer_that_dies_between_two_looks_is_found_by_the_next_record(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG) as session:
        killed(session)
        session.record(step(), 1.0)
        assert "the writer has ended" in session.fault


def test_hung_writer_is_a_fault_after_its_time_and_not_before(tmp_path):
    now_ns = [0]
    with SessionRecorder(tmp_path / "s", CONFIG, stopwatch=lambda: now_ns[0]) as session:
        stop(session.writer_pid)
        session.record(step(), 1.0)
        assert session.fault is None
        now_ns[0] = int(LIVE_TIMEOUTS.hung_s * 1e9)
        assert session.fault is None
        now_ns[0] += 1
        assert "no sign of life for 2 s" in session.fault
        os.kill(session.writer_pid, signal.SIGCONT)
        assert session.fault is not None


@pytest.mark.parametrize("timeouts", [LIVE_TIMEOUTS, OFFLINE_TIMEOUTS], ids=["live", "patient"])
def test_disk_that_is_full_is_a_fault_and_what_was_decided_before_is_intact(tmp_path, timeouts):
    with SessionRecorder(tmp_path / "s", CONFIG, small_setup(), timeouts) as session:
        until(lambda: session._link.ring.state >= WriterState.READY)
        room = (tmp_path / "s" / "frames.h5").stat().st_size + 30_000
        resource.prlimit(session.writer_pid, resource.RLIMIT_FSIZE, (room, room))
        assert record_until_fault(session) > 2
        assert "the record cannot be written (File too large)" in session.fault
        with pytest.raises(OutputError, match="File too large"):
            session.finish({})
    chain = read_chain((tmp_path / "s" / "decisions.jsonl").read_bytes())
    assert chain.finding is None
    reader = FramesReader(tmp_path / "s" / "frames.h5")
    lines = chain.entries[1:]
    assert [line["sequence"] for line in lines] == list(range(len(lines)))
    assert all(reader.frame(line["frame_row"])[1] == line["frame_hash"] for line in lines)
    assert "summary.json" not in names(tmp_path / "s")


def test_live_session_drops_frames_before_it_loses_a_line_and_a_lost_line_is_a_fault(tmp_path):
    now_ns = [0]
    with SessionRecorder(tmp_path / "s", CONFIG, small_setup(), stopwatch=lambda: now_ns[0]) as session:
        stop(session.writer_pid)
        large = np.zeros((256, 512), np.float32)
        taken = record_until_fault(session, large) - 1
        assert session.fault.count(f"no room for decision {taken}, the writer is too slow") == 1
        os.kill(session.writer_pid, signal.SIGCONT)
    lines = read_decisions(tmp_path / "s" / "decisions.jsonl")
    assert [line["sequence"] for line in lines] == list(range(taken))
    kept = [line["frame_row"] for line in lines]
    frames = (RING - SPARE) // (large.nbytes + 1000)
    assert kept == [*range(frames), *[None] * (taken - frames)]
    assert taken - frames > 1000


def test_frame_larger_than_the_ring_is_dropped_and_its_decision_kept(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG, small_setup(), OFFLINE_TIMEOUTS) as session:
        huge = np.zeros((RING // 8, 1), np.float64)
        session.record(Step(step(HOLD).decision, frame(image=huge)), 1.0)
        session.finish({})
        assert session.frames_dropped == 1
        assert session.fault is None
    assert [line["frame_row"] for line in read_decisions(tmp_path / "s" / "decisions.jsonl")] == [None]


@pytest.mark.parametrize(("timeouts", "waits"), [(LIVE_TIMEOUTS, True), (OFFLINE_TIMEOUTS, False)])
def test_only_a_live_session_waits_for_its_writer_before_the_first_frame(tmp_path, monkeypatch, timeouts, waits):
    waited: list[WriterState] = []
    monkeypatch.setattr(WriterClient, "wait_until", lambda _, state, limit_s: waited.append(state))
    with SessionRecorder(tmp_path / "one", CONFIG, timeouts=timeouts):
        assert waited == [WriterState.READY] * waits


def test_patient_session_waits_for_room_and_drops_nothing(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG, small_setup(), OFFLINE_TIMEOUTS) as session:
        large = np.zeros((1024, 1024), np.float32)
        many = RING // large.nbytes + 10
        for number in range(many):
            session.record(Step(step().decision, frame(number, image=large)), 1.0)
        session.finish({})
        assert (session.fault, session.frames_dropped) == (None, 0)
    assert len(FramesReader(tmp_path / "s" / "frames.h5")) == many


@pytest.mark.parametrize("timeouts", [LIVE_TIMEOUTS, OFFLINE_TIMEOUTS], ids=["live", "patient"])
def test_preview_larger_than_the_ring_is_kept_whole(tmp_path, timeouts):
    preview = np.zeros((40, 512, 512), np.uint16)
    preview[:, ::7, ::5] = np.arange(40)[:, None, None] + 1
    assert preview.nbytes > RING
    begin = replace(small_setup(), preview=preview)
    with SessionRecorder(tmp_path / "s", CONFIG, begin, timeouts) as session:
        until(lambda: session._link.ring.state >= WriterState.READY)
        assert len(FramesReader(tmp_path / "s" / "frames.h5").arrays()["preview"]) == 40
        session.record(step(), 1.0)
        session.finish({})
    arrays = FramesReader(tmp_path / "s" / "frames.h5").arrays()
    assert hashes_of(arrays) == hashes_of(begin.arrays())
    lines = read_chain((tmp_path / "s" / "decisions.jsonl").read_bytes()).entries
    assert [line["kind"] for line in lines] == ["header", "frame", "end"]
    assert lines[0]["setup_hashes"] == hashes_of(arrays)


def test_image_that_does_not_fit_is_refused_before_the_first_frame(tmp_path, monkeypatch):
    monkeypatch.setattr("gatekeeper.recording.session_folder.WriterClient", WriterClient)
    begin = replace(small_setup(), preview=np.zeros((1, 1, (1 << 26) + 1), np.uint8))
    with pytest.raises(OutputError, match=r"takes 67.* bytes, the record has room for 33554432; give smaller images"):
        SessionRecorder(tmp_path / "s", CONFIG, begin)


def test_disk_that_is_full_before_the_first_frame_is_refused(tmp_path, monkeypatch):
    begin = replace(small_setup(), preview=np.random.default_rng(0).integers(0, 2**16, (40, 512, 512), np.uint16))
    started = WriterClient

    def with_little_room(*args):
        link = started(*args)
        resource.prlimit(link.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        return link

    monkeypatch.setattr("gatekeeper.recording.session_folder.WriterClient", with_little_room)
    with pytest.raises(OutputError, match="File too large"):
        SessionRecorder(tmp_path / "s", CONFIG, begin)


def test_writer_that_cannot_begin_is_refused_before_the_first_frame(tmp_path, monkeypatch):
    def taken(path, data):
        (tmp_path / "s" / "decisions.jsonl").write_text("precious\n")

    monkeypatch.setattr("gatekeeper.recording.session_folder.write_atomically", taken)
    with pytest.raises(OutputError, match=r"cannot be written \(File exists\)"):
        SessionRecorder(tmp_path / "s", CONFIG)
    assert (tmp_path / "s" / "decisions.jsonl").read_text() == "precious\n"


def test_nothing_of_a_session_is_left_in_shared_memory(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG) as session:
        session.record(step(), 1.0)
        mapped = Path(f"/proc/{session.writer_pid}/maps").read_text()
        assert "/memfd:gatekeeper-ring (deleted)" in mapped
        assert "/dev/shm" not in mapped  # noqa: S108


def test_the_writer_leaves_the_processors_to_the_loop(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG) as session:
        assert os.sched_getscheduler(session.writer_pid) == os.SCHED_BATCH
        assert os.getpriority(os.PRIO_PROCESS, session.writer_pid) >= NICENESS


def test_session_that_was_not_finished_keeps_its_decisions_and_is_not_whole(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG) as session:
        session.record(step(), 1.0)
    until(lambda: not is_running(session.writer_pid))
    assert names(tmp_path / "s") == ["config.toml", "decisions.jsonl", "frames.h5", "signatures.jsonl"]
    assert len(read_decisions(tmp_path / "s" / "decisions.jsonl")) == 1


def test_empty_folder_may_be_there_already(tmp_path):
    (tmp_path / "s").mkdir()
    SessionRecorder(tmp_path / "s", CONFIG).close()


def test_folder_in_use_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds 'notes\.txt' already"):
        SessionRecorder(tmp_path, CONFIG)
    assert names(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize("below", [".", "deeper/still"])
def test_folder_below_a_file_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="the session folder cannot be created"):
        SessionRecorder(tmp_path / "file" / below, CONFIG)


def test_summary_that_json_cannot_hold_is_not_written(tmp_path):
    with SessionRecorder(tmp_path / "s", CONFIG) as session, pytest.raises(ValueError, match="JSON"):
        session.finish({"dsc": float("nan")})
    assert "summary.json" not in names(tmp_path / "s")


@pytest.mark.parametrize(("owner", "call"), [(Path, "open"), (os, "fsync"), (Path, "replace")])
@pytest.mark.parametrize("before", [[], ["summary.json"]])
def test_full_disk_leaves_no_part_of_a_file_and_the_old_one_as_it_was(tmp_path, monkeypatch, owner, call, before):
    def no_space(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in before:
        (tmp_path / name).write_text("old")
    monkeypatch.setattr(owner, call, no_space)
    with pytest.raises(OutputError, match=r"summary\.json: cannot be written \(No space left on device\)"):
        write_atomically(tmp_path / "summary.json", b"{}")
    monkeypatch.undo()
    assert names(tmp_path) == before
    assert all((tmp_path / name).read_text() == "old" for name in before)


@pytest.mark.slow
def test_session_with_a_preview_larger_than_the_ring_is_verified_from_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("gatekeeper.recording.session_folder.WriterClient", partial(WriterClient, capacity=3 << 20))
    case = breathing_case(frames=390)
    material = replay_input(case, 94.0)
    assert material.setup.preview.nbytes > 3 << 20
    result = replay(material, SessionConfig(), tmp_path / "s", VirtualClock(), quiet)
    assert result.summary.frames == 390 - len(material.setup.preview)
    found = verify_folder(tmp_path / "s")
    assert (found.good, found.findings, found.frames) == (True, [], result.summary.frames)


@pytest.mark.parametrize("there", [False, True])
def test_only_the_user_who_runs_a_session_can_read_it(tmp_path, there):
    folder = tmp_path / "sessions" / "s"
    before = os.umask(0)
    try:
        if there:
            folder.mkdir(parents=True)
            folder.chmod(0o755)
        make_session_folder(folder)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
