"""NIfTI files (.nii, .nii.gz), versions 1 and 2: header read here, pixels frame by frame.

Directions are told by the sform, else the qform; both are in RAS and become DICOM LPS. What follows the header, which
may be a whole DICOM header, is not read. Format: https://nifti.nimh.nih.gov/nifti-1, nifti-2.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.errors import RecordingError
from gatekeeper.frame import Vector
from replay.formats.side import as_written
from replay.formats.stored import Stored
from replay.formats.unpacking import gunzipped
from replay.formats.volume import Volume, told_directions

_GZIP = b"\x1f\x8b"
_FIRST_BYTES, _SECOND_BYTES = 348, 540
_FIRST_MAGIC, _PAIR_MAGIC = b"n+1\0", b"ni1\0"
_SECOND_MAGIC = b"n+2\0\r\n\x1a\n"
_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_MILLIMETRES = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 1e-3}
_SECONDS = {8: 1.0, 16: 1e-3, 24: 1e-6}
_SAME = 1e-4


class _Header(NamedTuple):
    order: str
    is_short: bool
    dim: tuple[int, ...]
    datatype: int
    pixdim: tuple[float, ...]
    vox_offset: int
    slope: float
    intercept: float
    units: int
    qform: int
    sform: int
    quaternion: tuple[float, ...]
    rows: tuple[float, ...]


def is_nifti(_path: Path, head: bytes) -> bool:
    """Return whether a file begins as a NIfTI does, compressed or not."""
    if head.startswith(_GZIP):
        head = _unzipped(head)
    return head[344:348] in (_FIRST_MAGIC, _PAIR_MAGIC) or head[4:12] == _SECOND_MAGIC


def read_header(path: Path) -> Volume:
    """Return what the header says; its pixels are not looked at yet.

    Raises
    ------
    RecordingError
        When it says what cannot be, or what is not read here.
    OSError
        When it cannot be read.
    """
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as opened:
            header = _parsed(path, opened.read(_SECOND_BYTES))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        _refuse(path, f"has a damaged header ({error}); copy the file again")
    sizes = header.dim[1 : header.dim[0] + 1]
    while len(sizes) > 4 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if not 2 <= len(sizes) <= 4 or not all(size > 0 for size in sizes):
        _refuse(path, f"has the size {sizes!r:.60}; export one plane over time, with at least one pixel and frame")
    if header.datatype not in _TYPES:
        _refuse(path, f"has pixels of NIfTI type {header.datatype}; export it with integers or floats")
    unpack = gunzipped(path, 0, header.vox_offset) if packed else None
    dtype: np.dtype[np.generic] = np.dtype(header.order + _TYPES[header.datatype])
    matrix, spacing = _geometry(path, header, len(sizes))
    directions, origin_mm = None, (0.0, 0.0, 0.0)
    if matrix is not None:
        directions = _directions(matrix, len(sizes))
        origin_mm = float(matrix[0, 3]), float(matrix[1, 3]), float(matrix[2, 3])
    # A slope of 0, by the format, and one that is no number, by custom, say that there is none.
    is_scaled = header.slope != 0.0 and math.isfinite(header.slope) and math.isfinite(header.intercept)
    return Volume(
        pixels=Stored(path, 0 if packed else header.vox_offset, dtype, tuple(sizes[::-1]), unpack),
        spacing=spacing,
        directions=directions,
        origin_mm=origin_mm,
        time=3 if len(sizes) == 4 else None,
        period_s=_period_s(path, header) if len(sizes) == 4 else None,
        slope=header.slope if is_scaled else 1.0,
        intercept=header.intercept if is_scaled else 0.0,
    )


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _unzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, _SECOND_BYTES)
    except zlib.error:
        return b""


def _parsed(path: Path, head: bytes) -> _Header:
    """Return the fields of a header of either version and byte order."""
    for order in "<>":
        if len(head) >= _FIRST_BYTES and struct.unpack_from(order + "i", head)[0] == _FIRST_BYTES:
            if head[344:348] == _PAIR_MAGIC:
                _refuse(path, "has its pixels in another file (.hdr and .img); export it as one .nii")
            return _first(order, head)
        if len(head) >= _SECOND_BYTES and struct.unpack_from(order + "i", head)[0] == _SECOND_BYTES:
            return _second(order, head)
    return _refuse(path, f"has no whole NIfTI header in its first {len(head)} bytes; copy the file again")


def _first(order: str, head: bytes) -> _Header:
    vox_offset, slope, intercept = struct.unpack_from(order + "3f", head, 108)
    qform, sform = struct.unpack_from(order + "2h", head, 252)
    return _Header(
        order=order,
        is_short=True,
        dim=struct.unpack_from(order + "8h", head, 40),
        datatype=struct.unpack_from(order + "h", head, 70)[0],
        pixdim=struct.unpack_from(order + "8f", head, 76),
        vox_offset=int(vox_offset) if 0.0 <= vox_offset < 2**31 else -1,
        slope=slope,
        intercept=intercept,
        units=head[123],
        qform=qform,
        sform=sform,
        quaternion=struct.unpack_from(order + "6f", head, 256),
        rows=struct.unpack_from(order + "12f", head, 280),
    )


def _second(order: str, head: bytes) -> _Header:
    vox_offset, slope, intercept = struct.unpack_from(order + "q2d", head, 168)
    qform, sform = struct.unpack_from(order + "2i", head, 344)
    return _Header(
        order=order,
        is_short=False,
        dim=struct.unpack_from(order + "8q", head, 16),
        datatype=struct.unpack_from(order + "h", head, 12)[0],
        pixdim=struct.unpack_from(order + "8d", head, 104),
        vox_offset=vox_offset,
        slope=slope,
        intercept=intercept,
        units=struct.unpack_from(order + "i", head, 500)[0],
        qform=qform,
        sform=sform,
        quaternion=struct.unpack_from(order + "6d", head, 352),
        rows=struct.unpack_from(order + "12d", head, 400),
    )


def _geometry(path: Path, header: _Header, axes: int) -> tuple[NDArray[np.float64] | None, tuple[float, ...]]:
    """Return the way from indices to LPS millimetres (3, 4) where it is told, and the spacing of each axis."""
    if header.vox_offset < _FIRST_BYTES:
        _refuse(path, f"has its pixels at byte {header.vox_offset}, within its header; export it again")
    scale = _MILLIMETRES.get(header.units & 7)
    if scale is None:
        _refuse(path, f"has the unit {header.units & 7} for space; export it in mm")
    spacing = [as_written(step) if header.is_short else step for step in header.pixdim[1 : axes + 1]]
    for axis, step in enumerate(spacing[:3]):
        if not 0.0 < step < math.inf:
            _refuse(path, f"has pixdim {step:g} along axis {axis + 1}; it must be above 0, mend the header")
    spacing[:3] = [step * scale for step in spacing[:3]]
    if header.sform > 0:
        matrix = np.array(header.rows).reshape(3, 4) * scale
    elif header.qform > 0:
        matrix = _of_quaternion(path, header, scale)
    else:
        return None, tuple(spacing)
    if not np.isfinite(matrix).all():
        _refuse(path, "has a number in its sform or qform that is not finite; mend the header")
    matrix[:2] *= -1.0
    lengths = np.linalg.norm(matrix[:, :3], axis=0)
    for axis in range(min(axes, 3)):
        if not abs(lengths[axis] - spacing[axis]) <= _SAME * spacing[axis]:
            _refuse(
                path,
                f"has pixdim {spacing[axis]:g} mm along axis {axis + 1} and {lengths[axis]:g} mm in its sform; "
                "mend the header",
            )
    return matrix, tuple(spacing)


def _of_quaternion(path: Path, header: _Header, scale: float) -> NDArray[np.float64]:
    """Return the matrix of the qform, in RAS."""
    b, c, d, *offset = header.quaternion
    rest = 1.0 - b * b - c * c - d * d
    if not rest >= -1e-5:
        _refuse(path, f"has the quaternion {(b, c, d)} in its qform, which is no rotation; mend the header")
    a = math.sqrt(max(rest, 0.0))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    steps = np.array(header.pixdim[1:4]) * (1.0, 1.0, -1.0 if header.pixdim[0] < 0.0 else 1.0)
    return np.column_stack([turn * steps, offset]) * scale


def _directions(matrix: NDArray[np.float64], axes: int) -> tuple[Vector | None, ...] | None:
    units = matrix[:, : min(axes, 3)] / np.linalg.norm(matrix[:, : min(axes, 3)], axis=0)
    told = told_directions(units)
    return told if told is None or axes < 4 else (*told, None)


def _period_s(path: Path, header: _Header) -> float | None:
    """Return the time from frame to frame where its unit is told."""
    unit_s = _SECONDS.get(header.units & 0x38)
    if unit_s is None:
        return None
    period_s = header.pixdim[4] * unit_s
    if not 0.0 < period_s < math.inf:
        _refuse(path, f"has {period_s:g} s from frame to frame; it must be above 0, mend the header")
    return float(period_s)
