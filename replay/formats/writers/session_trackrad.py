"""Write a session as a TrackRAD case, with the structures where the session found them as an algorithm's output."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.track import Track
from replay.formats.session import RecordedSession
from replay.formats.stack import recording_name
from replay.formats.trackrad import write_case
from replay.formats.trackrad_labels import joined, overlap_notes, values_of
from replay.progress import OnProgress
from replay.recording import LazyFrames, RecordedStructure, structures_of

Tracks = Iterable[tuple[Track, ...] | None]
"""All structures on each recorded frame, in the order of the session; None where it was not tracked."""


def write_session_trackrad(
    session: RecordedSession, tracks: Tracks, out_dir: Path, on_progress: OnProgress, on_note: Callable[[str], None]
) -> None:
    """Write frames and structures of a session, and the structures as it found them on each frame.

    A frame that was not tracked has the masks of the one before, as the challenge wants a mask on every frame.

    Parameters
    ----------
    session : RecordedSession
        The session, recorded with its reference.
    tracks : iterable of tuple of Track or None
        What it found on each recorded frame.
    out_dir : Path
        The folder to make, new or empty.
    on_progress : callable
        Called as the work proceeds.
    on_note : callable
        Called with a line on what labels with one value for each pixel do not keep.

    Raises
    ------
    RecordingError
        When the session has no reference, or not all frames could be tracked again.
    OutputError
        When the folder is not empty or cannot be written, or frames are further from an even rate than a case may be.
    """
    recording = replace(session.recording(), name=recording_name(out_dir))
    structures = structures_of(recording)
    count, shape = len(recording.frames), (recording.frames.shape[1], recording.frames.shape[2])
    found = [np.empty((count, *shape), dtype=np.bool_) for _ in structures]
    last: list[NDArray[np.bool_]] = [np.asarray(one.first_mask) for one in structures]
    done = 0
    for step in tracks:
        if step is not None:
            last = [one.mask(shape) for one in step]
        for stack, mask in zip(found, last, strict=True):
            stack[done] = mask
        done += 1
        on_progress("tracking", done, count)
    if done < count:
        raise RecordingError(
            f"{session.folder}: only {done} of its {count} frames can be tracked again, as one between was not "
            "recorded; export another session"
        )
    tracked = [RecordedStructure(one.name, one.first_mask, stack) for one, stack in zip(structures, found, strict=True)]
    for note in overlap_notes(tracked) if len(tracked) > 1 else []:
        on_note(note)
    values = values_of(structures)

    def label(index: int) -> NDArray[np.uint8]:
        return joined([stack[index] for stack in found], values)

    predicted = LazyFrames(label, count, shape, np.dtype(np.uint8))
    write_case(recording, out_dir, on_progress=on_progress, predicted=predicted)
