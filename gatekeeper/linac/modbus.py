"""Modbus TCP: a coil that enables the beam and a register with a heartbeat, both read back and compared."""

import logging
import socket
from contextlib import closing

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from gatekeeper.config import ModbusLinacConfig
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.link_status import RST_ON_CLOSE
from gatekeeper.linac.repeater import BeamOrder

# The exceptions say the same; without a handler pymodbus would log to the terminal.
logging.getLogger("pymodbus").addHandler(logging.NullHandler())


class ModbusWire:
    """A connection to a Modbus server, with one request at a time and no retries.

    The coil is written before the heartbeat, so that a new heartbeat never confirms an older coil.

    Parameters
    ----------
    config : ModbusLinacConfig
        Address of the server, coil, register and times.

    Raises
    ------
    LinkError
        When the server cannot be reached.
    """

    def __init__(self, config: ModbusLinacConfig) -> None:
        self._config = config
        self._client = ModbusTcpClient(
            config.host, port=config.port, timeout=config.deadline_ms / 1000, retries=0, name="gatekeeper"
        )
        connected = self._client.connect()  # type: ignore[no-untyped-call]
        if not connected or self._client.socket is None:
            raise LinkError(f"{config.host}:{config.port}: cannot connect to a Modbus server; is it running?")
        self._client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Unsent data must not arrive after closing; what was delivered has been confirmed by then.
        self._client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)

    def deliver(self, order: BeamOrder) -> None:
        """Write coil and heartbeat, read both back, and compare.

        Parameters
        ----------
        order : BeamOrder
            State of the beam and heartbeat.

        Raises
        ------
        LinkError
            When a request is refused or not answered in time, or other values are read back.
        """
        config, client = self._config, self._client
        try:
            self._good("write coil", client.write_coil(config.coil, order.beam_on, device_id=config.unit))
            self._good(
                "write register",
                client.write_register(config.heartbeat_register, order.beat, device_id=config.unit),
            )
            coil, beat = self.read()
        except ModbusException as error:
            raise LinkError(f"{config.host}:{config.port}: {error}") from None
        if (coil, beat) != (order.beam_on, order.beat):
            raise LinkError(
                f"{config.host}:{config.port}: coil {config.coil} and register {config.heartbeat_register} were set to "
                f"{int(order.beam_on)} and {order.beat}, but {int(coil)} and {beat} are read back; does another "
                "client write there, or does the device refuse the beam?"
            )

    def read(self) -> tuple[bool, int]:
        """Return coil and heartbeat of the server.

        Returns
        -------
        beam_on : bool
            The coil.
        beat : int
            The register.

        Raises
        ------
        LinkError
            When a request is refused.
        ModbusException
            When one is not answered in time.
        """
        config, client = self._config, self._client
        coils = self._good("read coil", client.read_coils(config.coil, count=1, device_id=config.unit))
        registers = self._good(
            "read register",
            client.read_holding_registers(config.heartbeat_register, count=1, device_id=config.unit),
        )
        if not coils.bits or len(registers.registers) != 1:
            raise LinkError(f"{config.host}:{config.port}: an answer is too short; is this a Modbus server?")
        return bool(coils.bits[0]), int(registers.registers[0])

    def close(self) -> None:
        """Disconnect."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _good(self, what: str, answer: ModbusPDU) -> ModbusPDU:
        """Return an answer, or raise LinkError when it is a refusal."""
        config = self._config
        if answer.isError():
            raise LinkError(
                f"{config.host}:{config.port}: unit {config.unit} refuses to {what} "
                f"(coil {config.coil}, register {config.heartbeat_register}): {answer}"
            )
        return answer


def probe(config: ModbusLinacConfig) -> str:
    """Return coil and heartbeat of a Modbus server as a line of text; nothing is written.

    Raises
    ------
    LinkError
        When there is no server, or it refuses the addresses.
    """
    try:
        with closing(ModbusWire(config)) as wire:
            coil, beat = wire.read()
    except ModbusException as error:
        raise LinkError(f"{config.host}:{config.port}: {error}") from None
    return (
        f"Modbus server at {config.host}:{config.port}, unit {config.unit}: coil {config.coil} is {int(coil)}, "
        f"heartbeat register {config.heartbeat_register} is {beat}"
    )
