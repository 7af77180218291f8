"""Drawing on the page: the routes by which an operator takes a frame, sees what an outline comes to, and accepts it."""

from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatekeeper.display.web.access import Access
from gatekeeper.display.web.server import authorised


class Drawn(Protocol):
    """Who passes on what is drawn to the session."""

    async def draw(self, draw: dict[str, Any], operator: str) -> tuple[bool, str]:
        """Return what became of it, and one line about it."""
        ...


class Outlined(Protocol):
    """Who knows what an outline comes to."""

    async def outline(self, points_px: object, margin_mm: object) -> dict[str, object]:
        """Return mask, envelope and area, as plain values, or why there are none."""
        ...


def drawing_routes(session: Drawn, outlines: Outlined, access: Access) -> list[Route]:
    """Return the routes; whoever may ask for something may draw.

    Parameters
    ----------
    session : Drawn
        Takes what is drawn.
    outlines : Outlined
        Knows what it would come to.
    access : Access
        Who may ask.
    """

    async def outline(request: Request) -> Response:
        asked = await authorised(request, access)
        if isinstance(asked, Response):
            return asked
        return JSONResponse(await outlines.outline(asked.get("points_px"), asked.get("margin_mm")))

    async def draw(request: Request) -> Response:
        asked = await authorised(request, access)
        if isinstance(asked, Response):
            return asked
        drawn, operator = asked.get("draw"), asked.get("operator")
        if not isinstance(operator, str) or not isinstance(drawn, dict):
            return JSONResponse({"accepted": False, "note": "not understood"}, 400)
        accepted, note = await session.draw(drawn, operator)
        return JSONResponse({"accepted": accepted, "note": note})

    return [Route("/outline", outline, methods=["POST"]), Route("/draw", draw, methods=["POST"])]
