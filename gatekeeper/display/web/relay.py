"""Pass on what the consoles of single sessions show, so that one page can show several.

Each session has a process of its own; the page of the library may only talk to the library.
"""

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from gatekeeper.core.errors import GatekeeperError
from gatekeeper.display.web.access import SUBPROTOCOL, TOKEN_MARK, Access, token_of
from gatekeeper.display.web.server import FOREIGN_PAGE, NOT_AUTHORISED, TOO_MANY_BROWSERS

MOST_RELAYED = 16
"""Largest number of connections that are passed on at once."""
ANSWER_S = 10.0
UrlOf = Callable[[str], Awaitable[str]]
"""Opens a session by its key, and returns the address of its console."""


class Place(NamedTuple):
    """A console: its address without the token, and the token."""

    origin: str
    token: str | None

    @classmethod
    def of(cls, url: str) -> "Place":
        """Return the place of an address, as `url_of` makes it."""
        origin, _, token = url.partition("/#token=")
        return cls(origin.rstrip("/"), token or None)


def relay_routes(url_of: UrlOf, access: Access) -> list[BaseRoute]:
    """Return the routes `/session/{key}/hello` and `/session/{key}/views`.

    Parameters
    ----------
    url_of : callable
        Opens sessions.
    access : Access
        Access rules of the console.

    Returns
    -------
    list of Route
        They need the same access as seeing a session.
    """
    relayed = [0]

    async def hello(request: Request) -> Response:
        # Another site's page, which has no token, must not be able to open sessions.
        if not access.may_look(token_of(request.headers)):
            return PlainTextResponse(NOT_AUTHORISED, 401)
        try:
            place = Place.of(await url_of(request.path_params["key"]))
            return JSONResponse(await asyncio.to_thread(_hello, place))
        except (GatekeeperError, OSError, ValueError) as error:
            return PlainTextResponse(f"{error}\n", 502)

    async def views(websocket: WebSocket) -> None:
        headers = websocket.headers
        if not access.is_own(headers.get("origin"), headers.get("host", "")):
            await websocket.send_denial_response(PlainTextResponse(f"{FOREIGN_PAGE}\n", 403))
        elif not access.may_look(token_of(headers, websocket.scope["subprotocols"])):
            await websocket.send_denial_response(PlainTextResponse(NOT_AUTHORISED, 401))
        elif relayed[0] >= MOST_RELAYED:
            await websocket.send_denial_response(PlainTextResponse(TOO_MANY_BROWSERS, 503))
        else:
            relayed[0] += 1
            try:
                await _relay(websocket, url_of)
            finally:
                relayed[0] -= 1

    return [Route("/session/{key}/hello", hello), WebSocketRoute("/session/{key}/views", views)]


def _hello(place: Place) -> Any:
    headers = {} if place.token is None else {"Authorization": f"Bearer {place.token}"}
    asked = urllib.request.Request(f"{place.origin}/hello", headers=headers)  # noqa: S310  (an address of this library's)
    # Without a proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(asked, timeout=ANSWER_S) as answer:
        return json.loads(answer.read())


async def _relay(websocket: WebSocket, url_of: UrlOf) -> None:
    """Pass messages on, one at a time: a browser asks, the console answers."""
    try:
        place = Place.of(await url_of(websocket.path_params["key"]))
        names = [SUBPROTOCOL, *([] if place.token is None else [f"{TOKEN_MARK}{place.token}"])]
        connection = connect(
            f"{place.origin.replace('http', 'ws', 1)}/views",
            origin=Origin(place.origin),
            subprotocols=[Subprotocol(name) for name in names],
            max_size=None,
            compression=None,
            proxy=None,
            open_timeout=ANSWER_S,
        )
        async with connection as console:
            await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
            await _pass_on(websocket, console)
    except (GatekeeperError, OSError, TimeoutError, ConnectionClosed, WebSocketDisconnect):
        return


async def _pass_on(websocket: WebSocket, console: ClientConnection) -> None:
    while True:
        await console.send(await websocket.receive_text())
        answer = await console.recv()
        await (websocket.send_text(answer) if isinstance(answer, str) else websocket.send_bytes(answer))
