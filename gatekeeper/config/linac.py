"""Which linac is driven, how, and what it can follow."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from gatekeeper.config.source import Host
from gatekeeper.config.strict import StrictModel

Port = Annotated[int, Field(ge=1, le=65535)]
"""TCP port to connect to."""
Address = Annotated[int, Field(ge=0, le=65535)]
"""Address of a coil or register as the protocol counts: from 0, not from 1."""


class LeaseConfig(StrictModel):
    """How permission to irradiate is lent to the interlock."""

    lifetime_ms: Annotated[int, Field(ge=20, le=1000)] = 100
    """How long a lease lives at the interlock unless it is renewed, in ms; the interlock may allow less."""
    renew_ms: Annotated[int, Field(ge=2, le=250)] = 20
    """A message is sent when none was for this long, in ms; at most a quarter of the lifetime."""
    fresh_ms: Annotated[int, Field(ge=20, le=10_000)] = 375
    """How long after a decision its lease is renewed, in ms: above the time between two frames, or the beam is held."""
    ack_timeout_ms: Annotated[int, Field(ge=10, le=10_000)] = 100
    """The link counts as lost when the interlock has answered nothing for this long, in ms."""
    connect_timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = 500
    """How long connecting and each step of the greeting may take, in ms."""
    retry_ms: Annotated[int, Field(ge=1, le=60_000)] = 200
    """How long to wait before a lost link is set up again, in ms."""

    @model_validator(mode="after")
    def _renewed_in_time(self) -> Self:
        if 4 * self.renew_ms > self.lifetime_ms:
            raise ValueError(
                f"renew_ms is {self.renew_ms} and may be a quarter of lifetime_ms = {self.lifetime_ms} at most, "
                "so that a single late message does not hold the beam"
            )
        if 2 * self.renew_ms > self.ack_timeout_ms:
            raise ValueError(
                f"ack_timeout_ms is {self.ack_timeout_ms} and must be at least twice renew_ms = {self.renew_ms}"
            )
        return self


class LinacProfile(StrictModel):
    """What a linac can follow. As made, it can follow everything up to one beam per second."""

    minimum_on_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    """A beam that is shorter than this, in seconds, is counted as cut short; a hold is never put off for it."""
    minimum_off_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    """How long the beam must have been off, in seconds, before it may begin again."""
    cycles_per_minute: Annotated[int, Field(ge=1, le=1000)] = 60
    """How many beams may begin within any minute."""
    on_latency_s: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    """From the decision until the beam is on, in seconds."""
    off_latency_s: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    """From the decision until the beam is off, in seconds."""


class LeaseLinacConfig(StrictModel):
    """An interlock that is lent permission to irradiate, a moment at a time; see docs/reference/lease-protocol.md."""

    kind: Literal["lease"] = "lease"
    """Which port this is; the one that is meant when no kind is named."""
    host: Host = "127.0.0.1"
    """Name or address of the interlock."""
    port: Port
    """Its TCP port."""
    key_file: Annotated[str, Field(min_length=1)]
    """File with the key that is shared with it, readable by its owner alone."""
    lease: LeaseConfig = LeaseConfig()

    @property
    def failure_detect_s(self) -> float:
        """Within this time a link, an engine or an interlock that fails has held the beam or been noticed, in s."""
        return 1e-3 * (max(self.lease.lifetime_ms, self.lease.ack_timeout_ms) + self.lease.renew_ms)


class RepeaterLinacConfig(StrictModel):
    """What all ports have in common that repeat the last decision to a device; see docs/reference/linac-ports.md."""

    refresh_ms: Annotated[int, Field(ge=5, le=1000)] = 40
    """What is wanted is said again when it was not for this long, in ms."""
    deadline_ms: Annotated[int, Field(ge=10, le=2000)] = 100
    """How long saying it may take, until the device has confirmed it where it does, in ms; then the link is lost."""
    failure_detect_ms: Annotated[int, Field(ge=20, le=5000)] = 200
    """Within this time, in ms, a failed link or device is noticed here, and the device must have held the beam when it
    has heard nothing; at least twice `refresh_ms` and `deadline_ms` together."""
    fresh_ms: Annotated[int, Field(ge=20, le=10_000)] = 375
    """How long after a decision the beam is asked for, in ms: above the time between two frames, or it is held."""
    retry_ms: Annotated[int, Field(ge=1, le=60_000)] = 200
    """How long to wait before a lost link is set up again, in ms."""

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
        """Within this time a link, an engine or a device that fails has held the beam or been noticed, in s."""
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
    """A device on a serial line that is told the state in lines of ASCII."""

    kind: Literal["serial"] = "serial"
    """Which port this is."""
    device: Annotated[str, Field(min_length=1, max_length=4096)]
    """The serial port, for example /dev/ttyUSB0."""
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600] = 115200
    """Bits per second; 8 data bits, no parity, 1 stop bit, no flow control."""
    acknowledge: bool = True
    """Whether the device answers each line with its own state; without, a device that has died is not noticed."""
    enable_line: Literal["none", "rts", "dtr"] = "none"
    """The control line that is raised with the beam on, beside the lines of text."""


class OpenIGTLinkLinacConfig(RepeaterLinacConfig):
    """An OpenIGTLink receiver that is told the state in messages."""

    kind: Literal["openigtlink"] = "openigtlink"
    """Which port this is."""
    host: Host = "127.0.0.1"
    """Name or address of the receiver, which listens."""
    port: Port = 18944
    """Its TCP port."""
    device: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[\x20-\x7e]+$")] = "GATEKEEPER"
    """The device name in our messages."""
    message: Literal["status", "string"] = "status"
    """Which message says the state."""
    acknowledge: bool = True
    """Whether the receiver answers each message with its own state; without, a receiver that hangs is not noticed."""


class DryRunLinacConfig(StrictModel):
    """No linac: decisions are only recorded."""

    kind: Literal["dry_run"] = "dry_run"
    """Which port this is."""

    @property
    def failure_detect_s(self) -> float:
        """There is nothing that can fail, in s."""
        return 0.0


def _named(value: object) -> object:
    """Return settings of a linac with their kind: settings that name none are those of a lease."""
    return {"kind": "lease", **value} if isinstance(value, dict) else value


LinacConfig = Annotated[
    Annotated[
        LeaseLinacConfig | ModbusLinacConfig | SerialLinacConfig | OpenIGTLinkLinacConfig | DryRunLinacConfig,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_named),
]
"""How the linac is reached, chosen by `kind`."""
