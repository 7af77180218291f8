"""The server of the page: files, views of the session as each browser asks for them, and what operators ask for."""

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gatekeeper.display.web.access import SUBPROTOCOL, Access, Guard, token_of
from gatekeeper.style.colors import css

MOST_BROWSERS = 64
LARGEST_REQUEST = 65536
KINDS = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
PAGES = {"/": "index.html", "/patient": "patient.html"}
NOT_YOURS = (
    "The token is missing or wrong: open the address that the session has printed, with everything behind the #."
)


class Feed(Protocol):
    """What is shown: a session that goes on, or one that has ended."""

    def hello(self) -> dict[str, object]:
        """Return what a browser is told first: `mode`, `facts`, and what else it must know."""
        ...

    async def view(self, asked: dict[str, Any]) -> bytes | str | None:
        """Return what a browser asks for, when it is there; None ends the connection."""
        ...

    async def ask(self, words: list[str], operator: str) -> tuple[bool, str]:
        """Return what became of an operator's wish, and one line about it."""
        ...


def make_app(session: Feed, access: Access, more: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the application.

    Parameters
    ----------
    session : Feed
        What is shown.
    access : Access
        Who may do what.
    more : sequence of route
        What a session offers besides.
    """
    files, browsers = _files(), [0]

    async def page(request: Request) -> Response:
        return _file(files, PAGES[request.url.path])

    async def file(request: Request) -> Response:
        return _file(files, request.path_params["name"])

    async def hello(request: Request) -> Response:
        if not access.may_look(token_of(request.headers)):
            return PlainTextResponse(NOT_YOURS, 401)
        return JSONResponse({**session.hello(), "control": access.control})

    async def views(websocket: WebSocket) -> None:
        headers = websocket.headers
        if not access.is_own(headers.get("origin"), headers.get("host", "")):
            await websocket.send_denial_response(PlainTextResponse("Only the console's own page may ask.\n", 403))
        elif not access.may_look(token_of(headers, websocket.scope["subprotocols"])):
            await websocket.send_denial_response(PlainTextResponse(NOT_YOURS, 401))
        elif browsers[0] >= MOST_BROWSERS:
            await websocket.send_denial_response(PlainTextResponse("Too many browsers look already.\n", 503))
        else:
            browsers[0] += 1
            try:
                await _serve(websocket, session)
            finally:
                browsers[0] -= 1

    async def ask(request: Request) -> Response:
        asked = await authorised(request, access)
        if isinstance(asked, Response):
            return asked
        words, operator = asked.get("command"), asked.get("operator")
        if (
            not isinstance(operator, str)
            or not isinstance(words, list)
            or not all(isinstance(one, str) for one in words)
        ):
            return JSONResponse({"accepted": False, "note": "not understood"}, 400)
        accepted, note = await session.ask(words, operator)
        return JSONResponse({"accepted": accepted, "note": note})

    routes = [
        *(Route(path, page) for path in PAGES),
        Route("/page/{name}", file),
        Route("/hello", hello),
        WebSocketRoute("/views", views),
        Route("/ask", ask, methods=["POST"]),
        *more,
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, access=access)])


async def authorised(request: Request, access: Access) -> dict[str, Any] | Response:
    """Return what is asked for in a request that may change something, or the refusal."""
    if not access.is_own(request.headers.get("origin"), request.headers.get("host", "")):
        return JSONResponse({"accepted": False, "note": "only the console's own page may ask"}, 403)
    if not access.control:
        return JSONResponse({"accepted": False, "note": "this console only shows; start it with --control"}, 403)
    if not access.may_ask(token_of(request.headers)):
        return JSONResponse({"accepted": False, "note": NOT_YOURS}, 401)
    return await body_of(request)


async def body_of(request: Request) -> dict[str, Any] | Response:
    """Return the JSON object in a request's body, or the refusal of one that is too long or none."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_REQUEST:
            return JSONResponse({"accepted": False, "note": "too long"}, 413)
    try:
        asked = json.loads(body)
    except ValueError:
        asked = None
    return asked if isinstance(asked, dict) else JSONResponse({"accepted": False, "note": "not understood"}, 400)


async def _serve(websocket: WebSocket, session: Feed) -> None:
    """Give one browser what it asks for, one thing at a time: who is slow asks seldom, and nothing waits for him."""
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
    try:
        while True:
            asked = json.loads(await websocket.receive_text())
            if not isinstance(asked, dict):
                raise ValueError("no object")
            found = await session.view(asked)
            if found is None:
                break
            await (websocket.send_text(found) if isinstance(found, str) else websocket.send_bytes(found))
        await websocket.close()
    except (ValueError, KeyError, TypeError):
        await websocket.close(1008)
    except WebSocketDisconnect:
        return


def _files() -> dict[str, bytes]:
    """Return the page's files, and those that it shares with others; there are no more, whatever is asked for."""
    found = {"colors.css": css().encode()}
    for package in ("gatekeeper.display.web", "gatekeeper.style"):
        for file in (resources.files(package) / "page").iterdir():
            if file.name.rpartition(".")[2] in KINDS:
                found[file.name] = file.read_bytes()
    return found


def _file(files: dict[str, bytes], name: str) -> Response:
    if name not in files:
        return PlainTextResponse("There is no such page.\n", 404)
    return Response(files[name], media_type=KINDS[name.rpartition(".")[2]])
