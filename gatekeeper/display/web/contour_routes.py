"""Define the routes for drawing the target: take a frame, preview an outline, accept it."""

from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatekeeper.display.web.access import Access
from gatekeeper.display.web.peer_login import login_of
from gatekeeper.display.web.server import authorised

DRAW_SYNTAX = "not understood; send draw and operator"


class ContourSession(Protocol):
    """A session that takes contouring requests."""

    async def draw(self, draw: dict[str, Any], operator: str, login: str | None) -> tuple[bool, str]:
        """Pass a request to the session; return whether it was accepted, and one line about it."""
        ...


class OutlinePreview(Protocol):
    """A preview of outlines."""

    async def outline(self, points_px: object, margin_mm: object, structure: object) -> dict[str, object]:
        """Return the mask, envelope and area of an outline as plain values, or why it is refused."""
        ...


def drawing_routes(session: ContourSession, outlines: OutlinePreview, access: Access) -> list[Route]:
    """Return the routes, which need the same access as other requests that change the session.

    Parameters
    ----------
    session : ContourSession
        Takes the requests.
    outlines : OutlinePreview
        Computes masks and envelopes.
    access : Access
        Access rules of the console.

    Returns
    -------
    list of Route
        POST routes `/outline` and `/draw`.
    """

    async def outline(request: Request) -> Response:
        asked = await authorised(request, access)
        if isinstance(asked, Response):
            return asked
        given = [asked.get(name) for name in ("points_px", "margin_mm", "structure")]
        return JSONResponse(await outlines.outline(*given))

    async def draw(request: Request) -> Response:
        asked = await authorised(request, access)
        if isinstance(asked, Response):
            return asked
        drawn, operator = asked.get("draw"), asked.get("operator")
        if not isinstance(operator, str) or not isinstance(drawn, dict):
            return JSONResponse({"accepted": False, "note": DRAW_SYNTAX}, 400)
        accepted, note = await session.draw(drawn, operator, login_of(request))
        return JSONResponse({"accepted": accepted, "note": note})

    return [Route("/outline", outline, methods=["POST"]), Route("/draw", draw, methods=["POST"])]
