"""Define the route that evaluates a recorded session with other margins and limits."""

from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatekeeper.config.other_limits import OF_ALL, OtherLimits
from gatekeeper.core.errors import InputError
from gatekeeper.display.web.access import Access, token_of
from gatekeeper.display.web.server import FOREIGN_PAGE, NOT_AUTHORISED, body_of

NO_LIMITS = f"give {', '.join(OF_ALL)} as numbers, or structures as an object of names, each with settings as numbers"
NOT_YET = "the session is still being tracked; try again later"


class WhatIfSession(Protocol):
    """A recorded session that can be evaluated with other limits."""

    async def what_if(self, asked: OtherLimits) -> dict[str, object] | None:
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
        try:
            other = _limits_in(asked)
            if other is None:
                return _refused(NO_LIMITS, 400)
            found = await session.what_if(other)
        except (InputError, OverflowError) as error:
            return _refused(str(error), 400)
        return _refused(NOT_YET, 503) if found is None else JSONResponse({"accepted": True, **found})

    return Route("/what-if", ask, methods=["POST"])


def _limits_in(asked: dict[str, Any]) -> OtherLimits | None:
    """Return the limits in a request, which may be without any; None when one is not a number."""
    structures = asked.get("structures", {})
    if not isinstance(structures, dict) or not all(isinstance(one, dict) for one in structures.values()):
        return None
    of_all = {name: asked[name] for name in OF_ALL if name in asked}
    numbers = [*of_all.values(), *(value for one in structures.values() for value in one.values())]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
        return None
    return OtherLimits(
        {name: float(value) for name, value in of_all.items()},
        {name: {key: float(value) for key, value in one.items()} for name, one in structures.items()},
    )


def _refused(note: str, status: int) -> Response:
    return JSONResponse({"accepted": False, "note": note}, status)
