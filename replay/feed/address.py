"""Address: where frames are fed to, as one word, and the feeder that goes there."""

from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from gatekeeper.core.errors import InputError, LinkError
from replay.feed.port import Feeder

PORTS = {"mrd": 9002, "igtl": 18944, "dicom": 11112}
"""Every protocol with the port that is usual for it."""
AE_TITLE, DEVICE = "GATEKEEPER", "gatekeeper"
LISTEN = "listen"
EXAMPLES = "mrd://127.0.0.1:9002, igtl://127.0.0.1:18944 or dicom://GATEKEEPER@127.0.0.1:11112"


class Address(NamedTuple):
    """Where to feed to.

    Attributes
    ----------
    protocol : str
        "mrd", "igtl" or "dicom".
    host : str
        Name or address.
    port : int
        TCP port.
    user : str
        DICOM: the application entity title that is called; OpenIGTLink: the name of our device. May be empty.
    listens : bool
        OpenIGTLink: we listen, and the source connects to us.
    """

    protocol: str
    host: str
    port: int
    user: str = ""
    listens: bool = False

    def __str__(self) -> str:
        """Return it as it is written."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        at = f"{self.user}@" if self.user else ""
        return f"{self.protocol}://{at}{host}:{self.port}{f'?{LISTEN}' if self.listens else ''}"


def parse(text: str) -> Address:
    """Return the address that a text such as ``dicom://GATEKEEPER@127.0.0.1:11112`` says.

    Raises
    ------
    InputError
        When it says none.
    """
    try:
        url = urlsplit(text.strip())
        host, port = url.hostname, url.port
    except ValueError as error:
        raise _refusal(text, f"{error}") from None
    if url.scheme not in PORTS:
        raise _refusal(text, f"its protocol is {url.scheme!r}; there are {', '.join(PORTS)}")
    if not host:
        raise _refusal(text, "it names no host")
    if port == 0 or url.path not in ("", "/") or url.fragment or url.password is not None:
        raise _refusal(text, "it must be PROTOCOL://HOST:PORT")
    user, longest = url.username or "", {"mrd": 0, "igtl": 20, "dicom": 16}[url.scheme]
    if len(user) > longest or not user.isprintable() or not user.isascii():
        raise _refusal(text, f"{user!r} before the @ must have at most {longest} characters with {url.scheme}")
    return Address(url.scheme, host, PORTS[url.scheme] if port is None else port, user, _listens(text, url))


def open_feeder(address: Address) -> Feeder:
    """Return a feeder that is connected to an address; the caller closes it.

    Raises
    ------
    InputError
        When nobody answers there.
    """
    host, port, user = address.host, address.port, address.user
    try:
        match address.protocol:
            case "mrd":
                from replay.feed.mrd_feeder import MrdFeeder

                return MrdFeeder(host, port)
            case "igtl":
                from replay.feed.openigtlink_feeder import OpenIGTLinkFeeder

                role: Literal["client", "server"] = "server" if address.listens else "client"
                return OpenIGTLinkFeeder(host, port, role, user or DEVICE)
            case _:
                from replay.feed.dicom_feeder import DicomFeeder

                return DicomFeeder(host, port, user or AE_TITLE)
    except LinkError as error:
        raise InputError(str(error)) from None


def _listens(text: str, url: SplitResult) -> bool:
    if url.query and (url.scheme, url.query) != ("igtl", LISTEN):
        raise _refusal(text, f"{url.query!r} after the ? is not known; igtl alone may have ?{LISTEN}")
    return bool(url.query)


def _refusal(text: str, why: str) -> InputError:
    return InputError(f"address {text!r:.100}: {why}; give for example {EXAMPLES}")
