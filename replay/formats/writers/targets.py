"""What a recording can be converted to, and how."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gatekeeper.core.errors import ConfigError
from replay.formats.stack import recording_name
from replay.formats.trackrad import write_case
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
        What files of it are called; nothing where it is a folder.
    keeps_target : bool
        Whether outlines of the target go with it.
    write : callable
        Writes a recording to a path, and tells how far it is.
    """

    endings: tuple[str, ...]
    keeps_target: bool
    write: Callable[[Recording, Path, OnProgress], None]


def _write_trackrad(recording: Recording, out_dir: Path, on_progress: OnProgress) -> None:
    write_case(replace(recording, name=recording_name(out_dir)), out_dir, on_progress=on_progress)


TARGETS = {
    "trackrad": Target((), True, _write_trackrad),
    "npz": Target((".npz",), True, write_npz),
    "mrd": Target((".h5", ".hdf5", ".mrd"), False, write_mrd),
    "dicom": Target((), False, write_dicom),
}


def target_of(to: str | None, out: Path) -> Target:
    """Return the format that is told, or that the ending of the name tells.

    Raises
    ------
    ConfigError
        When neither does, or both do and differ.
    """
    ending = out.suffix.lower()
    by_name = next((name for name, target in TARGETS.items() if ending in target.endings), None)
    name = by_name if to is None else to
    if name is None:
        raise ConfigError(f"command line: {out}: does not tell its format; give --to {' or '.join(TARGETS)}")
    if TARGETS[name].endings and name != by_name:
        raise ConfigError(f"command line: {out}: is to be {name}; call it {' or '.join(TARGETS[name].endings)}")
    return TARGETS[name]
