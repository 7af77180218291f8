"""Start the console's process and exchange messages with it, without waiting.

A failure of that process does not affect the session, which only finds that the process has ended.
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
from gatekeeper.display.web.serve import WATCHED, patient_url_of, url_of
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.runtime import process as background

CAPACITY = 1 << 23
"""Size of the shared memory in bytes: twice a message with 1024 x 1024 pixels and its outlines."""
START_S = 30.0
ENDS_S = 2.0
MOST_AT_ONCE = 16
LARGEST = 65536
NEWS = b"!"


@dataclass(frozen=True, slots=True)
class Address:
    """Address and options of a console.

    Attributes
    ----------
    host : str
        Address or name on which to listen.
    port : int
        Port; 0 selects a free one.
    control : bool
        Whether the console accepts requests that change the session.
    drawn : bool
        Whether the target is drawn on the console, which then loads the code for it in advance.
    """

    host: str = "127.0.0.1"
    port: int = 0
    control: bool = False
    drawn: bool = False


class Console:
    """A process that serves the page of a session.

    Parameters
    ----------
    address : Address
        Address and options.
    facts : SessionInfo
        Constants of the session.

    Attributes
    ----------
    url : str
        Address of the page, with the token after the # if one is needed.
    patient_url : str
        Address of the patient's page, with a token that opens nothing else.
    port : int
        Port of the page.
    access : Access
        Access rules.
    watched : bool
        Once closed: whether a page was open then.

    Raises
    ------
    InputError
        When the page cannot be served at that address.
    """

    def __init__(self, address: Address, facts: SessionInfo) -> None:
        self.access = access = Access.of(address.host, address.control)
        self.watched = False
        descriptor = Seqlock.memory(CAPACITY)
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._memory = Seqlock(descriptor)
                files = (descriptor, theirs.fileno())
                self._process = background.start_process("gatekeeper.display.web", *files, passed=files)
        finally:
            os.close(descriptor)
        try:
            self.port = self._configure(address, access, facts)
        except BaseException:
            self.close()
            raise
        self._link.setblocking(False)
        self.url, self.patient_url = url_of(access, self.port), patient_url_of(access, self.port)

    @property
    def pid(self) -> int:
        """Process id of the console."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def show(self, parts: list[Buffer]) -> bool:
        """Replace the message that browsers get.

        Parameters
        ----------
        parts : list of bytes or memoryview
            Parts of the message.

        Returns
        -------
        bool
            False when the message is too long; then the old one stays.
        """
        fits = self._memory.put(*parts)
        with suppress(OSError):  # a busy console reads the message later, an ended one never
            self._link.send(NEWS)
        return fits

    def take_requests(self) -> list[dict[str, Any]]:
        """Return the requests from the page since the last call.

        Returns
        -------
        list of dict
            JSON objects, at most `MOST_AT_ONCE`, oldest first. Packets that are not JSON objects are dropped.
        """
        requests = []
        for _ in range(MOST_AT_ONCE):
            try:
                packet = self._link.recv(LARGEST)
            except OSError:
                break
            if not packet:
                break
            with suppress(ValueError):
                request = json.loads(packet)
                if isinstance(request, dict):
                    requests.append(request)
        return requests

    def send_answer(self, answer: dict[str, object]) -> None:
        """Send the answer to a request.

        Parameters
        ----------
        answer : dict
            With `id` of the request, `accepted` and `note`.
        """
        with suppress(OSError):
            self._link.send(json.dumps(answer).encode())

    def close(self) -> None:
        """End the process; may be called twice."""
        self._link.close()
        self.watched = background.end_process(self._process, ENDS_S) == WATCHED
        self._memory.close()

    def _configure(self, address: Address, access: Access, facts: SessionInfo) -> int:
        """Send the settings to the process, and return its port."""
        settings = {
            "host": address.host,
            "port": address.port,
            "control": access.control,
            "drawn": address.drawn,
            "token": access.token,
            "patient_token": access.patient_token,
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
            raise InputError(
                f"console on {address.host}:{address.port}: {why}; give another --console-port, or 0 for a free one"
            )
        return int(answer["port"])
