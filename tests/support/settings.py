"""The names of all settings, for tests of the documents that list them."""

from typing import get_args

from gatekeeper.config import StrictModel


def settings(model, before=""):
    """Return all settings of a config, those of its parts with the part's name before theirs."""
    for name, field in model.model_fields.items():
        parts = list(models(field.annotation))
        if not parts:
            yield f"{before}{name}"
        for part in parts:
            yield from settings(part, f"{before}{name}.")


def models(annotation):
    """Return the configs that a setting may hold, every one of those that are chosen from."""
    if isinstance(annotation, type) and issubclass(annotation, StrictModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models(inner)
