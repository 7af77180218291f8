"""Write a session for the SlicerCineTrack extension of 3D Slicer: images, the target, and its displacement.

`images/00000.mha` and so on hold one slice each, `Segmentation.mha` the target on the reference. The columns X, Y and Z
of `Transforms.csv` are the displacement of the target in DICOM LPS mm, one row for each image; further columns, which
the extension ignores, are on the decision. Each further structure has files of its own, `Segmentation-<name>.mha` and
`Transforms-<name>.csv`. Format: the documentation and the reader of
https://github.com/laboratory-for-translational-medicine/SlicerCineTrack.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import center_mm, mask_to_contour
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from gatekeeper.recording.journal import STRUCTURES
from gatekeeper.recording.session_setup import SessionSetup
from replay.formats.metaimage_writer import Place, write_metaimage
from replay.formats.session import Entry, RecordedSession
from replay.progress import OnProgress
from replay.write import folder_written_atomically

SLICE_MM = 5.0
"""Thickness of a slice in the volumes, since a session has none and the extension requires one."""
COLUMNS = ("X", "Y", "Z", "frame", "time_s", "state", "confidence")


def write_slicer(session: RecordedSession, out_dir: Path, on_progress: OnProgress) -> None:
    """Write the frames of a session, its structures, and the displacement of each.

    On a frame without a track the last displacement is repeated, and `confidence` is 0.

    Parameters
    ----------
    session : RecordedSession
        The session, recorded with its reference.
    out_dir : Path
        The folder to make, new or empty.
    on_progress : callable
        Called after each frame.

    Raises
    ------
    RecordingError
        When the session has no reference or no frames.
    OutputError
        When the folder is not empty or cannot be written.
    """
    recording, setup = session.recording(), session.setup
    if setup is None:
        raise RecordingError(f"{session.folder}: holds no reference; record it anew")
    entries = [entry for entry in session.entries if entry.get("frame_row") is not None]
    place, spacing = _place(setup.plane), (SLICE_MM, *setup.spacing_mm)
    with folder_written_atomically(out_dir) as folder:
        (folder / "images").mkdir()
        for index, image in enumerate(recording.frames):
            write_metaimage(folder / "images" / f"{index:05d}.mha", image[None], spacing, place=place)
            on_progress("writing", index + 1, len(entries))
        for name, suffix, mask in _structures(setup):
            write_mask(folder / f"Segmentation{suffix}.mha", mask, setup.spacing_mm, setup.plane)
            # Sessions of one structure have it in the fields of the line itself.
            parts = [entry.get(STRUCTURES, {}).get(name, entry if not suffix else {}) for entry in entries]
            moved_mm = _moved_mm(parts, mask, setup.spacing_mm, setup.plane)
            with (folder / f"Transforms{suffix}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                for entry, part, moved, time_s in zip(entries, parts, moved_mm, recording.times_s, strict=True):
                    where = [f"{value:.6f}" for value in moved]
                    said = [entry["sequence"], f"{time_s:.6f}", entry["state"], part.get("confidence") or 0.0]
                    writer.writerow([*where, *said])


def write_mask(path: Path, mask: NDArray[np.bool_], spacing_mm: tuple[float, float], plane: Plane) -> None:
    """Write the mask (H, W) of a structure as a volume of one slice, where the image lies in the patient.

    Parameters
    ----------
    path : Path
        The file to make; its name ends in .mha.
    mask : ndarray of bool, shape (H, W)
        Pixels of the structure.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    plane : Plane
        Plane of the image.
    """
    write_metaimage(path, mask[None].astype(np.uint8), (SLICE_MM, *spacing_mm), place=_place(plane))


def _structures(setup: SessionSetup) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield name, end of the file names, and mask of each structure, the primary target first."""
    yield setup.target_name, "", setup.target_mask
    for one in setup.structures:
        yield one.name, f"-{one.name.replace('/', '_')}", one.mask(setup.target_mask.shape)


def _place(plane: Plane) -> Place:
    x, y, z = np.cross(plane.col_step, plane.row_step)
    return Place(plane.origin_mm, ((float(x), float(y), float(z)), plane.row_step, plane.col_step))


def _moved_mm(
    entries: list[Entry], target_mask: NDArray[np.bool_], spacing_mm: tuple[float, float], plane: Plane
) -> NDArray[np.float64]:
    """Return the displacement of the target from the reference on each frame, in LPS mm, shape (N, 3)."""
    reference_mm = center_mm(mask_to_contour(target_mask), spacing_mm)
    steps = np.array([plane.row_step, plane.col_step])
    moved, last = np.zeros((len(entries), 3)), np.zeros(3)
    for row, entry in zip(moved, entries, strict=True):
        if entry.get("center_mm") is not None and (entry["confidence"] or 0.0) > 0.0:
            last = (np.array(entry["center_mm"], np.float64) - reference_mm) @ steps
        row[:] = last
    return moved
