"""A recording as a folder of DICOM MR images, one for each frame; a target has no place in them, nor has a name."""

from pathlib import Path

import numpy as np

from replay.mr_object import mr_object, new_uid
from replay.progress import OnProgress
from replay.recording import Recording
from replay.write import folder_written_atomically


def write_dicom(recording: Recording, path: Path, on_progress: OnProgress) -> None:
    """Write the frames of a recording, with their geometry and times.

    UIDs are new ones, the date is the first of January 2000, and everything about a person is empty. Pixels of other
    types than uint8, uint16 and int16 are kept as such where their values fit exactly, and are scaled to 16 bits
    where they do not.

    Parameters
    ----------
    recording : Recording
        Its frames are read once, in order.
    path : Path
        The folder to make.
    on_progress : callable
        Told of every frame.

    Raises
    ------
    OutputError
        When it is there already, or cannot be written, or a frame holds NaN or infinity.
    RecordingError
        When a frame cannot be read.
    """
    series, reference = new_uid(), new_uid()
    count = len(recording.frames)
    digits = len(str(count))
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
