"""Implement `gatekeeper phantom`: write a synthetic case."""

import re

from gatekeeper.cli.options import ConfigOption, NewCaseArg
from gatekeeper.cli.output import say
from gatekeeper.config import build, load_toml


def phantom(out_dir: NewCaseArg, config: ConfigOption = None) -> None:
    """Write a synthetic case with exact truth, named by its folder unless the settings name it."""
    from replay.phantom import PhantomConfig, write_phantom
    from replay.progress import waiting

    settings = PhantomConfig() if config is None else load_toml(config, PhantomConfig)
    if "name" not in settings.model_fields_set:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", out_dir.resolve().name)[:64]
        settings = build(PhantomConfig, {**settings.model_dump(), "name": name or settings.name}, "OUT_DIR")
    with waiting("making the phantom"):
        folder = write_phantom(settings, out_dir)
    say(f"{folder}")
