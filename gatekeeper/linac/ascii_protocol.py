"""The ASCII lines in which a device receives the state of the beam and answers with its own.

A line is ``GK1,ON,00042,1234,5C3A`` or ``GK1,HOLD,00043,1235,...``: version, state, heartbeat in five digits, frame
(-1 for none), and CRC-16/XMODEM (polynomial 0x1021, initial value 0) over all characters before the last comma, in four
upper-case hexadecimal digits. The answer is ``GA1,ON,00042,...``: the state of the device, and the heartbeat of the
line that it answers. On a serial line each ends with CR LF; OpenIGTLink strings hold them as they are.
"""

import re
from binascii import crc_hqx
from typing import NamedTuple

from gatekeeper.core.errors import LinkError
from gatekeeper.linac.repeater import BeamOrder

LONGEST = 40
"""Longest line in characters, including its end."""
ANSWER = re.compile(r"GA1,(ON|HOLD),(\d{5}),([0-9A-F]{4})", re.ASCII)
ORDER = re.compile(r"GK1,(ON|HOLD),(\d{5}),(-1|\d{1,10}),([0-9A-F]{4})", re.ASCII)


class Answer(NamedTuple):
    """The answer of a device.

    Attributes
    ----------
    beam_on : bool
        State of its output.
    beat : int
        Heartbeat of the line that it answers.
    """

    beam_on: bool
    beat: int


def order_line(order: BeamOrder) -> str:
    """Return the line of an order, without its end."""
    return _signed(f"GK1,{_word(order.beam_on)},{order.beat:05d},{order.frame}")


def answer_line(answer: Answer) -> str:
    """Return the line of an answer, without its end."""
    return _signed(f"GA1,{_word(answer.beam_on)},{answer.beat:05d}")


def read_order(line: str) -> BeamOrder:
    """Return the order in a line.

    Raises
    ------
    LinkError
        When it is not such a line, or its checksum is wrong.
    """
    state, beat, frame = _fields(ORDER, line)
    return BeamOrder(state == "ON", int(beat), int(frame))


def read_answer(line: str) -> Answer:
    """Return the answer in a line.

    Raises
    ------
    LinkError
        When it is not such a line, or its checksum is wrong.
    """
    state, beat = _fields(ANSWER, line)
    return Answer(state == "ON", int(beat))


def check(order: BeamOrder, answer: Answer, where: str) -> None:
    """Raise LinkError unless a device has answered this order with the same state and heartbeat."""
    if (answer.beam_on, answer.beat) != (order.beam_on, order.beat):
        raise LinkError(
            f"{where}: {_word(order.beam_on)} with heartbeat {order.beat} was sent, but the answer is "
            f"{_word(answer.beam_on)} with {answer.beat}; does the device refuse the beam?"
        )


def _word(beam_on: bool) -> str:
    return "ON" if beam_on else "HOLD"


def _signed(text: str) -> str:
    """Return a line with its checksum."""
    return f"{text},{crc_hqx(text.encode('ascii'), 0):04X}"


def _fields(form: re.Pattern[str], line: str) -> tuple[str, ...]:
    """Return the fields of a line of that form without its checksum, after checking it."""
    found = form.fullmatch(line)
    if found is None or _signed(line.rpartition(",")[0]) != line:
        raise LinkError(f"{line[:LONGEST]!r} is not a {form.pattern[:3]} line, or was damaged on its way")
    return found.groups()[:-1]
