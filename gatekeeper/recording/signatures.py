"""The signatures of a session, in `signatures.jsonl`.

The writer signs the journal's head each time it is on the disk. Files that are added after sealing are signed too.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekeeper.core.json_values import parsed
from gatekeeper.recording.hash_chain import canonical
from gatekeeper.recording.signing import SigningKey, is_signed_by

SIGNATURES = "signatures.jsonl"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature.

    Attributes
    ----------
    head : str
        Hash of a line of the journal.
    line : int
        Number of that line.
    signature : str
        In base 64.
    file, sha256 : str or None
        For a file that was added after sealing: its name and its hash.
    key : str or None
        For such a file: public half of the key that signed, 64 hexadecimal digits. The journal's own signatures are by
        the key in its header.
    """

    head: str
    line: int
    signature: str
    file: str | None = None
    sha256: str | None = None
    key: str | None = None

    def is_by(self, public: str) -> bool:
        """Return whether the key with this public half has signed."""
        return is_signed_by(public, self.signature, signed_text(self.line, self.head, self.file, self.sha256))

    def as_line(self) -> bytes:
        """Return the line of the file, line end included."""
        named = {"file": self.file, "sha256": self.sha256, "key": self.key}
        values = {"head": self.head, "line": self.line, "signature": self.signature}
        return canonical(values | {name: value for name, value in named.items() if value is not None}).encode() + b"\n"


def signed_text(line: int, head: str, file: str | None = None, sha256: str | None = None) -> bytes:
    """Return the text that is signed."""
    if file is None:
        return f"gatekeeper journal 1 {line} {head}".encode()
    return f"gatekeeper addition 1 {line} {head} {sha256} {file}".encode()


def sign_head(key: SigningKey, line: int, head: str) -> Signature:
    """Return the signature over a line of the journal and, by the chain, all lines before it."""
    return Signature(head, line, key.sign(signed_text(line, head)))


def add_signed(folder: Path, key: SigningKey, line: int, head: str, file: str, sha256: str) -> None:
    """Append the signature over a file that was added to a sealed session.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    signed = Signature(head, line, key.sign(signed_text(line, head, file, sha256)), file, sha256, key.public)
    descriptor = os.open(folder / SIGNATURES, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        os.write(descriptor, signed.as_line())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_signatures(folder: Path) -> tuple[list[Signature], str | None]:
    """Read the signatures of a session.

    Parameters
    ----------
    folder : Path
        Folder of the session.

    Returns
    -------
    signatures : list of Signature
        In order, up to the first line that is not one; empty when there is no file.
    finding : str or None
        What is wrong with that line. A last line that is cut short is no finding: a crash leaves one.

    Raises
    ------
    OSError
        When the file is there and cannot be read.
    """
    try:
        *lines, _ = (folder / SIGNATURES).read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], None
    found: list[Signature] = []
    for number, line in enumerate(lines):
        try:
            one = Signature(**_object(line))
        except (ValueError, TypeError):
            return found, f"{SIGNATURES}, line {number}: is not a signature"
        if type(one.line) is not int or one.as_line() != line + b"\n":
            return found, f"{SIGNATURES}, line {number}: is not as it was written"
        found.append(one)
    return found, None


def _object(line: bytes) -> dict[str, Any]:
    values = parsed(line)
    if not isinstance(values, dict):
        raise ValueError("it is not a JSON object")
    return values
