"""What programs of others see on the linac's wire: mbpoll beside a Modbus port."""

import re
import shutil
import subprocess
from contextlib import closing

import pytest

from gatekeeper.linac.open import open_linac
from tests.support.far_ends_modbus import ModbusFarEnd
from tests.support.steps import HOLD, ON, decision
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def polled(far, *what):
    """Return the value that mbpoll reads once; its addresses count from 0 with -0."""
    place = ["-m", "tcp", "-p", str(far.config.port), "-a", str(far.config.unit), "-0", "-1", "-q"]
    ran = subprocess.run(
        [shutil.which("mbpoll"), *place, *what, "127.0.0.1"], capture_output=True, text=True, timeout=30
    )
    assert ran.returncode == 0, ran.stderr
    [value] = re.findall(r"^\[\d+\]:\s+(\d+)", ran.stdout, flags=re.MULTILINE)
    return int(value)


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed: it looks at the server beside us")
def test_mbpoll_sees_the_coil_follow_the_decisions_and_the_heartbeat_count():
    with ModbusFarEnd(retry_ms=20, fresh_ms=10_000) as far:

        def coil():
            return polled(far, "-t", "0", "-r", str(far.config.coil))

        def heartbeat():
            return polled(far, "-t", "4", "-r", str(far.config.heartbeat_register))

        with closing(open_linac(far.config, 10.0)) as linac:
            until(lambda: linac.alive)
            assert coil() == 0
            first = heartbeat()
            linac.send(decision(ON))
            until(lambda: far.record.beam_on)
            assert coil() == 1
            assert heartbeat() > first
            linac.send(decision(HOLD))
            until(lambda: not far.record.beam_on)
            assert coil() == 0
            linac.send(decision(ON))
            until(lambda: far.record.beam_on)
        assert coil() == 0
        assert heartbeat() == heartbeat(), "it stands still"
