"""Write MRD files with the ismrmrd library."""

import warnings
from dataclasses import replace

import numpy as np

from tests.support.image_files import small

with warnings.catch_warnings():
    import ismrmrd

TICKS = np.array([400, 468, 535, 700])
CASE = replace(small(), times_s=(TICKS - TICKS[0]) * 2.5e-3)


def image(case, index, series=1, kind=ismrmrd.IMTYPE_MAGNITUDE, stamp=None, **changes):
    """Return a frame as the library makes an image of it."""
    rows, cols = case.frames.shape[1:]
    head = {
        "field_of_view": (cols * case.spacing_mm[1], rows * case.spacing_mm[0], 5.0),
        "position": tuple(case.plane.to_patient_mm(np.array([[(rows - 1) / 2, (cols - 1) / 2]]), case.spacing_mm)[0]),
        "read_dir": case.plane.col_step,
        "phase_dir": case.plane.row_step,
        "acquisition_time_stamp": int(TICKS[index]) if stamp is None else stamp,
        "image_index": index + 1,
        "image_series_index": series,
        "image_type": kind,
        **changes,
    }
    made = ismrmrd.Image.from_array(np.asarray(case.frames[index]), transpose=False)
    for name, value in head.items():
        setattr(made, name, value)
    return made


def written(path, *images, group="image_0"):
    with ismrmrd.Dataset(str(path)) as dataset:
        for one in images:
            dataset.append_image(group, one)
    return path
