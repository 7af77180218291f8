"""Small sessions that tests record, verify, damage and replay."""

import os
import signal

from gatekeeper.clock import VirtualClock
from gatekeeper.config import SessionConfig
from gatekeeper.recording.setup import Setup
from replay.run import material_of, replay
from tests.cases import breathing_case
from tests.steps import frame


def quiet(*progress):
    """Take in progress and show nothing."""


def recorded(folder, case=None, config=None, material=None):
    """Replay a case into a whole session, and return its folder."""
    material = material or material_of(breathing_case() if case is None else case)
    replay(material, config or SessionConfig(), folder, VirtualClock(), quiet)
    return folder


def small_setup(image=None):
    """Return what a session begins with whose frames are those of `tests.steps.frame`."""
    image = frame().image if image is None else image
    return Setup("small", image, image > image.mean(), (2.0, 2.0))


def stop(pid):
    """Stop a child process, and return when it has stopped."""
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)


def killed(session):
    """Kill the writer of a session, and return when it is gone."""
    os.kill(session.writer_pid, signal.SIGKILL)
    session._link._process.wait()
