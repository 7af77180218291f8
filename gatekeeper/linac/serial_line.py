"""Serial port: a device receives the state of the beam in ASCII lines, and answers each with its own."""

import termios
from collections.abc import Callable
from contextlib import closing, suppress

import serial

from gatekeeper.config import SerialLinacConfig
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.ascii_protocol import LONGEST, check, order_line, read_answer
from gatekeeper.linac.repeater import BeamOrder


class SerialWire:
    """An open serial port, locked against other processes.

    Parameters
    ----------
    config : SerialLinacConfig
        The port and its settings.
    make : callable
        Return a port that is not open yet.

    Raises
    ------
    LinkError
        When the port cannot be opened, or has no such control line.
    """

    def __init__(self, config: SerialLinacConfig, make: Callable[[], serial.Serial] = serial.Serial) -> None:
        self._config, self._line = config, config.enable_line
        self._port = make()
        self._port.baudrate = config.baud
        self._port.exclusive = True
        self._port.timeout = self._port.write_timeout = config.deadline_ms / 1000
        # Otherwise opening the port would raise both control lines.
        self._port.rts = self._port.dtr = False
        self._port.port = config.device
        try:
            self._port.open()
        except (OSError, termios.error) as error:
            raise LinkError(f"{config.device}: the serial port cannot be opened: {error}") from None
        try:
            self._set_line(False)
        except LinkError:
            self._port.close()
            raise

    def deliver(self, order: BeamOrder) -> None:
        """Write the line, and compare the answer where there is one.

        The control line falls before the text of a hold is sent, and rises after the text of a beam-on was answered.

        Parameters
        ----------
        order : BeamOrder
            State of the beam and heartbeat.

        Raises
        ------
        LinkError
            When the line cannot be written in time, or the answer is late, damaged or different.
        """
        if not order.beam_on:
            self._set_line(False)
        try:
            if (waiting := self._port.out_waiting) > LONGEST:
                raise LinkError(f"{self._config.device}: {waiting} bytes are unsent; the port is stuck")
            self._port.write(f"{order_line(order)}\r\n".encode("ascii"))
            if self._config.acknowledge:
                self._compare(order)
        except (LinkError, OSError, termios.error) as error:
            self._discard()
            raise LinkError(f"{error}") from None
        if order.beam_on:
            self._set_line(True)

    def close(self) -> None:
        """Close the port; the control lines fall."""
        self._port.close()

    def _discard(self) -> None:
        """Drop the control line and discard unsent data, if the port still exists."""
        with suppress(LinkError):
            self._set_line(False)
        with suppress(OSError, termios.error):
            self._port.reset_output_buffer()

    def _compare(self, order: BeamOrder) -> None:
        """Read the answer, and compare it with the order."""
        raw = self._port.read_until(b"\n", LONGEST)
        if not raw.endswith(b"\r\n"):
            raise LinkError(
                f"{self._config.device}: no answer within deadline_ms = {self._config.deadline_ms}; is the device on, "
                f"does it answer, and has it {self._config.baud} baud?"
            )
        check(order, read_answer(raw[:-2].decode("ascii", "replace")), self._config.device)

    def _set_line(self, high: bool) -> None:
        """Set the control line that accompanies the beam, if there is one."""
        if self._line == "none":
            return
        try:
            setattr(self._port, self._line, high)
        except (OSError, termios.error):
            raise LinkError(
                f"{self._config.device}: has no {self._line.upper()} line; set enable_line to 'none', or name a port "
                "that has one"
            ) from None


def probe(config: SerialLinacConfig, make: Callable[[], serial.Serial] = serial.Serial) -> str:
    """Return a line of text on a serial port: that it opens and, with acknowledgements, that the device answers.

    Only HOLD is sent.

    Raises
    ------
    LinkError
        When the port cannot be opened, is in use, has no such control line, or the device does not answer.
    """
    with closing(SerialWire(config, make)) as wire:
        wire.deliver(BeamOrder(False, 0, -1))
    found = "the device answers" if config.acknowledge else "without acknowledgements a device cannot be detected"
    return f"serial port {config.device} at {config.baud} baud: {found}"
