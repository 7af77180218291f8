"""Verify that a session is unchanged, and that its frames give the same decisions again."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from gatekeeper.config import LeaseLinacConfig, SessionConfig, load_toml
from gatekeeper.config.linac import LeaseConfig
from gatekeeper.core.errors import GatekeeperError, PluginError, RecordingError
from gatekeeper.plugins import TRACKERS
from gatekeeper.recording.hash_chain import canonical
from gatekeeper.recording.hashing import hashes_of, with_hashes
from gatekeeper.recording.journal import STRUCTURES, arrays_of, decided, entry_of
from gatekeeper.recording.session_setup import NAMED, READABLE, SessionSetup, config_hash, versions
from gatekeeper.session.arming import Armed
from gatekeeper.session.hold_rows import BREATH_HOLD
from replay.formats.session import Entry, RecordedSession, open_session, read_journal
from replay.sessions.differences import differences, same_but_for_rounding
from replay.sessions.integrity import check_frames, check_integrity
from replay.sessions.interlock_log import compare_with_interlock
from replay.sessions.redo import redo
from replay.sessions.seal import check_seal
from replay.sessions.session_tracker import GivenTracker, arm_session, recorded_tracker
from replay.sessions.verification import Verification

MOST_DIFFERENCES = 10
"""At most this many differences are listed; all are counted."""


def verify_folder(
    folder: Path,
    head: str | None = None,
    tracker: GivenTracker = None,
    trusted: Collection[str] | None = None,
    seal: Path | None = None,
    interlock: Path | None = None,
) -> Verification:
    """Verify the session in a folder, also one whose frames can no longer be read.

    Parameters
    ----------
    folder : Path
        The session folder.
    head : str, optional
        Hash of the last line, see :func:`verify`.
    tracker : TrackerFactory or str, optional
        Tracker to use, see :func:`verify`.
    trusted : collection of str, optional
        Public keys that may have signed, see :func:`verify`.
    seal : Path, optional
        File of a seal that was kept elsewhere, to compare with.
    interlock : Path, optional
        Log of the interlock, to compare beam-on times with.

    Returns
    -------
    Verification

    Raises
    ------
    RecordingError
        When the folder is not a session, or a file is not what it should be.
    """
    chain = read_journal(folder)
    try:
        session = open_session(folder)
    except RecordingError as error:
        found = check_integrity(folder, chain, head, trusted)
        found.findings.append(str(error))
    else:
        with closing(session):
            found = verify(session, head, tracker, trusted)
    if seal is not None:
        check_seal(seal, found, chain.hashes, trusted)
    if interlock is not None:
        _join_interlock(folder, interlock, chain.entries[1:], found)
    return found


def _join_interlock(folder: Path, log: Path, entries: Sequence[Entry], found: Verification) -> None:
    """Compare with the interlock's log, and add the result."""
    linac = load_toml(folder / "config.toml", SessionConfig).linac
    lease = linac.lease if isinstance(linac, LeaseLinacConfig) else LeaseConfig()
    joined = compare_with_interlock(log, entries, lease.lifetime_ms * 1e-3, lease.fresh_ms * 1e-3)
    found.interlock = joined.lines
    if joined.finding is not None:
        found.findings.append(joined.finding)


def verify(
    session: RecordedSession,
    head: str | None = None,
    tracker: GivenTracker = None,
    trusted: Collection[str] | None = None,
) -> Verification:
    """Verify a session: check its files, and make its decisions again from its frames.

    Parameters
    ----------
    session : RecordedSession
        The session.
    head : str, optional
        Hash of the last line, as kept elsewhere when the session ended.
    tracker : str or TrackerFactory, optional
        Tracker to use; by default the one that the session was recorded with.
    trusted : collection of str, optional
        Public keys that may have signed, 64 hexadecimal digits each; by default any.

    Returns
    -------
    Verification
    """
    chain = session.chain
    found = check_integrity(session.folder, chain, head, trusted)
    header = chain.entries[0] if chain.entries else {}
    if header.get("kind") != "header" or header.get("schema") not in READABLE:
        return found
    check_frames(session, found)
    same_versions = _check_versions(header, found)
    config = _checked_config(session, header, found)
    if session.setup is None:
        found.notes.append("recorded without its reference, so that no decision can be made again")
    elif (
        hashes_of(session.setup.arrays()) != header["setup_hashes"] or _facts(session.setup, header) != header["setup"]
    ):
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


def _facts(setup: SessionSetup, header: Mapping[str, Any]) -> dict[str, object]:
    """Return the facts of a setup as the version of the session recorded them."""
    facts = setup.facts()
    return facts if header["schema"] in NAMED else {name: facts[name] for name in facts if name != "structures"}


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

    names, named = armed.names, session.chain.entries[0]["schema"] in NAMED
    holds: deque[Mapping[str, object]] = deque()
    for one in redo(session, armed, changed):
        line, entry, step = one.line, one.entry, one.step
        if entry["kind"] == "event":
            if entry["event"] == BREATH_HOLD and not _same_hold(entry["values"], holds, same_versions):
                found.findings.append(f"line {line}: breath-hold {entry['values'].get('number')} came out otherwise")
            continue
        if step is None:
            lost = f"line {line}: its frame was not kept, so that no decision from there on can be made again"
            if entry["frame_row"] is None or found.finished:
                found.findings.append(lost)
            return
        again = with_hashes(entry_of(step, 0.0, names), arrays_of(step, names))
        if not named:
            again.pop(STRUCTURES, None)
        holds.extend(step.breath_holds)
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


def _same_hold(recorded: Mapping[str, Any], holds: deque[Mapping[str, object]], same_versions: bool) -> bool:
    """Return whether a recorded breath-hold is the next one that was recognised again."""
    again = holds.popleft() if holds else None
    if again is None:
        return False
    return canonical(recorded) == canonical(again) if same_versions else recorded.get("number") == again["number"]
