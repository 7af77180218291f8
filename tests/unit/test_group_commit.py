"""What is on the disk when the power fails is a session that verifies, and no more than half a second is lost."""

import os
import shutil
from pathlib import Path

import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.errors import OutputError
from gatekeeper.recording import disk_sync
from gatekeeper.recording.disk_sync import SLOWEST_S, SYNC_S, DiskSync
from gatekeeper.recording.frames_file import StoredFrame
from gatekeeper.recording.journal import arrays_of, entry_of
from gatekeeper.recording.ring_buffer import RingBuffer
from gatekeeper.recording.serialization import pack, unpack
from gatekeeper.recording.session_setup import header_of
from gatekeeper.recording.signing import installation_key
from gatekeeper.recording.writer_process import BEAT_S, Writer
from replay.sessions.verify import verify_folder
from tests.support.steps import step
from tests.support.waiting import until


def test_group_commit_comes_at_least_every_half_second():
    assert SYNC_S + BEAT_S <= 0.5


def _record(entry, frame=None, arrays=None):
    return unpack(b"".join(bytes(part) for part in pack(entry, frame, arrays)))


def _take(writer, number):
    one = step(sequence=number, time_s=0.125 * number)
    writer.take(_record(entry_of(one, 1.0), StoredFrame.of(one.frame), arrays_of(one)))
    writer.commit()


def test_what_was_synced_is_a_session_with_every_signed_decision(tmp_path, monkeypatch):
    """A disk that loses everything but what `fsync` was called for, at the moment of the call."""
    folder, disk = tmp_path / "s", tmp_path / "disk"
    folder.mkdir()
    disk.mkdir()

    def keep(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_file():
            shutil.copy(path, disk)

    monkeypatch.setattr(disk_sync.os, "fsync", keep)
    ring = RingBuffer(RingBuffer.memory(1 << 20))
    writer = Writer(folder, ring, installation_key())
    writer.take(_record(header_of(SessionConfig(), None)))
    written = 0
    for _ in range(2):
        for number in range(written, written + 5):
            _take(writer, number)
        written += 5
        lines = written + 1
        until(lambda: writer.tend() or f'"line":{lines - 1},' in (folder / "signatures.jsonl").read_text())  # noqa: B023
    for number in range(written, written + 3):
        _take(writer, number)
    (disk / "config.toml").write_text("")
    kept = verify_folder(disk)
    assert kept.lines >= written + 1, "of what was signed nothing is lost"
    assert kept.signed_lines >= 6, "the newest signature goes to the disk with the next group"
    assert not [one for one in kept.findings if "config.toml" not in one]
    assert kept.result == "NOT GOOD" or kept.result == "incomplete"
    writer.finish()


def test_disk_that_is_too_slow_or_fails_is_a_fault(monkeypatch):
    sync, now_s = DiskSync(), [0.0]
    monkeypatch.setattr(disk_sync.time, "monotonic", lambda: now_s[0])
    now_s[0] += sync._begun_s + SYNC_S + 0.01
    assert sync.due
    waits, go = os.pipe()
    monkeypatch.setattr(disk_sync, "sync_all", lambda descriptors: os.read(waits, 1))
    sync.begin([], 7)
    assert (sync.due, sync.done()) == (False, None)
    now_s[0] += SLOWEST_S + 0.1
    with pytest.raises(OutputError, match="takes longer than 5 s"):
        sync.done()
    os.write(go, b"x")
    until(lambda: sync._running[0].done())
    assert sync.done() == 7

    def broken(descriptors):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(disk_sync, "sync_all", broken)
    sync.begin([], 8)
    until(lambda: sync._running[0].done())
    with pytest.raises(OSError, match="Input/output error"):
        sync.done()
    sync.begin([], 9)
    with pytest.raises(OSError, match="Input/output error"):
        sync.close()
    assert not sync.due
    os.close(waits)
    os.close(go)
