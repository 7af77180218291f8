"""Define the web application: the files of the page, messages to browsers, and requests of operators."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gatekeeper.core.command import Action
from gatekeeper.core.json_values import parsed
from gatekeeper.display.web.access import SUBPROTOCOL, Access, Guard, token_of
from gatekeeper.display.web.peer_login import login_of
from gatekeeper.style.colors import css
from gatekeeper.style.reasons import texts_for_page

HOLD = Action.HOLD.value
MOST_BROWSERS = 64
LARGEST_REQUEST = 65536
MEDIA_TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "json": "application/json",
}
WORDS = "words/"
"""Folder of the page's texts, one file for each language."""
ENGLISH = f"{WORDS}en.json"
PAGES = {"/": "index.html", "/patient": "patient.html"}
NOT_AUTHORISED = "The token is missing or wrong: open the address that was printed, with everything after the #."
FOREIGN_PAGE = "requests are accepted only from the console's own page"
READ_ONLY = "this console takes no requests; start it with --control"
REQUEST_SYNTAX = "not understood; send command (a list of words) and operator"
TOO_MANY_BROWSERS = f"{MOST_BROWSERS} browsers are connected already; close one\n"
TOO_LONG = "a request has at most {} bytes; send less"


class Feed(Protocol):
    """A live or recorded session that can be shown."""

    def hello(self) -> dict[str, object]:
        """Return `mode`, `facts` and further plain values, for a browser that connects."""
        ...

    async def view(self, asked: dict[str, Any]) -> bytes | str | None:
        """Return the message that a browser asks for, once it is available; None ends the connection."""
        ...

    async def ask(self, words: list[str], operator: str, login: str | None) -> tuple[bool, str]:
        """Handle a request of an operator; return whether it was accepted, and one line about it."""
        ...


def make_app(session: Feed, access: Access, more: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the web application.

    Parameters
    ----------
    session : Feed
        The session to show.
    access : Access
        Access rules of the console.
    more : sequence of route
        Further routes.

    Returns
    -------
    Starlette
        The application.
    """

    async def hello(request: Request) -> Response:
        if not access.may_look(token_of(request.headers)):
            return PlainTextResponse(NOT_AUTHORISED, 401)
        return JSONResponse({**session.hello(), "control": access.control})

    async def views(websocket: WebSocket) -> None:
        await serve_views(websocket, session, access, access.may_look)

    async def ask(request: Request) -> Response:
        asked = await authorised(request, access)
        if isinstance(asked, Response):
            return asked
        words, operator = asked.get("command"), asked.get("operator", "")
        if (
            not isinstance(operator, str)
            or not isinstance(words, list)
            or not all(isinstance(one, str) for one in words)
        ):
            return JSONResponse({"accepted": False, "note": REQUEST_SYNTAX}, 400)
        accepted, note = await session.ask(words, operator, login_of(request))
        return JSONResponse({"accepted": accepted, "note": note})

    async def hold(request: Request) -> Response:
        asked = await may_hold(request, access)
        if isinstance(asked, Response):
            return asked
        accepted, note = await session.ask([HOLD], str(asked.get("operator", "")), login_of(request))
        return JSONResponse({"accepted": accepted, "note": note})

    routes = [
        *page_routes(PAGES),
        Route("/hello", hello),
        WebSocketRoute("/views", views),
        Route("/ask", ask, methods=["POST"]),
        Route("/hold", hold, methods=["POST"]),
        *more,
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, access=access)])


async def serve_views(
    websocket: WebSocket, session: Feed, access: Access, may_look: Callable[[str | None], bool]
) -> None:
    """Send a browser what it asks for, or refuse it.

    Parameters
    ----------
    websocket : WebSocket
        The browser.
    session : Feed
        The session to show.
    access : Access
        Access rules of the console.
    may_look : callable
        Return whether a token allows it.
    """
    headers = websocket.headers
    if not access.is_own(headers.get("origin"), headers.get("host", "")):
        await websocket.send_denial_response(PlainTextResponse(f"{FOREIGN_PAGE}\n", 403))
    elif not may_look(token_of(headers, websocket.scope["subprotocols"])):
        await websocket.send_denial_response(PlainTextResponse(NOT_AUTHORISED, 401))
    elif _browsers(websocket) >= MOST_BROWSERS:
        await websocket.send_denial_response(PlainTextResponse(TOO_MANY_BROWSERS, 503))
    else:
        websocket.app.state.browsers = _browsers(websocket) + 1
        try:
            await _serve(websocket, session)
        finally:
            websocket.app.state.browsers -= 1


def _browsers(websocket: WebSocket) -> int:
    """Return the number of browsers that are connected."""
    return int(getattr(websocket.app.state, "browsers", 0))


async def authorised(request: Request, access: Access) -> dict[str, Any] | Response:
    """Return the body of a request that may change the session, or a refusal.

    Parameters
    ----------
    request : Request
        A POST request.
    access : Access
        Access rules of the console.

    Returns
    -------
    dict or Response
        The JSON object in the body, or the refusal to send.
    """
    refused = refusal(request, access)
    return await body_of(request) if refused is None else refused


def refusal(request: Request, access: Access) -> Response | None:
    """Return the refusal of a request that may not change anything; None for one that may.

    Parameters
    ----------
    request : Request
        A request, of which only the headers are read.
    access : Access
        Access rules of the console.
    """
    if not access.is_own(request.headers.get("origin"), request.headers.get("host", "")):
        return JSONResponse({"accepted": False, "note": FOREIGN_PAGE}, 403)
    if not access.control:
        return JSONResponse({"accepted": False, "note": READ_ONLY}, 403)
    if not access.may_ask(token_of(request.headers)):
        return JSONResponse({"accepted": False, "note": NOT_AUTHORISED}, 401)
    return None


async def may_hold(request: Request, access: Access) -> dict[str, Any] | Response:
    """Return the body of a request to hold the beam, or a refusal.

    A page that may see anything of the session may hold its beam: the token that also arms is not needed. A console
    without control takes no requests at all.

    Parameters
    ----------
    request : Request
        A POST request.
    access : Access
        Access rules of the console.

    Returns
    -------
    dict or Response
        The JSON object in the body, which is empty where there is none, or the refusal to send.
    """
    if not access.is_own(request.headers.get("origin"), request.headers.get("host", "")):
        return JSONResponse({"accepted": False, "note": FOREIGN_PAGE}, 403)
    if not access.control:
        return JSONResponse({"accepted": False, "note": READ_ONLY}, 403)
    if not access.may_watch(token_of(request.headers)):
        return JSONResponse({"accepted": False, "note": NOT_AUTHORISED}, 401)
    # Whatever was said with it: holding does not wait for an error to be corrected.
    body = await body_of(request)
    return {} if isinstance(body, Response) else body


async def body_of(request: Request, largest: int = LARGEST_REQUEST) -> dict[str, Any] | Response:
    """Return the JSON object in the body of a request, or a refusal.

    Parameters
    ----------
    request : Request
        A POST request.
    largest : int
        Largest body, in bytes.

    Returns
    -------
    dict or Response
        The JSON object, or the refusal of a body that is too long or not a JSON object.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            return JSONResponse({"accepted": False, "note": TOO_LONG.format(largest)}, 413)
    try:
        asked = parsed(body)
    except ValueError:
        asked = None
    return (
        asked
        if isinstance(asked, dict)
        else JSONResponse({"accepted": False, "note": "not understood; send a JSON object"}, 400)
    )


async def _serve(websocket: WebSocket, session: Feed) -> None:
    """Answer one browser, a message at a time, so that a slow browser gets fewer messages and delays nothing."""
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
    try:
        while True:
            asked = parsed(await websocket.receive_text())
            if not isinstance(asked, dict):
                raise ValueError("not a JSON object")
            found = await session.view(asked)
            if found is None:
                break
            await (websocket.send_text(found) if isinstance(found, str) else websocket.send_bytes(found))
        await websocket.close()
    except (ValueError, KeyError, TypeError, OverflowError):
        await websocket.close(1008)
    except WebSocketDisconnect:
        return


def page_routes(pages: Mapping[str, str]) -> list[Route]:
    """Return the routes of pages, and of all files that they need.

    Parameters
    ----------
    pages : mapping of str to str
        File of each page by its path.
    """
    files = _files()

    async def page(request: Request) -> Response:
        return _file(files, pages[request.url.path])

    async def file(request: Request) -> Response:
        return _file(files, request.path_params["name"])

    async def words(request: Request) -> Response:
        return _file(files, WORDS + request.path_params["name"])

    shown = [Route(path, page) for path in pages]
    return [*shown, Route("/page/{name}", file), Route(f"/page/{WORDS}{{name}}", words)]


def _files() -> dict[str, bytes]:
    """Return all files that can be requested, by name: those of the page and those shared with the report."""
    found = {"colors.css": css().encode()}
    for package in ("gatekeeper.display.web", "gatekeeper.style"):
        for file in (resources.files(package) / "page").iterdir():
            if file.name.rpartition(".")[2] in MEDIA_TYPES:
                found[file.name] = file.read_bytes()
    for file in (resources.files("gatekeeper.display.web") / "page" / "words").iterdir():
        found[WORDS + file.name] = file.read_bytes()
    # Reasons have their English texts in the table of reasons.
    english = json.loads(found[ENGLISH]) | texts_for_page()
    found[ENGLISH] = json.dumps(english, ensure_ascii=False, separators=(",", ":")).encode()
    return found


def _file(files: dict[str, bytes], name: str) -> Response:
    if name not in files:
        return PlainTextResponse("Page not found.\n", 404)
    return Response(files[name], media_type=MEDIA_TYPES[name.rpartition(".")[2]])
