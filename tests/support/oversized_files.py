"""Write files whose headers announce ten gigabytes and more, in formats that other libraries read."""

import io
import struct
import zipfile

import h5py
import numpy as np
import tifffile
from pydicom.uid import RLELossless

from tests.support.dicom_folders import write
from tests.support.dicom_objects import enhanced, single
from tests.support.image_files import small
from tests.support.written_recordings import WRITERS

HUGE = 9_999_999
GROUP = "dataset/image_0"
_OF_ONE_PAGE = small(frames=small().frames[:1])


def _tiff(kind, tags):
    """A TIFF in whose first page some tags say something else."""

    def build(folder):
        path = WRITERS[kind](folder, _OF_ONE_PAGE)
        with tifffile.TiffFile(path, mode="r+b") as file:
            for name, value in tags.items():
                file.pages[0].tags[name].overwrite(value)
        return path

    return build


def _tiff_imagej(folder):
    path = WRITERS["tiff"](folder, small())
    told = f"ImageJ=1.54f\nimages={HUGE}\nframes={HUGE}\n"
    tifffile.imwrite(path, np.asarray(small().frames[0]), description=told, metadata=None)
    return path


def _mrd(change):
    """An MRD file in whose group of images something is replaced."""

    def build(folder):
        path = WRITERS["mrd"](folder, small())
        with h5py.File(path, "r+") as file:
            change(file[GROUP])
        return path

    return build


def _again(group, name, **how):
    """Make a dataset anew that holds its first row, and announces more than that."""
    row, dtype = group[name][:1], group[name].dtype
    del group[name]
    group.create_dataset(name, dtype=how.pop("dtype", dtype), **how)[:1] = row


def _mrd_images(group):
    _again(group, "header", shape=(HUGE,), chunks=(64,))
    _again(group, "data", shape=(HUGE, 1, 1, 12, 10), chunks=(1, 1, 1, 12, 10))


def _mrd_size(group):
    del group["data"]
    group.create_dataset("data", (4, 1, 1, 100_000, 100_000), np.uint16, chunks=(1, 1, 1, 64, 64))


def _mrd_absent(group):
    heads = np.repeat(group["header"][:1], 50_000)
    heads["acquisition_time_stamp"] = 1 + np.arange(50_000)
    del group["header"], group["attributes"]
    group["header"] = heads
    _again(group, "data", shape=(50_000, 1, 1, 12, 10), maxshape=(None, 1, 1, 12, 10), chunks=(1, 1, 1, 12, 10))


def _mrd_attributes(group):
    _again(group, "attributes", shape=(2 * 10**9,), chunks=(64,))


def _mrd_words(group):
    del group["attributes"]
    group.create_dataset("attributes", (4,), "S2000000000", chunks=(1,))


def _mrd_chunk(group):
    frames = group["data"][:]
    del group["data"]
    most = 2**28 // (2 * 120)
    group.create_dataset("data", maxshape=(None, 1, 1, 12, 10), data=frames, chunks=(most, 1, 1, 12, 10), compression=1)


def _npz_array(compression, is_told=False):
    """An .npz whose array announces more than its member has, and in its directory as much where that is told."""

    def build(folder):
        frames = io.BytesIO()
        np.save(frames, small().frames)
        told = frames.getvalue().replace(b"(4, 12, 10), }       ", b"(99999999, 12, 10), }")
        assert len(told) == len(frames.getvalue())
        size = len(told) + (99999999 - 4) * 12 * 10 * 2
        return _npz(folder, told, compression, size if is_told else None)

    return build


def _npz(folder, frames, compression, size=None):
    path = folder / "case.npz"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("frames.npy", frames)
        if size is not None:
            archive.filelist[0].file_size = size
            if compression == zipfile.ZIP_STORED:
                archive.filelist[0].compress_size = size
        for name, value in (("spacing_mm", [1.0, 1.0]), ("rate_hz", 4.0)):
            fact = io.BytesIO()
            np.save(fact, value)
            archive.writestr(f"{name}.npy", fact.getvalue())
    return path


def _avi(frames=None, size=None):
    """An AVI whose headers announce another number of frames, or another size."""

    def build(folder):
        path = WRITERS["avi"](folder, small(frames=np.asarray(small().frames).repeat(4, 1).repeat(4, 2)))
        content = bytearray(path.read_bytes())
        main, stream, image = (content.index(mark) + 8 for mark in (b"avih", b"strh", b"strf"))
        if frames is not None:
            struct.pack_into("<I", content, main + 16, frames)
            struct.pack_into("<I", content, stream + 32, frames)
        if size is not None:
            struct.pack_into("<II", content, main + 32, *size)
            struct.pack_into("<II", content, image + 4, *size)
        path.write_bytes(content)
        return path

    return build


def _dicom(make, **values):
    """A DICOM object some elements of which say something else."""

    def build(folder):
        item = make()
        for name, value in values.items():
            setattr(item, name, value)
        return write(folder / "case.dcm", item)

    return build


def _packed():
    """A compressed object that holds one image."""
    item = single()
    item.compress(RLELossless)
    return item


CLAIMS = {
    "tiff size": _tiff("tiff", {"ImageWidth": 200_000, "ImageLength": 200_000}),
    "tiff packed size": _tiff("tiff packed", {"ImageWidth": 200_000, "ImageLength": 200_000}),
    "tiff packed bytes": _tiff("tiff packed", {"StripByteCounts": 4_000_000_000}),
    "tiff imagej": _tiff_imagej,
    "mrd images": _mrd(_mrd_images),
    "mrd size": _mrd(_mrd_size),
    "mrd absent": _mrd(_mrd_absent),
    "mrd attributes": _mrd(_mrd_attributes),
    "mrd words": _mrd(_mrd_words),
    "mrd chunk": _mrd(_mrd_chunk),
    "npz array": _npz_array(zipfile.ZIP_STORED),
    "npz array packed": _npz_array(zipfile.ZIP_DEFLATED),
    "npz member": _npz_array(zipfile.ZIP_STORED, is_told=True),
    "npz member packed": _npz_array(zipfile.ZIP_DEFLATED, is_told=True),
    "avi frames": _avi(frames=HUGE),
    "avi more frames": _avi(frames=2**32 - 1),
    "avi size": _avi(size=(100_000, 100_000)),
    "avi large size": _avi(size=(8192, 8192)),
    "dicom frames": _dicom(enhanced, NumberOfFrames=99_999),
    "dicom even frames": _dicom(single, NumberOfFrames=99_999, FrameTime=125),
    "dicom size": _dicom(single, Rows=65_535, Columns=65_535),
    "dicom bytes": _dicom(single, NumberOfFrames=50_000, FrameTime=125, Rows=4096, Columns=4096),
    "dicom packed frames": _dicom(_packed, NumberOfFrames=99_999, FrameTime=125),
    "dicom packed size": _dicom(_packed, Rows=4096, Columns=4096),
}
"""What writes a file into a folder that announces more than there is, and returns the path to open."""
