"""Write a recording as one .npz with all its values, and frames that are not compressed and can be read one by one."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from gatekeeper.core.frame import FrameStack
from replay.formats.arrays import number_of
from replay.progress import OnProgress
from replay.recording import Recording, structures_of
from replay.write import file_written_atomically


def write_npz(recording: Recording, path: Path, on_progress: OnProgress) -> None:
    """Write a recording that is read back exactly, with the name of the file; see `replay.formats.arrays`.

    Parameters
    ----------
    recording : Recording
        The recording; each frame is read once, in order.
    path : Path
        The file to make.
    on_progress : callable
        Called after each frame.

    Raises
    ------
    OutputError
        When the file exists or cannot be written.
    RecordingError
        When a frame cannot be read.
    """
    plane = recording.plane
    structures = {number_of(index): one for index, one in enumerate(structures_of(recording))}
    facts: dict[str, Any] = {
        "spacing_mm": np.array(recording.spacing_mm),
        "times_s": recording.times_s,
        "plane": np.array([plane.origin_mm, plane.row_step, plane.col_step]),
        "region": recording.region,
        "field_strength_t": recording.field_strength_t,
        **{f"target{end}": one.first_mask for end, one in structures.items()},
    }
    if recording.structures:
        facts["structures"] = np.array([one.name for one in structures.values()])
    with file_written_atomically(path) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        _write(archive, "frames", recording.frames, on_progress)
        for end, one in structures.items():
            if one.labels is not None:
                _write(archive, f"labels{end}", one.labels, lambda *_: None)
        for name, value in facts.items():
            if value is not None:
                with archive.open(_member(name), "w") as member:
                    npy.write_array(member, np.asarray(value), allow_pickle=False)


def _member(name: str) -> zipfile.ZipInfo:
    # Without the date of now two files of one recording are equal.
    return zipfile.ZipInfo(f"{name}.npy")


def _write(archive: zipfile.ZipFile, name: str, images: FrameStack, on_progress: OnProgress) -> None:
    header = {"descr": npy.dtype_to_descr(images.dtype), "fortran_order": False, "shape": tuple(images.shape)}
    with archive.open(_member(name), "w", force_zip64=True) as member:
        npy.write_array_header_1_0(member, header)
        for done, image in enumerate(images, start=1):
            whole: NDArray[Any] = np.ascontiguousarray(image)
            member.write(whole.tobytes())
            on_progress("writing", done, len(images))
