"""Lists all trackers, sources, linac ports and formats that can be chosen by name, for `gatekeeper info --plugins`."""

import json
from collections.abc import Iterator
from importlib import metadata

import typer

from gatekeeper.cli.output import say
from gatekeeper.core.errors import PluginError
from gatekeeper.core.json_values import aligned
from gatekeeper.plugins import DISTRIBUTION, REGISTRIES, Plugin


def list_plugins(as_json: bool) -> None:
    """Print every part with its distribution, version and place, and why one cannot be used."""
    found = list(_plugins())
    rows = [
        (f"{one['part']} {one['kind']}", f"{one['distribution']} {one['version']}, {one['fault'] or one['location']}")
        for one in found
    ]
    say("\n".join(aligned(rows)), err=as_json)
    if as_json:
        typer.echo(json.dumps({"plugins": found}))


def _plugins() -> Iterator[dict[str, str | None]]:
    from replay.formats.open import PLUGINS, formats

    for registry in (*REGISTRIES, PLUGINS):
        for plugin in registry.plugins():
            fault = None
            try:
                registry.find(plugin.name).load()
            except PluginError as error:
                fault = f"cannot be used: {error}"
            yield _row(plugin, fault)
    version = metadata.version(DISTRIBUTION)
    for one in formats():
        yield _row(Plugin("format", one.name, one.open.__module__, DISTRIBUTION, version, builtin=True), None)


def _row(plugin: Plugin, fault: str | None) -> dict[str, str | None]:
    return {"part": plugin.part, **plugin.identity, "location": plugin.location, "fault": fault}
