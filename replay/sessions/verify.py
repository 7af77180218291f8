"""Verify that a session is unchanged, and that its frames give the same decisions again."""

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gatekeeper.config import SessionConfig
from gatekeeper.core.errors import GatekeeperError, PluginError, RecordingError
from gatekeeper.plugins import TRACKERS
from gatekeeper.recording.hash_chain import canonical
from gatekeeper.recording.hashing import hashes_of
from gatekeeper.recording.journal import arrays_of, decided, entry_of
from gatekeeper.recording.session_setup import READABLE, config_hash, versions
from gatekeeper.recording.summary import summary_of
from gatekeeper.recording.writer_process import MOST_AT_ONCE
from gatekeeper.session.arming import Armed
from replay.formats.session import Entry, RecordedSession, open_session, read_journal
from replay.sessions.differences import Difference, difference_rows, differences, same_but_for_rounding
from replay.sessions.redo import redo
from replay.sessions.session_tracker import GivenTracker, arm_session, recorded_tracker

MOST_DIFFERENCES = 10
"""At most this many differences are listed; all are counted."""

ROUNDED_MS = 1e-4
"""Resolution of latencies in the journal, in ms."""


@dataclass(slots=True)
class Verification:
    """Result of a verification.

    Attributes
    ----------
    session : str
        The session folder.
    head : str
        Hash of the last intact line.
    lines, frames, compared : int
        Number of intact lines, of decisions on frames among them, and of decisions made again.
    finished : bool
        Whether the session was completed.
    findings : list of str
        Problems; empty when the session is good.
    notes : list of str
        Other remarks.
    rounded : int
        Number of decisions that agree up to rounding, with other versions or on another processor.
    different : int
        Number of decisions that differ.
    differences : list of Difference
        The first differences, field by field.
    tracker_missing : bool
        Whether no decision was made again because the tracker is missing.
    """

    session: str
    head: str
    lines: int
    frames: int
    compared: int = 0
    finished: bool = False
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rounded: int = 0
    different: int = 0
    tracker_missing: bool = False
    differences: list[Difference] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether there are no findings."""
        return not self.findings

    @property
    def result(self) -> str:
        """The result in words."""
        if self.good:
            return "good"
        return "not judged again: tracker missing" if self.tracker_missing and len(self.findings) == 1 else "NOT GOOD"

    def as_json(self) -> dict[str, object]:
        """Return everything as plain values for JSON."""
        return {"good": self.good, **asdict(self)}

    def as_table(self) -> str:
        """Return everything as aligned lines for a reader."""
        rows = [
            ("session", self.session),
            ("lines", f"{self.lines}, {self.frames} decisions on frames, {self.compared} made again"),
            ("head", self.head),
            *(("note", note) for note in self.notes),
            *(("finding", finding) for finding in self.findings),
            ("result", self.result),
        ]
        text = "\n".join(f"{name:<8}  {value}" for name, value in rows)
        if self.differences:
            text += "\n\n" + "\n".join(difference_rows(self.differences))
        return text


def verify_folder(folder: Path, head: str | None = None, tracker: GivenTracker = None) -> Verification:
    """Verify the session in a folder, also one whose frames can no longer be read.

    Parameters
    ----------
    folder : Path
        The session folder.
    head : str, optional
        Hash of the last line, see :func:`verify`.
    tracker : TrackerFactory or str, optional
        Tracker to use, see :func:`verify`.

    Returns
    -------
    Verification

    Raises
    ------
    RecordingError
        When the folder is not a session.
    """
    chain = read_journal(folder)
    try:
        session = open_session(folder)
    except RecordingError as error:
        findings = [] if chain.finding is None else [f"decisions.jsonl, {chain.finding}"]
        frames = sum(entry["kind"] == "frame" for entry in chain.entries)
        return Verification(str(folder), chain.head, len(chain.entries), frames, findings=[*findings, str(error)])
    with closing(session):
        return verify(session, head, tracker)


def verify(session: RecordedSession, head: str | None = None, tracker: GivenTracker = None) -> Verification:
    """Verify a session: check its files, and make its decisions again from its frames.

    Parameters
    ----------
    session : RecordedSession
        The session.
    head : str, optional
        Hash of the last line, as kept elsewhere when the session ended.
    tracker : str or TrackerFactory, optional
        Tracker to use; by default the one that the session was recorded with.

    Returns
    -------
    Verification
    """
    chain, entries = session.chain, session.entries
    frames = sum(entry["kind"] == "frame" for entry in entries)
    found = Verification(str(session.folder), chain.head, len(chain.entries), frames)
    if chain.finding is not None:
        found.findings.append(f"decisions.jsonl, {chain.finding}")
    if head is not None and head != chain.head:
        found.findings.append(f"decisions.jsonl: ends with {chain.head}, not with the given head {head}")
    header = chain.entries[0] if chain.entries else {}
    if header.get("kind") != "header" or header.get("schema") not in READABLE:
        known = " or ".join(map(str, READABLE))
        found.findings.append(f"decisions.jsonl: does not begin with a header of schema {known}; nothing is replayed")
        return found
    _check_end(session, found)
    same_versions = _check_versions(header, found)
    config = _checked_config(session, header, found)
    if session.setup is None:
        found.notes.append("recorded without its reference, so that no decision can be made again")
    elif hashes_of(session.setup.arrays()) != header["setup_hashes"] or session.setup.facts() != header["setup"]:
        found.findings.append("frames.h5: reference, target, structures or preview are not those of the session")
    elif config is not None:
        try:
            armed = arm_session(session, config, tracker)
            same_versions &= _check_tracker(session, armed.config.tracker.kind, found)
            _replay(session, armed, found, same_versions)
        except GatekeeperError as error:
            found.tracker_missing = isinstance(error, PluginError)
            found.findings.append(str(error))
    if found.rounded:
        found.notes.append(
            f"{found.rounded} of {found.compared} decisions came out the same but for rounding, "
            "as is usual with other versions or on another processor"
        )
    if found.different:
        found.findings.append(f"{found.different} of {found.compared} decisions came out otherwise")
    return found


def _check_end(session: RecordedSession, found: Verification) -> None:
    """Compare the end of the journal with the summary and the number of frames."""
    entries, last = session.entries, session.chain.entries[-1]
    ended = last["kind"] == "end"
    try:
        summary = session.summary()
    except GatekeeperError as error:
        found.findings.append(str(error))
        summary = None
    found.finished = summary is not None
    if any(entry["kind"] == "end" for entry in entries[:-1]):
        found.findings.append("decisions.jsonl: goes on after its end")
    if summary is None and session.chain.finding is None:
        found.notes.append("the session did not come to its end; what was decided until then is checked")
    if summary is not None and summary.get("head") != session.chain.head:
        found.findings.append(f"decisions.jsonl: ends with {session.chain.head}, not with the head in summary.json")
    if summary is not None and (wrong := _wrong_numbers(entries, summary)):
        found.findings.append(f"summary.json: {', '.join(wrong)} do not agree with the decisions")
    kept = len(session.frames)
    if ended and kept != last["frames_kept"]:
        found.findings.append(f"frames.h5: holds {kept} frames, not {last['frames_kept']}")
    surplus = kept - 1 - max(session.rows(), default=-1)
    if not ended and session.chain.finding is None and surplus > MOST_AT_ONCE:
        found.findings.append(f"decisions.jsonl: its end is missing, frames.h5 holds {surplus} frames more")


def _wrong_numbers(entries: Sequence[Entry], summary: Mapping[str, Any]) -> list[str]:
    numbers = asdict(summary_of(entries))
    latency_ms = numbers.pop("latency_ms")
    wrong = [name for name, value in numbers.items() if summary.get(name) != value]
    return wrong if _same_latency(summary.get("latency_ms"), latency_ms) else [*wrong, "latency_ms"]


def _same_latency(written: object, counted: Mapping[str, float]) -> bool:
    """Return whether two latencies agree within the journal's resolution; early summaries were not rounded."""
    return isinstance(written, Mapping) and all(
        isinstance(value := written.get(name), float | int) and math.isclose(value, counted_ms, abs_tol=ROUNDED_MS)
        for name, counted_ms in counted.items()
    )


def _check_versions(header: Mapping[str, Any], found: Verification) -> bool:
    """Return whether the session was recorded with the versions that check it now, on the same kind of processor."""
    now = versions()
    for name, then in header["versions"].items():
        if now.get(name) != then:
            found.notes.append(f"recorded with {name} {then:.16}, checked with {now.get(name, 'none'):.16}")
    return bool(header["versions"] == now)


def _check_tracker(session: RecordedSession, kind: str, found: Verification) -> bool:
    """Return whether the session was recorded with the tracker, and its version, that checks it now."""
    then, now = dict(recorded_tracker(session)), TRACKERS.find(kind).identity
    if then["version"] is None and then["distribution"] == now["distribution"]:
        then["version"] = now["version"]
    if then != now:
        words = (f"{one['kind']} ({one['distribution']} {one['version'] or ''}".rstrip() + ")" for one in (then, now))
        found.notes.append("recorded with tracker {}, checked with {}".format(*words))
    return then == now


def _checked_config(session: RecordedSession, header: Mapping[str, Any], found: Verification) -> SessionConfig | None:
    """Return the settings if they are those that the session began with."""
    try:
        config = session.config()
    except GatekeeperError as error:
        found.findings.append(str(error))
        return None
    if config_hash(config) != header["config_hash"]:
        found.findings.append("config.toml: is not what the session began with; nothing is replayed")
        return None
    return config


def _replay(session: RecordedSession, armed: Armed, found: Verification, same_versions: bool) -> None:
    """Make each decision again at its recorded time, and compare."""

    def changed(line: int, entry: Entry) -> None:
        found.findings.append(f"frames.h5, frame {entry['frame_row']} of line {line}: was changed")

    for one in redo(session, armed, changed):
        line, entry, step = one.line, one.entry, one.step
        if entry["kind"] == "event":
            continue
        if step is None:
            found.findings.append(
                f"line {line}: its frame was not kept, so that no decision from there on can be made again"
            )
            return
        again = entry_of(step, 0.0) | {f"{name}_hash": value for name, value in hashes_of(arrays_of(step)).items()}
        found.compared += 1
        recorded, replayed = decided(entry), decided(again)
        if canonical(recorded) == canonical(replayed):
            continue
        if not same_versions and same_but_for_rounding(recorded, replayed):
            found.rounded += 1
        else:
            found.different += 1
            room = MOST_DIFFERENCES - len(found.differences)
            found.differences += list(differences(line, recorded, replayed))[:room]
