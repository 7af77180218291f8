"""Attacks on the record of a session: each must be found by `gatekeeper verify`."""

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import h5py

from benchmarks.attacks.attack import Attack, Outcome
from gatekeeper.config import SessionConfig, build
from gatekeeper.core.clock import VirtualClock
from gatekeeper.recording.folder_files import JOURNAL, hashed_files
from gatekeeper.recording.hash_chain import START, read_chain, seal
from gatekeeper.recording.signatures import SIGNATURES, sign_head
from gatekeeper.recording.signing import PUBLIC, SigningKey, installation_key, keys_folder, read_trusted
from replay.phantom import PhantomConfig, make_phantom
from replay.run import replay, replay_input
from replay.sessions.report import write_report
from replay.sessions.seal import make_seal, write_seal
from replay.sessions.verify import verify_folder

LIMIT_S = 0.001
"""Nothing is on meanwhile; a limit is above 0."""
WHY = "0: verify finds it from the folder"
BY_KEY = "0: verify --trusted finds it"
BY_SEAL = "0: verify --seal finds it, with a seal that was kept elsewhere"
Entries = Sequence[dict[str, Any]]


@cache
def _original() -> Path:
    """Return a session of a phantom, recorded once, with a report; its seal lies beside it."""
    parent = tempfile.mkdtemp(prefix="gatekeeper-record-")
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    folder = Path(parent) / "session"
    case = make_phantom(build(PhantomConfig, {"name": "record", "acquisition": {"duration_s": 8.0}}, "record"))
    replay(replay_input(case.recording), SessionConfig(), folder, VirtualClock(), lambda *_: None)
    write_report(folder)
    write_seal(make_seal(folder, installation_key()), folder.parent / "kept.seal.json")
    return folder


def _run(change: Callable[[Path], None], trusted: bool = False, sealed: bool = False) -> Outcome:
    """Change a copy of the session, verify it, and return whether that was found."""
    original = _original()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "session"
        shutil.copytree(original, folder)
        keys = read_trusted(keys_folder() / PUBLIC) if trusted else None
        kept = original.parent / "kept.seal.json" if sealed else None
        if not verify_folder(folder, trusted=keys, seal=kept).good:
            return Outcome(0.0, float("nan"), "the session was not good before")
        change(folder)
        found = verify_folder(folder, trusted=keys, seal=kept)
    said = (found.findings or [f"missing {one}" for one in found.missing] or ["nothing"])[0]
    return Outcome(0.0, float("inf") if found.good else 0.0, f"{found.result}: {said[:60]}")


def _edit_summary(folder: Path, change: Mapping[str, Any]) -> None:
    path = folder / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def _forge_summary_score(folder: Path) -> None:
    _edit_summary(folder, {"gating": {"on_while_out_s": 0.0}})


def _forge_counts(folder: Path) -> None:
    _edit_summary(folder, {"holds": 0, "hold_reasons": {}})


def _replace(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"all was well")


def _add_data(folder: Path) -> None:
    with h5py.File(folder / "frames.h5", "r+") as file:
        file.create_dataset("more", data=[1.0])


def _change_pixel(folder: Path) -> None:
    with h5py.File(folder / "frames.h5", "r+") as file:
        file["pixels"][3, 10, 10] = file["pixels"][3, 10, 10] + 1


def _cut(folder: Path, lines: int, with_signatures: bool) -> None:
    """Remove lines at the end, and the summary."""
    path = folder / JOURNAL
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-lines]))
    for name in ("summary.json", "overview.png", "report.html", *([SIGNATURES] if with_signatures else [])):
        (folder / name).unlink()


def _halve(folder: Path) -> None:
    """Remove the second half of journal and frames."""
    _cut(folder, len((folder / JOURNAL).read_bytes().splitlines()) // 2, with_signatures=True)
    with h5py.File(folder / "frames.h5", "r+") as file:
        file["index"].resize(len(file["index"]) // 2, axis=0)


def _cut_bytes(folder: Path, name: str) -> None:
    os.truncate(folder / name, (folder / name).stat().st_size // 2)


def _rewrite(folder: Path, change: Callable[[Entries], Entries], key: SigningKey) -> None:
    """Write the whole journal anew with hashes that fit, and sign it with a key."""
    previous, out = START, b""
    entries = change(read_chain((folder / JOURNAL).read_bytes()).entries)
    for number, entry in enumerate(entries):
        own: dict[str, Any] = {"header": {"key": key.public}, "end": {"files": hashed_files(folder)}}
        line, previous = seal(entry | own.get(entry["kind"], {}), number, previous)
        out += line
    (folder / JOURNAL).write_bytes(out)
    (folder / SIGNATURES).write_bytes(sign_head(key, len(entries) - 1, previous).as_line())


def _invent_operator(entries: Entries) -> Entries:
    values = {"operator": "somebody who was never there", "shift_mm": [0.0, 0.0], "accepted": True, "note": "reset"}
    event = {"kind": "event", "event": "reset", "time_s": 1.0, "values": values}
    return [*entries[:5], event, *entries[5:]]


def _downgrade(entries: Entries) -> Entries:
    """Claim to be a session from before there were signatures."""
    return [entries[0] | {"schema": 2}, *entries[1:]]


def _with_other_key(folder: Path, change: Callable[[Entries], Entries]) -> None:
    with tempfile.TemporaryDirectory() as keys:
        _rewrite(folder, change, installation_key(Path(keys)))


def _unsigned(folder: Path) -> None:
    _with_other_key(folder, _downgrade)
    (folder / SIGNATURES).unlink()
    head = read_chain((folder / JOURNAL).read_bytes()).head
    _edit_summary(folder, {"head": head})


def _with_our_key(folder: Path) -> None:
    _rewrite(folder, _invent_operator, installation_key())


def _attack(name: str, change: Callable[[Path], None], why: str = WHY, **how: bool) -> Attack:
    return Attack(f"record: {name}", partial(_run, change, **how), LIMIT_S, why)


ATTACKS = (
    _attack("scores in the summary", _forge_summary_score),
    _attack("counts in the summary", _forge_counts),
    _attack("picture replaced", partial(_replace, name="overview.png")),
    _attack("report replaced", partial(_replace, name="report.html")),
    _attack("data added to the frames", _add_data),
    _attack("one grey value", _change_pixel),
    _attack("last 16 decisions cut off", partial(_cut, lines=17, with_signatures=False)),
    _attack("the same with the signatures", partial(_cut, lines=17, with_signatures=True)),
    _attack("half removed", _halve),
    _attack("journal cut in half", partial(_cut_bytes, name=JOURNAL)),
    _attack("frames cut in half", partial(_cut_bytes, name="frames.h5")),
    _attack("invented operator, other key", partial(_with_other_key, change=_invent_operator), BY_KEY, trusted=True),
    _attack("made unsigned", _unsigned, BY_KEY, trusted=True),
    _attack("invented operator, our key", _with_our_key, BY_SEAL, sealed=True),
)
