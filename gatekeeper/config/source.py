"""Define the settings of live frame sources."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from gatekeeper.config.strict import PluginConfig, StrictModel, part_kind
from gatekeeper.plugins import SOURCES

Port = Annotated[int, Field(ge=0, le=65535)]
"""TCP port; 0 to listen on any free port, which is reported."""
Host = Annotated[str, Field(min_length=1, max_length=253)]
Names = Annotated[tuple[Host, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]
"""A list of names in TOML, kept as a tuple."""


Title = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[!-\[\]-~]([ -\[\]-~]*[!-\[\]-~])?$")]
"""Title of a DICOM application entity: ASCII without backslash, no space at either end (PS3.5 section 6.2)."""
Titles = Annotated[tuple[Title, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]
"""Titles of DICOM application entities in TOML, kept as a tuple."""
FrameRate = Annotated[float, Field(ge=0.1, le=100.0)]
SenderClock = Literal["sender", "none"]
"""Whether a sender gives times of acquisition."""


class TlsConfig(StrictModel):
    """Certificates with which sender and source prove to each other who they are (TLS 1.3)."""

    certificate_file: Annotated[str, Field(min_length=1)]
    """Our certificate, in PEM."""
    private_key_file: Annotated[str, Field(min_length=1)]
    """Its private key, in PEM."""
    peer_file: Annotated[str, Field(min_length=1)]
    """Certificate of the sender, or of the authority that has signed it, in PEM; no other sender is accepted."""


class NetworkSourceConfig(StrictModel):
    """Common settings of sources that listen on a network."""

    plane: Literal["any", "sagittal", "coronal", "axial"] = "any"
    """Orientation of the session's images; images nearest to another one are set aside. any: images of other planes
    than the reference's are set aside."""

    host: Host = "127.0.0.1"
    """Name or address to listen on; by default only this machine can connect."""
    allow: Names = ("127.0.0.1", "::1")
    """Addresses from which senders may connect; other connections are refused."""
    largest_message_mb: Annotated[float, Field(gt=0.0, le=1024.0)] = 16.0
    """Limit of the size of a message, in megabytes; a larger one closes its connection."""
    frames_per_s: FrameRate | None = None
    """Frame rate per second. If it is given, the beam is held when no frame has come for `loop.silence_periods` frame
    periods; otherwise, when the newest frame is older than `gate.max_age_s`."""
    greeting_s: Annotated[float, Field(gt=0.0, le=600.0)] = 5.0
    """Limit of the time from a connection to its first message, in seconds; then it is closed. A sender that has
    delivered no frame for as long loses its place to another that greets."""
    clock: SenderClock = "sender"
    """sender: frames without a time of acquisition by the sender's own clock hold the beam; none: the sender has no
    such clock, and a frame counts as acquired when it arrives. Delays on the way are invisible then, but for those that
    grow."""
    tls: TlsConfig | None = None
    """Certificates for TLS; None: nothing is encrypted, and any program at an address in `allow` may send."""
    read_deadline_s: Annotated[float, Field(gt=0.0, le=60.0)] = 2.0
    """Limit of the time from the first to the last byte of a message, in seconds; then its connection is closed."""

    @property
    def largest_message_bytes(self) -> int:
        """Limit of the size of a message, in bytes."""
        return round(self.largest_message_mb * 1e6)


class MrdSourceConfig(NetworkSourceConfig):
    """MRD (ISMRMRD) streaming, as used by image reconstruction servers."""

    kind: Literal["mrd"]
    """Which source this is."""
    port: Port = 9002
    """TCP port to listen on."""
    tick_ms: Annotated[float, Field(gt=0.0, le=1000.0)] = 2.5
    """Unit of the sender's acquisition_time_stamp since midnight, in ms; it depends on the vendor and is 2.5 on Siemens
    scanners. The beam is held when the sender's clock in this unit runs faster than real time."""


class OpenIGTLinkSourceConfig(NetworkSourceConfig):
    """OpenIGTLink images, versions 1 to 3."""

    kind: Literal["openigtlink"]
    """Which source this is."""
    role: Literal["server", "client"] = "server"
    """server: listen for the sender; client: connect to it at `host`."""
    port: Port = 18944
    """TCP port to listen on or to connect to."""
    device: Annotated[str, Field(max_length=20)] = ""
    """Name of the device whose images are accepted; empty for any."""


class DicomSourceConfig(NetworkSourceConfig):
    """DICOM C-STORE: MR images as a storage provider receives them."""

    kind: Literal["dicom"]
    """Which source this is."""
    port: Port = 11112
    """TCP port to listen on."""
    ae_title: Annotated[str, Field(min_length=1, max_length=16)] = "GATEKEEPER"
    """Application entity title of this program."""
    calling_ae_titles: Annotated[Titles, Field(max_length=32)] = ()
    """Application entity titles of the senders that may connect; empty for any. A title is not a secret."""


class PluginSourceConfig(PluginConfig):
    """A source that is a plug-in."""

    frames_per_s: FrameRate | None = None
    """Frame rate per second, with the same effect as for the other sources."""
    clock: SenderClock = "sender"
    """none: the frames' times of acquisition are those of their arrival; sender: they are not."""


SourceConfig = Annotated[
    Annotated[MrdSourceConfig, Tag("mrd")]
    | Annotated[OpenIGTLinkSourceConfig, Tag("openigtlink")]
    | Annotated[DicomSourceConfig, Tag("dicom")]
    | Annotated[PluginSourceConfig, Tag("plugin")],
    Discriminator(lambda value: part_kind(value, SOURCES.builtin_names)),
]
"""Settings of the source, chosen by `kind`."""
