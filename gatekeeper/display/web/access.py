"""Decide which requests to the console may see the session, and which may change it.

Pages of other sites in the operator's browser are refused. They have another origin; and a foreign host name that was
redirected to this machine (DNS rebinding [1]_) is not among the names of the console.

References
----------
.. [1] C. Jackson et al., "Protecting browsers from DNS rebinding attacks", ACM CCS 2007.
"""

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatekeeper.core.errors import InputError

TOKEN_BYTES = 24
PATIENT_BYTES = 16
"""Size of the token of the patient's page, which is kept short for its QR code to be small."""
TOKEN_MARK = "token."  # noqa: S105  (prefix of the token among the subprotocols of a websocket)
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
SELF_CONTAINED = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
}
"""The same for a page that holds its style and pictures itself, and runs nothing."""


@dataclass(frozen=True, slots=True)
class Access:
    """Access rules of a console.

    Attributes
    ----------
    host : str
        Address or name on which the console listens.
    control : bool
        Whether the console accepts requests that change the session.
    token : str or None
        Secret that each request must carry; None when all users of this machine may see the session.
    patient_token : str or None
        Secret with which the patient's page alone may be seen; None when no token is needed.

    Raises
    ------
    InputError
        When a token is needed but missing.
    """

    host: str
    control: bool = False
    token: str | None = None
    patient_token: str | None = None

    def __post_init__(self) -> None:
        if self.token is None and (self.control or not is_loopback(self.host)):
            raise InputError(
                f"console on {self.host}: needs a token, because it accepts requests or serves other machines; "
                "create it with Access.of"
            )

    @classmethod
    def of(cls, host: str, control: bool) -> "Access":
        """Return access rules, with new tokens if they are needed.

        Parameters
        ----------
        host : str
            Address or name on which the console listens.
        control : bool
            Whether the console accepts requests that change the session.

        Returns
        -------
        Access
            Without a token only for a console that this machine alone can reach and that accepts no requests.
        """
        needed = control or not is_loopback(host)
        if not needed:
            return cls(host, control)
        return cls(host, control, secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(PATIENT_BYTES))

    def may_look(self, token: str | None) -> bool:
        """Return whether a request may see the session.

        Parameters
        ----------
        token : str or None
            Token of the request.
        """
        return self.token is None or _same(token, self.token)

    def may_watch(self, token: str | None) -> bool:
        """Return whether a request may see the patient's page.

        Parameters
        ----------
        token : str or None
            Token of the request.
        """
        return self.may_look(token) or (self.patient_token is not None and _same(token, self.patient_token))

    def may_ask(self, token: str | None) -> bool:
        """Return whether the token of a request allows it to change the session; see also `control`.

        Parameters
        ----------
        token : str or None
            Token of the request.
        """
        return self.token is not None and _same(token, self.token)

    def knows(self, host: str) -> bool:
        """Return whether a host header names this console.

        Parameters
        ----------
        host : str
            Name or address, with or without a port.
        """
        name = _name(host)
        if name is None:
            return False
        if is_loopback(self.host):
            return name == _name(self.host) or is_loopback(name)
        # DNS rebinding needs a name, so that any address is safe.
        return _is_address(name) or name in {"localhost", self.host.lower(), socket.gethostname().lower()}

    def is_own(self, origin: str | None, host: str) -> bool:
        """Return whether a request comes from the console's own page.

        Parameters
        ----------
        origin : str or None
            Origin header of the request; without one the request is foreign.
        host : str
            Host header of the request.
        """
        return origin is not None and origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


class Guard:
    """Middleware that refuses requests for other host names and adds security headers to all responses.

    Parameters
    ----------
    app : ASGI application
        The application to protect.
    access : Access
        Access rules of the console.
    headers : mapping of str to str
        The headers.
    """

    def __init__(self, app: ASGIApp, access: Access, headers: Mapping[str, str] = HEADERS) -> None:
        self._app, self._access, self._headers = app, access, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        if not self._access.knows(Headers(scope=scope).get("host", "")):
            refusal = PlainTextResponse(
                "The console is not known by this host name; open the address that was printed.\n", 403
            )
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def is_loopback(host: str) -> bool:
    """Return whether a host can only be reached from this machine.

    Parameters
    ----------
    host : str
        Name or address, without a port.

    Returns
    -------
    bool
        True for "localhost" and loopback addresses.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("192.0.2.7")
    (True, False)
    """
    name = host.strip("[]").lower()
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def token_of(headers: Headers, subprotocols: list[str] | None = None) -> str | None:
    """Return the token of a request.

    Parameters
    ----------
    headers : Headers
        Headers, in which the token is a bearer token.
    subprotocols : list of str, optional
        Subprotocols of a websocket, among which the token stands instead: browsers cannot set its headers.

    Returns
    -------
    str or None
        None when there is no token.
    """
    for name in subprotocols or []:
        if name.startswith(TOKEN_MARK):
            return name.removeprefix(TOKEN_MARK)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None


def _same(given: str | None, wanted: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), wanted.encode())


def _name(host: str) -> str | None:
    """Return the name or address in a host header, in lower case; None when it is not valid."""
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
