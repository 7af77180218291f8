"""The console learns from the operating system which user of this machine asks."""

import os
import socket
from contextlib import closing
from types import SimpleNamespace

import pytest

from gatekeeper.core.login import login_name
from gatekeeper.display.web import peer_login
from gatekeeper.display.web.peer_login import login_of, user_in

CLIENT, SERVER = (bytes([127, 0, 0, 1]), 0x1F90), (bytes([10, 0, 0, 2]), 0x50)
ROW = "  1: 0100007F:1F90 0200000A:0050 01 00000000:00000000 00:00000000 00000000  1000  0 12345 1 0000 20 4 30 10 -1"
MAPPED = ROW.replace("0100007F", "0000000000000000FFFF00000100007F").replace(
    "0200000A", "0000000000000000FFFF00000200000A"
)


def asked(link):
    """Return a request over the other end of a connected socket."""
    return SimpleNamespace(client=link.getsockname()[:2], scope={"server": link.getpeername()[:2]})


@pytest.mark.parametrize("row", [ROW, MAPPED])
def test_the_row_of_the_clients_end_names_its_user(row):
    assert user_in([row.replace("1F90", "1F91"), row], CLIENT, SERVER) == 1000


@pytest.mark.parametrize(
    "row",
    [
        ROW.replace(" 01 ", " 06 "),
        ROW.replace("12345", "0"),
        ROW.replace(":0050", ":0051"),
        ROW.replace("02000", "03000"),
    ],
    ids=["closed", "without a program", "another port", "another machine"],
)
def test_other_rows_name_no_user(row):
    assert user_in([row], CLIENT, SERVER) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connection_of_this_machine_is_ours_until_it_is_closed(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with closing(server), closing(socket.create_connection(server.getsockname()[:2])) as link:
        request = asked(link)
        assert login_of(request) == login_name(os.geteuid())
        link.close()
        assert login_of(request) is None


@pytest.mark.parametrize("client", [None, ("testclient", 50000), ("192.0.2.7", 1), ("127.0.0.1", 70000)])
def test_a_connection_from_elsewhere_has_no_login(client):
    assert login_of(SimpleNamespace(client=client, scope={"server": ("127.0.0.1", 80)})) is None


@pytest.mark.parametrize("content", [None, "heading", "heading\n1: nonsense", "heading\nx"])
def test_a_table_that_cannot_be_read_delays_no_request(tmp_path, monkeypatch, content):
    table = tmp_path / "tcp"
    if content is not None:
        table.write_text(content)
    monkeypatch.setattr(peer_login, "TABLES", (table,))
    assert login_of(SimpleNamespace(client=("127.0.0.1", 1), scope={"server": ("127.0.0.1", 80)})) is None
