"""The formats to which a recording can be converted."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gatekeeper.core.errors import ConfigError
from replay.formats.stack import recording_name
from replay.formats.trackrad import uneven_note, write_case
from replay.formats.trackrad_labels import overlap_notes
from replay.formats.writers.dicom import write_dicom
from replay.formats.writers.mrd import write_mrd
from replay.formats.writers.npz import write_npz
from replay.progress import OnProgress
from replay.recording import Recording, structures_of


@dataclass(frozen=True, slots=True)
class Target:
    """A format to convert to.

    Attributes
    ----------
    endings : tuple of str
        Suffixes of its files; empty for a folder.
    write : callable
        Writes a recording to a path, and reports its progress.
    notes : callable
        Returns notes on what the format does not keep of a recording.
    """

    endings: tuple[str, ...]
    write: Callable[[Recording, Path, OnProgress], None]
    notes: Callable[[Recording], list[str]] = lambda _: []


def _write_trackrad(recording: Recording, out_dir: Path, on_progress: OnProgress) -> None:
    write_case(replace(recording, name=recording_name(out_dir)), out_dir, on_progress=on_progress)


def _trackrad_notes(recording: Recording) -> list[str]:
    uneven = uneven_note(recording)
    structures = structures_of(recording)
    notes = overlap_notes(structures) if len(structures) > 1 else []
    return notes if uneven is None else [*notes, uneven]


def _mrd_notes(recording: Recording) -> list[str]:
    names = [one.name for one in structures_of(recording)]
    if len(names) < 2:
        return ["the target is not part of this format and is left out"] if names else []
    return [f"the structures {', '.join(names)} are not part of this format and are left out"]


def _dicom_notes(recording: Recording) -> list[str]:
    structures = structures_of(recording)
    notes = []
    if nowhere := [one.name for one in structures if one.first_mask is None]:
        notes.append(f"not on the first frame, and left out: {', '.join(nowhere)}")
    if any(one.labels is not None for one in structures):
        notes.append("labels after the first frame are not part of this format and are left out")
    return notes


TARGETS = {
    "trackrad": Target((), _write_trackrad, _trackrad_notes),
    "npz": Target((".npz",), write_npz),
    "mrd": Target((".h5", ".hdf5", ".mrd"), write_mrd, _mrd_notes),
    "dicom": Target((), write_dicom, _dicom_notes),
}


def target_of(to: str | None, out: Path) -> Target:
    """Return the format of a conversion.

    Parameters
    ----------
    to : str or None
        Name of the format, one of `TARGETS`; None to find it from the suffix of the name.
    out : Path
        The file or folder to make.

    Returns
    -------
    Target
        The format.

    Raises
    ------
    ConfigError
        When the format is not given and the suffix is not known, or the two differ.
    """
    ending = out.suffix.lower()
    by_name = next((name for name, target in TARGETS.items() if ending in target.endings), None)
    name = by_name if to is None else to
    if name is None:
        raise ConfigError(f"command line: {out}: has no suffix of a format; give --to {' or '.join(TARGETS)}")
    if TARGETS[name].endings and name != by_name:
        raise ConfigError(f"command line: {out}: is to be {name}; call it {' or '.join(TARGETS[name].endings)}")
    return TARGETS[name]
