"""Define the settings of the connection to the linac and of its capabilities."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from gatekeeper.config.source import Host
from gatekeeper.config.strict import PluginConfig, StrictModel, part_kind
from gatekeeper.core.errors import PluginError
from gatekeeper.plugins import LINACS

Port = Annotated[int, Field(ge=1, le=65535)]
"""TCP port to connect to."""
Address = Annotated[int, Field(ge=0, le=65535)]
"""Address of a coil or register as the protocol counts: from 0, not from 1."""


class LeaseConfig(StrictModel):
    """Times of the lease protocol."""

    lifetime_ms: Annotated[int, Field(ge=20, le=1000)] = 100
    """Time after which a lease expires at the interlock unless it is renewed, in ms; the interlock may allow less."""
    renew_ms: Annotated[int, Field(ge=2, le=250)] = 20
    """Interval between messages, in ms; at most a quarter of the lifetime."""
    fresh_ms: Annotated[int, Field(ge=20, le=10_000)] = 375
    """Time after a decision for which its lease is renewed, in ms; it must exceed the time between two frames."""
    ack_timeout_ms: Annotated[int, Field(ge=10, le=10_000)] = 100
    """The link is lost when the interlock has not answered for this long, in ms."""
    connect_timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = 500
    """Limit of the time for connecting and for each step of the handshake, in ms."""
    retry_ms: Annotated[int, Field(ge=1, le=60_000)] = 200
    """Time before a lost link is set up again, in ms."""

    @model_validator(mode="after")
    def _renewed_in_time(self) -> Self:
        if 4 * self.renew_ms > self.lifetime_ms:
            raise ValueError(
                f"renew_ms is {self.renew_ms} and must be at most a quarter of lifetime_ms = {self.lifetime_ms}, "
                "so that a single late message does not hold the beam"
            )
        if 2 * self.renew_ms > self.ack_timeout_ms:
            raise ValueError(
                f"ack_timeout_ms is {self.ack_timeout_ms} and must be at least twice renew_ms = {self.renew_ms}"
            )
        return self


class LinacProfile(StrictModel):
    """Capabilities of a linac; by default they are limited to one beam per second.

    Examples
    --------
    >>> from gatekeeper import LinacProfile
    >>> LinacProfile(minimum_off_s=0.5, cycles_per_minute=30).minimum_off_s
    0.5
    """

    minimum_on_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    """A beam shorter than this, in seconds, is counted as cut short; a hold is never delayed."""
    minimum_off_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    """Least time with the beam off before it may start again, in seconds."""
    cycles_per_minute: Annotated[int, Field(ge=1, le=1000)] = 60
    """Largest number of beams that may start within any minute."""
    on_latency_s: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    """Time from the decision until the beam is on, in seconds."""
    off_latency_s: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    """Time from the decision until the beam is off, in seconds."""


class LeaseLinacConfig(StrictModel):
    """An interlock that is lent permission to irradiate, a moment at a time; see docs/reference/lease-protocol.md."""

    kind: Literal["lease"] = "lease"
    """Kind of the port; it is the default."""
    host: Host = "127.0.0.1"
    """Name or address of the interlock."""
    port: Port
    """Its TCP port."""
    key_file: Annotated[str, Field(min_length=1)]
    """File with the key shared with the interlock, readable only by its owner."""
    lease: LeaseConfig = LeaseConfig()

    @property
    def failure_detect_s(self) -> float:
        """Time within which a failure of link, engine or interlock holds the beam or is detected, in seconds."""
        return 1e-3 * (max(self.lease.lifetime_ms, self.lease.ack_timeout_ms) + self.lease.renew_ms)


class RepeaterLinacConfig(StrictModel):
    """What all ports have in common that repeat the last decision to a device; see docs/reference/linac-ports.md."""

    refresh_ms: Annotated[int, Field(ge=5, le=1000)] = 40
    """Interval at which the decision is repeated, in ms."""
    deadline_ms: Annotated[int, Field(ge=10, le=2000)] = 100
    """Limit of the time for sending and, if the device confirms, for its confirmation, in ms; then the link is lost."""
    failure_detect_ms: Annotated[int, Field(ge=20, le=5000)] = 200
    """Time within which a failed link or device is detected, and after which the device must hold the beam without a
    message, in ms; at least the sum of twice `refresh_ms` and `deadline_ms`."""
    fresh_ms: Annotated[int, Field(ge=20, le=10_000)] = 375
    """Time after a decision for which beam-on is repeated, in ms; it must exceed the time between two frames."""
    retry_ms: Annotated[int, Field(ge=1, le=60_000)] = 200
    """Time before a lost link is set up again, in ms."""

    @model_validator(mode="after")
    def _noticed_in_time(self) -> Self:
        least_ms = 2 * self.refresh_ms + self.deadline_ms
        if self.failure_detect_ms < least_ms:
            raise ValueError(
                f"failure_detect_ms is {self.failure_detect_ms} and must be at least twice refresh_ms = "
                f"{self.refresh_ms} and deadline_ms = {self.deadline_ms} together: {least_ms}"
            )
        return self

    @property
    def failure_detect_s(self) -> float:
        """Time within which a failure of link, engine or device holds the beam or is detected, in seconds."""
        return 1e-3 * self.failure_detect_ms


class ModbusLinacConfig(RepeaterLinacConfig):
    """A Modbus TCP server, such as a PLC, with a coil that enables the beam."""

    kind: Literal["modbus"] = "modbus"
    """Which port this is."""
    host: Host = "127.0.0.1"
    """Name or address of the server."""
    port: Port = 502
    """Its TCP port."""
    unit: Annotated[int, Field(ge=1, le=255)] = 1
    """Its unit identifier."""
    coil: Address = 0
    """The coil that enables the beam."""
    heartbeat_register: Address = 0
    """The holding register that counts up with every message."""


class SerialLinacConfig(RepeaterLinacConfig):
    """A device on a serial line that receives the state as lines of ASCII."""

    kind: Literal["serial"] = "serial"
    """Which port this is."""
    device: Annotated[str, Field(min_length=1, max_length=4096)]
    """The serial port, for example /dev/ttyUSB0."""
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600] = 115200
    """Bits per second; 8 data bits, no parity, 1 stop bit, no flow control."""
    acknowledge: bool = True
    """Whether the device answers each line with its own state; otherwise a failed device is not detected."""
    enable_line: Literal["none", "rts", "dtr"] = "none"
    """Control line that is raised while the beam is on, in addition to the lines of text."""


class OpenIGTLinkLinacConfig(RepeaterLinacConfig):
    """An OpenIGTLink receiver that receives the state as messages."""

    kind: Literal["openigtlink"] = "openigtlink"
    """Which port this is."""
    host: Host = "127.0.0.1"
    """Name or address of the receiver, which listens for connections."""
    port: Port = 18944
    """Its TCP port."""
    device: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[\x20-\x7e]+$")] = "GATEKEEPER"
    """Device name in the messages."""
    message: Literal["status", "string"] = "status"
    """Type of the message."""
    acknowledge: bool = True
    """Whether the receiver answers each message with its own state; otherwise a failed receiver is not detected."""


class DryRunLinacConfig(StrictModel):
    """No linac: decisions are only recorded."""

    kind: Literal["dry_run"] = "dry_run"
    """Which port this is."""

    @property
    def failure_detect_s(self) -> float:
        """Always 0, in seconds: there is no link that could fail."""
        return 0.0


class PluginLinacConfig(PluginConfig):
    """A linac port that is a plug-in."""

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: object) -> object:
        # The settings of a recorded session are read without its plug-in; other names tell of a mistyped kind.
        kind = values.get("kind") if isinstance(values, dict) else None
        if isinstance(values, dict) and isinstance(kind, str) and values.keys() - cls.model_fields.keys():
            try:
                LINACS.find(kind)
            except PluginError as error:
                raise ValueError(str(error)) from None
        return values


def _named(value: object) -> object:
    """Return the settings of a linac with their kind, by default a lease."""
    return {"kind": "lease", **value} if isinstance(value, dict) else value


LinacConfig = Annotated[
    Annotated[
        Annotated[LeaseLinacConfig, Tag("lease")]
        | Annotated[ModbusLinacConfig, Tag("modbus")]
        | Annotated[SerialLinacConfig, Tag("serial")]
        | Annotated[OpenIGTLinkLinacConfig, Tag("openigtlink")]
        | Annotated[DryRunLinacConfig, Tag("dry_run")]
        | Annotated[PluginLinacConfig, Tag("plugin")],
        Discriminator(lambda value: part_kind(value, LINACS.builtin_names)),
    ],
    BeforeValidator(_named),
]
"""Settings of the linac port, chosen by `kind`."""
