"""The console's process: whatever becomes of it, or of a browser, the session goes on and others are served."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import numpy as np
import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.errors import InputError
from gatekeeper.core.login import login_name
from gatekeeper.display.web.message import parts_of, unpacked
from gatekeeper.display.web.process import CAPACITY, Address, Console
from gatekeeper.display.web.serve import MOST_CONNECTIONS
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.runtime.process import NICENESS
from tests.support import live_processes
from tests.support.cases import breathing_case
from tests.support.consoles import running, views
from tests.support.live_sessions import journal
from tests.support.processes import is_running
from tests.support.waiting import until

TYPED = f"Anna (typed; login {login_name()})"
FACTS = SessionInfo.of("P_001", SessionConfig(), "a recording", "nowhere")


@pytest.fixture
def console():
    with closing(Console(Address(), FACTS)) as opened:
        yield opened


def newest(link, after=-1, **asked):
    link.send(json.dumps({"after": after, **asked}))
    answer = link.recv(timeout=10.0)
    return unpacked(answer)[0] if isinstance(answer, bytes) else json.loads(answer)


def test_only_the_newest_view_is_sent_and_none_twice(console):
    with views(console.url) as link:
        for number in range(5):
            console.show(parts_of({"number": number}, {}))
        view = newest(link)
        assert view["number"] == 4
        assert newest(link, view["count"]) == {"kind": "silent"}
        console.show(parts_of({"number": 5}, {}))
        assert newest(link, view["count"])["number"] == 5


def test_what_is_too_large_is_not_shown(console):
    assert not console.show([bytes(CAPACITY + 1)])
    assert console.alive


def test_it_leaves_the_processors_to_the_loop(console):
    until(lambda: os.sched_getscheduler(console.pid) == os.SCHED_BATCH)
    until(lambda: os.getpriority(os.PRIO_PROCESS, console.pid) >= NICENESS)


def test_it_ends_with_its_session():
    console = Console(Address(), FACTS)
    console.close()
    console.close()
    assert not is_running(console.pid)


def test_a_session_that_was_killed_leaves_no_console_behind(tmp_path):
    code = (
        "import os, sys; from tests.processes.test_web_process import Console, Address, FACTS;"
        "console = Console(Address(), FACTS); print(console.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(ended.stdout)
    until(lambda: not is_running(pid))


def test_a_port_that_is_taken_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"^console on 127\.0\.0\.1:{port}: cannot listen there .*; give another"):
            Console(Address(port=port), FACTS)


def test_an_address_that_is_not_here_is_said_in_one_line():
    with pytest.raises(InputError, match=r"^console on 192\.0\.2\.1:0: cannot listen there"):
        Console(Address(host="192.0.2.1"), FACTS)


def test_elsewhere_than_on_this_machine_a_token_is_needed():
    with closing(Console(Address(host="0.0.0.0"), FACTS)) as console:  # noqa: S104
        place, _, token = console.url.replace("0.0.0.0", "127.0.0.1").partition("#token=")  # noqa: S104
        assert len(token) >= 32
        assert httpx.get(f"{place}hello").status_code == 401
        assert httpx.get(f"{place}hello", headers={"authorization": f"Bearer {token}"}).status_code == 200
        assert token not in Path(f"/proc/{console.pid}/cmdline").read_text()


@pytest.mark.slow
def test_browser_that_never_reads_delays_no_other(console):
    image = {"image": np.zeros((512, 512), np.float32)}
    console.show(parts_of({}, image))
    with views(console.url) as hung, views(console.url) as link:
        for _ in range(40):
            hung.send(json.dumps({"after": -1}))
        for number in range(20):
            console.show(parts_of({"number": number}, image))
            view = newest(link)
            assert view["number"] == number


def test_silent_connections_keep_no_browser_out(console):
    place = console.url
    host, port = place.removeprefix("http://").rstrip("/").rsplit(":", 1)
    with ExitStack() as opened:
        for _ in range(MOST_CONNECTIONS + 10):
            opened.enter_context(socket.create_connection((host, int(port)), 5.0))
        until(lambda: httpx.get(f"{place}hello").status_code == 200)


def test_what_an_operator_asks_at_the_console_is_in_the_journal(tmp_path):
    with running(tmp_path / "session", seconds=20.0, control=True) as run:
        until(lambda: run.status.current.counts.frames > 2)
        place, _, token = run.url.partition("#token=")
        headers = {"authorization": f"Bearer {token}", "origin": place[:-1]}
        asked = {"command": ["end"], "operator": "Anna"}
        answer = httpx.post(f"{place}ask", headers=headers, json=asked).json()
        assert answer == {"accepted": True, "note": f"hold by {TYPED}; the session ends"}
        until(run.ended.is_set, 10.0)
    [held] = [one for one in journal(run.folder) if one["kind"] == "event" and one["event"] == "hold"]
    assert held["values"]["operator"] == TYPED
    assert run.outcome.ended_by.origin == "console"


def test_a_live_session_is_armed_and_ended_at_its_console(tmp_path):
    case = breathing_case(frames=320, amplitude_px=0.0, rate_hz=8.0)
    with live_processes.running(tmp_path, case, "--console", "--control", "--prescribed-s", "600", "--json") as run:
        url = run.wait_for(r"console  (http\S+)")[1]
        place, _, token = url.partition("#token=")
        headers = {"authorization": f"Bearer {token}", "origin": place[:-1]}

        def asked(word):
            return httpx.post(f"{place}ask", headers=headers, json={"command": [word], "operator": "Anna"}).json()

        with live_processes.fed(case, run.port()), views(url) as link:
            assert httpx.get(f"{place}hello", headers=headers).json()["facts"]["beam_s"] == 600.0
            until(lambda: newest(link).get("phase") == "ready", 30.0)
            assert asked("arm") == {"accepted": True, "note": f"arm by {TYPED}"}
            until(lambda: newest(link).get("state") == "ON", 30.0)
            assert asked("end")["accepted"]
            assert run.ended() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(place)
