"""docs/reference/linac-ports.md says what the ports do: settings, lines, codes and the numbers of requests."""

import re
import tomllib
from pathlib import Path

import pytest

from gatekeeper.config import (
    LeaseLinacConfig,
    ModbusLinacConfig,
    OpenIGTLinkLinacConfig,
    RepeaterLinacConfig,
    SerialLinacConfig,
    SessionConfig,
    build,
)
from gatekeeper.linac.ascii_protocol import LONGEST, read_answer, read_order
from gatekeeper.linac.openigtlink import HELD
from gatekeeper.linac.openigtlink import LONGEST as LARGEST_BODY
from gatekeeper.linac.repeater import BEATS, LARGEST_FRAME, BeamOrder
from gatekeeper.wire.openigtlink.contents import STATUS_OK

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "linac-ports.md").read_text(encoding="utf-8")
WORDS = " ".join(TEXT.split())
EXAMPLES = re.findall(r"^    \[linac\]\n(?:    .+\n)+", TEXT, flags=re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_settings_of_an_example_are_valid_and_its_defaults_are_those_of_the_config(example):
    linac = build(SessionConfig, tomllib.loads(example), "docs/reference/linac-ports.md").linac
    by_default = re.findall(r"^    (\w+) = .*# default", example, flags=re.MULTILINE)
    fields = type(linac).model_fields
    assert by_default
    assert all(getattr(linac, name) == fields[name].default for name in by_default)
    said = set(re.findall(r"^    (\w+) = ", example, flags=re.MULTILINE))
    assert said == set(fields) - set(RepeaterLinacConfig.model_fields)


def test_there_is_an_example_of_each_port_that_repeats():
    kinds = {build(SessionConfig, tomllib.loads(example), "docs").linac.kind for example in EXAMPLES}
    assert kinds == {config.model_fields["kind"].default for config in RepeaterLinacConfig.__subclasses__()}
    assert {ModbusLinacConfig, SerialLinacConfig, OpenIGTLinkLinacConfig} == set(RepeaterLinacConfig.__subclasses__())


def test_lines_are_read_by_the_ports():
    order, hold = re.findall(r"^    (GK1,.+)$", TEXT, flags=re.MULTILINE)
    [answer] = re.findall(r"^    (GA1,.+)$", TEXT, flags=re.MULTILINE)
    assert read_order(order) == BeamOrder(True, 42, 1234)
    assert read_order(hold) == BeamOrder(False, 43, -1)
    assert read_answer(answer) == (True, 42)


def test_numbers_are_those_of_the_code():
    assert f"code {STATUS_OK} (OK) for the beam and {HELD} (device disabled)" in WORDS
    assert f"counts 0 to {BEATS - 1}" in WORDS
    assert f"up to {LARGEST_FRAME}" in WORDS
    assert f"at most {LONGEST} characters" in WORDS
    assert f"more than {LARGEST_BODY} bytes" in WORDS
    stated_s = LeaseLinacConfig(port=7400, key_file="k").failure_detect_s
    assert f"{1e3 * stated_s:.0f} ms by default" in WORDS
