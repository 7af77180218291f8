"""Write one recording in every format, with other libraries or with gatekeeper's conversion."""

import cv2
import numpy as np
import tifffile

from replay.formats.trackrad import write_case
from replay.formats.writers.mrd import write_mrd
from replay.formats.writers.npz import write_npz
from tests.support.image_files import rate_hz, write_itk, write_side
from tests.support.sessions import quiet


def beside(path, case, **more):
    """Write the side file of a stack that tells nothing itself."""
    plane = {name: getattr(case.plane, name) for name in ("origin_mm", "row_step", "col_step")}
    write_side(path, spacing_mm=case.spacing_mm, rate_hz=rate_hz(case), **plane, **more)
    return path


def _targets(path, case):
    """Write the labels of a case beside its images, as a stack that the side file names."""
    if case.labels is None:
        return {}
    np.save(path.with_name(path.name + "-labels.npy"), np.asarray(case.labels))
    return {"labels": path.name + "-labels.npy"}


def trackrad(folder, case):
    return write_case(case, folder / "case")


def _itk(ending, compressed):
    def write(folder, case):
        path = write_itk(folder / f"case.{ending}", case, compressed)
        write_side(path, rate_hz=rate_hz(case), **_targets(path, case))
        return path

    return write


def npy(folder, case):
    np.save(folder / "case.npy", np.asarray(case.frames))
    return beside(folder / "case.npy", case, **_targets(folder / "case.npy", case))


def npz(folder, case):
    write_npz(case, folder / "case.npz", quiet)
    return folder / "case.npz"


def npz_compressed(folder, case):
    plane = [case.plane.origin_mm, case.plane.row_step, case.plane.col_step]
    facts = {"spacing_mm": case.spacing_mm, "times_s": case.times_s, "plane": plane}
    if case.labels is not None:
        facts["labels"] = np.asarray(case.labels)
    np.savez_compressed(folder / "case.npz", frames=np.asarray(case.frames), **facts)
    return folder / "case.npz"


def tiff(folder, case):
    path = folder / "case.tif"
    tifffile.imwrite(path, np.asarray(case.frames), photometric="minisblack")
    return beside(path, case, **_targets(path, case))


def tiff_deflated(folder, case):
    path = folder / "case.tif"
    tifffile.imwrite(path, np.asarray(case.frames), photometric="minisblack", compression="zlib")
    return beside(path, case, **_targets(path, case))


def mrd(folder, case):
    write_mrd(case, folder / "case.h5", quiet)
    return folder / "case.h5"


def avi(folder, case):
    """Only 8-bit frames, without loss."""
    path = folder / "case.avi"
    frames = np.asarray(case.frames)
    size = frames.shape[2], frames.shape[1]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 25.0, size, isColor=False)
    for frame in frames.astype(np.uint8):
        writer.write(frame)
    writer.release()
    return beside(path, case, **_targets(path, case))


WRITERS = {
    "trackrad": trackrad,
    "mha": _itk("mha", False),
    "mha packed": _itk("mha", True),
    "nrrd": _itk("nrrd", False),
    "nrrd packed": _itk("nrrd", True),
    "nii": _itk("nii", False),
    "nii.gz": _itk("nii.gz", True),
    "npy": npy,
    "npz": npz,
    "npz packed": npz_compressed,
    "tiff": tiff,
    "tiff packed": tiff_deflated,
    "mrd": mrd,
    "avi": avi,
}
"""What writes a case into a folder, and returns the path to open."""
TARGETLESS = ("mrd",)
"""Formats that hold no target."""
