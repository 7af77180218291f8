"""The files of a session folder, and their hashes in the journal's last line."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from gatekeeper.recording.signatures import SIGNATURES

JOURNAL = "decisions.jsonl"
UNHASHED = frozenset({JOURNAL, SIGNATURES})
"""Files whose hash the last line cannot hold: the chain itself, and the signatures over it."""


def files_of(folder: Path) -> list[str]:
    """Return the names of all files in a session folder and below, sorted, without journal and signatures.

    The control socket of a running session holds no data and is left out.
    """
    found = []
    for parent, folders, names in os.walk(folder):
        below = Path(parent)
        links = [name for name in folders if (below / name).is_symlink()]
        for name in (*names, *links):
            path = below / name
            if not path.is_socket():
                found.append(path.relative_to(folder).as_posix())
    return sorted(name for name in found if name not in UNHASHED)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; a link counts by where it leads, so that it is no way around.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    if path.is_symlink():
        return hashlib.sha256(b"link to " + os.fsencode(path.readlink())).hexdigest()
    if not path.is_file():
        raise OSError("it is not a file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashed_files(folder: Path) -> dict[str, str]:
    """Return the hash of each file in a session folder by its name."""
    return {name: file_hash(folder / name) for name in files_of(folder)}


def file_findings(
    folder: Path, sealed: Mapping[str, object], largest: int | None = None
) -> tuple[list[str], list[str]]:
    """Compare the files in a folder with their hashes in the journal's last line.

    Parameters
    ----------
    folder : Path
        The session folder.
    sealed : mapping
        Hash of each file by its name.
    largest : int, optional
        Files of more bytes are only looked for, which takes no time.

    Returns
    -------
    findings : list of str
        Files that were changed or are gone.
    added : list of str
        Names of files that the last line does not know.
    """
    there = files_of(folder)
    findings = []
    for name, digest in sealed.items():
        try:
            if name not in there:
                findings.append(f"{name}: is missing; it was there when the session was sealed")
            elif largest is not None and (folder / name).stat().st_size > largest:
                continue
            elif file_hash(folder / name) != digest:
                findings.append(f"{name}: was changed after the session was sealed")
        except OSError as error:
            findings.append(f"{name}: cannot be read ({error.strerror or error})")
    return findings, [name for name in there if name not in sealed]
