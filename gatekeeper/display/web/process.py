"""The console as the session knows it: a process that serves the page, memory for the newest view, and a line to it.

Whatever becomes of that process, the session only notices that it is gone.
"""

import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.errors import InputError
from gatekeeper.display.web.access import Access
from gatekeeper.display.web.message import Buffer
from gatekeeper.display.web.seqlock import Seqlock
from gatekeeper.display.web.serve import url_of
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.runtime import process as background

CAPACITY = 1 << 23
"""Bytes of the newest view: 1024 x 1024 pixels and their outlines, twice over."""
START_S = 30.0
ENDS_S = 2.0
MOST_AT_ONCE = 16
LARGEST = 65536
NEWS = b"!"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is served.

    Attributes
    ----------
    host : str
        Address or name on which to listen.
    port : int
        0 takes a free one.
    control : bool
        Whether operators may ask for something there.
    drawn : bool
        Whether they draw the target there, so that the process gets ready for it.
    """

    host: str = "127.0.0.1"
    port: int = 0
    control: bool = False
    drawn: bool = False


class Console:
    """Starts the process and gives it what is to be shown; never waits for it afterwards.

    Parameters
    ----------
    address : Address
        Where to serve the page.
    facts : SessionInfo
        What stays the same in the session.

    Attributes
    ----------
    url : str
        Where the page is, with the token behind the # where one is needed.

    Raises
    ------
    InputError
        When the page cannot be served there.
    """

    def __init__(self, address: Address, facts: SessionInfo) -> None:
        access = Access.of(address.host, address.control)
        descriptor = Seqlock.memory(CAPACITY)
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._slot = Seqlock(descriptor)
                files = (descriptor, theirs.fileno())
                self._process = background.start_process("gatekeeper.display.web", *files, passed=files)
        finally:
            os.close(descriptor)
        try:
            port = self._begin(address, access, facts)
        except BaseException:
            self.close()
            raise
        self._link.setblocking(False)
        self.url = url_of(access, port)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def show(self, parts: list[Buffer]) -> bool:
        """Put up a view in place of the one before; return False when it is too large."""
        fits = self._slot.put(*parts)
        with suppress(OSError):  # it hears of it later, or is gone
            self._link.send(NEWS)
        return fits

    def asked(self) -> list[dict[str, Any]]:
        """Return what the page's operators have asked for since the last call, as far as it makes sense."""
        found = []
        for _ in range(MOST_AT_ONCE):
            try:
                packet = self._link.recv(LARGEST)
            except OSError:
                break
            if not packet:
                break
            with suppress(ValueError):
                asked = json.loads(packet)
                if isinstance(asked, dict):
                    found.append(asked)
        return found

    def tell(self, answer: dict[str, object]) -> None:
        """Say what became of something that was asked for."""
        with suppress(OSError):
            self._link.send(json.dumps(answer).encode())

    def close(self) -> None:
        """End the process; may be called twice."""
        self._link.close()
        background.end_process(self._process, ENDS_S)
        self._slot.close()

    def _begin(self, address: Address, access: Access, facts: SessionInfo) -> int:
        """Tell the process what it needs to know, and return the port that it has."""
        settings = {
            "host": address.host,
            "port": address.port,
            "control": access.control,
            "drawn": address.drawn,
            "token": access.token,
            "facts": facts.as_json(),
        }
        self._link.settimeout(START_S)
        try:
            self._link.send(json.dumps(settings).encode())
            answer = json.loads(self._link.recv(LARGEST) or b"{}")
        except OSError:
            answer = {}
        if "port" not in answer:
            why = answer.get("error", "the process did not start")
            raise InputError(f"console on {address.host}:{address.port}: {why}; give another --console-port, 0 is free")
        return int(answer["port"])
