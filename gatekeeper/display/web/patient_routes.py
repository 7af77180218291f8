"""Define what the patient's page asks for, and where operators find its address.

The page has an address of its own, whose token shows these two views of a session and nothing else.
"""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from gatekeeper.display.qr import qr_rows
from gatekeeper.display.web.access import Access, token_of
from gatekeeper.display.web.patient_view import patient_hello, patient_view
from gatekeeper.display.web.server import NOT_AUTHORISED, Feed, serve_views

WITHOUT_PICTURE = {"picture": False}


class PatientFeed:
    """What the patient may see of a session.

    Parameters
    ----------
    session : Feed
        The session.
    """

    def __init__(self, session: Feed) -> None:
        self._session = session

    def hello(self) -> dict[str, object]:
        """Return what the page is told when it connects."""
        return patient_hello(self._session.hello())

    async def view(self, asked: dict[str, Any]) -> bytes | str | None:
        """Return what is newer than the page's last view of a live session; a recorded one has none."""
        told = self._session.hello()
        facts = told.get("facts")
        if told["mode"] != "live" or not isinstance(facts, dict):
            return None
        found = await self._session.view({"after": int(asked["after"]), **WITHOUT_PICTURE})
        if not isinstance(found, bytes):
            return found
        return await asyncio.to_thread(patient_view, found, facts)

    async def ask(self, _words: list[str], _operator: str, _login: str | None) -> tuple[bool, str]:
        """Refuse every request."""
        return False, "the patient's page takes no requests"


def patient_routes(session: Feed, access: Access, url: str | None = None) -> list[BaseRoute]:
    """Return the routes of the patient's page.

    Parameters
    ----------
    session : Feed
        The session.
    access : Access
        Access rules of the console.
    url : str, optional
        Address of the page, which operators are told; none for a recorded session.

    Returns
    -------
    list of route
        `/patient/hello`, `/patient/views`, and for operators `/patient/address`.
    """
    feed = PatientFeed(session)

    async def hello(request: Request) -> Response:
        if not access.may_watch(token_of(request.headers)):
            return PlainTextResponse(NOT_AUTHORISED, 401)
        return JSONResponse(feed.hello())

    async def views(websocket: WebSocket) -> None:
        await serve_views(websocket, feed, access, access.may_watch)

    async def address(request: Request) -> Response:
        if not access.may_look(token_of(request.headers)):
            return PlainTextResponse(NOT_AUTHORISED, 401)
        return PlainTextResponse("Page not found.\n", 404) if url is None else JSONResponse(qr_of(url))

    return [
        Route("/patient/hello", hello),
        WebSocketRoute("/patient/views", views),
        Route("/patient/address", address),
    ]


def qr_of(url: str) -> dict[str, object]:
    """Return an address, and its QR code as rows of 0 and 1 without the margin."""
    return {"url": url, "rows": qr_rows(url)}
