"""Make small sessions that tests record, verify, damage and replay."""

import os
import signal
from dataclasses import asdict, replace

import numpy as np
import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.recording.folder_files import hashed_files
from gatekeeper.recording.hash_chain import START, read_chain, seal
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.recording.signatures import sign_head
from gatekeeper.recording.signing import installation_key
from replay import run
from replay.formats.session import open_session
from replay.run import replay, replay_input
from replay.sessions.verify import verify
from tests.support.cases import breathing_case
from tests.support.processes import is_running
from tests.support.steps import frame
from tests.support.waiting import until

RING = 1 << 24
"""Size of the ring to the writer in tests, in bytes: that of a session takes longer to fill with zeros than a test."""


def quiet(*progress):
    """Take in progress and show nothing."""


def recorded(folder, case=None, config=None, material=None):
    """Replay a case into a whole session, and return its folder."""
    material = material or replay_input(breathing_case() if case is None else case)
    replay(material, config or SessionConfig(), folder, VirtualClock(), quiet)
    return folder


def small_setup(image=None):
    """Return what a session begins with whose frames are those of `tests.support.steps.frame`."""
    image = frame().image if image is None else image
    return SessionSetup("small", image, image > image.mean(), (2.0, 2.0))


def stop(pid):
    """Stop a child process, and return when it has stopped."""
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)


def killed(session):
    """Kill the writer of a session, and return when it is gone."""
    os.kill(session.writer_pid, signal.SIGKILL)
    until(lambda: not is_running(session.writer_pid))


def whole_session(folder):
    """A whole session with beam-on, holds, a NaN frame and a silence."""
    case = breathing_case(frames=20)
    frames = case.frames.astype(np.float32)
    frames[6, 3, 4] = np.nan
    times_s = case.times_s.copy()
    times_s[15:] += 1.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "overview_png", lambda seen: b"undrawn")
        material = replay_input(replace(case, frames=frames, times_s=times_s))
        material = replace(material, setup=replace(material.setup, pixel_type=np.dtype(np.uint16)))
        return recorded(folder, material=material)


def repeating_session(folder):
    """A whole session of 30 frames on which the picture of frame 1 comes back on frame 12."""
    case = breathing_case(frames=30)
    frames = case.frames.copy()
    frames[12] = frames[1]
    return recorded(folder, case=replace(case, frames=frames))


def checked(folder, head=None, trusted=None):
    opened = open_session(folder)
    try:
        return verify(opened, head, trusted=trusted)
    finally:
        opened.close()


def lines(folder):
    return (folder / "decisions.jsonl").read_bytes().splitlines(keepends=True)


def forge(folder, change, key=None):
    """Write the journal anew with other entries, hashes that fit, and signed by a key, by default the right one."""
    key = installation_key() if key is None else key
    previous, out, entries = START, b"", list(change(read_chain(b"".join(lines(folder))).entries))
    for number, entry in enumerate(entries):
        own = {"header": {"key": key.public}, "end": {"files": hashed_files(folder)}}
        line, previous = seal(entry | own.get(entry["kind"], {}), number, previous)
        out += line
    (folder / "decisions.jsonl").write_bytes(out)
    (folder / "signatures.jsonl").write_bytes(sign_head(key, len(entries) - 1, previous).as_line())


def session_numbers(session):
    """Return what the summary of a session must say at least."""
    return asdict(session.summary())
