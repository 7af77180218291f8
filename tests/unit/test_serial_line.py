"""The serial line: control lines beside the text, and a port that does not behave."""

import termios

import pytest
import serial

from gatekeeper.config import SerialLinacConfig
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.ascii_protocol import Answer, answer_line, read_order
from gatekeeper.linac.repeater import BeamOrder
from gatekeeper.linac.serial_line import SerialWire, probe


class Port:
    """A port that keeps what happens to it, in order; the device behind it answers."""

    def __init__(self):
        self.__dict__["events"] = []
        self.events.clear()
        self.out_waiting, self.answer, self.opening = 0, None, None

    def __setattr__(self, name, value):
        if name in ("rts", "dtr"):
            self.events.append((name, value))
        self.__dict__[name] = value

    def open(self):
        self.events.append("open")
        if self.opening is not None:
            raise self.opening

    def write(self, raw):
        order = read_order(raw.decode().removesuffix("\r\n"))
        self.events.append("ON" if order.beam_on else "HOLD")
        self.said = f"{answer_line(Answer(order.beam_on, order.beat))}\r\n".encode()

    def read_until(self, end, longest):
        return self.said if self.answer is None else self.answer

    def reset_output_buffer(self):
        self.events.append("thrown away")

    def close(self):
        self.events.append("closed")


def wire(port, **settings):
    return SerialWire(SerialLinacConfig(device="/dev/ttyS7", **settings), lambda: port)


@pytest.mark.parametrize("line", ["rts", "dtr"])
def test_control_line_rises_last_and_falls_first(line):
    port = Port()
    with_line = wire(port, enable_line=line)
    opened = port.events.index("open")
    assert (line, False) in port.events[:opened], "it is not raised by opening"
    port.events.clear()
    with_line.deliver(BeamOrder(True, 1, 5))
    with_line.deliver(BeamOrder(False, 2, 6))
    assert port.events == ["ON", (line, True), (line, False), "HOLD"]


def test_control_line_falls_when_the_answer_is_another():
    port = Port()
    with_line = wire(port, enable_line="rts")
    with_line.deliver(BeamOrder(True, 1, 5))
    port.answer = f"{answer_line(Answer(False, 2))}\r\n".encode()
    with pytest.raises(LinkError, match="does the device refuse the beam"):
        with_line.deliver(BeamOrder(True, 2, 6))
    assert port.events[-2:] == [("rts", False), "thrown away"]


def test_without_a_control_line_none_is_touched():
    port = Port()
    plain = wire(port)
    port.events.clear()
    plain.deliver(BeamOrder(True, 1, 5))
    assert port.events == ["ON"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "no answer within deadline_ms = 100"),
        (b"GA1,ON,00001", "no answer within deadline_ms = 100"),
        (b"\xff\xfe\r\n", "is not a GA1 line"),
    ],
)
def test_answer_that_is_none_is_told(answer, said):
    port = Port()
    port.answer = answer
    with pytest.raises(LinkError, match=said):
        wire(port).deliver(BeamOrder(True, 1, 5))
    assert port.events[-1] == "thrown away"


def test_port_that_sends_nothing_on_is_noticed_without_answers():
    port = Port()
    plain = wire(port, acknowledge=False)
    plain.deliver(BeamOrder(True, 1, 5))
    port.out_waiting = 41
    with pytest.raises(LinkError, match="41 bytes are unsent"):
        plain.deliver(BeamOrder(True, 2, 5))


@pytest.mark.parametrize("error", [serial.SerialException("busy"), OSError("gone"), termios.error(5, "not a tty")])
def test_port_that_cannot_be_opened_is_told_in_one_line(error):
    port = Port()
    port.opening = error
    with pytest.raises(LinkError, match="/dev/ttyS7: the serial port cannot be opened"):
        wire(port)


def test_probe_says_hold_and_nothing_else():
    port = Port()
    said = probe(SerialLinacConfig(device="/dev/ttyS7"), lambda: port)
    assert said == "serial port /dev/ttyS7 at 115200 baud: the device answers"
    assert [event for event in port.events if isinstance(event, str)] == ["open", "HOLD", "closed"]
