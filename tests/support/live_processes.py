"""Run `gatekeeper run` as a process with frames sent over the loopback."""

import threading
from contextlib import closing, contextmanager

import tomli_w

from benchmarks.session_matrix.parts import Process
from gatekeeper.core.clock import PacedClock
from replay.feed.mrd_feeder import MrdFeeder
from replay.feed.play import play
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.far_ends import InterlockFarEnd
from tests.support.waiting import until


class Run(Process):
    """The process of a session that is written to a folder."""

    def __init__(self, folder, linac=None, options=(), **tables):
        values = {
            "source": {"kind": "mrd", "port": 0, "frames_per_s": 8.0},
            "target": {"kind": "trackrad", "case": "case"},
            "preview": {"seconds": 0.0},
            # A busy machine delays frames by more than a fifth of their period.
            "loop": {"silence_periods": 2.0},
            **({} if linac is None else {"linac": linac.model_dump(exclude_none=True)}),
            **tables,
        }
        (folder / "live.toml").write_text(tomli_w.dumps(values))
        super().__init__("run", folder / "live.toml", "--out", folder / "session", *options)

    def port(self):
        return int(self.wait_for(r"source \w+ [^ ]+:(\d+),")[1])


@contextmanager
def running(folder, case, *options, **how):
    """Run a session with a case's target."""
    write_case(case, folder / "case")
    with Run(folder, options=options, **how) as run:
        yield run


@contextmanager
def delivering(folder, frames=200):
    """Run a session that leases the beam, until it is on; yield its process and the interlock."""
    case = breathing_case(frames=frames, amplitude_px=0.0, rate_hz=8.0)
    with (
        InterlockFarEnd(folder) as far,
        running(folder, case, "--arm", "kim", linac=far.config) as run,
        fed(case, run.port()),
    ):
        run.wait_for("delivery +ON")
        until(lambda: far.record.beam_on, 10.0)
        yield run, far


@contextmanager
def fed(case, port):
    """Play a case into the source at a port, on a thread, until it is over or the source is gone."""
    stop = threading.Event()

    def progress(_sent, _total):
        if stop.is_set():
            raise InterruptedError

    def feed():
        try:
            with closing(MrdFeeder("127.0.0.1", port)) as feeder:
                play(case, feeder, PacedClock(1.0), progress)
        except Exception:
            return

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(10.0)
