"""The file that tells which sessions the tables of a cohort were made of.

It names for each session its key, the stamp of its files and the part that its decisions are in. Paths may name
persons, so they are in this file alone, which only its owner can read; keys are keyed hashes of them.
"""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.errors import InputError
from gatekeeper.core.json_values import parsed
from replay.cohort.find import Stamp
from replay.cohort.parts import SMALL_TABLES

INDEX, DECISION_PARTS = "index.json", "decisions.parquet"
LOCK = f"{INDEX}.lock"
FORMAT = 1
"""Version of the index and of what the tables are made of; another one is made anew."""


@dataclass(slots=True)
class Indexed:
    """One session in the index.

    Attributes
    ----------
    key : str
        Its key in the tables.
    stamp : Stamp
        Stamp of its files when they were read.
    part : str
        Name of the part with its decisions.
    """

    key: str
    stamp: Stamp
    part: str


@dataclass(slots=True)
class Index:
    """The index of a cohort.

    Attributes
    ----------
    salt : str
        Key of the hashes of paths, hexadecimal.
    sessions : dict of str to Indexed
        By the path below the folder.
    tables : dict of str to list of int
        Time and size of the small tables as they were written with this index.
    """

    salt: str
    sessions: dict[str, Indexed] = field(default_factory=dict)
    tables: dict[str, list[int]] = field(default_factory=dict)


def key_of(salt: str, path: str) -> str:
    """Return the key of a session by its path below the folder."""
    return hashlib.blake2b(os.fsencode(path), key=bytes.fromhex(salt), digest_size=8).hexdigest()


def read_index(folder: Path, out: Path) -> Index:
    """Return the index; an empty one where there is none, or it does not fit to the tables."""
    path = out / INDEX
    try:
        values: Any = parsed(path.read_bytes())
        if values["format"] != FORMAT:
            return Index(secrets.token_hex(16))
        sessions = {
            name: Indexed(key, tuple((int(time), int(size)) for time, size in stamp), part)
            for name, (key, part, stamp) in values["sessions"].items()
        }
        index = Index(values["salt"], sessions, values["tables"])
        of = values["folder"]
    except FileNotFoundError:
        known = (LOCK, DECISION_PARTS, *SMALL_TABLES)
        if any(not one.name.startswith(known) for one in out.iterdir()):
            raise InputError(f"{out}: is not empty and holds no cohort; name a new folder") from None
        return Index(secrets.token_hex(16))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Index(secrets.token_hex(16))
    if of != str(folder.resolve()):
        raise InputError(f"{out}: holds the cohort of another folder, {of}; name another OUT")
    fits = index.tables == _stamps(out) and {one.part for one in sessions.values()} == _parts(out)
    return index if fits else Index(index.salt)


def _parts(out: Path) -> set[str]:
    try:
        return {path.name for path in (out / DECISION_PARTS).iterdir()}
    except FileNotFoundError:
        return set()


def _stamps(out: Path) -> dict[str, list[int]]:
    found = {}
    for name in SMALL_TABLES:
        path = out / f"{name}.parquet"
        if path.is_file():
            stat = path.stat()
            found[name] = [stat.st_mtime_ns, stat.st_size]
    return found


def write_index(folder: Path, out: Path, index: Index) -> None:
    """Write the index, after the tables that it tells of."""
    values = {
        "format": FORMAT,
        "folder": str(folder),
        "salt": index.salt,
        "tables": _stamps(out),
        "sessions": {path: [one.key, one.part, one.stamp] for path, one in index.sessions.items()},
    }
    write_atomically(out / INDEX, json.dumps(values, separators=(",", ":")).encode())
    (out / INDEX).chmod(0o600)
