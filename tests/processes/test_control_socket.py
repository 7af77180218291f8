"""The control socket: closed to other users, and a client that hangs, floods or sends nonsense delays nothing."""

import json
import os
import select
import socket
import stat
from contextlib import suppress

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.command import Action
from gatekeeper.core.errors import InputError
from gatekeeper.core.login import login_name
from gatekeeper.operator import control_socket
from gatekeeper.operator.client import send_request
from gatekeeper.operator.control_socket import Control
from gatekeeper.operator.request_queue import CLOSED, RequestQueue
from gatekeeper.operator.socket_path import NAME, connect
from tests.support.leases import measured
from tests.support.request_queues import looping
from tests.support.waiting import until


@pytest.fixture
def place(tmp_path):
    return tmp_path / NAME


TYPED = f"Anna (typed; login {login_name()})"
"""How a name that was given to the socket is known."""


def line(*words, operator="Anna"):
    return json.dumps({"command": list(words), "operator": operator}).encode() + b"\n"


def answers(link, count=1):
    """Return so many answers that a connection gives."""
    link.settimeout(10.0)
    with link.makefile("rb") as lines:
        return [json.loads(lines.readline()) for _ in range(count)]


def closed(link):
    """Return True when the other end has hung up."""
    link.settimeout(0.0)
    try:
        while data := link.recv(65536):
            assert data
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def hung_up(link):
    """Return True when the other end has hung up, whatever waits to be read."""
    poll = select.poll()
    poll.register(link, select.POLLRDHUP)
    return bool(poll.poll(0))


def test_a_command_is_done_and_answered(place):
    with looping() as loop, Control(place, loop.requests):
        assert send_request(place, ["arm"], "Anna") == {"accepted": True, "note": f"arm by {TYPED}"}
        assert send_request(place.parent, ["rebase", "9", "0"], "Ben")["accepted"] is False
        assert [(done.action, done.operator) for done in loop.done] == [
            ("arm", TYPED),
            ("rebase", TYPED.replace("Anna", "Ben")),
        ]


def test_the_status_is_told(place):
    with looping() as loop, Control(place, loop.requests, lambda: {"state": "HOLD"}):
        assert send_request(place, ["status"], "Anna")["status"] == {"state": "HOLD"}


def test_other_users_cannot_open_it_from_its_creation_on(place, monkeypatch):
    seen = []
    bind = socket.socket.bind

    class Watched(socket.socket):
        def bind(self, name):
            bind(self, name)
            seen.append(stat.S_IMODE(os.lstat(place).st_mode))

    monkeypatch.setattr(socket, "socket", Watched)
    before = os.umask(0)
    try:
        with Control(place, RequestQueue(VirtualClock())):
            assert seen == [0o600]
            assert stat.S_IMODE(place.lstat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_another_user_is_not_heard(place, monkeypatch):
    with looping() as loop, Control(place, loop.requests):
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        user_of = control_socket._user_of
        monkeypatch.setattr(control_socket, "_user_of", lambda link: user_of(Pretending(link, 23456)))
        with pytest.raises(InputError, match="no session answers there"):
            send_request(place, ["arm"], "Anna")
        monkeypatch.setattr(control_socket, "_user_of", lambda _: 12345)
        send_request(place, ["hold"], "Anna")
        assert loop.actions == ["hold"]


class Pretending:
    """A connection from another user."""

    def __init__(self, link, user):
        self.link, self.user = link, user

    def getsockopt(self, *asked):
        number, _, group = control_socket.CREDENTIALS.unpack(self.link.getsockopt(*asked))
        return control_socket.CREDENTIALS.pack(number, self.user, group)


def test_a_socket_that_was_left_behind_is_taken_over(place):
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(place))
    left.close()
    with looping() as loop, Control(place, loop.requests):
        assert send_request(place, ["hold"], "Anna")["accepted"]


def test_another_session_and_other_files_are_left_alone(place):
    with looping() as loop, Control(place, loop.requests):
        with pytest.raises(InputError, match="another session listens there"):
            Control(place, loop.requests)
        assert send_request(place, ["hold"], "Anna")["accepted"]
    place.write_text("mine")
    with pytest.raises(InputError, match="not a socket"):
        Control(place, loop.requests)
    assert place.read_text() == "mine"


def test_a_folder_that_is_not_there_is_said_in_one_line(tmp_path):
    with pytest.raises(InputError, match="no control socket can be made"):
        Control(tmp_path / "none" / NAME, RequestQueue(VirtualClock()))


def test_it_is_gone_afterwards_unless_it_is_another_one(place):
    control = Control(place, RequestQueue(VirtualClock()))
    control.close()
    control.close()
    assert not place.exists()
    control = Control(place, RequestQueue(VirtualClock()))
    place.unlink()
    place.write_text("mine")
    control.close()
    assert place.read_text() == "mine"


def test_a_path_may_be_longer_than_the_name_of_a_socket(tmp_path):
    folder = tmp_path / ("a" * 120) / ("b" * 120)
    folder.mkdir(parents=True)
    with looping() as loop, Control(folder / NAME, loop.requests):
        assert send_request(folder, ["hold"], "Anna")["accepted"]


def test_missing_session_is_reported_in_one_line(tmp_path):
    with pytest.raises(InputError, match=r"no session answers there .*; name the folder of one that runs"):
        send_request(tmp_path, ["hold"], "Anna")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\n",
        b"hold\n",
        b"{}\n",
        b"[]\n",
        b"\xff\xfe\n",
        b'{"command": "hold", "operator": "Anna"}\n',
        b'{"command": ["release"]}\n',
        b'{"command": ["release"], "operator": ""}\n',
        b'{"command": ["hold"], "operator": 7}\n',
        b'{"command": [7], "operator": "Anna"}\n',
        b'{"command": ["hold"], "operator": "Anna", "more": 1}\n',
        b'{"command": ["rebase", "1e999", "0"], "operator": "Anna"}\n',
        b'{"command": [], "operator": "Anna"}\n',
        b"[" * 4000 + b"\n",
    ],
)
def test_nonsense_is_refused_and_the_next_line_counts(place, nonsense):
    with looping() as loop, Control(place, loop.requests), connect(place) as link:
        link.sendall(nonsense)
        refused = answers(link)[0]
        assert refused["accepted"] is False
        assert "\n" not in refused["note"]
        link.sendall(line("hold"))
        assert answers(link)[0]["accepted"]
        assert loop.actions == ["hold"]


@pytest.mark.parametrize("asked", [b'{"command": ["hold"]}\n', b'{"command": ["hold", "!"], "operator": ""}\n'])
def test_a_hold_needs_no_name(place, asked):
    with looping() as loop, Control(place, loop.requests), connect(place) as link:
        link.sendall(asked)
        assert answers(link)[0] == {"accepted": True, "note": f"hold by {login_name()}"}
        assert loop.gate.state.operator_hold


def test_several_lines_are_answered_in_order(place):
    with looping() as loop, Control(place, loop.requests), connect(place) as link:
        link.sendall(line("arm") + line("hold") + line("release") + line("fire"))
        link.shutdown(socket.SHUT_WR)
        assert [answer["accepted"] for answer in answers(link, 4)] == [True, True, True, False]
        assert loop.actions == ["arm", "hold", "release"]
        until(lambda: closed(link))


def test_a_line_that_does_not_end_ends_the_connection(place, monkeypatch):
    monkeypatch.setattr(control_socket, "DEADLINE_S", 60.0)
    with looping() as loop, Control(place, loop.requests), connect(place) as link:
        with suppress(OSError):
            for _ in range(100):
                link.sendall(b"x" * 1000)
        until(lambda: closed(link))
        assert send_request(place, ["hold"], "Anna")["accepted"]


def test_silent_client_is_disconnected_after_the_deadline(place, monkeypatch):
    monkeypatch.setattr(control_socket, "DEADLINE_S", 0.3)
    with looping() as loop, Control(place, loop.requests), connect(place) as mute, connect(place) as slow:
        slow.sendall(line("arm").rstrip())

        def let_go():
            with suppress(OSError):
                slow.send(b" ")
            return closed(mute) and closed(slow)

        until(let_go)
        assert loop.actions == []


def test_many_silent_clients_keep_no_other_out(place, monkeypatch):
    monkeypatch.setattr(control_socket, "DEADLINE_S", 60.0)
    with looping() as loop, Control(place, loop.requests):
        crowd = [connect(place) for _ in range(60)]
        try:
            assert send_request(place, ["hold"], "Anna")["accepted"]
            until(lambda: sum(not hung_up(link) for link in crowd) <= control_socket.MOST_CLIENTS)
        finally:
            for link in crowd:
                link.close()


def test_unread_answers_are_limited(place, monkeypatch):
    monkeypatch.setattr(control_socket, "PACE_S", 0.0)
    monkeypatch.setattr(control_socket, "DEADLINE_S", 60.0)
    with (
        looping() as loop,
        Control(place, loop.requests, lambda: {"much": "x" * 60_000}),
        connect(place) as link,
    ):
        link.settimeout(0.05)

        def let_go():
            with suppress(OSError):
                link.sendall(line("status"))
            return hung_up(link)

        until(let_go)


def test_a_loop_that_does_not_answer_is_said_and_the_wish_withdrawn(place, monkeypatch):
    monkeypatch.setattr(control_socket, "ANSWER_S", 0.2)
    requests = RequestQueue(VirtualClock())
    with Control(place, requests):
        assert "withdrawn" in send_request(place, ["arm"], "Anna")["note"]
        assert requests.next_command() is None
        assert "as soon as the loop continues" in send_request(place, ["hold"], "Anna")["note"]
        assert requests.next_command().action is Action.HOLD


def test_who_still_waits_at_the_end_is_told(place, monkeypatch):
    requests, asked = RequestQueue(VirtualClock()), []
    submit = requests.submit
    monkeypatch.setattr(requests, "submit", lambda request: (submit(request), asked.append(request))[0])
    with Control(place, requests) as control, connect(place) as link:
        link.sendall(line("arm"))
        until(lambda: asked)
        requests.close()
        control.close()
        assert answers(link)[0] == {"accepted": False, "note": CLOSED}


def test_a_flood_does_not_delay_the_loop(place):
    with looping() as loop, Control(place, loop.requests, lambda: {"state": "HOLD"}):
        flooders = []

        def flooded():
            with suppress(OSError, InputError):
                link = connect(place, 0.2)
                link.setblocking(False)
                flooders.append(link)
                link.send(line("status") * 20 + b"x" * 20_000)
            while len(flooders) > 20:
                flooders.pop(0).close()
            return len(loop.passes_s) > 50

        until(flooded)
        for link in flooders:
            link.close()
        passes = len(loop.passes_s)
        p99_ms = 1e3 * sorted(loop.passes_s)[int(0.99 * passes)]
        measured(f"a flood of the control socket: 99 % of {passes} passes of the loop within {p99_ms:.2f} ms")
        assert send_request(place, ["hold"], "Anna")["accepted"]
