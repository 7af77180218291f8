"""The hash chain: each line of the journal holds its own SHA-256 and that of the line before, so that changes show.

A line is one JSON object with sorted keys and no spaces. Its last field, `hash`, is the SHA-256 of all bytes of the
line before that field; `previous` is the hash of the line before, and `line` counts from 0.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.core.json_values import parsed

START = "0" * 64
"""The `previous` of the first line."""
LINK_FIELDS = ("line", "previous", "hash")
"""Fields of a line that belong to the chain."""

_HASH_FIELD = b',"hash":"'
_TAIL = len(_HASH_FIELD) + 64 + len(b'"}')


@dataclass(frozen=True, slots=True)
class Chain:
    """The verified lines of a journal.

    Attributes
    ----------
    entries : list of dict
        The lines before the first finding, without the fields of the chain.
    head : str
        Hash of the last of them, 64 hexadecimal digits.
    finding : str or None
        What is wrong with the next line, in one line; None when every byte is as it was written.
    hashes : list of str
        Hash of each of `entries`.
    cut : bool
        Whether the finding is no more than a last line without its end, as a crash leaves it.
    """

    entries: list[dict[str, object]]
    head: str
    finding: str | None
    hashes: list[str] = field(default_factory=list)
    cut: bool = False


def canonical(values: Mapping[str, object]) -> str:
    """Return the canonical JSON text of `values`; equal values give equal bytes.

    Raises
    ------
    ValueError
        When a number is NaN or infinite.
    """
    return json.dumps(values, allow_nan=False, sort_keys=True, separators=(",", ":"))


def seal(entry: Mapping[str, object], number: int, previous: str) -> tuple[bytes, str]:
    """Return a line of the journal, line end included, and its hash.

    Parameters
    ----------
    entry : mapping
        Content of the line, as JSON values.
    number : int
        Number of the line, from 0.
    previous : str
        Hash of the line before; START for the first.
    """
    body = canonical({**entry, "line": number, "previous": previous})[:-1].encode()
    digest = hashlib.sha256(body).hexdigest()
    return b'%b%b%b"}\n' % (body, _HASH_FIELD, digest.encode()), digest


def read_chain(data: bytes) -> Chain:
    """Return the lines of a journal up to the first that was changed."""
    entries: list[dict[str, object]] = []
    hashes: list[str] = []
    head = START
    *lines, rest = data.split(b"\n")
    for number, line in enumerate(lines):
        entry = _opened(line, number, head)
        if isinstance(entry, str):
            return Chain(entries, head, f"line {number}: {entry}", hashes)
        head = str(entry["hash"])
        hashes.append(head)
        entries.append({name: value for name, value in entry.items() if name not in LINK_FIELDS})
    finding = None
    if rest:
        finding = f"line {len(lines)}: is cut short, {len(rest)} bytes without a line end"
    elif not lines:
        finding = "line 0: is missing, the journal is empty"
    return Chain(entries, head, finding, hashes, cut=bool(rest))


def line_hashes(data: bytes) -> list[str] | None:
    """Return the hash of each line of a journal, for readers that parse all lines at once.

    They still have to compare `line` and `previous` of each line with its number and the hash before.

    Parameters
    ----------
    data : bytes
        The journal.

    Returns
    -------
    list of str or None
        64 hexadecimal digits for each line; None when a line is not as it was written, or the last one is cut.
    """
    *lines, rest = data.split(b"\n")
    if rest or not lines:
        return None
    hashes = []
    for line in lines:
        digest = hashlib.sha256(line[:-_TAIL]).hexdigest()
        if line[-_TAIL:] != b'%b%b"}' % (_HASH_FIELD, digest.encode()):
            return None
        hashes.append(digest)
    return hashes


def _opened(line: bytes, number: int, previous: str) -> dict[str, object] | str:
    """Return the content of a line, or what is wrong with it."""
    body = line[:-_TAIL]
    digest = hashlib.sha256(body).hexdigest().encode()
    if line[-_TAIL:] != b'%b%b"}' % (_HASH_FIELD, digest):
        return "is not as it was written, its hash does not match"
    try:
        entry = parsed(body + b"}")
    except ValueError:
        return "is not JSON"
    if not isinstance(entry, dict):
        return "is not a JSON object"
    if entry.get("line") != number or entry.get("previous") != previous:
        return f"does not follow the line before; it was line {entry.get('line')}: lines were dropped, added or moved"
    return {**entry, "hash": digest.decode()}
