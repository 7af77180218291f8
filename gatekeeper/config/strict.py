"""Define the strict base of all settings, and read them from TOML."""

import math
import tomllib
from collections.abc import Container
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gatekeeper.core.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LARGEST_FILE = 16 * 2**20
"""Largest size of a file of settings, in bytes; all outlines of a session fit into it."""
DEEPEST = 16
"""Largest depth of tables and lists in it; settings have at most six levels."""
LONGEST_VALUE = 200
"""Largest number of characters of a value in a message."""

Percent = Annotated[float, Field(ge=0.0, le=100.0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Kind = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x20]+$")]
"""Name under which a part is looked up among ours and installed plug-ins, or ``module:object`` to import."""


def _checked_options(values: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a plug-in, or raise ValueError where one has no place in TOML and JSON alike."""
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                _checked_options(one)
            elif not (isinstance(one, bool | int | str) or (isinstance(one, float) and math.isfinite(one))):
                raise ValueError(f"options.{name} is {one!r}; give a text, a finite number, true, false or a table")
    return values


Options = Annotated[dict[str, Any], AfterValidator(_checked_options)]
"""The options of a plug-in, which checks them itself."""


class StrictModel(BaseModel):
    """Base class of all settings: frozen, without unknown keys, silent conversion or NaN."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class PluginConfig(StrictModel):
    """Settings of a part that is a plug-in."""

    kind: Kind
    """Which one: a name that `gatekeeper info --plugins` lists, or ``module:object``."""
    options: Options = Field(default_factory=dict)
    """What it is told besides."""


def part_kind(value: object, kinds: Container[object]) -> str | None:
    """Return which model the settings of a part have: that of their `kind` if it is ours, else "plugin".

    Parameters
    ----------
    value : object
        The settings, as a table or a model.
    kinds : container
        The kinds that are ours.

    Returns
    -------
    str or None
        The tag of the model; None when the value is no settings.
    """
    if not isinstance(value, dict | StrictModel):
        return None
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) and kind in kinds else "plugin"


Model = TypeVar("Model", bound=StrictModel)


def build(model: type[Model], values: dict[str, object], where: str, quoted: bool = True) -> Model:
    """Validate settings.

    Parameters
    ----------
    model : type
        The class of the settings.
    values : dict
        Values by name, nested for stages.
    where : str
        Origin of the values for the error message, for example a file name.
    quoted : bool
        Whether the message shows wrong values; not those of a file that may be about a person.

    Returns
    -------
    model
        An instance of the class.

    Raises
    ------
    ConfigError
        When a setting is unknown, of the wrong type or outside its limits; the message is one line that names each.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{_place(values, fault['loc']) or 'the whole'}"
            f"{' = ' + _quoted(fault['input']) if quoted else ''}: {_words(model, fault)}"
            for fault in error.errors()
        )
        raise ConfigError(f"{where}: {faults}") from None


def _words(model: type[Model], fault: "ErrorDetails") -> str:
    """Return what is wrong with a setting; of an unknown one, which known name is most like it."""
    if fault["type"] != "extra_forbidden":
        return fault["msg"]
    schema = model.model_json_schema()
    tables = (schema, *schema.get("$defs", {}).values())
    known = {name for table in tables for name in table.get("properties", {})}
    alike = get_close_matches(str(fault["loc"][-1]), known, n=1)
    return f"is no setting here{f'; did you mean {alike[0]}?' if alike else ''}"


def _quoted(value: object) -> str:
    """Return a value as it is shown in a message, without control characters, not too long."""
    try:
        text = repr(value)
    except RecursionError:
        return "..."
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def _place(values: object, steps: tuple[int | str, ...]) -> str:
    """Return the dotted name of a setting in its file, without the tag that pydantic adds for a chosen kind."""
    names = []
    for at, step in enumerate(steps):
        within = _part(values, step)
        if within is not None or at + 1 == len(steps):
            names.append(str(step))
        values = values if within is None else within
    return ".".join(names)


def _part(values: object, step: int | str) -> object:
    """Return the value under a name or index, or None."""
    if isinstance(values, dict):
        return values.get(step)
    return values[step] if isinstance(values, list) and isinstance(step, int) and step < len(values) else None


def read_toml(path: Path) -> dict[str, object]:
    """Read a TOML file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        Its values by name.

    Raises
    ------
    ConfigError
        When the file is missing, too large, nested too deeply or not valid TOML.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise ConfigError(f"{path}: is larger than {LARGEST_FILE} bytes; name a file of settings")
        values = tomllib.loads(text.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML ({error}); correct the file or name another") from None
    except RecursionError:
        raise _too_deep(path) from None
    _check_depth(path, values)
    return values


def _check_depth(path: Path, values: object) -> None:
    """Refuse tables and lists in each other beyond `DEEPEST`; keys with dots make tables of any depth."""
    level = [values]
    for _ in range(DEEPEST + 1):
        level = [
            part
            for whole in level
            if isinstance(whole, dict | list)
            for part in (whole.values() if isinstance(whole, dict) else whole)
        ]
    if level:
        raise _too_deep(path)


def _too_deep(path: Path) -> ConfigError:
    return ConfigError(f"{path}: has tables or lists nested more than {DEEPEST} deep; name a file of settings")


def load_toml(path: Path, model: type[Model]) -> Model:
    """Read settings from a TOML file.

    Parameters
    ----------
    path : Path
        The file.
    model : type
        The class of the settings.

    Returns
    -------
    model
        An instance of the class.

    Raises
    ------
    ConfigError
        When the file is missing, is not valid TOML, or holds a setting that is unknown or outside its limits.
    """
    return build(model, read_toml(path), str(path))
