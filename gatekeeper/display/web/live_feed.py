"""Feed: a session that goes on, as the console's process knows it: the slot, and a line to the session's process."""

import asyncio
import json
import socket
from contextlib import suppress
from typing import Any

from gatekeeper.display.web.message import for_page, unpacked
from gatekeeper.display.web.seqlock import Seqlock

WAIT_S = 1.0
"""A browser hears at least this often that there is nothing new, in seconds."""
ANSWER_S = 4.0
LARGEST = 65536
MOST_ASKED = 8
SILENT = json.dumps({"kind": "silent"})
GONE = "the session does not answer; look at the beam"


class LiveFeed:
    """Gives browsers the newest view, and passes on what they ask for.

    Parameters
    ----------
    slot : Seqlock
        Where the session puts its newest view.
    link : socket
        The line to the session's process; packets.
    facts : dict
        What stays the same.
    """

    def __init__(self, slot: Seqlock, link: socket.socket, facts: dict[str, object]) -> None:
        self._slot, self._link, self._facts = slot, link, facts
        self._news = asyncio.Event()
        self._asked: dict[int, asyncio.Future[tuple[bool, str]]] = {}
        self._numbers = 0
        self._made: tuple[int, dict[bool, bytes]] = (0, {})
        self._arrows = False
        self.ended = asyncio.Event()

    def hello(self) -> dict[str, object]:
        """Return what a browser is told first."""
        got = self._slot.get()
        head = {} if got is None else unpacked(got[1])[0]
        # Whoever has drawn the target has said with which margin.
        margin = {"margin_mm": head["margin_mm"]} if "margin_mm" in head else {}
        return {"kind": "hello", "mode": "live", "facts": self._facts | margin}

    def hear(self) -> None:
        """Read what the session's process says: that there is something new, an answer, or nothing ever again."""
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
                self._news.set()
                self._news = asyncio.Event()
                continue
            answer = json.loads(packet)
            future = self._asked.pop(answer["id"], None)
            if future is not None and not future.done():
                future.set_result((answer["accepted"], answer["note"]))

    async def view(self, asked: dict[str, Any]) -> bytes | str | None:
        """Return the newest view that is newer than number `after`, as soon as there is one.

        `picture` says whether with the image, `arrows` whether somebody wants to see how the tissue has moved.
        """
        after, picture = int(asked["after"]), asked.get("picture", True) is True
        if "arrows" in asked:
            self._want_arrows(asked["arrows"] is True)
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

    async def ask(self, words: list[str], operator: str) -> tuple[bool, str]:
        """Return what became of a wish, and one line about it."""
        return await self._answer_to({"command": words, "operator": operator})

    async def draw(self, draw: dict[str, Any], operator: str) -> tuple[bool, str]:
        """Return what became of something that was asked for while the target is drawn, and one line about it."""
        return await self._answer_to({"draw": draw, "operator": operator})

    async def _answer_to(self, asked: dict[str, object]) -> tuple[bool, str]:
        if len(self._asked) >= MOST_ASKED:
            return False, "too much is asked at once; ask again"
        self._numbers += 1
        number = self._numbers
        packet = json.dumps({"id": number, **asked}).encode()
        if len(packet) > LARGEST:
            return False, f"what is asked takes {len(packet)} bytes, the session reads {LARGEST}; ask for less"
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._link.send(packet)
            return await asyncio.wait_for(future, ANSWER_S)
        except (OSError, TimeoutError):
            return False, GONE
        finally:
            self._asked.pop(number, None)

    def _newest(self, picture: bool) -> bytes | None:
        """Return the newest view as browsers get it, made once for all of them."""
        count, made = self._made
        if count != self._slot.count or picture not in made:
            got = self._slot.get()
            if got is None:
                return None
            if got[0] != count:
                made = {}
            made[picture] = for_page(got[1], got[0], picture)
            self._made = got[0], made
        return made[picture]

    def _want_arrows(self, wanted: bool) -> None:
        if wanted != self._arrows:
            with suppress(OSError):
                self._link.send(json.dumps({"arrows": wanted}).encode())
                self._arrows = wanted
