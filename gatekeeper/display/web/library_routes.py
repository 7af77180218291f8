"""Define the library's routes: the list, its sessions, dropped recordings, and the wizard that replays them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gatekeeper.core.errors import GatekeeperError, InputError
from gatekeeper.display.web.access import Access, Guard, token_of
from gatekeeper.display.web.relay import relay_routes
from gatekeeper.display.web.server import LARGEST_REQUEST, NOT_AUTHORISED, body_of, page_routes, refusal

PAGES = {"/": "library.html", "/compare": "compare.html", "/wizard": "wizard.html"}
LARGEST_LIST = 64 * LARGEST_REQUEST
"""Largest list of names of dropped files, in bytes."""
DROP_SYNTAX = "not understood; send files as a list of [path, size]"


class Written(Protocol):
    """A file that arrives in pieces."""

    def write(self, data: bytes) -> None:
        """Write the next piece."""


class RecordingWizards(Protocol):
    """Recordings on their way to sessions; InputError refuses, in words."""

    def begin_drop(self, names: Sequence[tuple[object, object]]) -> str:
        """Make room for dropped files, and return the key of the recording."""
        ...

    def writing(self, drop: str, number: int) -> AbstractContextManager[Written]:
        """Return what writes a dropped file."""
        ...

    async def begin(self, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Read a recording; return the key of its wizard, and facts."""
        ...

    async def frame(self, key: str) -> bytes:
        """Return the first frame as a message."""
        ...

    async def outline(self, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the preview of an outline."""
        ...

    async def draw(self, key: str, drawn: dict[str, Any]) -> str:
        """Take an outline as the target, and return one line about it."""
        ...

    async def load_target(self, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Take a target from a dropped file."""
        ...

    async def replay(self, key: str, asked: dict[str, Any]) -> str:
        """Begin a replay, and return the folder of its session."""
        ...

    def progress(self, key: str) -> dict[str, object]:
        """Return how far a replay is."""
        ...

    def close(self, key: str) -> None:
        """Forget a recording."""


class LibraryFiles(Protocol):
    """The sessions and recordings of a library; InputError refuses, in words."""

    @property
    def wizards(self) -> RecordingWizards:
        """Recordings on their way to sessions."""

    def listing(self, after: int) -> dict[str, object]:
        """Return what was found, without the first entries."""
        ...

    def again(self) -> None:
        """Look through the folder anew."""

    async def look(self, key: str) -> dict[str, Any]:
        """Return verdict and picture of an entry."""
        ...

    async def url(self, key: str) -> str:
        """Open a session, and return its address."""
        ...

    async def breaths(self, key: str) -> Sequence[tuple[float, float]]:
        """Return begin and end of each breath of a session, in s since its first decision."""
        ...

    def facts(self, key: str) -> dict[str, Any]:
        """Return what the list shows of an entry."""
        ...


def library_app(library: LibraryFiles, access: Access) -> Starlette:
    """Return the web application of a library.

    Parameters
    ----------
    library : LibraryFiles
        What is shown and done.
    access : Access
        Access rules of the console, with a token.
    """
    routes = [*page_routes(PAGES), *library_routes(library, access), *relay_routes(library.url, access)]
    return Starlette(routes=routes, middleware=[Middleware(Guard, access=access)])


def library_routes(library: LibraryFiles, access: Access) -> list[BaseRoute]:
    """Return the routes of a library; each needs the token, and all but the list and pictures the own origin.

    Parameters
    ----------
    library : LibraryFiles
        What is shown and done.
    access : Access
        Access rules of the console, with a token.

    Returns
    -------
    list of Route
        GET `/library` and `/wizard/{key}/frame`, PUT `/drop/{key}/{number}`, and POST routes for the rest.
    """
    wizards = library.wizards

    async def listing(request: Request) -> Response:
        if not access.may_look(token_of(request.headers)):
            return PlainTextResponse(NOT_AUTHORISED, 401)
        after = request.query_params.get("after", "0")
        return JSONResponse(library.listing(int(after) if after.isdecimal() and len(after) < 9 else 0))

    async def frame(request: Request) -> Response:
        if not access.may_look(token_of(request.headers)):
            return PlainTextResponse(NOT_AUTHORISED, 401)
        try:
            message = await wizards.frame(request.path_params["key"])
        except GatekeeperError as error:
            return PlainTextResponse(str(error), 404)
        return Response(message, media_type="application/octet-stream")

    async def write(request: Request) -> Response:
        if (refused := refusal(request, access)) is not None:
            return refused
        try:
            with wizards.writing(request.path_params["key"], request.path_params["number"]) as file:
                async for part in request.stream():
                    file.write(part)
        except (GatekeeperError, OSError) as error:
            return _refused(error)
        return JSONResponse({"accepted": True, "note": ""})

    def post(path: str, do: Callable[[dict[str, Any], str], Awaitable[dict[str, Any]]], largest: int) -> Route:
        async def answer(request: Request) -> Response:
            if (refused := refusal(request, access)) is not None:
                return refused
            asked = await body_of(request, largest)
            if isinstance(asked, Response):
                return asked
            try:
                found = await do(asked, str(request.path_params.get("key", asked.get("key", ""))))
            except (GatekeeperError, OSError) as error:
                return _refused(error)
            return JSONResponse({"accepted": True, "note": "", **found})

        return Route(path, answer, methods=["POST"])

    async def again(_asked: dict[str, Any], _key: str) -> dict[str, Any]:
        library.again()
        return {}

    async def look(_asked: dict[str, Any], key: str) -> dict[str, Any]:
        return await library.look(key)

    async def opened(_asked: dict[str, Any], key: str) -> dict[str, Any]:
        return {"url": await library.url(key)}

    async def breaths(_asked: dict[str, Any], key: str) -> dict[str, Any]:
        return {"entry": library.facts(key), "breaths": await library.breaths(key)}

    async def drop(asked: dict[str, Any], _key: str) -> dict[str, Any]:
        files = asked.get("files")
        if not isinstance(files, list) or not all(isinstance(one, list) and len(one) == 2 for one in files):
            raise InputError(DROP_SYNTAX)
        return {"drop": wizards.begin_drop([(name, size) for name, size in files])}

    async def begin(asked: dict[str, Any], _key: str) -> dict[str, Any]:
        key, facts = await wizards.begin(asked)
        return {"wizard": key, **facts}

    async def outline(asked: dict[str, Any], key: str) -> dict[str, Any]:
        return await wizards.outline(key, asked)

    async def draw(asked: dict[str, Any], key: str) -> dict[str, Any]:
        drawn = asked.get("draw")
        if not isinstance(drawn, dict):
            raise InputError("wizard: not understood; send draw")
        return {"note": await wizards.draw(key, drawn)}

    async def target(asked: dict[str, Any], key: str) -> dict[str, Any]:
        return await wizards.load_target(key, asked)

    async def replay(asked: dict[str, Any], key: str) -> dict[str, Any]:
        return {"folder": await wizards.replay(key, asked)}

    async def progress(_asked: dict[str, Any], key: str) -> dict[str, Any]:
        return wizards.progress(key)

    async def close(_asked: dict[str, Any], key: str) -> dict[str, Any]:
        wizards.close(key)
        return {}

    posts = {
        **{"/again": again, "/look": look, "/open": opened, "/breaths": breaths, "/wizard": begin},
        **{"/wizard/{key}/outline": outline, "/wizard/{key}/draw": draw, "/wizard/{key}/target": target},
        **{"/wizard/{key}/replay": replay, "/wizard/{key}/progress": progress, "/wizard/{key}/close": close},
    }
    return [
        Route("/library", listing),
        Route("/wizard/{key}/frame", frame),
        Route("/drop/{key}/{number:int}", write, methods=["PUT"]),
        post("/drop", drop, LARGEST_LIST),
        *(post(path, do, LARGEST_REQUEST) for path, do in posts.items()),
    ]


def _refused(error: Exception) -> Response:
    note = str(error) if isinstance(error, GatekeeperError) else f"cannot be written ({error})"
    return JSONResponse({"accepted": False, "note": " ".join(note.split())}, 400)
