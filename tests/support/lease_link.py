"""Provide sender and interlock over real sockets on the loopback, and a sender that a test plays by hand."""

import socket
import time

from gatekeeper.core.decision import BeamState
from gatekeeper.linac.lease.messages import SIZE, Kind, Message, decode, encode, is_signed, session_key
from tests.support.leases import KEY, SENDER_NONCE
from tests.support.steps import ON, decision
from tests.support.waiting import until

SLACK_S = 0.25
"""What a busy machine may add."""


def beam_on(server):
    return server.state.beam is BeamState.ON


def switched_on(linac, server, sequence=1):
    """Have the beam on; decisions follow each other as they do in the loop."""
    until(lambda: linac.alive)

    def asked():
        linac.send(decision(ON, sequence=sequence))
        time.sleep(0.005)
        return beam_on(server)

    until(asked)


def dialled(server, timeout_s=5.0):
    return socket.create_connection(server.address, timeout_s)


def read(link):
    """Return the next message, b"" at the end."""
    raw = b""
    while len(raw) < SIZE:
        chunk = link.recv(SIZE - len(raw))
        if not chunk:
            return b""
        raw += chunk
    return raw


def greeted(link):
    """Return the key, the session and the first stamp of a session that a test has begun by hand."""
    challenge = decode(read(link))
    key = session_key(KEY, challenge.nonce, SENDER_NONCE)
    link.sendall(encode(Message(Kind.HELLO, session=challenge.session, nonce=SENDER_NONCE), key))
    raw = read(link)
    assert is_signed(raw, key)
    return key, challenge.session, decode(raw).stamp_ns
