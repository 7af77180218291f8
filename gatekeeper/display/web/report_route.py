"""Give the report of a finished session to its page."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from gatekeeper.core.errors import GatekeeperError
from gatekeeper.display.web.access import Access, token_of
from gatekeeper.display.web.server import NOT_AUTHORISED


def report_route(access: Access, make: Callable[[], str]) -> Route:
    """Return the route of a report, which is made when it is asked for.

    Parameters
    ----------
    access : Access
        Access rules of the console.
    make : callable
        Return the report as HTML.
    """
    turn = asyncio.Lock()

    async def report(request: Request) -> Response:
        if not access.may_look(token_of(request.headers)):
            return PlainTextResponse(NOT_AUTHORISED, 401)
        try:
            async with turn:
                return HTMLResponse(await asyncio.to_thread(make))
        except GatekeeperError as error:
            return PlainTextResponse(str(error), 500)

    return Route("/report", report)
