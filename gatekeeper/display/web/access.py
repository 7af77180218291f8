"""Access: who may look at the page's data, who may ask for something, and which requests come from elsewhere.

A page of another site that the operator's browser has open must neither see the session nor act on it: its origin
differs, and a name of its own that suddenly means this machine (DNS rebinding [1]_) is not a name under which the
console is known.

References
----------
.. [1] C. Jackson et al., "Protecting browsers from DNS rebinding attacks", ACM CCS 2007.
"""

import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatekeeper.core.errors import InputError

TOKEN_BYTES = 24
TOKEN_MARK = "token."  # noqa: S105  (what stands before the token among a websocket's subprotocols)
SUBPROTOCOL = "gatekeeper"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what.

    Attributes
    ----------
    host : str
        Address or name on which the console listens.
    control : bool
        Whether anybody may ask for something at all.
    token : str or None
        What must be known; None where everybody on this machine may look.

    Raises
    ------
    InputError
        When a token is needed and there is none.
    """

    host: str
    control: bool = False
    token: str | None = None

    def __post_init__(self) -> None:
        if self.token is None and (self.control or not is_loopback(self.host)):
            raise InputError(f"console on {self.host}: needs a token; only a page on this machine to look at does not")

    @classmethod
    def of(cls, host: str, control: bool) -> "Access":
        """Return the access to a console, with a new token where one is needed."""
        needed = control or not is_loopback(host)
        return cls(host, control, secrets.token_urlsafe(TOKEN_BYTES) if needed else None)

    def may_look(self, token: str | None) -> bool:
        """Return whether whoever has this token may see the session."""
        return self.token is None or _same(token, self.token)

    def may_ask(self, token: str | None) -> bool:
        """Return whether whoever has this token may ask for something, where that is possible at all."""
        return self.token is not None and _same(token, self.token)

    def knows(self, host: str) -> bool:
        """Return whether the console is known by what a request says is its host, with or without a port."""
        name = _name(host)
        if name is None:
            return False
        if is_loopback(self.host):
            return name == _name(self.host) or is_loopback(name)
        # An address is never a foreign name that was turned to this machine.
        return _is_address(name) or name in {"localhost", self.host.lower(), socket.gethostname().lower()}

    def is_own(self, origin: str | None, host: str) -> bool:
        """Return whether a request comes from the console's own page; one that does not say so does not."""
        return origin is not None and origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


class Guard:
    """Refuses requests under a foreign name, and forbids browsers whatever the page does not need.

    Parameters
    ----------
    app : ASGI application
        What stands behind it.
    access : Access
        By which names the console is known.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if not self._access.knows(Headers(scope=scope).get("host", "")):
            refusal = PlainTextResponse("The console is not known by this name.\n", 403)
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine and nothing else."""
    name = host.strip("[]").lower()
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def token_of(headers: Headers, subprotocols: list[str] | None = None) -> str | None:
    """Return the token that a request brings: as a bearer's, or a websocket's as one of its subprotocols."""
    for name in subprotocols or []:
        if name.startswith(TOKEN_MARK):
            return name.removeprefix(TOKEN_MARK)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None


def _same(given: str | None, wanted: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), wanted.encode())


def _name(host: str) -> str | None:
    """Return the name or address in a host header, in small letters; None when it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
