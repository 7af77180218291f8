"""Make folders of DICOM files for tests."""

import numpy as np

from tests.support.dicom_objects import single


def write(path, item, preamble=True):
    """Write an object as a file, or as scanners' own exports come: without preamble and file meta."""
    if preamble:
        item.save_as(path, enforce_file_format=True)
    else:
        syntax = item.file_meta.TransferSyntaxUID
        del item.file_meta
        item.save_as(path, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    return path


def write_series(folder, count=6, name="im{}.dcm", make=single, change=lambda item: item, preamble=True, **how):
    """Write a series, named so that names sort otherwise than times do."""
    folder.mkdir(exist_ok=True)
    return [write(folder / name.format(count - k), change(make(k, **how)), preamble) for k in range(count)]


def write_recording(folder, case):
    """Write a recording as a series."""
    folder.mkdir(exist_ok=True)
    for k, image in enumerate(case.frames):
        item = single(
            k,
            image=np.asarray(image),
            plane=case.plane,
            spacing_mm=case.spacing_mm,
            acquired_s=float(case.times_s[k]),
        )
        write(folder / f"{k}.dcm", item)
    return folder
