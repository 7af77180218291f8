"""What several rooms of the tests share."""

import gc
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatekeeper.recording.writer_client import WriterClient
from replay import run
from tests.support import several_structures
from tests.support.browser import chromium
from tests.support.made_once import made_once, state_of
from tests.support.sessions import RING, recorded, whole_session

CINE = Path(__file__).resolve().parents[2] / "shared" / "cine"


def pytest_configure(config):
    """Sign with a key of the tests, not with the developer's; workers inherit it."""
    if not hasattr(config, "workerinput"):
        os.environ["XDG_CONFIG_HOME"] = config.keys_of_tests = tempfile.mkdtemp(prefix="gatekeeper-keys-")


def pytest_unconfigure(config):
    """Remove that key."""
    if hasattr(config, "keys_of_tests"):
        shutil.rmtree(config.keys_of_tests, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def light_sessions():
    """Begin sessions without what costs more than the whole session of a test.

    A full collection walks through all that pytest holds: only young objects are collected. The ring to the writer,
    which is filled with zeros, is smaller than a session's.
    """
    quick = SimpleNamespace(**{**vars(gc), "collect": partial(gc.collect, 1)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gatekeeper.runtime.realtime.gc", quick)
        patch.setattr("gatekeeper.recording.session_folder.WriterClient", partial(WriterClient, capacity=RING))
        yield


@pytest.fixture(scope="session")
def cine() -> Path:
    """The folder of real cine-MR sequences that lies beside the project; they are not ours to ship."""
    if not CINE.is_dir():
        pytest.skip("real cine-MR sequences are absent: they are expected in ../shared/cine")
    return CINE


@pytest.fixture(scope="module")
def browser():
    """Return Chromium, started once for each module."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out the picture of a session, which takes longer than the session itself."""
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


@pytest.fixture(scope="session")
def breathing_session(tmp_path_factory):
    """Return the folder of a session of 24 frames of breathing, without its picture; tests only read it."""
    yield from _read_only(tmp_path_factory, "breathing-session", recorded)


@pytest.fixture(scope="session")
def eventful_session(tmp_path_factory):
    """Return the folder of a session with beam-on, holds, a NaN frame and a silence; tests only read it."""
    yield from _read_only(tmp_path_factory, "eventful-session", whole_session)


@pytest.fixture(scope="session")
def several_session(tmp_path_factory):
    """Return the folder of a session of two targets and an organ at risk, with a preview; tests only read it."""
    yield from _read_only(tmp_path_factory, "several-session", several_structures.several_session)


def _read_only(tmp_path_factory, name, make):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "overview_png", lambda seen: b"undrawn")
        folder = made_once(tmp_path_factory, name, make)
    before = state_of(folder)
    yield folder
    assert state_of(folder) == before, "a test has written into a session that others read"
