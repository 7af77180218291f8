"""Make tables of all settings from their models: unit, default, limits and meaning of each."""

from collections.abc import Iterator
from typing import Any

from docs.sitetools.markdown import table, text
from gatekeeper.config import LiveConfig
from gatekeeper.config.safe_ranges import SAFE_RANGES, STRUCTURE_RANGES
from replay.phantom.config import PhantomConfig

UNITS = {
    "_mm_per_min": "mm/min",
    "_mm_per_s": "mm/s",
    "_per_minute": "1/min",
    "_per_s": "1/s",
    "_mm2": "mm²",
    "_mm": "mm",
    "_ms": "ms",
    "_s": "s",
    "_deg": "°",
    "_percent": "%",
    "_gy": "Gy",
    "_min": "min",
    "_mb": "MB",
    "_hz": "1/s",
    "_t": "T",
    "_frames": "frames",
    "_cycles": "cycles",
    "_periods": "frame periods",
    "frames_to_resume": "frames",
    "seconds": "s",
    "baud": "bit/s",
    "matrix": "pixels",
}
"""How the end of a setting's name says its unit; the first that fits counts."""

HEAD = ("setting", "unit", "default", "limits", "meaning")


def session_settings() -> str:
    """Return the tables of SESSION.toml, which are those of a session's ``config.toml`` too."""
    return _page(LiveConfig)


def phantom_settings() -> str:
    """Return the tables of ``phantom.toml``."""
    return _page(PhantomConfig)


def safe_ranges() -> str:
    """Return the table of safe ranges, each with its source."""
    rows = [(f"`{one.setting}`", text(one.as_words), text(one.source)) for one in SAFE_RANGES]
    own = [one for one in STRUCTURE_RANGES if "." not in one.setting]
    rows += [(f"`{one.setting}` of a structure", text(one.as_words), text(one.source)) for one in own]
    return table(("setting", "safe", "source"), rows)


def unit(name: str) -> str:
    """Return the unit that the name of a setting says; empty for numbers without one."""
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def sections(model: type) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return each table of settings under its heading, with the JSON schema of its model.

    Parameters
    ----------
    model : type
        A pydantic model of all settings.
    """
    schema = model.model_json_schema()  # type: ignore[attr-defined]
    known = schema.get("$defs", {})
    own = {name: field for name, field in schema["properties"].items() if not _models(field)}
    if own:
        yield "", {"properties": own, "required": schema.get("required", [])}
    # A table that several kinds have in common, such as [source.tls], is shown once.
    yield from dict(_below("", schema, known)).items()


def _below(prefix: str, schema: dict[str, Any], known: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema["properties"].items():
        models = [known[one] for one in _models(field)]
        path = f"{prefix}{name}"
        mark = f"[[{path}]]" if "array" in kinds(field) else f"[{path}]"
        for one in models:
            kind = one["properties"].get("kind", {}).get("const")
            mark = f"[{path}.NAME]" if _by_name(field) else mark
            inner = {key: value for key, value in one["properties"].items() if not _models(value)}
            yield f"`{mark}`" + (f' with `kind = "{kind}"`' if kind else ""), {**one, "properties": inner}
            yield from _below(f"{path}.", one, known)


def _page(model: type) -> str:
    return "\n".join(_section(heading, schema) for heading, schema in sections(model))


def _section(heading: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (f"`{name}`", unit(name), _default(name, field, required), limits(field), text(field.get("description", "")))
        for name, field in schema["properties"].items()
        if "const" not in field
    ]
    lead = text(schema.get("description", "").partition("\n\n")[0])
    return "\n".join(
        [f"## {heading}\n" if heading else "", f"{lead}\n" if lead else "", table(HEAD, rows) if rows else ""]
    )


def _models(field: dict[str, Any]) -> list[str]:
    """Return the names of the models that a field holds one of."""
    if "$ref" in field:
        return [field["$ref"].rpartition("/")[2]]
    parts = [*field.get("oneOf", []), *field.get("anyOf", []), *field.get("allOf", [])]
    parts += [*_by_name(field), *([field["items"]] if "items" in field else [])]
    return [name for part in parts for name in _models(part)]


def _by_name(field: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas of the values of a table whose keys are names that the user gives."""
    more = field.get("additionalProperties")
    return [*field.get("patternProperties", {}).values(), *([more] if isinstance(more, dict) else [])]


def kinds(field: dict[str, Any]) -> set[str]:
    """Return the JSON types that a field may have."""
    return {field["type"]} if "type" in field else {kind for part in field.get("anyOf", []) for kind in kinds(part)}


def _default(name: str, field: dict[str, Any], required: list[str]) -> str:
    if name in required:
        return "required"
    return "" if field.get("default") in (None, "") else f"`{_value(field['default'])}`"


def _value(value: object) -> str:
    """Return a value as TOML writes it, floats without a trailing zero."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value).removesuffix(".0")


def limits(field: dict[str, Any]) -> str:
    """Return what a field may be, in words; empty where its type says it all."""
    if "enum" in field:
        return ", ".join(f"`{_value(one)}`" for one in field["enum"])
    for part in field.get("anyOf", []):
        if part.get("type") != "null":
            return limits(part)
    kind = field.get("type")
    if kind == "boolean":
        return "`true`, `false`"
    if kind == "string":
        return _length(field, "characters", "text")
    if kind == "array":
        return _length(field, "entries", "list")
    low, above = field.get("minimum"), field.get("exclusiveMinimum")
    high, below = field.get("maximum"), field.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{_value(low)} to {_value(high)}"
    ends = [f"≥ {_value(low)}"] if low is not None else []
    ends += [f"> {_value(above)}"] if above is not None else []
    ends += [f"≤ {_value(high)}"] if high is not None else []
    ends += [f"< {_value(below)}"] if below is not None else []
    return ", ".join(ends)


def _length(field: dict[str, Any], of: str, what: str) -> str:
    least = field.get("minLength", field.get("minItems", 0))
    most = field.get("maxLength", field.get("maxItems"))
    if most is None:
        return what
    return f"{what}, {most} {of}" if least == most else f"{what}, {least} to {most} {of}"
