"""docs/reference/source-protocols.md names every setting of a source and every kind of thing that it counts."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from gatekeeper.config.gating import GateConfig
from gatekeeper.config.source import MrdSourceConfig, OpenIGTLinkSourceConfig
from gatekeeper.config.strict import build
from gatekeeper.core.decision import Reason
from gatekeeper.core.frame import SEQUENCE_BREAK
from gatekeeper.sources import mrd, openigtlink
from gatekeeper.sources.frame_queue import CAPACITY
from gatekeeper.wire.mrd_codec import Kind
from gatekeeper.wire.openigtlink.image import SCALAR_TYPES
from gatekeeper.wire.stream import Breach

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "source-protocols.md").read_text(encoding="utf-8")


def section(heading):
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("heading", "config"), [("MRD", MrdSourceConfig), ("OpenIGTLink", OpenIGTLinkSourceConfig)])
def test_settings_and_their_defaults_are_those_of_the_config(heading, config):
    block = "[source]" + section(heading).partition("[source]")[2].partition("\n\n")[0]
    said = tomllib.loads(block)["source"]
    without_default = {name for name, field in config.model_fields.items() if field.default is None}
    assert set(said) == set(config.model_fields) - without_default
    assert all(f"# {name} = " in block for name in without_default)
    assert build(config, said, "docs/reference/source-protocols.md") == config(kind=said["kind"])


def test_every_kind_of_mrd_message_is_named():
    assert {kind.name.lower() for kind in Kind} - {"image"} <= set(re.findall(r"`(\w+)`", section("MRD")))


def test_every_reason_for_no_frame_is_named():
    source = Path(mrd.__file__).read_text(encoding="utf-8")
    kinds = set(re.findall(r'return "(\w+)", f?"', source)) | {"plane", "geometry", "clock"}
    assert len(kinds) == 7
    assert kinds <= set(re.findall(r"`(\w+)`", section("MRD").partition("**No frame**")[2]))


def test_what_becomes_of_openigtlink_messages_is_named():
    source = Path(openigtlink.__file__).read_text(encoding="utf-8")
    unfit = set(re.findall(r'return "(\w+)", f?"', source)) | {"plane", "geometry", "clock"}
    assert len(unfit) == 6
    text = section("OpenIGTLink")
    assert unfit <= set(re.findall(r"`(\w+)`", text.partition("**No frame**")[2]))
    assert set(openigtlink.IGNORED.values()) | {"other", "device", "unreachable"} <= set(re.findall(r"`(\w+)`", text))
    assert all(np.dtype(name).name in text for name in SCALAR_TYPES.values())


def test_what_all_sources_count_and_the_numbers_they_go_by_are_named():
    text = " ".join(section("What all sources do").split())
    names = set(re.findall(r"`([\w.]+)`", text))
    assert {breach.value for breach in Breach} | {"address", "busy", "failed"} <= names
    assert {"wrong_plane", "wrong_spacing", "wrong_shape", "sequence_gap"} <= names & {one.value for one in Reason}
    assert {name.removeprefix("gate.") for name in names if name.startswith("gate.")} <= set(GateConfig.model_fields)
    assert f"{SEQUENCE_BREAK} numbers are left out" in text
    assert f"At most {CAPACITY} wait" in text
