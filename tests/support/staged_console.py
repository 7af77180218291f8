"""Serve the operator's page of a session whose state a test sets by hand, for states that a real one shows rarely."""

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from gatekeeper.config import SessionConfig
from gatekeeper.core.axes import SAGITTAL
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.display.web.access import Access
from gatekeeper.display.web.live_message import counts_for_page
from gatekeeper.display.web.message import for_page, packed
from gatekeeper.display.web.serve import listening, make_server, url_of
from gatekeeper.display.web.server import make_app
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.display.web.trace_row import COLUMNS, axes_for_page, row_of

PERIOD_S = 0.125
SHAPE = (64, 64)


def circle(radius_px):
    angle = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    return (32.0 + radius_px * np.stack([np.sin(angle), np.cos(angle)], axis=-1)).astype(np.float32)


class Stage:
    """A live session; `reasons` are those of every decision from now on, `silent` makes it say nothing."""

    def __init__(self):
        config = SessionConfig()
        self.info = replace(
            SessionInfo.of("P_001", config, "mrd 127.0.0.1:9002", "lease 127.0.0.1:7400"), orientation="sagittal"
        )
        self.reasons, self.phase, self.silent = (), "delivery", False
        self.rows, self.count = [], 0
        self.image = np.random.default_rng(1).integers(0, 900, SHAPE).astype(np.uint16)

    def hello(self):
        return {"kind": "hello", "mode": "live", "facts": self.info.as_json()}

    def decide(self):
        self.count += 1
        on, number = not self.reasons, self.count - 1
        state = BeamState.ON if on else BeamState.HOLD
        moved = (4.0 * np.sin(number / 5.0), 0.6 * np.sin(number / 5.0 + 0.4))
        outside = 9.0 if Reason.OUTSIDE in self.reasons else 0.4
        row = row_of(
            number, number, number * PERIOD_S, state, self.reasons, outside, outside, moved, 0.94 if on else 0.45
        )
        self.rows.append(row)

    async def view(self, asked):
        while self.silent:
            await asyncio.sleep(0.05)
        if asked.get("trace") is True:
            return packed({}, {"recent": np.array(self.rows, dtype=np.float64)})
        await asyncio.sleep(PERIOD_S / 4.0)
        self.decide()
        now_s = self.count * PERIOD_S
        head = {
            "phase": self.phase,
            "since_s": 0.0,
            "now_s": now_s,
            "gathered": [0.0, 0.0],
            "state": "HOLD" if self.reasons else "ON",
            "reasons": [reason.value for reason in self.reasons],
            "decided_s": now_s,
            "link": Reason.LINK_LOST not in self.reasons,
            "rate_hz": 8.0,
            **counts_for_page(SessionCounts()),
            "latency_ms": [0.4, 0.9, 2.1],
            "chain": None,
            "sequence": self.count,
            "age_s": 0.1,
            "silent": Reason.NO_FRAME in self.reasons,
            "warnings": [],
            "lines": [[now_s, "phase delivery"]],
            "axes": axes_for_page(SAGITTAL),
            "columns": COLUMNS,
            "spacing_mm": [1.5, 1.5],
        }
        arrays = {
            "recent": np.array(self.rows[-64:], dtype=np.float64),
            "image": self.image,
            "target": circle(9.0),
            "envelope": circle(12.0),
        }
        return for_page(packed(head, arrays), self.count)

    async def ask(self, _words, _operator, _login):
        return True, "done"


@contextmanager
def staged():
    """Yield a `Stage` and the address of its page."""
    stage, access, ready = Stage(), Access("127.0.0.1"), threading.Event()
    with listening("127.0.0.1", 0) as server_socket:
        server = make_server(make_app(stage, access), ready.set)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([server_socket])), name="server")
        thread.start()
        try:
            assert ready.wait(20.0)
            yield stage, url_of(access, server_socket.getsockname()[1])
        finally:
            stage.silent = False
            server.should_exit = True
            thread.join()
