"""Faults of whole processes do to a real process what they say, and undo it."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from replay.faults.processes import LARGEST_DISK, full_disk, kill, no_room, restart, stopped
from tests.support.waiting import until

WRITER = """
import sys
with open(sys.argv[1], "ab", buffering=0) as file:
    for line in sys.stdin:
        try:
            file.write(b"x" * 64)
            print(0, flush=True)
        except OSError as error:
            print(error.errno, flush=True)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that writes to a file when it is asked to, and says which error it got."""
    processes = []

    def start():
        command = [sys.executable, "-c", WRITER, str(tmp_path / "out")]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert written(process) == 0
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def ask(process):
    process.stdin.write("write\n")
    process.stdin.flush()


def answer(process):
    """Return the number of the error that the process got, 0 for none."""
    return int(process.stdout.readline())


def written(process):
    ask(process)
    return answer(process)


def is_stopped(process):
    return "State:\tT" in Path(f"/proc/{process.pid}/status").read_text()


def test_stopped_process_does_nothing_until_it_goes_on(writer, tmp_path):
    process = writer()
    with stopped(process.pid):
        until(lambda: is_stopped(process))
        ask(process)
        assert (tmp_path / "out").stat().st_size == 64
        assert is_stopped(process)
    assert answer(process) == 0
    assert (tmp_path / "out").stat().st_size == 128


def test_killed_process_is_gone_and_may_be_while_it_is_stopped(writer):
    process = writer()
    with stopped(process.pid):
        kill(process.pid)
        assert process.wait(10.0) == -9


def test_restarted_process_is_another_one_that_does_the_same(writer):
    process = writer()
    again = restart(process, writer)
    assert process.poll() == -9
    assert again.pid != process.pid
    assert written(again) == 0


def test_process_without_room_gets_errors_until_there_is_some_again(writer):
    process = writer()
    with no_room(process.pid):
        assert written(process) in (errno.EFBIG, errno.ENOSPC)
    assert written(process) == 0


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
