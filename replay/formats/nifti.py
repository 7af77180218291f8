"""NIfTI files, versions 1 and 2, as one file (.nii) or two (.hdr, .img), and ANALYZE 7.5, each compressed or not.

nibabel parses the header, pixels are read here frame by frame. Directions come from the sform, otherwise from the
qform; both are in RAS and become DICOM LPS. Extensions after the header, which may hold a complete DICOM header, are
not read. ANALYZE has no directions and no unit of time. Format: https://nifti.nimh.nih.gov/nifti-1, nifti-2.

nibabel's fields, types and matrices are used, without its guesses about a damaged header: it takes the byte order
from `dim[0]`, turns a size of 27307 x 1 x 6 into 163842 x 1 x 1, and refuses a `qfac` of 0, which the format allows.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Vector
from replay.formats.decompression import gzip_opener
from replay.formats.pixel_file import PixelFile
from replay.formats.sidecar import shortest_decimal
from replay.formats.volume import Volume, unit_directions

_GZIP = b"\x1f\x8b"
_FIRST_BYTES, _SECOND_BYTES = 348, 540
_FIRST_MAGIC, _PAIR_MAGIC = b"n+1\0", b"ni1\0"
_SECOND_MAGIC, _SECOND_PAIR_MAGIC = b"n+2\0\r\n\x1a\n", b"ni2\0\r\n\x1a\n"
_ANALYZE_TYPES = ((2, 8), (4, 16), (8, 32), (16, 32), (64, 64), (128, 24), (512, 16))
"""Types of pixels and their bits in an ANALYZE header; the last is of programs that know unsigned numbers."""
_ANALYZE_NOTE = "an ANALYZE header does not tell how the images lie in the patient, nor a unit of time"
_LAST_OFFSET = 2**53
_MILLIMETRES = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 1e-3}
_SECONDS = {8: 1.0, 16: 1e-3, 24: 1e-6}
_SAME = 1e-4
_UNIT = 1e-5


def is_nifti(path: Path, head: bytes) -> bool:
    """Return whether a file begins as a NIfTI or ANALYZE does, compressed or not, or holds the pixels of one."""
    if head.startswith(_GZIP):
        head = _decompressed(head)
    if head[344:348] in (_FIRST_MAGIC, _PAIR_MAGIC) or head[4:12] in (_SECOND_MAGIC, _SECOND_PAIR_MAGIC):
        return True
    return _is_analyze(head) or _header_of(path) != path


def _is_analyze(head: bytes) -> bool:
    """Return whether a header is of ANALYZE 7.5, of which NIfTI 1 has kept the fields."""
    order = ">" if head[:4] == b"\0\0\x01\x5c" else "<"
    if len(head) < _FIRST_BYTES or struct.unpack(f"{order}i", head[:4])[0] != _FIRST_BYTES:
        return False
    axes, *sizes = struct.unpack_from(f"{order}8h", head, 40)
    kind_and_bits = struct.unpack_from(f"{order}2h", head, 70)
    return kind_and_bits in _ANALYZE_TYPES and 2 <= axes <= 7 and min(sizes[:axes]) > 0


def _header_of(path: Path) -> Path:
    """Return the file of the header: `a.hdr` for `a.img`, which has none; each may end in `.gz`."""
    stem, zipped = (path.name[:-3], ".gz") if path.name.endswith(".gz") else (path.name, "")
    if not stem.lower().endswith(".img"):
        return path
    names = [stem[:-4] + ending + after for after in dict.fromkeys((zipped, "", ".gz")) for ending in (".hdr", ".HDR")]
    return next((file for name in names if (file := path.with_name(name)).is_file()), path)


def _pixels_of(path: Path) -> Path:
    """Return the file of the pixels that a header `a.hdr` is of."""
    stem, zipped = (path.name[:-3], ".gz") if path.name.endswith(".gz") else (path.name, "")
    stem = stem[: -len(Path(stem).suffix)] if Path(stem).suffix else stem
    names = [stem + ending + after for after in dict.fromkeys((zipped, "", ".gz")) for ending in (".img", ".IMG")]
    found = next((file for name in names if (file := path.with_name(name)).is_file()), None)
    if found is None:
        _refuse(path, f"has its pixels in {stem}.img, which is not beside it; put it there, or export one .nii")
    return found


@np.errstate(invalid="ignore", over="ignore")  # Values that are not finite are refused below.
def read_header(path: Path) -> Volume:
    """Read the header of a NIfTI file; the pixels are read later.

    Parameters
    ----------
    path : Path
        The file, compressed or not.

    Returns
    -------
    Volume
        Of two to four axes, the fastest first.

    Raises
    ------
    RecordingError
        When the header is cut short, contradicts itself, or describes pixels that are not supported.
    OSError
        When the file cannot be read.
    """
    path = _header_of(path)
    try:
        with gzip.open(path, "rb") if _is_compressed(path) else path.open("rb") as opened:
            head = opened.read(_SECOND_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        _refuse(path, f"has a damaged header ({error}); copy the file again")
    header, is_pair = _parsed(path, head)
    sizes, dtype = _sizes(path, header), _dtype(path, header)
    where = _pixels_of(path) if is_pair else path
    offset = _offset(path, header, is_pair)
    packed = gzip_opener(where, 0, offset) if _is_compressed(where) else None
    pixels = PixelFile(where, offset if packed is None else 0, dtype, sizes[::-1], packed)
    if head[344:348] != _PAIR_MAGIC and is_pair and _is_analyze(head):
        return Volume(pixels, _spacing(path, header, len(sizes), 1.0), time=_time(sizes), notes=(_ANALYZE_NOTE,))
    matrix, spacing = _geometry(path, header, len(sizes))
    directions, origin_mm = None, (0.0, 0.0, 0.0)
    if matrix is not None:
        directions = _directions(matrix, len(sizes))
        origin_mm = float(matrix[0, 3]), float(matrix[1, 3]), float(matrix[2, 3])
    slope, intercept = _scaling(path, header)
    period_s, notes = _period_s(header) if len(sizes) == 4 else (None, ())
    return Volume(
        pixels=pixels,
        spacing=spacing,
        directions=directions,
        origin_mm=origin_mm,
        time=_time(sizes),
        period_s=period_s,
        slope=slope,
        intercept=intercept,
        notes=notes,
    )


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def _time(sizes: tuple[int, ...]) -> int | None:
    return 3 if len(sizes) == 4 else None


def _decompressed(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, _SECOND_BYTES)
    except zlib.error:
        return b""


def _parsed(path: Path, head: bytes) -> tuple[Any, bool]:
    """Parse a header of either version and byte order; nothing is corrected and no extension is read.

    Returns
    -------
    header : Nifti1Header or Nifti2Header
        Of ANALYZE only sizes, type, spacing and offset are meant.
    is_pair : bool
        Whether the pixels are in another file.
    """
    # Imported late because it takes 0.3 s.
    from nibabel import nifti1, nifti2

    read_first: Any = nifti1.Nifti1Header
    read_second: Any = nifti2.Nifti2Header
    for order in ("<", ">"):
        size = struct.unpack(f"{order}i", head[:4])[0] if len(head) >= 4 else 0
        if size == _FIRST_BYTES and len(head) >= _FIRST_BYTES:
            is_one = head[344:348] == _FIRST_MAGIC or not (head[344:348] == _PAIR_MAGIC or _is_analyze(head))
            return read_first(head[:_FIRST_BYTES], order, check=False), not is_one
        if size == _SECOND_BYTES and len(head) >= _SECOND_BYTES:
            return read_second(head[:_SECOND_BYTES], order, check=False), head[4:12] == _SECOND_PAIR_MAGIC
    return _refuse(path, f"has no complete NIfTI header in its first {len(head)} bytes; copy the file again")


def _sizes(path: Path, header: Any) -> tuple[int, ...]:
    """Return the pixels along each axis, as stored; `get_data_shape` replaces some by others."""
    dim = [int(size) for size in header["dim"]]
    if not 2 <= dim[0] <= 7:
        _refuse(path, f"has {dim[0]} axes; export one plane over time")
    sizes = tuple(dim[1 : dim[0] + 1])
    while len(sizes) > 3 and sizes[-1] == 1 and (len(sizes) > 4 or sizes[2] > 1):
        sizes = sizes[:-1]
    if len(sizes) > 4 or not all(size > 0 for size in sizes):
        _refuse(path, f"has the size {sizes!r:.60}; export one plane over time, with at least one pixel and frame")
    return sizes


def _dtype(path: Path, header: Any) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except KeyError:
        dtype = np.dtype("V")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        _refuse(path, f"has pixels of NIfTI type {header['datatype']}; export it with integers or floats")
    return dtype


def _offset(path: Path, header: Any, is_pair: bool) -> int:
    """Return where the pixels begin, in bytes."""
    offset = float(header["vox_offset"])
    if not (0 if is_pair else _FIRST_BYTES) <= offset < _LAST_OFFSET:
        _refuse(path, f"has its pixels at byte {offset:.17g}, not behind its header; export it again")
    return int(offset)


def _scaling(path: Path, header: Any) -> tuple[float, float]:
    """Return slope and intercept of the values."""
    from nibabel.spatialimages import HeaderDataError

    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError:
        _refuse(path, f"has the intercept {header['scl_inter']} beside a finite slope; correct the header")
    return (1.0, 0.0) if slope is None else (slope, intercept)


def _geometry(path: Path, header: Any, axes: int) -> tuple[NDArray[np.float64] | None, tuple[float, ...]]:
    """Return the spacing of each axis and, where there is one, the matrix from indices to LPS millimetres.

    Returns
    -------
    matrix : ndarray of float64, shape (3, 4), or None
        Steps of the three axes, and the origin.
    spacing : tuple of float
        In mm; of the fourth axis as stored.
    """
    unit = int(header["xyzt_units"]) & 7
    scale = _MILLIMETRES.get(unit)
    if scale is None:
        _refuse(path, f"has the unit {unit} for space; export it in mm")
    spacing = _spacing(path, header, axes, scale)
    if header["sform_code"] > 0:
        matrix = header.get_sform()[:3] * scale
    elif header["qform_code"] > 0:
        matrix = _qform(path, header) * scale
    else:
        return None, spacing
    if not np.isfinite(matrix).all():
        _refuse(path, "has a value in its sform or qform that is not finite; correct the header")
    matrix[:2] *= -1.0
    lengths = np.linalg.norm(matrix[:, :3], axis=0)
    for axis in range(min(axes, 3)):
        if not abs(lengths[axis] - spacing[axis]) <= _SAME * spacing[axis]:
            _refuse(
                path,
                f"has pixdim {spacing[axis]:g} mm along axis {axis + 1} and {lengths[axis]:g} mm in its sform; "
                "correct the header",
            )
    return matrix, spacing


def _spacing(path: Path, header: Any, axes: int, scale: float) -> tuple[float, ...]:
    """Return the spacing of each axis, in mm; of the fourth as stored."""
    pixdim = header["pixdim"][1 : axes + 1]
    spacing = [shortest_decimal(float(step)) if pixdim.itemsize == 4 else float(step) for step in pixdim]
    for axis, step in enumerate(spacing[:3]):
        if not 0.0 < step < math.inf:
            _refuse(path, f"has pixdim {step:g} along axis {axis + 1}; it must be above 0, correct the header")
    return (*(step * scale for step in spacing[:3]), *spacing[3:])


def _qform(path: Path, header: Any) -> NDArray[np.float64]:
    """Return the matrix (3, 4) of the qform, in RAS."""
    from nibabel import quaternions

    rotation_of: Any = quaternions.quat2mat
    vector = np.array([header[f"quatern_{name}"] for name in "bcd"], np.float64)
    rest = 1.0 - float(vector @ vector)
    if not rest >= -_UNIT:
        _refuse(path, f"has the quaternion {tuple(vector.tolist())} in its qform, not a rotation; correct the header")
    steps = header["pixdim"][1:4] * (1.0, 1.0, -1.0 if header["pixdim"][0] < 0.0 else 1.0)
    offset = [float(header[f"qoffset_{name}"]) for name in "xyz"]
    return np.column_stack([rotation_of([math.sqrt(max(rest, 0.0)), *vector]) * steps, offset])


def _directions(matrix: NDArray[np.float64], axes: int) -> tuple[Vector | None, ...] | None:
    units = matrix[:, : min(axes, 3)] / np.linalg.norm(matrix[:, : min(axes, 3)], axis=0)
    directions = unit_directions(units)
    return directions if axes < 4 else (*directions, None)


def _period_s(header: Any) -> tuple[float | None, tuple[str, ...]]:
    """Return the time from frame to frame where it and its unit are given, and a note where it may be a default."""
    unit_s = _SECONDS.get(int(header["xyzt_units"]) & 0x38)
    stored = float(header["pixdim"][4])
    if unit_s is None:
        return None, ()
    if not 0.0 < stored < math.inf:
        return None, (f"the header has {stored:g} as the time from frame to frame, which is not used",)
    if stored * unit_s == 1.0:
        return 1.0, (
            "1 s from frame to frame is what programs write that know no rate; rate_hz in a sidecar file, or "
            "--rate-hz, replaces it",
        )
    return stored * unit_s, ()
