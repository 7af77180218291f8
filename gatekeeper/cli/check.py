"""Implement `gatekeeper check`: describe a SESSION.toml in words, and try everything that it names."""

import json
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from gatekeeper.cli.options import JsonOption, SessionFileArg
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import course_of
from gatekeeper.config import CourseConfig, LiveConfig, load_live
from gatekeeper.config.safe_ranges import unsafe_settings
from gatekeeper.core.errors import GatekeeperError

if TYPE_CHECKING:
    from gatekeeper.session.definition import SessionDefinition

WIDTH = 118
PART, STATE = 12, 9


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the settings.

    Attributes
    ----------
    part : str
        What it is called.
    words : list of str
        What it says.
    found : str or None
        What was found on trying it; None when there is nothing to try.
    good : bool
        False for a finding.
    """

    part: str
    words: list[str]
    found: str | None = None
    good: bool = True

    def as_lines(self) -> Iterable[str]:
        """Return the part as lines of a table."""
        state = "" if self.found is None else "ok" if self.good else "FINDING"
        found = [] if self.found is None else [self.found]
        lines = [
            line
            for words in (found + self.words if not self.good else self.words + found)
            for line in textwrap.wrap(words, WIDTH - PART - STATE, subsequent_indent="  ", break_on_hyphens=False)
        ]
        for number, line in enumerate(lines):
            yield f"{self.part if not number else '':{PART}}{state if not number else '':{STATE}}{line}"


def check(session_file: SessionFileArg, as_json: JsonOption = False) -> None:
    """Describe a SESSION.toml in words, and try everything that it names, without switching a beam.

    Exit 0 when all is there, 1 with a finding, 2 when the file itself cannot be used.
    """
    from replay.progress import waiting

    config = load_live(session_file)
    with waiting("trying what the session names"):
        rows = _rows(session_file.stem, config)
    findings = sum(not row.good for row in rows)
    for row in rows:
        for line in row.as_lines():
            say(line, err=as_json)
    say(f"\n{findings or 'no'} finding{'' if findings == 1 else 's'} in {session_file}", err=as_json)
    if as_json:
        parts = {row.part: {"says": row.words, "good": row.good, "found": row.found} for row in rows}
        typer.echo(json.dumps({"session_file": str(session_file), "findings": findings, "parts": parts}))
    if findings:
        raise typer.Exit(1)


def _rows(name: str, config: LiveConfig) -> list[Row]:
    """Return every part, described and tried."""
    from gatekeeper.cli import explain
    from gatekeeper.cli import probe as trying
    from gatekeeper.cli.run import plan_of

    definition: SessionDefinition | None = None

    def tried_target() -> str:
        nonlocal definition
        definition = plan_of(name, config)
        return trying.target(definition)

    rows = [_tried("source", explain.source(config), lambda: trying.source(config))]
    rows.append(_tried("target", explain.target(config), tried_target))
    # Read and put on the reference together with the first target.
    for target in config.target[1:]:
        words = [f"{target.called}: {explain.further(target)}", *explain.own_envelope(target)]
        rows.append(Row("target", words))
    for organ in config.organs:
        words = [f"{organ.called}: {explain.further(organ)}", *explain.organ(config, organ)]
        rows.append(Row("oar", words))
    if config.course is not None:
        rows.append(_course(config.course))
    rows += [
        Row("envelope", explain.envelope(config)),
        Row("preview", explain.preview(config)),
        Row("gate", explain.gate(config)),
        Row("prediction", explain.prediction(config)),
        Row("breath-holds", explain.breath_hold(config)),
        _safety(config),
        _tried("linac", explain.linac(config), lambda: trying.linac(config)),
        _tried("recording", [f"a folder in {config.recording.folder}"], lambda: trying.recording(config, definition)),
        _tried("control", ["a socket in that folder, for gatekeeper command"], lambda: trying.control(config)),
        _tried("machine", explain.loop(config), lambda: trying.loop(config)),
    ]
    return rows


def _course(course: CourseConfig) -> Row:
    """Return the facts of the course, with those of its plan where it can be read."""
    from gatekeeper.cli import explain

    try:
        completed = course_of(course)
    except GatekeeperError as error:
        return Row("course", explain.course(course), " ".join(str(error).split()), good=False)
    found = None if course.plan_file is None else "the plan is read and agrees"
    return Row("course", explain.course(course if completed is None else completed), found)


def _safety(config: LiveConfig) -> Row:
    """Return whether all settings are within their safe ranges."""
    unsafe = unsafe_settings(config)
    if not unsafe:
        return Row("safety", ["every setting is within its safe range"], "ok")
    return Row("safety", list(unsafe[1:]), unsafe[0], good=False)


def _tried(part: str, words: list[str], attempt: Callable[[], str]) -> Row:
    """Return a part with the result of trying it."""
    try:
        return Row(part, words, attempt())
    except GatekeeperError as error:
        return Row(part, words, " ".join(str(error).split()), good=False)
