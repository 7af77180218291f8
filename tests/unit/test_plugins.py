"""Parts are found by name: ours, those of installed distributions, and objects that are named as module:object."""

import pytest

from gatekeeper.core.errors import InputError, PluginError
from gatekeeper.plugins import DISTRIBUTION, Registry, reference_to
from tests.support.plugin_distributions import installed

__all__ = ["installed"]

GROUP = "gatekeeper.trackers"
OURS = Registry("tracker", GROUP, {"own": "math:sqrt"})


def test_ours_is_found_and_imported_when_it_is_loaded():
    plugin = OURS.find("own")
    assert plugin.load()(9.0) == 3.0
    assert (plugin.distribution, plugin.builtin) == (DISTRIBUTION, True)
    assert plugin.identity["version"]


def test_one_of_an_installed_distribution_is_found_with_its_version_and_place(installed):
    installed("flow-tracker", {GROUP: {"flow": "flow_part:make"}}, {"flow_part": "make = 'made'"})
    plugin = OURS.find("flow")
    assert plugin.identity == {"kind": "flow", "distribution": "flow-tracker", "version": "1.2"}
    assert plugin.location is None
    assert plugin.load() == "made"
    assert plugin.location.endswith("flow_part.py")
    assert not plugin.builtin
    assert "flow" in OURS.names()


def test_an_unknown_name_lists_what_there_is(installed):
    installed("flow-tracker", {GROUP: {"flow": "flow_part:make"}})
    with pytest.raises(PluginError, match=r"tracker kind 'flo': is not there; choose one of own, .*flow") as caught:
        OURS.find("flo")
    assert isinstance(caught.value, InputError)


def test_a_name_of_ours_cannot_be_shadowed(installed):
    installed("sly", {GROUP: {"own": "sly_part:make"}})
    with pytest.raises(PluginError, match=r"'own': is taken by gatekeeper-mrgrt and offered by sly too; uninstall"):
        OURS.find("own")


def test_a_name_that_two_distributions_offer_is_refused(installed):
    installed("one", {GROUP: {"flow": "one_part:make"}})
    installed("other", {GROUP: {"flow": "other_part:make"}})
    with pytest.raises(PluginError, match="'flow': is taken by one and offered by other too"):
        OURS.find("flow")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import not_there_at_all", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("made = 1", "AttributeError"),
        ("def", "SyntaxError"),
    ],
)
def test_one_that_cannot_be_loaded_says_why_in_one_line(source, why, installed):
    installed("broken", {GROUP: {"flow": "broken_part:make"}}, {"broken_part": source})
    with pytest.raises(PluginError, match=rf"'flow' \(broken 1.2\): cannot be loaded from broken_part:make, {why}"):
        OURS.find("flow").load()


def test_an_object_is_named_by_its_module():
    plugin = OURS.find("math:sqrt")
    assert plugin.load()(4.0) == 2.0
    assert plugin.identity == {"kind": "math:sqrt", "distribution": "injected", "version": None}
    assert reference_to(len) == "builtins:len"
    assert reference_to(OURS) == "gatekeeper.plugins:Registry"
