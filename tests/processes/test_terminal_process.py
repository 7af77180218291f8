"""The display in its own process: it draws what it is sent, and nothing that happens to it reaches who sends."""

import os
import select
import signal
import time
from contextlib import closing, contextmanager

import pytest

from gatekeeper.config import SessionConfig, with_limits
from gatekeeper.core.clock import PacedClock
from gatekeeper.display.terminal.process import LEAVE, Display
from gatekeeper.display.terminal.publisher import TerminalPublisher
from gatekeeper.display.terminal.snapshot import LogLine, SessionInfo, Snapshot
from gatekeeper.session.arming import arm
from gatekeeper.session.contouring.state import ContouringStatus
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import SessionStatus
from replay.run import replay_input
from tests.support.cases import breathing_case
from tests.support.leases import measured
from tests.support.snapshots import BEAM_ON, FACTS, HELD_NOW
from tests.support.steps import step
from tests.support.waiting import until


class Screen:
    """The other end of a terminal or a pipe, and everything that was written to it."""

    def __init__(self, far, near):
        self.far, self.near, self.seen = far, near, b""

    def read(self):
        while select.select([self.far], [], [], 0.0)[0]:
            try:
                data = os.read(self.far, 65536)
            except OSError:
                return self.seen
            if not data:
                return self.seen
            self.seen += data
        return self.seen


@contextmanager
def screen(ends):
    one = Screen(*ends)
    try:
        yield one
    finally:
        for end in (one.far, one.near):
            os.close(end)


@pytest.fixture
def tty():
    with screen(os.openpty()) as one:
        yield one


@pytest.fixture
def pipe():
    with screen(os.pipe()) as one:
        yield one


def test_it_draws_on_a_terminal_and_leaves_it_as_it_was(tty):
    with closing(Display(tty.near)) as display:
        display.send(FACTS)
        display.send(BEAM_ON)
        until(lambda: b"BEAM ENABLED" in tty.read())
        display.send(HELD_NOW)
        display.typing("rele")
        until(lambda: b"HOLD" in tty.read() and b"rele" in tty.read())
        assert display.missed == 0
    assert b"\x1b[?1049l" in tty.read()
    assert b"\x1b[?25h" in tty.read()


def test_it_says_so_when_nothing_is_heard(tty):
    with closing(Display(tty.near)) as display:
        display.send(BEAM_ON)
        until(lambda: b"BEAM ENABLED" in tty.read())
        until(lambda: b"BEAM STATE UNKNOWN" in tty.read())


def test_it_writes_lines_where_there_is_no_terminal(pipe):
    with closing(Display(pipe.near)) as display:
        display.send(BEAM_ON)
        display.send(LogLine(3.0, "done: arm by Anna"))
        until(lambda: pipe.read().count(b"\n") == 2)
    lines = pipe.seen.decode().splitlines()
    assert lines[0].startswith("1:02:03  delivery  ON    -")
    assert lines[1] == "0:00:03  done: arm by Anna"


def test_the_last_message_is_shown_before_it_ends(pipe):
    with closing(Display(pipe.near)) as display:
        display.send(LogLine(3.0, "the last"))
    assert b"the last" in pipe.read()


def test_blocked_terminal_delays_nothing(pipe):
    with closing(Display(pipe.near)) as display:
        display.send(BEAM_ON)
        until(lambda: pipe.read())
        longest_s = 0.0
        for k in range(20_000):
            began_s = time.perf_counter()
            display.send(LogLine(float(k), "x" * 200))
            longest_s = max(longest_s, time.perf_counter() - began_s)
        measured(f"20,000 lines to a display that is stuck: {display.missed} missed, longest {1e3 * longest_s:.2f} ms")
        assert display.missed > 0


def test_a_display_that_is_killed_is_missed_and_the_terminal_given_back(tty):
    with closing(Display(tty.near)) as display:
        display.send(BEAM_ON)
        until(lambda: b"BEAM ENABLED" in tty.read())
        os.kill(display.pid, signal.SIGKILL)
        until(lambda: display.send(HELD_NOW) or display.missed > 0)
    assert tty.read().endswith(LEAVE)


def test_ctrl_c_is_for_the_session_alone(tty):
    with closing(Display(tty.near)) as display:
        display.send(BEAM_ON)
        until(lambda: b"BEAM ENABLED" in tty.read())
        os.kill(display.pid, signal.SIGINT)
        display.send(HELD_NOW)
        until(lambda: b"HOLD" in tty.read())


class Watched(SessionStatus):
    """A status that counts how often it was looked at."""

    looks, _begun = 0, None

    @property
    def begun(self):
        self.looks += 1
        return self._begun

    @begun.setter
    def begun(self, value):
        self._begun = value

    def looked_at_again(self):
        """Wait until it was looked at twice more, once of them from the beginning."""
        before = self.looks
        until(lambda: self.looks > before + 2)


def test_the_pump_sends_what_is_new_and_no_more():
    status, sent = Watched(), []
    status.not_kept = lambda: 7
    status.add_line(0.0, "first")
    with TerminalPublisher(status, PacedClock(), sent.append, FACTS) as pump:
        until(lambda: len(sent) == 3)
        status.looked_at_again()
        assert [type(message).__name__ for message in sent] == ["SessionInfo", "LogLine", "Snapshot"]
        status.enter(Phase.DELIVERY, 1.0)
        status.update(step(time_s=1.0), 0.5, link_alive=True)
        until(lambda: isinstance(sent[-1], Snapshot) and sent[-1].state == "ON")
        assert pump.snapshot.dropped == 7
        status.add_line(1.0, "last")
    assert [message.line for message in sent if isinstance(message, LogLine)] == ["first", "last"]


def test_the_pump_tells_the_margin_that_the_session_began_with():
    status, sent = Watched(), []
    material = replay_input(breathing_case(frames=2))
    armed = arm(material.setup, with_limits(SessionConfig(), 3.5, None, "test"))
    status.enter(Phase.DRAWING, 0.0)
    status.show_contouring(ContouringStatus(None, False, False), 0.0)
    with TerminalPublisher(status, PacedClock(), sent.append, FACTS) as pump:
        until(lambda: len(sent) == 2)
        assert (pump.snapshot.phase, pump.snapshot.gathered) == ("drawing", "(on the console's page)")
        status.begin(material.setup, armed)
        until(lambda: len(sent) == 3)
        status.looked_at_again()
    assert [one.margin_mm for one in sent if isinstance(one, SessionInfo)] == [5.0, 3.5]
    assert sent[-1] == FACTS._replace(margin_mm=3.5)
