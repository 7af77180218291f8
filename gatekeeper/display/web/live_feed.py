"""Serve a running session in the console's process: read its messages and pass on requests."""

import asyncio
import json
import socket
from contextlib import suppress
from typing import Any

from gatekeeper.display.web.message import for_page, unpacked
from gatekeeper.display.web.seqlock import Seqlock
from gatekeeper.display.web.trace_history import TraceHistory
from gatekeeper.operator.request import only_holds

WAIT_S = 1.0
"""Longest time for which a browser waits for a message, in seconds; then it gets `SILENT`."""
ANSWER_S = 4.0
COLLECT_S = 1.0
"""Shortest time between two messages whose decisions are collected, in seconds; a message holds those of longer."""
LARGEST = 65536
MOST_PENDING = 8
"""Largest number of requests that wait for an answer; a request that only holds the beam is always passed on."""
SILENT = json.dumps({"kind": "silent"})
NO_ANSWER = "the session does not answer; use the controls of the linac"
TOO_MANY = "too many requests are waiting; ask again"


class LiveFeed:
    """Feed of a running session.

    Parameters
    ----------
    slot : Seqlock
        Shared memory with the newest message of the session.
    link : socket
        Non-blocking packet socket to the session's process.
    facts : dict
        Constants of the session, as plain values.

    Attributes
    ----------
    ended : asyncio.Event
        Set when the session's process has closed the socket.
    """

    def __init__(self, slot: Seqlock, link: socket.socket, facts: dict[str, object]) -> None:
        self._slot, self._link, self._facts = slot, link, facts
        self._news = asyncio.Event()
        self._pending: dict[int, asyncio.Future[tuple[bool, str]]] = {}
        self._last_id = 0
        self._converted: tuple[int, dict[bool, bytes]] = (0, {})
        self._vectors = False
        self._history = TraceHistory()
        self._collected_s = -COLLECT_S
        self.ended = asyncio.Event()

    def hello(self) -> dict[str, object]:
        """Return the constants of the session, for a browser that connects."""
        got = self._slot.get()
        head = {} if got is None else unpacked(got[1])[0]
        known = {"structures": head["structures"]} if "structures" in head else {}
        return {"kind": "hello", "mode": "live", "facts": self._facts | known}

    def receive(self) -> None:
        """Read the packets from the session's process: notices of a new message, and answers to requests."""
        while True:
            try:
                packet = self._link.recv(LARGEST)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not packet:
                self.ended.set()
                return
            if packet == b"!":
                self._collect()
                self._news.set()
                self._news = asyncio.Event()
                continue
            answer = json.loads(packet)
            future = self._pending.pop(answer["id"], None)
            if future is not None and not future.done():
                future.set_result((answer["accepted"], answer["note"]))

    async def view(self, asked: dict[str, Any]) -> bytes | str | None:
        """Wait for a message that the browser does not have yet.

        Parameters
        ----------
        asked : dict
            `after` is the number of the browser's message, `picture` whether to include the image, and `arrows` whether
            the page shows the displacement vectors. With `trace` true, all decisions so far are returned instead.

        Returns
        -------
        bytes, str or None
            The message; `SILENT` after `WAIT_S` without a new one; None after the end of the session.
        """
        if asked.get("trace") is True:
            self._collect(now=True)
            return self._history.message()
        after, picture = int(asked["after"]), asked.get("picture", True) is True
        if "arrows" in asked:
            self._want_vectors(asked["arrows"] is True)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + WAIT_S
        while not self.ended.is_set():
            news = self._news
            if self._slot.count > after and (found := self._newest(picture)) is not None:
                return found
            left_s = until_s - loop.time()
            if left_s <= 0.0:
                return SILENT
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), left_s)
        return None

    async def ask(self, words: list[str], operator: str, login: str | None) -> tuple[bool, str]:
        """Pass a request to the session and wait for its answer.

        Parameters
        ----------
        words : list of str
            The request and its arguments.
        operator : str
            Name of the operator, as typed.
        login : str or None
            Login name of the operator, as the operating system says.

        Returns
        -------
        accepted : bool
            Whether the request was accepted.
        note : str
            One line about it.
        """
        asked: dict[str, object] = {"command": words, "operator": operator, "login": login}
        return await self._answer(asked, always=only_holds(words))

    async def draw(self, draw: dict[str, Any], operator: str, login: str | None) -> tuple[bool, str]:
        """Pass a request of the contouring page to the session and wait for its answer.

        Parameters
        ----------
        draw : dict
            The request.
        operator : str
            Name of the operator, as typed.
        login : str or None
            Login name of the operator, as the operating system says.

        Returns
        -------
        accepted : bool
            Whether the request was accepted.
        note : str
            One line about it.
        """
        return await self._answer({"draw": draw, "operator": operator, "login": login})

    async def _answer(self, asked: dict[str, object], always: bool = False) -> tuple[bool, str]:
        if len(self._pending) >= MOST_PENDING and not always:
            return False, TOO_MANY
        self._last_id += 1
        number = self._last_id
        packet = json.dumps({"id": number, **asked}).encode()
        if len(packet) > LARGEST:
            return False, f"the request has {len(packet)} bytes, the limit is {LARGEST}; draw fewer points"
        future = self._pending[number] = asyncio.get_running_loop().create_future()
        try:
            self._link.send(packet)
            return await asyncio.wait_for(future, ANSWER_S)
        except (OSError, TimeoutError):
            return False, NO_ANSWER
        finally:
            self._pending.pop(number, None)

    def _collect(self, now: bool = False) -> None:
        """Keep the decisions of the newest message, at most once in `COLLECT_S` unless it is for `now`."""
        time_s = asyncio.get_running_loop().time()
        if not now and time_s - self._collected_s < COLLECT_S:
            return
        if (got := self._slot.get()) is not None:
            self._collected_s = time_s
            self._history.add(unpacked(got[1])[1])

    def _newest(self, picture: bool) -> bytes | None:
        """Return the newest message, converted once for all browsers."""
        count, converted = self._converted
        if count != self._slot.count or picture not in converted:
            got = self._slot.get()
            if got is None:
                return None
            if got[0] != count:
                converted = {}
            converted[picture] = for_page(got[1], got[0], picture)
            self._converted = got[0], converted
        return converted[picture]

    def _want_vectors(self, wanted: bool) -> None:
        if wanted != self._vectors:
            with suppress(OSError):
                self._link.send(json.dumps({"arrows": wanted}).encode())
                self._vectors = wanted
