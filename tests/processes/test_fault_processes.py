"""Faults of whole processes do to a real process what they say, and undo it."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from replay.faults.processes import LARGEST_DISK, full_disk, kill, no_room, restart, stopped
from tests.support.waiting import until

WRITER = """
import sys, time
path = sys.argv[1]
with open(path, "ab", buffering=0) as file:
    while True:
        try:
            file.write(b"x" * 64)
        except OSError as error:
            print(error.errno, flush=True)
        time.sleep(0.005)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that writes to a file all the time, and says which error it got."""
    processes = []

    def start():
        processes.append(
            subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True)
        )
        until(lambda: size(tmp_path) > 0)
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def size(tmp_path):
    path = tmp_path / "out"
    return path.stat().st_size if path.exists() else 0


def grows(tmp_path):
    before = size(tmp_path)
    time.sleep(0.1)
    return size(tmp_path) > before


def test_stopped_process_does_nothing_until_it_goes_on(writer, tmp_path):
    process = writer()
    with stopped(process.pid):
        time.sleep(0.05)
        assert not grows(tmp_path)
    until(lambda: grows(tmp_path))


def test_killed_process_is_gone_and_may_be_while_it_is_stopped(writer):
    process = writer()
    with stopped(process.pid):
        kill(process.pid)
        assert process.wait(10.0) == -9


def test_restarted_process_is_another_one_that_does_the_same(writer, tmp_path):
    process = writer()
    again = restart(process, writer)
    assert process.poll() == -9
    assert again.pid != process.pid
    until(lambda: grows(tmp_path))


def test_process_without_room_gets_errors_until_there_is_some_again(writer, tmp_path):
    process = writer()
    with no_room(process.pid):
        assert int(process.stdout.readline()) in (27, 28)
        assert not grows(tmp_path)
    until(lambda: grows(tmp_path))


def test_large_disk_is_not_filled(tmp_path):
    if shutil.disk_usage(tmp_path).total <= LARGEST_DISK:
        pytest.skip("the temporary folder is on a disk that is small enough to be filled")
    with pytest.raises(ValueError, match="is on a disk of"), full_disk(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_full_disk_takes_nothing_and_everything_is_as_before_afterwards(tmp_path):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", tmp_path], check=False).returncode != 0:  # noqa: S607
        pytest.skip("mounting a small disk needs root")
    try:
        with full_disk(tmp_path), pytest.raises(OSError, match="No space left"):
            (tmp_path / "file").write_bytes(b"x" * os.sysconf("SC_PAGESIZE"))
        assert (tmp_path / "file").write_bytes(b"x" * 8192) == 8192
        assert [path.name for path in tmp_path.iterdir()] == ["file"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)  # noqa: S607
