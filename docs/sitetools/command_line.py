"""Make the reference of the command line from the program itself."""

from typing import Any

from typer.main import get_command

from docs.sitetools.markdown import table, text
from gatekeeper.cli import app


def page() -> str:
    """Return a section for each command, with its arguments and options."""
    return "\n".join(section for name, command in commands() for section in _section(name, command))


def commands() -> list[tuple[str, Any]]:
    """Return each command with its full name, those of groups included."""
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [(f"{name} {last}", one) for last, one in inner.items()] if inner else [(name, command)]
    return found


def _section(name: str, command: Any) -> list[str]:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option"]
    usage = " ".join(["gatekeeper", name, "[OPTIONS]", *map(_argument_name, arguments)])
    lines = [f"## gatekeeper {name}\n", *_help(command.help), f"```text\n{usage}\n```\n"]
    if examples := [line for line in (command.epilog or "").split("\n\n")[1:] if line]:
        lines.append("Examples:\n\n```text\n" + "\n".join(examples) + "\n```\n")
    if arguments:
        rows = [(f"`{_argument_name(param)}`", text(param.help or "")) for param in arguments]
        lines.append(table(("argument", "meaning"), rows))
    if options:
        rows = [(_option_name(param), _limits(param), _default(param), text(param.help or "")) for param in options]
        lines.append(table(("option", "limits", "default", "meaning"), rows))
    return lines


def _help(words: str | None) -> list[str]:
    return [text(paragraph) + "\n" for paragraph in (words or "").replace("\f", "").split("\n\n")]


def _argument_name(param: Any) -> str:
    name = param.metavar or param.name.upper()
    return name if param.required else f"[{name.strip('[]')}]"


def _option_name(param: Any) -> str:
    value = "" if getattr(param, "is_flag", False) else f" {param.metavar or param.name.upper()}"
    return f"`{', '.join(param.opts)}{value}`"


def _limits(param: Any) -> str:
    least, most = getattr(param, "min", None), getattr(param, "max", None)
    if least is None and most is None:
        return "required" if param.required else ""
    if least is None or most is None:
        return f"≥ {least:g}" if most is None else f"≤ {most:g}"
    return f"{least:g} to {most:g}"


def _default(param: Any) -> str:
    if isinstance(param.show_default, str):
        return f"`{param.show_default}`"
    if getattr(param, "is_flag", False):
        return "off"
    return "" if param.default is None else f"`{param.default}`"
