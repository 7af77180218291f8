"""Lines of ASCII to a device: what is written is read again, and nothing that was garbled is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import LinkError
from gatekeeper.linac.ascii_protocol import LONGEST, Answer, answer_line, check, order_line, read_answer, read_order
from gatekeeper.linac.repeater import BeamOrder

ORDERS = st.builds(BeamOrder, st.booleans(), st.integers(0, 65535), st.integers(-1, 2**31 - 1))
ANSWERS = st.builds(Answer, st.booleans(), st.integers(0, 65535))


def test_lines_are_those_of_the_document():
    assert order_line(BeamOrder(True, 42, 1234)) == "GK1,ON,00042,1234,F11A"
    assert order_line(BeamOrder(False, 43, -1)) == "GK1,HOLD,00043,-1,CBB0"
    assert answer_line(Answer(True, 42)) == "GA1,ON,00042,5DDA"


@given(order=ORDERS)
def test_order_is_read_as_it_was_written_and_is_short(order):
    assert read_order(order_line(order)) == order
    assert len(f"{order_line(order)}\r\n") <= LONGEST


@given(answer=ANSWERS)
def test_answer_is_read_as_it_was_written(answer):
    assert read_answer(answer_line(answer)) == answer


@given(order=ORDERS, at=st.integers(0, 38), letter=st.characters(min_codepoint=0, max_codepoint=255))
def test_line_with_one_other_character_is_no_line(order, at, letter):
    line = order_line(order)
    at %= len(line)
    garbled = line[:at] + letter + line[at + 1 :]
    if garbled != line:
        with pytest.raises(LinkError):
            read_order(garbled)


@given(text=st.text())
def test_no_text_is_a_line_by_chance(text):
    for read in (read_order, read_answer):
        with pytest.raises(LinkError):
            read(text)


@pytest.mark.parametrize(
    "line",
    [
        "GA1,ON,00042,5DDA",
        "GK1,ON,00042,1234,f11a",
        "GK1,ON,00042,1234,F11A ",
        "GK1,ON,00042,1234",
        "GK1,ON,٠٠٠٤٢,1234,F11A",
    ],
)
def test_line_of_another_kind_is_no_order(line):
    with pytest.raises(LinkError, match="is not a GK1 line"):
        read_order(line)


@pytest.mark.parametrize("line", ["GK1,ON,00042,1234,F11A", "GA1,ON,00042,5DDB", "GA1,ON,٠٠٠٤٢,5DDA"])
def test_line_of_another_kind_is_no_answer(line):
    with pytest.raises(LinkError, match="is not a GA1 line"):
        read_answer(line)


@pytest.mark.parametrize("answer", [Answer(False, 42), Answer(True, 41), Answer(True, 43)])
def test_answer_that_is_another_is_told(answer):
    check(BeamOrder(True, 42, 7), Answer(True, 42), "device")
    with pytest.raises(LinkError, match="device: ON with heartbeat 42 was sent, but the answer is"):
        check(BeamOrder(True, 42, 7), answer, "device")
