"""The terminal as a door, on a pseudo-terminal: what is typed is done, and a terminal that is gone ends the session."""

import os
import signal
import termios
import threading
from contextlib import contextmanager

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.operator import terminal as terminal_module
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.operator.signals import ends_on_signals
from gatekeeper.operator.terminal import GONE, Terminal, help_lines
from tests.support.gates import gate_on
from tests.support.request_queues import looping, obeyed
from tests.support.waiting import until


class Keyboard:
    """The other end of a terminal or a pipe, and what was said and shown."""

    def __init__(self, far, near):
        self.far, self.near, self.said, self.shown = far, near, [], []

    def type(self, keys):
        os.write(self.far, keys)

    def hang_up(self):
        os.close(self.far)
        self.far = None

    def terminal(self, requests, *, live=True):
        return Terminal(requests, "Anna", self.said.append, self.shown.append if live else None, self.near)

    def modes(self):
        return termios.tcgetattr(self.near)


@contextmanager
def keyboard(ends):
    keys = Keyboard(*ends)
    try:
        yield keys
    finally:
        if keys.far is not None:
            os.close(keys.far)
        os.close(keys.near)


@pytest.fixture
def tty():
    with keyboard(os.openpty()) as keys:
        yield keys


@pytest.fixture
def pipe():
    with keyboard(reversed(os.pipe())) as keys:
        yield keys


@pytest.mark.parametrize("live", [True, False])
def test_what_is_typed_is_done_and_answered(tty, live):
    with looping() as loop, tty.terminal(loop.requests, live=live):
        tty.type(b"arm\r")
        until(lambda: tty.said == ["done: arm by Anna"])
        tty.type(b"rebase 9 0\n")
        until(lambda: len(tty.said) == 2)
        assert tty.said[1].startswith("refused: rebase by Anna: not moved")
        tty.type(b"fire\n")
        until(lambda: len(tty.said) == 3)
        assert tty.said[2].startswith("refused: 'fire' is not a command")
        assert loop.actions == ["arm", "rebase"]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("keys", [b" ", b"\x1b", b"rebase 2\x1b"])
def test_space_and_escape_hold_without_a_word(tty, keys, live):
    with looping() as loop, tty.terminal(loop.requests, live=live):
        tty.type(keys if live else keys + b"\n")
        until(lambda: loop.actions == ["hold"])
        until(lambda: "done: hold by Anna" in tty.said)
        assert loop.gate.state.operator_hold


def test_help_is_given(tty):
    with looping() as loop, tty.terminal(loop.requests):
        tty.type(b"help\r")
        until(lambda: tuple(tty.said) == help_lines())
        tty.type(b"patient\r")
        until(lambda: tty.said[-1] == "there is no patient's page; start the session with --console")
        assert loop.actions == []


def test_keys_are_shown_as_they_are_typed_and_the_terminal_does_not_echo(tty):
    with looping() as loop, tty.terminal(loop.requests):
        assert not tty.modes()[3] & (termios.ECHO | termios.ICANON)
        assert tty.modes()[3] & termios.ISIG
        for keys, shown in ((b"h", "h"), (b"ox", "hox"), (b"\x7f", "ho"), (b"ld\r", "")):
            tty.type(keys)
            until(lambda shown=shown: tty.shown[-1:] == [shown])
        until(lambda: loop.actions == ["hold"])


def test_the_terminal_is_left_as_it_was(tty):
    before = tty.modes()
    with looping() as loop, tty.terminal(loop.requests):
        assert tty.modes() != before
    assert tty.modes() == before


def test_without_a_live_view_the_terminal_echoes_by_itself(tty):
    with looping() as loop, tty.terminal(loop.requests, live=False):
        assert tty.modes()[3] & termios.ECHO


def test_a_terminal_that_is_gone_holds_the_beam_and_ends_the_session(tty):
    judge = gate_on()
    with looping(judge=judge) as loop, tty.terminal(loop.requests):
        tty.hang_up()
        until(lambda: loop.requests.ending is not None)
        assert loop.requests.ending.operator == GONE
        assert loop.actions == ["hold"]
        assert judge.state.beam == "HOLD"


@pytest.mark.parametrize("live", [True, False])
def test_a_terminal_that_is_gone_before_it_is_listened_to_ends_the_session_too(tty, live):
    tty.hang_up()
    with looping() as loop, tty.terminal(loop.requests, live=live):
        until(lambda: loop.requests.ending is not None)
        assert loop.requests.ending.operator == GONE


def test_a_terminal_that_goes_before_its_thread_runs_ends_the_session_too(tty, monkeypatch):
    """As on a busy machine."""
    start = threading.Thread.start

    def late(thread):
        if thread.name == "terminal":
            tty.hang_up()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", late)
    with looping() as loop, tty.terminal(loop.requests):
        until(lambda: loop.requests.ending is not None)


def test_a_terminal_in_the_background_is_left_alone(tty, monkeypatch):
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: os.getpgrp() + 1)
    with looping() as loop, tty.terminal(loop.requests):
        tty.type(b"arm\n")
        assert tty.said == ["no commands are read from this terminal, which belongs to another program now"]
        assert tty.modes()[3] & termios.ECHO
    assert loop.actions == []


def test_the_end_of_a_pipe_is_no_reason_to_end(pipe):
    with looping() as loop, pipe.terminal(loop.requests):
        pipe.type(b"arm\nhold")
        pipe.hang_up()
        until(lambda: loop.actions == ["arm", "hold"])
        assert loop.requests.ending is None


def test_a_file_is_read_to_its_end(tmp_path):
    (tmp_path / "commands").write_bytes(b"arm\nhold by Ben\n")
    with (tmp_path / "commands").open("rb") as lines, looping() as loop:
        said = []
        with Terminal(loop.requests, "Anna", said.append, None, lines.fileno()):
            until(lambda: said == ["done: arm by Anna", "done: hold by Ben (typed; login Anna)"])


def test_terminal_closes_while_a_request_waits_for_its_answer(tty, monkeypatch):
    monkeypatch.setattr(terminal_module, "ANSWER_S", 0.1)
    requests = RequestQueue(VirtualClock())
    with tty.terminal(requests):
        tty.type(b"arm\r")
        until(lambda: tty.said)
    assert "withdrawn" in tty.said[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_holds_the_beam_and_ends_the_session(number):
    before, requests, judge = signal.getsignal(number), RequestQueue(VirtualClock()), gate_on()
    with ends_on_signals(requests):
        os.kill(os.getpid(), number)
        (command,) = obeyed(requests, judge)
    assert command.action == "hold"
    assert judge.state.beam == "HOLD"
    assert requests.ending.operator == signal.Signals(number).name
    assert signal.getsignal(number) == before


def test_a_second_interrupt_interrupts():
    requests = RequestQueue(VirtualClock())
    with ends_on_signals(requests):
        signal.raise_signal(signal.SIGINT)
        requests.next_command()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
