"""Parse the address that frames are sent to, and open the feeder for it."""

from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from gatekeeper.core.errors import InputError, LinkError
from replay.feed.port import Feeder

PORTS = {"mrd": 9002, "igtl": 18944, "dicom": 11112}
"""Protocols and their default ports."""
AE_TITLE, DEVICE = "GATEKEEPER", "gatekeeper"
LISTEN = "listen"
HEADERS = {"version=1": 1, "version=2": 2}
"""What may follow the ? of an OpenIGTLink address, and the header version that it asks for."""
EXAMPLES = "mrd://127.0.0.1:9002, igtl://127.0.0.1:18944 or dicom://GATEKEEPER@127.0.0.1:11112"


class Address(NamedTuple):
    """Address of a frame source that receives frames.

    Attributes
    ----------
    protocol : str
        "mrd", "igtl" or "dicom".
    host : str
        Host name or IP address.
    port : int
        TCP port.
    user : str
        DICOM: the called application entity title; OpenIGTLink: the sender's device name. May be empty.
    listens : bool
        OpenIGTLink: whether the feeder listens and the source connects to it.
    version : int
        OpenIGTLink: version of the message header. Receivers of protocols 1 and 2 read version 1 alone, which has no
        number of the frame.
    """

    protocol: str
    host: str
    port: int
    user: str = ""
    listens: bool = False
    version: int = 2

    def __str__(self) -> str:
        """Return the address as text that `parse` accepts."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        at = f"{self.user}@" if self.user else ""
        words = [LISTEN] * self.listens + ["version=1"] * (self.version == 1)
        return f"{self.protocol}://{at}{host}:{self.port}{'?' if words else ''}{'&'.join(words)}"


def parse(text: str) -> Address:
    """Parse an address.

    Parameters
    ----------
    text : str
        For example ``dicom://GATEKEEPER@127.0.0.1:11112``.

    Returns
    -------
    Address

    Raises
    ------
    InputError
        When the text is not a valid address.
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
    port = PORTS[url.scheme] if port is None else port
    return Address(url.scheme, host, port, user, *_listens_and_version(text, url))


def open_feeder(address: Address) -> Feeder:
    """Open a feeder that is connected to an address; the caller closes it.

    Parameters
    ----------
    address : Address
        Where to connect.

    Returns
    -------
    Feeder

    Raises
    ------
    InputError
        When the connection fails.
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
                return OpenIGTLinkFeeder(host, port, role, user or DEVICE, address.version)
            case _:
                from replay.feed.dicom_feeder import DicomFeeder

                return DicomFeeder(host, port, user or AE_TITLE)
    except LinkError as error:
        raise InputError(str(error)) from None


def _listens_and_version(text: str, url: SplitResult) -> tuple[bool, int]:
    words = url.query.split("&") if url.query else []
    versions = [HEADERS[word] for word in words if word in HEADERS]
    if words and (url.scheme != "igtl" or len(versions) > 1 or set(words) - {LISTEN, *HEADERS}):
        raise _refusal(
            text, f"{url.query!r} after the ? is not known; igtl alone may have ?{LISTEN}, ?version=1 or both with &"
        )
    return LISTEN in words, versions[0] if versions else 2


def _refusal(text: str, why: str) -> InputError:
    return InputError(f"address {text!r:.100}: {why}; give for example {EXAMPLES}")
