"""The control socket: requests of other terminals of the same user, one JSON object per line, each with an answer."""

import json
import os
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from gatekeeper.core.clock import pause, stopwatch_ns
from gatekeeper.core.errors import InputError
from gatekeeper.core.json_values import parsed
from gatekeeper.core.login import login_name
from gatekeeper.operator.pending import PendingRequest
from gatekeeper.operator.request import Request, request_from_json
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.operator.socket_path import listen

ORIGIN = "control socket"
STATUS = "status"
MOST_CLIENTS = 8
"""Largest number of connections; a further one replaces the connection that has been idle longest."""
LARGEST_LINE = 4096
"""Largest number of unprocessed bytes of a connection; more end it."""
LARGEST_BACKLOG = 65536
"""Largest number of unread answer bytes; more end the connection."""
DEADLINE_S = 5.0
"""Time without a complete line after which a connection ends, in seconds of real time."""
ANSWER_S = 2.0
"""Longest time for the loop to answer, in seconds of real time."""
POLL_S = 0.25
PACE_S = 0.01
"""Pause after each round over the connections, in seconds of real time; each round processes one line of each."""
CREDENTIALS = struct.Struct("3i")

Status = Callable[[], Mapping[str, object]]


class Control:
    """Serve the control socket on a thread of its own, until `close`.

    Only the session's own user and root are served. A client that hangs, floods or sends nonsense affects only its own
    connection, since each connection has at most one request in the queue.

    Parameters
    ----------
    path : Path
        Path of the socket, created with permissions 0600 and removed by `close`.
    requests : RequestQueue
        Receives the requests.
    status : callable, optional
        Return the answer to "status", as JSON values.

    Raises
    ------
    InputError
        When the socket cannot be created there.
    """

    def __init__(self, path: Path, requests: RequestQueue, status: Status | None = None) -> None:
        self.path = path
        self._requests = requests
        self._status = status
        self._server = listen(path, 4 * MOST_CLIENTS)
        self._inode = path.lstat().st_ino
        self._selector = selectors.DefaultSelector()
        self._clients: list[_Client] = []
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="control socket", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return the server itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the socket."""
        self.close()

    def close(self) -> None:
        """Answer what can be answered, end the connections and remove the socket; may be called twice."""
        if not self._thread.is_alive():
            return
        self._wake.close()
        self._thread.join()
        with suppress(OSError):
            if self.path.lstat().st_ino == self._inode:
                self.path.unlink()

    def _serve(self) -> None:
        try:
            while True:
                busy = any(client.busy for client in self._clients)
                for key, events in self._selector.select(0.0 if busy else POLL_S):
                    if key.fileobj is self._woken:
                        return
                    if key.fileobj is self._server:
                        self._accept()
                    else:
                        self._exchange(key.data, events)
                for client in tuple(self._clients):
                    self._update(client)
                # The pause limits the processor time that a flood of requests can use.
                pause(PACE_S)
        finally:
            for client in tuple(self._clients):
                self._answer(client)
                self._disconnect(client)
            self._selector.close()
            self._server.close()
            self._woken.close()

    def _accept(self) -> None:
        """Accept a connection, if necessary in place of the one that has been idle longest."""
        with suppress(OSError):
            link, _ = self._server.accept()
            link.setblocking(False)
            user = _user_of(link)
            if user not in (os.geteuid(), 0):
                link.close()
                return
            if len(self._clients) >= MOST_CLIENTS:
                idle = [client for client in self._clients if client.pending is None] or self._clients
                self._disconnect(min(idle, key=lambda client: client.since_ns))
            client = _Client(link, login_name(user))
            self._clients.append(client)
            self._register(client)

    def _exchange(self, client: "_Client", events: int) -> None:
        """Read and write what is possible, and end connections that are closed or break a limit."""
        try:
            if events & selectors.EVENT_READ:
                client.read()
            client.write()
            self._register(client)
        except InputError as error:
            client.say(_refusal(error))
            self._disconnect(client)
        except OSError:
            self._disconnect(client)

    def _update(self, client: "_Client") -> None:
        """Answer a request, process the next line, or end an idle connection."""
        waited_s = (stopwatch_ns() - client.since_ns) * 1e-9
        if client.pending is not None and (client.pending.answer is not None or waited_s > ANSWER_S):
            self._answer(client)
        elif client.pending is None and (line := client.line()) is not None:
            self._process_line(client, line)
        elif client.pending is None and (client.closed_by_peer or waited_s > DEADLINE_S):
            self._disconnect(client)
            return
        self._exchange(client, 0)

    def _process_line(self, client: "_Client", line: bytes) -> None:
        try:
            words, operator = _read(line)
            if words == [STATUS]:
                status = {} if self._status is None else dict(self._status())
                client.say({"accepted": True, "note": STATUS, "status": status})
            else:
                axes = self._requests.orientation
                client.pending = self._requests.submit(request_from_json(words, operator, ORIGIN, client.login, axes))
            client.since_ns = stopwatch_ns()
        except InputError as error:
            client.say(_refusal(error))

    def _answer(self, client: "_Client") -> None:
        """Answer the pending request, if there is one."""
        pending, client.pending = client.pending, None
        if pending is not None:
            answer = pending.answer or pending.give_up(ANSWER_S)
            client.say({"accepted": answer.accepted, "note": answer.note})
            client.since_ns = stopwatch_ns()

    def _register(self, client: "_Client") -> None:
        """Register for readable data, and for writing while answers are unsent."""
        known = client.link in self._selector.get_map()
        wanted = 0 if client.closed_by_peer else selectors.EVENT_READ
        wanted |= selectors.EVENT_WRITE if client.unsent else 0
        if known and not wanted:
            self._selector.unregister(client.link)
        elif known:
            self._selector.modify(client.link, wanted, client)
        elif wanted:
            self._selector.register(client.link, wanted, client)

    def _disconnect(self, client: "_Client") -> None:
        if client in self._clients:
            self._clients.remove(client)
            if client.link in self._selector.get_map():
                self._selector.unregister(client.link)
            with suppress(OSError):
                client.write()
            client.link.close()


class _Client:
    """One connection.

    Attributes
    ----------
    link : socket
        The connected socket.
    login : str
        Login name of the user at the other end, as the operating system says.
    pending : PendingRequest or None
        The request that waits for its answer.
    since_ns : int
        Time of the connection, of its last request or of the answer to it, in ns.
    closed_by_peer : bool
        Whether the client has closed its side; it may still wait for an answer.
    unsent : bytearray
        Answers that were not sent yet.
    """

    def __init__(self, link: socket.socket, login: str) -> None:
        self.link = link
        self.login = login
        self.pending: PendingRequest[Request] | None = None
        self.since_ns = stopwatch_ns()
        self.closed_by_peer = False
        self.unsent = bytearray()
        self._unread = bytearray()

    @property
    def busy(self) -> bool:
        """Whether a request waits for its answer, or a complete line for processing."""
        return self.pending is not None or b"\n" in self._unread

    def read(self) -> None:
        """Read available data, up to the limit."""
        if len(self._unread) >= LARGEST_LINE:
            raise InputError(f"more than {LARGEST_LINE} unprocessed bytes; send less")
        with suppress(BlockingIOError):
            data = self.link.recv(LARGEST_LINE)
            self.closed_by_peer = not data
            self._unread += data

    def line(self) -> bytes | None:
        """Return the first complete line that was not processed yet."""
        end = self._unread.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line

    def say(self, values: Mapping[str, object]) -> None:
        """Queue an answer for sending."""
        self.unsent += json.dumps(values, allow_nan=False).encode() + b"\n"
        if len(self.unsent) > LARGEST_BACKLOG:
            self.unsent.clear()
            self.closed_by_peer = True

    def write(self) -> None:
        """Send what the socket accepts without blocking."""
        with suppress(BlockingIOError):
            while self.unsent:
                del self.unsent[: self.link.send(self.unsent)]


def _user_of(link: socket.socket) -> int:
    """Return the number of the user at the other end, as the operating system says."""
    credentials = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(credentials)[1])


def _refusal(error: InputError) -> dict[str, object]:
    return {"accepted": False, "note": str(error)}


def _read(line: bytes) -> tuple[list[str], str]:
    """Return words and operator of one line."""
    try:
        values: Any = parsed(line)
    except ValueError:
        values = None
    if (
        not isinstance(values, dict)
        or not {"command"} <= set(values) <= {"command", "operator"}
        or not isinstance(values.get("operator", ""), str)
        or not isinstance(values["command"], list)
        or not all(isinstance(word, str) for word in values["command"])
    ):
        raise InputError('not understood; send {"command": ["hold"], "operator": "NAME"}')
    return values["command"], values.get("operator", "")
