"""It is seen beforehand whether an interlock is there, has the same key and is free; nothing is begun with it."""

import socket
import threading

import pytest

from gatekeeper.core.errors import LinkError
from gatekeeper.linac.lease.interlock import EventKind
from gatekeeper.linac.lease.port import probe
from tests.support.leases import KEY, OTHER_KEY, interlock, lease_linac, linac_config
from tests.support.waiting import until


def test_interlock_that_is_free_is_found_and_left_alone():
    with interlock() as server:
        port = server.address[1]
        assert (
            probe(linac_config(port), KEY) == f"interlock at 127.0.0.1:{port}: answers, has the same key, and is free"
        )
        until(lambda: server.counts[EventKind.DISCONNECTED] == 1)
        assert server.counts[EventKind.GRANTED] == server.counts["refused"] == 0


def test_interlock_with_another_key_is_told():
    with interlock() as server, pytest.raises(LinkError, match="give both the same key file"):
        probe(linac_config(server.address[1]), OTHER_KEY)


def test_interlock_that_is_busy_is_told_and_its_sender_stays():
    with interlock() as server, lease_linac(server.address[1], ack_timeout_ms=1000) as linac:
        until(lambda: linac.alive)
        with pytest.raises(LinkError, match="busy with another sender"):
            probe(linac_config(server.address[1]), KEY)
        assert linac.alive
        assert linac.link.sessions == 1


@pytest.mark.parametrize(
    ("says", "told"),
    [(b"SSH-2.0-OpenSSH\r\n", "not a message of this protocol"), (b"", "was closed"), (None, "timed out")],
)
def test_what_is_no_interlock_is_told_with_its_place(says, told):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = threading.Event()

        def answer():
            link, _ = other.accept()
            with link:
                if says is None:
                    done.wait(10.0)
                else:
                    link.sendall(says)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            with pytest.raises(LinkError, match=rf"127.0.0.1:{port}: no usable interlock: .*{told}"):
                probe(linac_config(port, connect_timeout_ms=100), KEY)
        finally:
            done.set()
            thread.join(10.0)
