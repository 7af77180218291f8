"""What the documentation site makes from the program covers all of it, and the pages that are linked exist."""

import re
import shlex
from pathlib import Path
from typing import get_args

import pytest

import gatekeeper
import gatekeeper.analysis
import replay
from docs.sitetools import GENERATORS, MARK, command_line, hold_reasons, settings_tables
from gatekeeper.cli import COMMANDS
from gatekeeper.cli.examples import EXAMPLES
from gatekeeper.config import LiveConfig, StrictModel
from gatekeeper.core.decision import Reason
from replay.phantom.config import PhantomConfig

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PURE_NUMBERS = {
    "amplitude_variation", "ap_ratio", "banding", "breath_share", "coil", "confidence_hysteresis",
    "content_brightness", "content_change", "contrast",
    "elastic", "fraction", "fractions", "label", "rl_ratio",
    "fifo_priority", "flicker", "heartbeat_register", "inflow", "irregularity", "min_confidence",
    "nodule_brightness", "overlap_resume_share", "period_variation", "pin_cpu", "port", "rest_share", "seed", "shading",
    "sharpness", "snr", "squeeze", "start_phase",
    "texture", "through_plane_ratio", "unit", "vessel_contrast", "whitening",
}  # fmt: skip
"""Settings that are numbers without a unit: shares, ratios, counts, addresses."""


def models(model):
    """Return a config and all configs that its settings may hold."""
    found = {model}
    for field in model.model_fields.values():
        found |= {inner for part in parts(field.annotation) for inner in models(part)}
    return found


def parts(annotation):
    if isinstance(annotation, type) and issubclass(annotation, StrictModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in parts(inner)]


@pytest.mark.parametrize(
    ("page", "model"),
    [(settings_tables.session_settings(), LiveConfig), (settings_tables.phantom_settings(), PhantomConfig)],
)
def test_every_setting_has_a_row_with_its_meaning(page, model):
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", page, flags=re.MULTILINE)
    single = [name for one in models(model) for name, field in one.model_fields.items() if not parts(field.annotation)]
    assert {name for name, _ in rows} - {"kind"} == set(single) - {"kind"}
    assert all(meaning for _, meaning in rows)
    assert "----" not in page.replace("| --- ", "")


@pytest.mark.parametrize("model", [LiveConfig, PhantomConfig])
def test_every_number_has_a_unit_or_is_known_to_have_none_and_has_limits(model):
    for _, schema in settings_tables.sections(model):
        for name, field in schema["properties"].items():
            if {"number", "integer"} & settings_tables.kinds(field):
                assert bool(settings_tables.unit(name)) != (name in PURE_NUMBERS), name
                assert settings_tables.limits(field), name


def test_every_reason_has_a_row():
    assert re.findall(r"^\| `(\w+)` \|", hold_reasons.table(), flags=re.MULTILINE) == [one.value for one in Reason]


def test_every_command_and_option_has_a_description():
    names = [name for name, _ in command_line.commands()]
    assert set(COMMANDS) - {"trackrad", "qa"} <= set(names)
    assert {"trackrad run", "trackrad score"} <= set(names)
    assert not re.findall(r"^\|.*\|  \|$", command_line.page(), flags=re.MULTILINE)


def test_every_generator_is_used_by_one_page_and_no_page_asks_for_another():
    used = [mark for page in DOCS.rglob("*.md") for mark in MARK.findall(page.read_text(encoding="utf-8"))]
    assert sorted(used) == sorted(GENERATORS)


def test_every_public_name_is_on_the_page_of_the_api():
    listed = re.findall(r"^    (\w+)$", (DOCS / "reference" / "api.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(listed) == sorted([*gatekeeper.__all__, *gatekeeper.analysis.__all__, *replay.__all__])


def test_readme_is_short_and_links_to_pages_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert links
    assert all((ROOT / link).exists() for link in links)


@pytest.mark.parametrize("place", ["gatekeeper", "replay", "kernels"])
def test_pages_that_the_program_names_exist(place):
    named = {
        page
        for file in (ROOT / place).rglob("*.py")
        for page in re.findall(r"docs/[\w/-]+\.md", file.read_text("utf-8"))
    }
    assert all((ROOT / page).exists() for page in named)


def test_each_command_has_examples_that_can_be_typed():
    commands = dict(command_line.commands())
    assert set(EXAMPLES) == set(commands)
    for name, lines in EXAMPLES.items():
        for line in lines:
            program, *words = shlex.split(line)
            assert (program, words[: len(name.split())]) == ("gatekeeper", name.split())
            command = commands[name]
            parser = command.make_parser(command.context_class(command))
            values, rest, _ = parser.parse_args(words[len(name.split()) :])
            assert rest == [], line
            needed = {param.name for param in command.params if param.required}
            assert {one for one in needed if values.get(one) in (None, ())} == set(), line
        assert lines[0] in commands[name].epilog
