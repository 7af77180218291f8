"""Write a recording as a folder of DICOM MR images, one for each frame, with its structures and without its name."""

from pathlib import Path

import numpy as np

from gatekeeper.core.contour import mask_to_contour
from replay.formats.writers.structure_set import structure_set
from replay.mr_object import mr_object, new_uid
from replay.progress import OnProgress
from replay.recording import Recording, structures_of
from replay.write import folder_written_atomically

STRUCTURES = "structures.dcm"
"""File of the RT Structure Set."""


def write_dicom(recording: Recording, path: Path, on_progress: OnProgress) -> None:
    """Write the frames of a recording with their geometry and times.

    Structures on the first frame become an RT Structure Set, `structures.dcm`, with the outline of the largest part of
    each. UIDs are new, the date is 1 January 2000, and all attributes of a person are empty. Pixels of other types than
    uint8, uint16 and int16 are stored as one of these where their values fit exactly, and otherwise scaled to 16 bits.

    Parameters
    ----------
    recording : Recording
        The recording; each frame is read once, in order.
    path : Path
        The folder to make.
    on_progress : callable
        Called after each frame.

    Raises
    ------
    OutputError
        When the folder exists, cannot be written, or a frame has a value that is not finite.
    RecordingError
        When a frame cannot be read.
    """
    series, reference = new_uid(), new_uid()
    count = len(recording.frames)
    digits = len(str(count))
    outlines_mm = {
        one.name: recording.plane.to_patient_mm(mask_to_contour(one.first_mask), recording.spacing_mm)
        for one in structures_of(recording)
        if one.first_mask is not None
    }
    with folder_written_atomically(path) as folder:
        for index, image in enumerate(recording.frames):
            item = mr_object(
                np.asarray(image),
                recording.spacing_mm,
                recording.plane,
                float(recording.times_s[index]),
                index + 1,
                series,
                reference,
                recording.field_strength_t,
            )
            item.save_as(folder / f"{index + 1:0{digits}}.dcm", enforce_file_format=True)
            on_progress("writing", index + 1, count)
        if outlines_mm:
            plan = structure_set(outlines_mm, f"{series}.0.1", reference, f"{series}.1")
            plan.save_as(folder / STRUCTURES, enforce_file_format=True)
