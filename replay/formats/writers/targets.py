"""The formats to which a recording can be converted."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gatekeeper.core.errors import ConfigError
from replay.formats.stack import recording_name
from replay.formats.trackrad import uneven_note, write_case
from replay.formats.writers.dicom import write_dicom
from replay.formats.writers.mrd import write_mrd
from replay.formats.writers.npz import write_npz
from replay.progress import OnProgress
from replay.recording import Recording


@dataclass(frozen=True, slots=True)
class Target:
    """A format to convert to.

    Attributes
    ----------
    endings : tuple of str
        Suffixes of its files; empty for a folder.
    keeps_target : bool
        Whether it stores contours of the target.
    write : callable
        Writes a recording to a path, and reports its progress.
    note : callable
        Returns a note on times that the format does not keep; None when it keeps them.
    """

    endings: tuple[str, ...]
    keeps_target: bool
    write: Callable[[Recording, Path, OnProgress], None]
    note: Callable[[Recording], str | None] = lambda _: None


def _write_trackrad(recording: Recording, out_dir: Path, on_progress: OnProgress) -> None:
    write_case(replace(recording, name=recording_name(out_dir)), out_dir, on_progress=on_progress)


TARGETS = {
    "trackrad": Target((), True, _write_trackrad, uneven_note),
    "npz": Target((".npz",), True, write_npz),
    "mrd": Target((".h5", ".hdf5", ".mrd"), False, write_mrd),
    "dicom": Target((), False, write_dicom),
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
