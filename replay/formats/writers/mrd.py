"""Write a recording as an MRD (ISMRMRD) file in HDF5: one series of magnitude images, without the target."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from gatekeeper.wire.mrd_codec import MAGNITUDE
from replay.formats.mrd_times import TICK_S, TIME_ATTRIBUTE
from replay.progress import OnProgress
from replay.recording import Recording
from replay.write import file_written_atomically

SLICE_MM = 1.0
"""Thickness of the slice in the header, since a recording has none and the format requires one."""
_TYPES = {"u1": "<u2", "i1": "<i2", "u2": "<u2", "i2": "<i2", "u4": "<u4", "i4": "<i4", "f4": "<f4"}
_NUMBERS = {"<u2": 1, "<i2": 2, "<u4": 3, "<i4": 4, "<f4": 5, "<f8": 6}
_ATTRIBUTES = "<ismrmrdMeta><meta><name>" + TIME_ATTRIBUTE + "</name><value>{time_ms!r}</value></meta></ismrmrdMeta>"


def write_mrd(recording: Recording, path: Path, on_progress: OnProgress) -> None:
    """Write the frames of a recording with their geometry and times.

    The format has no integers of 8 and 64 bits: the former become integers of 16 bits, the latter floats of 64 bits.

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
    # Imported late because ismrmrd takes 0.15 s.
    from replay.formats.mrd_header import header_xml, image_header_dtype

    count, rows, cols = recording.frames.shape
    kind = _TYPES.get(recording.frames.dtype.str[1:], "<f8")
    heads = _heads(recording, image_header_dtype(), _NUMBERS[kind])
    with file_written_atomically(path) as unfinished, h5py.File(unfinished, "x") as file:
        group = file.create_group("dataset/image_0")
        xml = header_xml((rows, cols), recording.spacing_mm, SLICE_MM, recording.field_strength_t)
        file["dataset"].create_dataset("xml", data=[xml], dtype=h5py.special_dtype(vlen=bytes))
        group.create_dataset("header", data=heads, maxshape=(None,), chunks=(min(count, 256),))
        texts = [_ATTRIBUTES.format(time_ms=float(1e3 * time_s)) for time_s in recording.times_s]
        group.create_dataset("attributes", data=texts, dtype=h5py.special_dtype(vlen=str), maxshape=(None,))
        shape = (count, 1, 1, rows, cols)
        data = group.create_dataset("data", shape, kind, maxshape=(None, *shape[1:]), chunks=(1, *shape[1:]))
        for index, image in enumerate(recording.frames):
            data[index, 0, 0] = image
            on_progress("writing", index + 1, count)


def _heads(recording: Recording, dtype: np.dtype[Any], pixel_type: int) -> NDArray[Any]:
    """Return the header of each image."""
    count, rows, cols = recording.frames.shape
    (row_mm, col_mm), plane = recording.spacing_mm, recording.plane
    middle = plane.to_patient_mm(np.array([[(rows - 1) / 2.0, (cols - 1) / 2.0]]), recording.spacing_mm)[0]
    heads = np.zeros(count, dtype)
    heads["version"], heads["data_type"], heads["image_type"], heads["channels"] = 1, pixel_type, MAGNITUDE, 1
    heads["matrix_size"] = cols, rows, 1
    heads["field_of_view"] = cols * col_mm, rows * row_mm, SLICE_MM
    heads["position"], heads["read_dir"], heads["phase_dir"] = middle, plane.col_step, plane.row_step
    heads["slice_dir"] = np.cross(plane.col_step, plane.row_step)
    # 0 means that there is no time.
    heads["acquisition_time_stamp"] = 1 + np.rint(recording.times_s / TICK_S).astype(np.uint32)
    heads["image_index"] = np.arange(1, count + 1) % 2**16
    heads["attribute_string_len"] = [len(_ATTRIBUTES.format(time_ms=float(1e3 * t))) for t in recording.times_s]
    return heads
