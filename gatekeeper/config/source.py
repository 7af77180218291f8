"""Where live frames come from."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gatekeeper.config.strict import StrictModel

Port = Annotated[int, Field(ge=0, le=65535)]
"""A TCP port; to listen on 0 is any free one, which is said."""
Host = Annotated[str, Field(min_length=1, max_length=253)]
Names = Annotated[tuple[Host, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]
"""A list of names, as TOML has it, kept so that nobody can change it."""


class NetworkSourceConfig(StrictModel):
    """What all sources that listen on a network have in common."""

    host: Host = "127.0.0.1"
    """Name or address to listen on; by default only this machine can connect."""
    allow: Names = ("127.0.0.1", "::1")
    """Addresses from which a sender may connect; nobody else is listened to."""
    largest_message_mb: Annotated[float, Field(gt=0.0, le=1024.0)] = 16.0
    """A message that is announced or grows larger than this ends its connection, in megabytes."""
    frames_per_s: Annotated[float, Field(ge=0.1, le=100.0)] | None = None
    """How many frames come per second. With it the beam is held when none has come for `loop.silence_periods` of their
    periods; not given, only when the newest is older than `gate.max_age_s`."""
    read_deadline_s: Annotated[float, Field(gt=0.0, le=60.0)] = 2.0
    """Once its first byte has come a message must be whole within this time, in seconds, or its connection ends."""

    @property
    def largest_message_bytes(self) -> int:
        """The same in bytes."""
        return round(self.largest_message_mb * 1e6)


class MrdSourceConfig(NetworkSourceConfig):
    """MRD (ISMRMRD) streaming, as image reconstruction servers speak it."""

    kind: Literal["mrd"]
    """Which source this is."""
    port: Port = 9002
    """TCP port to listen on."""
    tick_ms: Annotated[float, Field(gt=0.0, le=1000.0)] = 2.5
    """Unit of the sender's acquisition_time_stamp since midnight, in ms, which MRD leaves to the vendor: 2.5 on Siemens
    scanners. Frames of a clock that runs faster than time by this unit are held."""


class OpenIGTLinkSourceConfig(NetworkSourceConfig):
    """OpenIGTLink images, versions 1 to 3."""

    kind: Literal["openigtlink"]
    """Which source this is."""
    role: Literal["server", "client"] = "server"
    """server: listen for the sender; client: connect to it at `host`."""
    port: Port = 18944
    """TCP port to listen on or to connect to."""
    device: Annotated[str, Field(max_length=20)] = ""
    """Only images of the device of this name are taken; empty: of any."""


class DicomSourceConfig(NetworkSourceConfig):
    """DICOM C-STORE: MR images as a storage provider receives them."""

    kind: Literal["dicom"]
    """Which source this is."""
    port: Port = 11112
    """TCP port to listen on."""
    ae_title: Annotated[str, Field(min_length=1, max_length=16)] = "GATEKEEPER"
    """Our application entity title."""


SourceConfig = Annotated[MrdSourceConfig | OpenIGTLinkSourceConfig | DicomSourceConfig, Field(discriminator="kind")]
