"""What-if on the page: a finished session judged with another margin or limit; it changes nothing."""

from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatekeeper.core.errors import ConfigError
from gatekeeper.display.web.access import Access, token_of
from gatekeeper.display.web.server import NOT_YOURS, body_of

SETTINGS = ("margin_mm", "outside_percent")
NOT_YET = "the session is still being tracked; ask again"


class Judge(Protocol):
    """Who judges a session again."""

    async def what_if(self, margin_mm: float, outside_percent: float) -> dict[str, object] | None:
        """Return what the session comes to, as plain values; None while nobody can say yet."""
        ...


def what_if_route(judge: Judge, access: Access) -> Route:
    """Return the route by which the page asks; whoever may look may ask.

    Parameters
    ----------
    judge : Judge
        Who judges.
    access : Access
        Who may look.
    """

    async def ask(request: Request) -> Response:
        # Judging takes a second of work: a page of another site must not be able to cause it.
        if not access.is_own(request.headers.get("origin"), request.headers.get("host", "")):
            return _refused("only the console's own page may ask", 403)
        if not access.may_look(token_of(request.headers)):
            return _refused(NOT_YOURS, 401)
        asked = await body_of(request)
        if isinstance(asked, Response):
            return asked
        values = [asked.get(name) for name in SETTINGS]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            return _refused(f"give {' and '.join(SETTINGS)} as numbers", 400)
        try:
            found = await judge.what_if(*(float(value) for value in values if value is not None))
        except (ConfigError, OverflowError) as error:
            return _refused(str(error), 400)
        return _refused(NOT_YET, 503) if found is None else JSONResponse({"accepted": True, **found})

    return Route("/what-if", ask, methods=["POST"])


def _refused(note: str, status: int) -> Response:
    return JSONResponse({"accepted": False, "note": note}, status)
