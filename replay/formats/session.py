"""A recorded session of gatekeeper: its decisions, its settings, and its frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig, load_toml
from gatekeeper.core.contour import Role, Structure
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.json_values import parsed
from gatekeeper.recording.folder_files import JOURNAL
from gatekeeper.recording.frames_reader import FramesReader
from gatekeeper.recording.hash_chain import Chain, read_chain
from gatekeeper.recording.hashing import plane_of
from gatekeeper.recording.session_setup import TARGET, SessionSetup, array_name
from replay.formats.format import Choices, Format
from replay.recording import LazyFrames, RecordedStructure, Recording

PHASE, PREVIEW, LEARNING = "phase", "preview", "learning"
"""Event of a new phase in a live session, and the two phases between which frames of the preview are collected."""
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class RecordedSession:
    """An open session folder.

    Attributes
    ----------
    folder : Path
        The folder.
    chain : Chain
        The journal, as far as it is intact.
    frames : FramesReader
        The frames, read when they are asked for.
    setup : SessionSetup or None
        Inputs of tracker and envelope; None when the session was recorded without them.
    """

    folder: Path
    chain: Chain
    frames: FramesReader
    setup: SessionSetup | None

    @property
    def entries(self) -> Sequence[Entry]:
        """The lines of the journal after its header."""
        return self.chain.entries[1:]

    @property
    def begin_s(self) -> float:
        """Session time of the first decision, in seconds."""
        times_s = (entry["decided_s"] for entry in self.entries if entry["kind"] == "frame")
        return float(next((time_s for time_s in times_s if time_s is not None), 0.0))

    def config(self) -> SessionConfig:
        """Return the settings in `config.toml`.

        Raises
        ------
        ConfigError
            When the file is missing or not valid.
        """
        return load_toml(self.folder / "config.toml", SessionConfig)

    def summary(self) -> dict[str, Any] | None:
        """Read `summary.json`, see `read_summary`."""
        return read_summary(self.folder)

    def recording(self) -> Recording:
        """Return the frames in the journal as a recording without labels.

        Returns
        -------
        Recording
            Its frames can be read until the session is closed.

        Raises
        ------
        RecordingError
            When the session was recorded without its reference, or without frames.
        """
        rows = self.rows()
        if self.setup is None or not rows:
            raise RecordingError(
                f"{self.folder}: holds {len(rows)} frames and {'no' if self.setup is None else 'a'} reference; "
                "a session is replayed from both"
            )
        times_s = self.frames.index["acquired_s"][rows].astype(np.float64)
        return Recording(
            name=self.setup.name,
            frames=LazyFrames(lambda number: self.frames.image(rows[number]), len(rows), *self.frames.kind),
            spacing_mm=self.setup.spacing_mm,
            times_s=times_s - times_s[0],
            first_mask=self.setup.target_mask,
            plane=self.setup.plane,
            target_name=self.setup.target_name if self.setup.structures else None,
            structures=tuple(
                RecordedStructure(one.name, one.mask(self.setup.target_mask.shape)) for one in self.setup.structures
            ),
        )

    def rows(self) -> list[int]:
        """Return the indices in `frames.h5` of the frames in the journal, oldest first."""
        return [entry["frame_row"] for entry in self.entries if entry.get("frame_row") is not None]

    def gathered(self, learned: Entry) -> list[NDArray[np.float32]]:
        """Return the frames from which a tracker has learned in the middle of the session.

        These are all that were tracked between the beginning of the preview and the beginning of learning.

        Parameters
        ----------
        learned : dict
            The event that says so, one of `entries`.

        Raises
        ------
        RecordingError
            When they are not all there.
        """
        before = list(takewhile(lambda entry: entry is not learned, self.entries))
        marks = [_phase(entry) for entry in before]
        wanted = int(learned["values"]["frames"])
        if LEARNING not in marks or PREVIEW not in marks[: _last(marks, LEARNING)]:
            raise RecordingError(f"{self.folder}: something was learned without a preview; the journal was changed")
        end = _last(marks, LEARNING)
        entries = before[_last(marks[:end], PREVIEW) : end]
        rows = [entry["frame_row"] for entry in entries if entry.get("center_mm") is not None]
        if len(rows) != wanted or None in rows:
            raise RecordingError(
                f"{self.folder}: {sum(row is not None for row in rows)} of the {wanted} frames that were learned from "
                "were kept; no decision after that can be made again"
            )
        return [self.frames.frame(int(row))[0].image for row in rows]

    def close(self) -> None:
        """Close the file of the frames."""
        self.frames.close()


def _phase(entry: Entry) -> object:
    return entry["values"].get("phase") if entry["kind"] == "event" and entry["event"] == PHASE else None


def _last(marks: Sequence[object], mark: str) -> int:
    return len(marks) - 1 - list(reversed(marks)).index(mark)


def is_session(folder: Path) -> bool:
    """Return whether a folder holds the journal of a session."""
    return (folder / JOURNAL).is_file()


def read_journal(folder: Path) -> Chain:
    """Read the journal of a session, as far as it is intact.

    Parameters
    ----------
    folder : Path
        Folder of the session.

    Returns
    -------
    Chain
        Its entries, and whether the chain of hashes is complete.

    Raises
    ------
    RecordingError
        When the journal is missing or cannot be read.
    """
    path = folder / JOURNAL
    try:
        return read_chain(path.read_bytes())
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be read ({error.strerror or error}); name the folder of a session"
        ) from None


def read_summary(folder: Path) -> dict[str, Any] | None:
    """Read the summary of a session.

    Parameters
    ----------
    folder : Path
        Folder of the session.

    Returns
    -------
    dict or None
        None when the session was not ended properly.

    Raises
    ------
    RecordingError
        When the file cannot be read.
    """
    path = folder / "summary.json"
    try:
        values = parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path}: cannot be read as JSON ({error}); it was changed or cut short") from None
    if not isinstance(values, dict):
        raise RecordingError(f"{path}: is not a JSON object; it was changed")
    return values


def open_session(folder: Path) -> RecordedSession:
    """Open a session that is complete, was interrupted, or is still running.

    Parameters
    ----------
    folder : Path
        Folder of the session.

    Returns
    -------
    RecordedSession
        Close it after use.

    Raises
    ------
    RecordingError
        When the folder is not a session, or its frames cannot be read.
    """
    chain = read_journal(folder)
    frames = FramesReader(folder / "frames.h5")
    try:
        setup = _setup(frames)
    except (KeyError, ValueError, TypeError) as error:
        frames.close()
        raise RecordingError(f"{folder / 'frames.h5'}: has no valid reference ({error}); it was changed") from None
    return RecordedSession(folder, chain, frames, setup)


def _setup(frames: FramesReader) -> SessionSetup | None:
    facts = frames.facts
    if facts is None:
        return None
    arrays = frames.arrays()
    listed = facts.get("structures")
    if listed is None:
        # Sessions before schema 4 have organs at risk in the order of the file.
        listed = [name.split("/", 2)[1:] for name in arrays if name.startswith("structures/")]
    structures = tuple(_structure(arrays, Role(role), str(name)) for role, name in listed)
    target_name = str(facts.get("target_name", TARGET))
    row_mm, col_mm = (float(value) for value in facts["spacing_mm"])
    return SessionSetup(
        name=str(facts["name"]),
        reference=arrays["reference"],
        target_mask=arrays["target_mask"].astype(np.bool_),
        spacing_mm=(row_mm, col_mm),
        plane=plane_of(facts["plane"]),
        pixel_type=np.dtype(facts["pixel_type"]),
        structures=structures,
        preview=arrays.get("preview"),
        armed=bool(facts.get("armed", True)),
        frames_per_s=facts.get("frames_per_s"),
        target_name=target_name,
        target_zone_px=_zone_px(arrays, Role.TARGET, target_name),
        left_out=tuple(map(str, facts.get("left_out", ()))),
        organs_slide=bool(facts.get("organs_slide", False)),
        breath_holds=bool(facts.get("breath_holds", False)),
    )


def _structure(arrays: Mapping[str, NDArray[Any]], role: Role, name: str) -> Structure:
    contour_px = arrays[array_name("structures", role, name)].astype(np.float64)
    return Structure(name, role, contour_px, _zone_px(arrays, role, name))


def _zone_px(arrays: Mapping[str, NDArray[Any]], role: Role, name: str) -> NDArray[np.float64] | None:
    zone_px = arrays.get(array_name("zones", role, name))
    return None if zone_px is None else zone_px.astype(np.float64)


def _open_frames(folder: Path, choices: Choices) -> Recording:
    if replace(choices, resample_hz=None, roi=None) != Choices():
        raise RecordingError(
            f"{folder}: is a session, which has its own times, geometry and target; leave out options that tell others"
        )
    recording = open_session(folder).recording()
    if choices.roi is None:
        return recording
    chosen = [one for one in recording.named_structures if one.name == choices.roi]
    if not chosen:
        listed = ", ".join(f"'{one.name}'" for one in recording.named_structures) or "one that has no name"
        raise RecordingError(f"{folder}: has no structure '{choices.roi:.64}'; it has {listed:.200}")
    others = tuple(one for one in recording.named_structures if one.name != choices.roi)
    return replace(recording, first_mask=chosen[0].first_mask, target_name=choices.roi, structures=others)


FORMAT = Format("session of gatekeeper (folder)", lambda path, _head: is_session(path), _open_frames, has_regions=True)
FORMATS = (FORMAT,)
