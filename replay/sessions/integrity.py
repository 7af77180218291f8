"""Check the files of a session without judging its frames again: chain, signatures, files, and what is missing."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gatekeeper.core.errors import RecordingError
from gatekeeper.recording.folder_files import file_findings, file_hash
from gatekeeper.recording.hash_chain import Chain
from gatekeeper.recording.session_setup import READABLE, SEALED
from gatekeeper.recording.signatures import SIGNATURES, Signature, read_signatures
from gatekeeper.recording.signing import own_public
from gatekeeper.recording.summary import summary_of
from gatekeeper.recording.writer_process import MOST_AT_ONCE
from replay.formats.session import Entry, RecordedSession, read_summary
from replay.sessions.verification import Verification

ROUNDED_MS = 1e-4
"""Resolution of latencies in the journal, in ms."""


def check_integrity(
    folder: Path,
    chain: Chain,
    head: str | None = None,
    trusted: Collection[str] | None = None,
    largest: int | None = None,
) -> Verification:
    """Check journal, signatures, files and completeness of a session.

    Parameters
    ----------
    folder : Path
        The session folder.
    chain : Chain
        Its journal.
    head : str, optional
        Hash of the last line, as kept elsewhere.
    trusted : collection of str, optional
        Public keys that may have signed; by default any.
    largest : int, optional
        Files of more bytes are not compared with their hashes; by default all are.

    Returns
    -------
    Verification
        Without decisions made again.
    """
    entries = chain.entries
    frames = sum(entry["kind"] == "frame" for entry in entries)
    found = Verification(str(folder), chain.head, len(entries), frames)
    header: Mapping[str, Any] = entries[0] if entries else {}
    if head is not None and head != chain.head:
        found.findings.append(f"decisions.jsonl: ends with {chain.head}, not with the given head {head}")
    ended = bool(entries) and entries[-1]["kind"] == "end"
    if chain.finding is not None:
        (found.missing if chain.cut and not ended else found.findings).append(f"decisions.jsonl, {chain.finding}")
    if header.get("kind") != "header" or header.get("schema") not in READABLE:
        if chain.finding is None or not chain.cut:
            known = " or ".join(map(str, READABLE))
            found.findings.append(
                f"decisions.jsonl: does not begin with a header of schema {known}; nothing is replayed"
            )
        return found
    if any(entry["kind"] == "end" for entry in entries[:-1]):
        found.findings.append("decisions.jsonl: goes on after its end")
    found.finished = ended
    _check_summary(folder, chain, found)
    if not ended:
        found.missing.append("decisions.jsonl: its last line; the session was interrupted, or its end was removed")
    if header["schema"] not in SEALED:
        found.notes.append("unsigned: recorded before sessions were signed; only journal and frames are covered")
        if trusted is not None:
            found.findings.append("decisions.jsonl: is not signed by a trusted key")
        return found
    found.identity = _identity(header)
    signatures = _check_signatures(folder, chain, ended, trusted, found)
    if ended:
        _check_files(folder, entries[-1], signatures, trusted, found, largest)
    return found


def _identity(header: Mapping[str, Any]) -> dict[str, str] | None:
    session, names = header.get("session"), ("id", "started_utc", "machine", "user")
    return {name: str(session.get(name)) for name in names} if isinstance(session, dict) else None


def _check_signatures(
    folder: Path, chain: Chain, ended: bool, trusted: Collection[str] | None, found: Verification
) -> list[Signature]:
    """Check the signatures over the journal, and return all that there are."""
    key, last = str(chain.entries[0].get("key")), len(chain.entries) - 1
    try:
        signatures, finding = read_signatures(folder)
    except OSError as error:
        signatures, finding = [], f"{SIGNATURES}: cannot be read ({error.strerror or error})"
    if finding is not None:
        found.findings.append(finding)
    over_lines = [one for one in signatures if one.file is None]
    is_key = re.fullmatch("[0-9a-f]{64}", key) is not None
    newest = None
    for one in over_lines:
        if one.line > last:
            if chain.finding is None or chain.cut:
                found.findings.append(
                    f"decisions.jsonl: ends with line {last}, but line {one.line} was signed: lines were removed"
                )
                break
        elif one.head != chain.hashes[one.line]:
            found.findings.append(f"{SIGNATURES}: was not made over line {one.line} of this journal")
            break
        elif is_key and one.is_by(key):
            newest = one
        else:
            found.findings.append(f"{SIGNATURES}: the signature of line {one.line} is not by the key in the header")
            break
    if newest is not None:
        found.signed_by, found.signed_lines = key, newest.line + 1
    if found.signed_lines <= last:
        where = f"signatures.jsonl: {last + 1 - found.signed_lines} lines at the end are not signed"
        if ended:
            found.findings.append(where)
        elif not found.findings:
            found.missing.append(where)
    _check_trust(found, trusted)
    return signatures


def _check_trust(found: Verification, trusted: Collection[str] | None) -> None:
    """Say whose the key is."""
    if trusted is not None:
        if found.signed_by is None or found.signed_by not in trusted:
            by = "unsigned" if found.signed_by is None else f"signed by {found.signed_by}"
            found.findings.append(f"decisions.jsonl: is {by}, not signed by a trusted key")
    elif found.signed_by is not None and found.signed_by != own_public():
        found.notes.append("signed by a key that is not this installation's; --trusted tells whose it is")


def _check_files(
    folder: Path,
    last: Mapping[str, Any],
    signatures: Sequence[Signature],
    trusted: Collection[str] | None,
    found: Verification,
    largest: int | None,
) -> None:
    """Compare the files in the folder with the last line, and say what was added since."""
    sealed = last.get("files")
    findings, added = file_findings(folder, sealed if isinstance(sealed, dict) else {}, largest)
    found.findings += findings
    signed = {one.file: one for one in signatures if one.file is not None}
    for name in added:
        one = signed.get(name)
        if one is None or one.key is None or one.head != found.head or not one.is_by(one.key):
            found.notes.append(f"{name}: was added after the session was sealed; nothing covers it")
        elif one.sha256 != _hash_or_none(folder / name):
            found.findings.append(f"{name}: was changed after it was added and signed")
        elif trusted is not None and one.key not in trusted:
            found.findings.append(f"{name}: was added and signed by {one.key}, which is not a trusted key")
        else:
            found.notes.append(f"{name}: was added after the session was sealed, and signed by {one.key}")
    found.notes += [
        f"{name}: was added and signed, and is gone" for name in signed if not (folder / str(name)).exists()
    ]


def _hash_or_none(path: Path) -> str | None:
    try:
        return file_hash(path)
    except OSError:
        return None


def _check_summary(folder: Path, chain: Chain, found: Verification) -> None:
    """Compare the summary with the decisions."""
    try:
        summary = read_summary(folder)
    except RecordingError as error:
        found.findings.append(str(error))
        return
    sealed = chain.entries[0]["schema"] in SEALED
    if summary is None:
        # The last line tells whether a sealed session had one.
        if not (sealed and found.finished):
            found.missing.append("summary.json")
            found.finished = False
        return
    if not sealed and summary.get("head") != chain.head:
        found.findings.append(f"decisions.jsonl: ends with {chain.head}, not with the head in summary.json")
    if wrong := _wrong_numbers(chain.entries[1:], summary):
        found.findings.append(f"summary.json: {', '.join(wrong)} do not agree with the decisions")


def _wrong_numbers(entries: Sequence[Entry], summary: Mapping[str, Any]) -> list[str]:
    numbers = asdict(summary_of(entries))
    latency_ms = numbers.pop("latency_ms")
    # Only sessions of several structures have figures of each.
    written = {"structures": {}, **summary}
    wrong = [name for name, value in numbers.items() if written.get(name) != value]
    return wrong if _same_latency(summary.get("latency_ms"), latency_ms) else [*wrong, "latency_ms"]


def _same_latency(written: object, counted: Mapping[str, float]) -> bool:
    """Return whether two latencies agree within the journal's resolution; early summaries were not rounded."""
    return isinstance(written, Mapping) and all(
        isinstance(value := written.get(name), float | int) and math.isclose(value, counted_ms, abs_tol=ROUNDED_MS)
        for name, counted_ms in counted.items()
    )


def check_frames(session: RecordedSession, found: Verification) -> None:
    """Compare the number of frames with the journal."""
    entries, last, kept = session.entries, session.chain.entries[-1], len(session.frames)
    if last["kind"] == "end":
        if kept != last["frames_kept"]:
            found.findings.append(f"frames.h5: holds {kept} frames, not {last['frames_kept']}")
        return
    lines = enumerate(entries, start=1)
    rows = [(line, entry["frame_row"]) for line, entry in lines if entry.get("frame_row") is not None]
    without = [line for line, row in rows if row >= kept]
    if without and without[0] < found.signed_lines:
        found.findings.append(f"frames.h5: holds {kept} frames; that of line {without[0]}, which is signed, is missing")
    elif without:
        found.missing.append(f"frames.h5: the frames of the last {len(without)} decisions")
    surplus = kept - 1 - max((row for _, row in rows), default=-1)
    if surplus > MOST_AT_ONCE:
        found.missing.append(f"decisions.jsonl: the decisions on {surplus} more frames that frames.h5 holds")
