"""A power cut costs at most what was decided in the last second.

The file system is cut off as by a power failure: the kernel drops everything that it has not written yet, and the file
system is mounted again. This needs root and a loop device.
"""

import fcntl
import os
import shutil
import struct
import subprocess
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.decision import Reason
from gatekeeper.recording.session_folder import SessionRecorder
from replay.sessions.verify import verify_folder
from tests.support.sessions import small_setup
from tests.support.steps import HOLD, frame, step
from tests.support.waiting import until

EXT4_SHUTDOWN = 2 << 30 | 4 << 16 | ord("X") << 8 | 125
WITHOUT_LOG = struct.pack("I", 2)
COST_S = 1.0
"""Half a second between two group commits, and as long for the disk."""


def _run(*words):
    subprocess.run([*map(str, words)], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path):
    """Yield a mounted file system and a function that cuts it off and mounts it again."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("mkfs.ext4", "mount", "umount"))):
        pytest.skip("cutting off a file system needs root, mount and mkfs.ext4")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    _run("mkfs.ext4", "-q", image)
    try:
        _run("mount", "-o", "loop", image, place)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"loop devices cannot be mounted here: {error.stderr.decode().strip()}")

    def cut():
        root = os.open(place, os.O_RDONLY)
        fcntl.ioctl(root, EXT4_SHUTDOWN, WITHOUT_LOG)
        os.close(root)

    def again():
        _run("umount", place)
        _run("mount", "-o", "loop", image, place)

    yield place, cut, again
    with suppress(subprocess.CalledProcessError):
        _run("umount", place)


@pytest.mark.slow
def test_power_cut_costs_at_most_a_second(disk):
    place, cut, again = disk
    handed_s = []
    with SessionRecorder(place / "s", SessionConfig(), small_setup()) as session:
        began_s = time.monotonic()
        while time.monotonic() - began_s < 3.0:
            number = len(handed_s)
            one = step(HOLD, Reason.RESUMING, sequence=number, time_s=0.125 * number)
            session.record(replace(one, frame=frame(number)), 1.0)
            handed_s.append(time.monotonic())
            time.sleep(0.125)
        cut_s = time.monotonic()
        cut()
        session.record(step(sequence=len(handed_s)), 1.0)
        until(lambda: session.fault is not None)
    again()
    found = verify_folder(place / "s")
    due = sum(one_s < cut_s - COST_S for one_s in handed_s)
    assert due >= 10
    assert due <= found.frames <= len(handed_s)
    assert found.signed_lines >= 5
    # The frames are noise, on which nothing can be tracked again.
    assert not [one for one in found.findings if not one.startswith("target: ")]
    assert {one.split(":")[0] for one in found.missing} >= {"summary.json", "decisions.jsonl"}
    assert (place / "s" / "config.toml").stat().st_size > 0
