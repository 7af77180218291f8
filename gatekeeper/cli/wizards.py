"""Recordings on their way to sessions: read, given a target, and replayed, each step as the page asks for it."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gatekeeper.cli import library_jobs as jobs
from gatekeeper.cli.children import Child
from gatekeeper.cli.workers import Workers
from gatekeeper.config import EnvelopeConfig, GateConfig, build
from gatekeeper.core.clock import utc_stamp
from gatekeeper.core.errors import InputError
from gatekeeper.recording.folder_files import JOURNAL
from replay.library.drops import Drops, Writing
from replay.library.listing import Listing

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
"""Names that a session may be given; they are pseudonyms."""
NO_TARGET = "wizard: there is no target yet; draw one, choose one, or load a file"
MOST_WIZARDS = 8
"""Largest number of recordings that are open; the oldest that is not being replayed makes room."""


@dataclass(slots=True)
class Wizard:
    """A recording on its way to a session.

    Attributes
    ----------
    where : Where
        The recording.
    drop : str or None
        Key of the dropped recording; None for one below the library's folder.
    facts : dict
        What is known of it.
    target : tuple of str or None
        Options that name the target that was drawn or loaded on the command line; None before there is one.
    margin_mm : float
        Margin of the envelope.
    target_drop : str or None
        Key of the dropped file of the target.
    child, out : Child, Path or None
        The replay, and the folder of the new session.
    lines : int
        Number of lines of its journal that were counted so far.
    read : int
        Number of bytes of these.
    """

    where: jobs.Where
    drop: str | None
    facts: dict[str, Any]
    target: tuple[str, ...] | None = None
    margin_mm: float = EnvelopeConfig().margin_mm
    target_drop: str | None = None
    child: Child | None = None
    out: Path | None = None
    lines: int = 0
    read: int = 0


class Wizards:
    """All recordings that are open.

    Parameters
    ----------
    listing : Listing
        Where listed recordings are, and new sessions are written and listed.
    drops : Drops
        Where dropped recordings are.
    workers : Workers
        Reads them.
    """

    def __init__(self, listing: Listing, drops: Drops, workers: Workers) -> None:
        self._listing, self._drops, self._reads = listing, drops, workers
        self._wizards: dict[str, Wizard] = {}

    def end(self) -> None:
        """End all replays."""
        for one in self._wizards.values():
            if one.child is not None:
                one.child.close()

    def begin_drop(self, names: Sequence[tuple[object, object]]) -> str:
        """Make room for the files of a recording, and return its key."""
        return self._drops.begin(names)

    def writing(self, drop: str, number: int) -> Writing:
        """Return what writes a file of a dropped recording."""
        return self._drops.writing(drop, number)

    async def begin(self, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Read a recording that was dropped, or is listed, as it was chosen.

        Parameters
        ----------
        asked : dict
            `drop` or `key`, and the choices `orientation` and `scan`.

        Returns
        -------
        str, dict
            Key of the wizard, and what `read_recording` returns.
        """
        choices = {name: _text(asked.get(name), name) for name in ("orientation", "scan")}
        drop = asked.get("drop")
        if drop is not None:
            path = await asyncio.to_thread(self._drops.finish, drop)
        else:
            path = self._listing.path_of(str(asked.get("key")))
        where = jobs.Where(str(path), **choices)
        facts = await self._reads.do(jobs.read_recording, where)
        key = str(drop) if drop is not None else str(asked.get("key"))
        old = self._wizards.get(key)
        if old is not None and old.child is not None:
            raise InputError("wizard: this recording is being replayed; wait for it")
        self._wizards.pop(key, None)
        idle = [name for name, one in self._wizards.items() if one.child is None]
        if len(self._wizards) >= MOST_WIZARDS and idle:
            self.close(idle[0])
        self._wizards[key] = Wizard(replace(where, path=facts["path"]), drop, facts)
        return key, {**facts, "out": str(self._listing.folder), "dropped": drop is not None}

    async def frame(self, key: str) -> bytes:
        """Return the first frame of a recording for the page."""
        return await self._reads.do(jobs.first_frame, self._wizard(key).where)

    async def outline(self, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the mask and envelope of an outline that is being drawn."""
        facts = self._wizard(key).facts["facts"]
        shape, (row_mm, col_mm) = (facts["rows"], facts["cols"]), facts["spacing_mm"]
        found: dict[str, Any] = await self._reads.do(
            jobs.outlined, asked.get("points_px"), asked.get("margin_mm"), shape, (row_mm, col_mm)
        )
        return found

    async def draw(self, key: str, drawn: dict[str, Any]) -> str:
        """Take an outline as the target, and return one line about it."""
        one = self._wizard(key)
        margin_mm = _margin_of(drawn.get("margin_mm"))
        out = Path(one.where.path).parent / "target.mha" if one.drop is not None else self._scratch(key)
        await self._reads.do(jobs.write_target, one.where, drawn.get("points_px"), str(out))
        one.target, one.margin_mm = ("--target", str(out)), margin_mm
        return "the outline is the target now"

    async def load_target(self, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Take a target from a dropped file, or return the regions in it to choose from."""
        one, region = self._wizard(key), _text(asked.get("region"), "region")
        file = await asyncio.to_thread(self._drops.finish, asked.get("drop"))
        margin_mm = _margin_of(asked.get("margin_mm"))
        found = await self._reads.do(jobs.read_target, one.where, str(file), region, margin_mm)
        if not found["regions"]:
            if one.target_drop not in (None, asked.get("drop")):
                self._drops.discard(one.target_drop)
            one.target_drop, one.margin_mm = str(asked["drop"]), margin_mm
            one.target = ("--target", str(file) if region is None else f"{file}:{region}")
        return found

    async def replay(self, key: str, asked: dict[str, Any]) -> str:
        """Begin the replay of a recording, and return the folder of its session."""
        one = self._wizard(key)
        if one.child is not None:
            raise InputError("wizard: this recording is being replayed already")
        target = _target_of(one, asked)
        name = _text(asked.get("name"), "name") or one.facts["name"][:32]
        if NAME.fullmatch(name) is None:
            raise InputError("wizard: name: give letters, digits, - and _, at most 32; never the name of a person")
        limit = build(GateConfig, {"outside_percent": asked.get("outside_percent")}, "wizard").outside_percent
        margin_mm = _margin_of(asked.get("margin_mm"))
        options: list[object] = ["--margin-mm", margin_mm, "--outside-percent", limit]
        preview_s = asked.get("preview_s") or 0.0
        if isinstance(preview_s, bool) or not isinstance(preview_s, int | float) or not 0.0 <= preview_s <= 600.0:
            raise InputError("wizard: preview: give 0 to 600 s")
        options += ["--preview-s", float(preview_s)]
        for option, value in (("--plane", one.where.orientation), ("--scan", one.where.scan)):
            options += [] if value is None else [option, value]
        one.out = self._listing.folder / f"{name}-{utc_stamp()}"
        one.lines = one.read = 0
        one.child = Child("replay", one.where.path, "--out", one.out, *options, *target, "--json")
        self._drops.hold(one.drop, one.target_drop)
        return str(one.out)

    def progress(self, key: str) -> dict[str, object]:
        """Return how far a replay is, and how it ended."""
        one = self._wizard(key)
        if one.child is None or one.out is None:
            raise InputError("wizard: nothing is being replayed")
        code = one.child.exit_code
        self._count(one)
        told: dict[str, object] = {
            "done": max(one.lines - 1, 0),
            "total": one.facts["facts"]["frames"],
            "ended": code is not None,
        }
        if code is None:
            return told
        if code:
            told |= {"failed": True, "note": one.child.complaint()}
        else:
            told |= {"failed": False, "key": self._listing.add(one.out), "folder": str(one.out)}
        one.child.close()
        one.child = None
        if not code:
            self.close(key)
        return told

    def close(self, key: str) -> None:
        """Forget a recording, and remove what was dropped of it."""
        one = self._wizards.pop(key, None)
        if one is None:
            self._drops.discard(key)
            return
        if one.child is not None:
            one.child.close()
        self._drops.discard(one.drop)
        self._drops.discard(one.target_drop)

    def _wizard(self, key: str) -> Wizard:
        if key not in self._wizards:
            raise InputError("wizard: the recording is not open any more; open it again")
        return self._wizards[key]

    def _scratch(self, key: str) -> Path:
        """Return where a target is written that is drawn on a recording below the library's folder."""
        one = self._wizards[key]
        if one.target_drop is None:
            one.target_drop = self._drops.begin([("target.mha", 0)])
        return self._drops.of(one.target_drop).folder / "drawn.mha"

    @staticmethod
    def _count(one: Wizard) -> None:
        """Count the lines that were added to the journal of a replay."""
        assert one.out is not None  # noqa: S101  (a replay has a folder)
        try:
            with (one.out / JOURNAL).open("rb") as file:
                file.seek(one.read)
                data = file.read()
        except OSError:
            return
        one.read += len(data)
        one.lines += data.count(b"\n")


def _target_of(one: Wizard, asked: dict[str, Any]) -> tuple[str, ...]:
    """Return the options that name the target: that of the recording, one of its structures, drawn, or loaded."""
    roi = _text(asked.get("roi"), "roi")
    if roi is not None:
        if roi not in [known["name"] for known in one.facts["structures"]]:
            raise InputError(f"wizard: roi = {roi!r}: there is no such structure in the recording")
        return "--roi", roi
    if asked.get("own") is True and one.facts["own_target"]:
        return ()
    if one.target is None:
        raise InputError(NO_TARGET)
    return one.target


def _margin_of(value: object) -> float:
    return build(EnvelopeConfig, {"margin_mm": value}, "wizard").margin_mm


def _text(value: object, name: str) -> str | None:
    """Return a short text that was sent, or None; it must not be an option of a command."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 200 or not value.isprintable() or value.startswith("-"):
        raise InputError(f"wizard: {name}: give a short text that does not begin with -")
    return value
