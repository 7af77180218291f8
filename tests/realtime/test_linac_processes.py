"""Whatever happens to the engine's process, a device that holds when it hears nothing holds in the stated time."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.support.far_ends import SerialFarEnd
from tests.support.far_ends_modbus import ModbusFarEnd
from tests.support.far_ends_openigtlink import ReceiverFarEnd
from tests.support.leases import measured
from tests.support.waiting import until

SENDER = """
import ctypes, sys, time
from gatekeeper.config import SessionConfig
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.linac.open import open_linac
config = SessionConfig.model_validate_json(sys.argv[1]).linac
linac = open_linac(config, 0.375)
for frame in range(10_000):
    linac.send(Decision(frame, 0.0, BeamState.ON, (), 0.0))
    time.sleep(0.05)
    if frame == 8:
        print("running", time.monotonic(), flush=True)
        if sys.argv[2] == "exception":
            raise SystemExit(3)
        if sys.argv[2] == "hang":
            ctypes.CDLL(None).usleep(3_000_000)  # in C, without the interpreter's lock
        if sys.argv[2] == "stall":
            ctypes.PyDLL(None).usleep(3_000_000)  # in C, with it
"""
FRESH_S = 0.375
SLACK_S = 0.25
"""What a busy machine may add; the time that was measured is printed."""
FAR_ENDS = {
    "modbus": (ModbusFarEnd, {}),
    "serial": (SerialFarEnd, {}),
    "serial without answers": (SerialFarEnd, {"acknowledge": False}),
    "openigtlink": (ReceiverFarEnd, {}),
    "openigtlink without answers": (ReceiverFarEnd, {"acknowledge": False}),
}


@contextmanager
def engine(config, how):
    command = [sys.executable, "-c", SENDER, f'{{"linac": {config.model_dump_json()}}}', how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, float(process.stdout.readline().split()[1])
        finally:
            process.kill()


HUNG = "hung while its threads run"
ENDS = {
    "killed": ("steady", signal.SIGKILL, 0.0),
    "stopped": ("steady", signal.SIGSTOP, 0.0),
    "exception": ("exception", None, 0.0),
    "interpreter stalled": ("stall", None, 0.0),
    HUNG: ("hang", None, FRESH_S),
}
ALWAYS = "serial"
"""The device on which a hung engine is tried by `make test`; on all of them a killed one is, and the rest is slow."""


def every_end():
    """Return each device with each end of the engine."""
    return [
        pytest.param(
            *device,
            *ends,
            id=f"{name}-{end}",
            marks=[] if end == "killed" or (name, end) == (ALWAYS, HUNG) else pytest.mark.slow,
        )
        for name, device in FAR_ENDS.items()
        for end, ends in ENDS.items()
    ]


@pytest.mark.parametrize(("kind", "settings", "how", "number", "limit_s"), every_end())
def test_beam_does_not_outlive_the_engine_by_more_than_the_stated_time(kind, settings, how, number, limit_s, tmp_path):
    with kind(tmp_path, **settings) as far, engine(far.config, how) as (process, since_s):
        until(lambda: far.record.beam_on)
        if number is not None:
            since_s = time.monotonic()
            process.send_signal(number)
        stated_s = max(limit_s, far.config.failure_detect_s)
        time.sleep(stated_s + SLACK_S)  # whatever the device still hears would be a beam-on that is too late
        held_s = far.record.held_at_s(far.config.failure_detect_s) - since_s
        measured(f"{far.config.kind}, {how}: held after {held_s * 1e3:.0f} ms, stated {stated_s * 1e3:.0f} ms")
        assert held_s < stated_s + SLACK_S
