"""Define the route that evaluates a recorded session with another margin or limit."""

from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatekeeper.core.errors import ConfigError
from gatekeeper.display.web.access import Access, token_of
from gatekeeper.display.web.server import FOREIGN_PAGE, NOT_AUTHORISED, body_of

SETTINGS = ("margin_mm", "outside_percent")
NOT_YET = "the session is still being tracked; try again later"


class WhatIfSession(Protocol):
    """A recorded session that can be evaluated with other settings."""

    async def what_if(self, margin_mm: float, outside_percent: float) -> dict[str, object] | None:
        """Return the results as plain values; None while the session is still being tracked."""
        ...


def what_if_route(session: WhatIfSession, access: Access) -> Route:
    """Return the route, which needs the same access as seeing the session.

    Parameters
    ----------
    session : WhatIfSession
        The recorded session.
    access : Access
        Access rules of the console.

    Returns
    -------
    Route
        POST route `/what-if`.
    """

    async def ask(request: Request) -> Response:
        # The evaluation takes about a second: pages of other sites must not be able to start it.
        if not access.is_own(request.headers.get("origin"), request.headers.get("host", "")):
            return _refused(FOREIGN_PAGE, 403)
        if not access.may_look(token_of(request.headers)):
            return _refused(NOT_AUTHORISED, 401)
        asked = await body_of(request)
        if isinstance(asked, Response):
            return asked
        values = [asked.get(name) for name in SETTINGS]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            return _refused(f"give {' and '.join(SETTINGS)} as numbers", 400)
        try:
            found = await session.what_if(*(float(value) for value in values if value is not None))
        except (ConfigError, OverflowError) as error:
            return _refused(str(error), 400)
        return _refused(NOT_YET, 503) if found is None else JSONResponse({"accepted": True, **found})

    return Route("/what-if", ask, methods=["POST"])


def _refused(note: str, status: int) -> Response:
    return JSONResponse({"accepted": False, "note": note}, status)
