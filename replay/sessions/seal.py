"""Seals: countersigned heads of sessions in files of their own, to be kept elsewhere, with an RFC 3161 time stamp.

A seal says how the journal ended when it was made. It is signed with the key of the installation that makes it, which
need not be the one that recorded the session.
"""

import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.clock import utc_stamp
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.json_values import parsed
from gatekeeper.recording.hash_chain import canonical
from gatekeeper.recording.signing import SigningKey, is_signed_by
from replay.formats.session import read_journal
from replay.sessions.integrity import check_integrity
from replay.sessions.verification import Verification

KIND = "gatekeeper seal 1"
SUFFIX, STAMP_SUFFIX = ".seal.json", ".seal.tsr"
SHA256 = "2.16.840.1.101.3.4.2.1"
LARGEST_BYTES = 1 << 20
"""Largest seal or time stamp that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class SealFile:
    """A countersigned head.

    Attributes
    ----------
    head : str
        Hash of the journal's last line when the seal was made.
    line : int
        Number of that line.
    complete : bool
        Whether it was the last line of a complete session.
    session : dict
        Id, begin, machine and user of the session.
    signed_by : str
        Public half of the key that signed the journal, 64 hexadecimal digits.
    sealed_utc : str
        When the seal was made, by the clock of the machine that made it.
    key : str
        Public half of the key that countersigned.
    signature : str
        In base 64, over all other fields.
    kind : str
        Always `KIND`.
    """

    head: str
    line: int
    complete: bool
    session: dict[str, str]
    signed_by: str
    sealed_utc: str
    key: str
    signature: str = ""
    kind: str = KIND

    def signed_text(self) -> bytes:
        """Return the text that is signed."""
        return canonical({name: value for name, value in asdict(self).items() if name != "signature"}).encode()


def make_seal(folder: Path, key: SigningKey, trusted: Collection[str] | None = None) -> SealFile:
    """Return a seal over a session, after a check of its journal, signatures and files.

    Parameters
    ----------
    folder : Path
        The session folder.
    key : SigningKey
        The key that countersigns.
    trusted : collection of str, optional
        Public keys that may have signed the session; by default any.

    Returns
    -------
    SealFile

    Raises
    ------
    RecordingError
        When the folder is not a session, is unsigned, or was changed.
    """
    chain = read_journal(folder)
    found = check_integrity(folder, chain, trusted=trusted)
    if found.findings:
        raise RecordingError(f"{folder}: is not sealed, {found.findings[0]}")
    if found.signed_by is None or found.identity is None:
        raise RecordingError(f"{folder}: holds no signed line; only a signed session can be sealed")
    line = len(chain.entries) - 1
    plain = SealFile(found.head, line, found.good, found.identity, found.signed_by, utc_stamp(), key.public)
    return SealFile(**{**asdict(plain), "signature": key.sign(plain.signed_text())})


def write_seal(seal: SealFile, path: Path) -> None:
    """Write a seal to a file atomically."""
    write_atomically(path, json.dumps(asdict(seal), indent=2).encode() + b"\n")


def read_seal(path: Path) -> SealFile:
    """Read a seal.

    Raises
    ------
    RecordingError
        When the file cannot be read or is not a seal that fits its signature.
    """
    try:
        with path.open("rb") as file:
            values: Any = parsed(file.read(LARGEST_BYTES))
        seal = SealFile(**values)
        if not _is_plain(seal):
            raise ValueError("a field has another type")
        fits = seal.kind == KIND and is_signed_by(seal.key, seal.signature, seal.signed_text())
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror or error}); name the file of a seal") from None
    except (ValueError, TypeError):
        raise RecordingError(f"{path}: is not a seal; name a file that `gatekeeper seal` has written") from None
    if not fits:
        raise RecordingError(f"{path}: does not fit its own signature; it was changed")
    return seal


def _is_plain(seal: SealFile) -> bool:
    """Return whether each field has its type, as anybody can sign a seal."""
    words = (seal.head, seal.signed_by, seal.sealed_utc, seal.key, seal.signature, seal.kind)
    return (
        all(isinstance(one, str) for one in words)
        and all(re.fullmatch("[0-9a-f]{64}", one) is not None for one in (seal.head, seal.key))
        and type(seal.line) is int
        and seal.line >= 0
        and type(seal.complete) is bool
    )


def check_seal(path: Path, found: Verification, hashes: list[str], trusted: Collection[str] | None = None) -> None:
    """Compare a session with a seal that was kept elsewhere, and add what was found to its verification.

    Parameters
    ----------
    path : Path
        File of the seal; a time stamp is expected beside it under the same name with `STAMP_SUFFIX`.
    found : Verification
        The verification.
    hashes : list of str
        Hash of each line of the journal.
    trusted : collection of str, optional
        Public keys that may have countersigned; by default any.

    Raises
    ------
    RecordingError
        When the file is not a seal.
    """
    seal = read_seal(path)
    if seal.line >= len(hashes):
        found.findings.append(f"decisions.jsonl: ends with line {len(hashes) - 1}, sealed was line {seal.line}")
    elif hashes[seal.line] != seal.head:
        found.findings.append(f"decisions.jsonl: line {seal.line} is not the one that was sealed")
    elif seal.complete and seal.line != len(hashes) - 1:
        found.findings.append(f"decisions.jsonl: goes on after line {seal.line}, the last one when it was sealed")
    elif trusted is not None and seal.key not in trusted:
        found.findings.append(f"{path.name}: is countersigned by {seal.key}, which is not a trusted key")
    else:
        found.notes.append(f"sealed {seal.sealed_utc} at line {seal.line}, countersigned by {seal.key}")
    stamp = stamp_of(path)
    if stamp.exists():
        try:
            found.notes.append(f"time stamp: {read_time_stamp(stamp, seal)}; its authority's signature is not checked")
        except RecordingError as error:
            found.findings.append(str(error))


def stamp_of(path: Path) -> Path:
    """Return the file of the time stamp beside the file of a seal."""
    return path.with_name(path.name.removesuffix(SUFFIX) + STAMP_SUFFIX)


def attach_time_stamp(reply: Path, path: Path) -> str:
    """Copy the reply of a time-stamping authority beside a seal, if it is one over the seal's head.

    Parameters
    ----------
    reply : Path
        Reply by RFC 3161, in DER.
    path : Path
        File of the seal.

    Returns
    -------
    str
        Date and serial number that the authority gave.

    Raises
    ------
    RecordingError
        When it is not such a reply.
    """
    said = read_time_stamp(reply, read_seal(path))
    write_atomically(stamp_of(path), reply.read_bytes())
    return said


def read_time_stamp(path: Path, seal: SealFile) -> str:
    """Return date and serial number in a time stamp over the head of a seal.

    Raises
    ------
    RecordingError
        When it cannot be read, was not granted, or is over something else.
    """
    from rfc3161_client import decode_timestamp_response

    try:
        with path.open("rb") as file:
            info: Any = decode_timestamp_response(file.read(LARGEST_BYTES)).tst_info
        imprint, is_sha256 = info.message_imprint.message, info.message_imprint.hash_algorithm.dotted_string == SHA256
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be read ({error.strerror or error}); name the reply of the authority"
        ) from None
    except ValueError as error:
        raise RecordingError(f"{path}: is not a granted reply by RFC 3161 ({error}); ask for it again") from None
    if not is_sha256 or imprint != bytes.fromhex(seal.head):
        raise RecordingError(f"{path}: stamps {imprint.hex()}, not the head {seal.head}; ask with that as the digest")
    return f"{info.gen_time:%Y-%m-%dT%H:%M:%SZ}, serial number {info.serial_number}"
