"""NRRD files (.nrrd, .nhdr): header read here, pixels frame by frame; key-value pairs, which may name people, are not.

Format: http://teem.sourceforge.net/nrrd/format.html, as ITK and 3D Slicer write it.
"""

import math
import re
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np

from gatekeeper.errors import RecordingError
from gatekeeper.frame import Vector
from replay.formats.stored import Stored
from replay.formats.unpacking import Opener, bunzipped, gunzipped
from replay.formats.volume import Volume, told_directions

_MAX_HEADER_BYTES = 2**20
_MAGIC = re.compile(rb"NRRD000[1-5]\r?\n")
_FIELD = re.compile(r"([A-Za-z][A-Za-z ]*): ?(.*)")
_VECTOR = re.compile(r"\(([^()]*)\)|none")
_ALIASES = {"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip", "centerings": "centers"}
_TO_LPS = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "lps": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "las": (1.0, -1.0, 1.0),
}
_TYPES = {
    "i1": "signed char|int8|int8_t",
    "u1": "uchar|unsigned char|uint8|uint8_t",
    "i2": "short|short int|signed short|signed short int|int16|int16_t",
    "u2": "ushort|unsigned short|unsigned short int|uint16|uint16_t",
    "i4": "int|signed int|int32|int32_t",
    "u4": "uint|unsigned int|uint32|uint32_t",
    "i8": "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t",
    "u8": "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t",
    "f4": "float",
    "f8": "double",
}
_SCALAR_KINDS = ("domain", "space", "time", "list", "none", "???")
_SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "msec": 1e-3}
_MILLIMETRES = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "": 1.0}
_MOST_AXES = 4


def is_nrrd(_path: Path, head: bytes) -> bool:
    """Return whether a file begins as an NRRD does."""
    return _MAGIC.match(head) is not None


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
        fields = _fields(path, file)
        offset = file.tell()
    sizes = _sizes(path, fields)
    _check_plain(path, fields, len(sizes))
    where = path
    if "data file" in fields:
        data, offset = fields["data file"], 0
        if Path(data).name != data or data.startswith("LIST") or "%" in data:
            _refuse(path, f"has its pixels in {data!r:.60}; store it as one .nrrd file")
        where = path.with_name(data)
    spacing, directions, time = _axes(path, fields, len(sizes))
    scale = _lengths(path, fields)
    return Volume(
        pixels=Stored(where, offset, _dtype(path, fields), sizes[::-1], _unpacking(path, fields, where, offset)),
        spacing=tuple(
            step * scale if directions is None or axis != time else step for axis, step in enumerate(spacing)
        ),
        directions=directions,
        origin_mm=_origin_mm(path, fields, scale),
        time=time,
        period_s=_period_s(path, fields, time),
    )


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _fields(path: Path, file: BinaryIO) -> dict[str, str]:
    """Read the header up to the empty line or the end, and leave the file there; key-value pairs are left out."""
    if _MAGIC.fullmatch(file.readline(64)) is None:
        _refuse(path, "is no NRRD; copy the file again")
    fields: dict[str, str] = {}
    while True:
        raw = file.readline(_MAX_HEADER_BYTES - file.tell())
        line = raw.decode("ascii", "replace").rstrip("\r\n")
        if not raw.endswith(b"\n"):
            if "data file" in fields and not raw:
                return fields
            _refuse(path, f"has a header that is cut short at byte {file.tell()}; copy the file again")
        if not line:
            return fields
        if line.startswith("#") or ":=" in line:
            continue
        field = _FIELD.fullmatch(line)
        if field is None:
            _refuse(path, f"has the line {line!r:.60} in its header; mend it")
        name = _ALIASES.get(field[1].lower().strip(), field[1].lower().strip())
        if name in fields:
            _refuse(path, f"has the field {name!r:.40} twice in its header; mend it")
        fields[name] = field[2].strip()


def _sizes(path: Path, fields: dict[str, str]) -> tuple[int, ...]:
    words, axes = fields.get("sizes", "").split(), fields.get("dimension", "")
    if not (axes.isdecimal() and len(axes) < 3 and int(axes) == len(words) and all(map(_is_count, words))):
        _refuse(path, f"has dimension {axes!r:.20} and sizes {' '.join(words)!r:.60}; mend the header")
    if not 2 <= len(words) <= _MOST_AXES:
        _refuse(path, f"has {axes} axes; export one plane over time")
    return tuple(map(int, words))


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 12 and int(word) > 0


def _check_plain(path: Path, fields: dict[str, str], axes: int) -> None:
    """Refuse several values per pixel, and bytes or lines to be left out before the pixels."""
    kinds = fields.get("kinds", "").lower().split()
    if kinds and (len(kinds) != axes or not set(kinds) <= set(_SCALAR_KINDS)):
        _refuse(path, f"has axes of the kinds {' '.join(kinds)!r:.60}; export it with one value per pixel")
    for name in ("byte skip", "line skip"):
        if fields.get(name, "0") != "0":
            _refuse(path, f"has a {name} of {fields[name]:.20}; export it without")


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[np.generic]:
    told, endian = fields.get("type", "").lower(), fields.get("endian", "").lower()
    code = next((code for code, names in _TYPES.items() if told in names.split("|")), None)
    if code is None:
        _refuse(path, f"has pixels of type {told!r:.40}; export it with integers or floats")
    if code[1] != "1" and endian not in ("little", "big"):
        _refuse(path, f"has endian {endian!r:.20}; it must be little or big, mend the header")
    return np.dtype((">" if endian == "big" else "<") + code)


def _unpacking(path: Path, fields: dict[str, str], where: Path, offset: int) -> Opener | None:
    encoding = fields.get("encoding", "").lower()
    if encoding == "raw":
        return None
    if encoding in ("gzip", "gz"):
        return gunzipped(where, offset)
    if encoding in ("bzip2", "bz2"):
        return bunzipped(where, offset)
    return _refuse(path, f"has pixels in the encoding {encoding!r:.20}; export it as raw, gzip or bzip2")


def _numbers(path: Path, text: str, what: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        _refuse(path, f"has {what} {text!r:.60}; it must be numbers, mend the header")


def _axes(
    path: Path, fields: dict[str, str], axes: int
) -> tuple[tuple[float, ...], tuple[Vector | None, ...] | None, int | None]:
    """Return spacing and direction of each axis, and which is time where the header tells."""
    kinds = fields.get("kinds", "").lower().split()
    time = next((axis for kind in ("time", "list") for axis, told in enumerate(kinds) if told == kind), None)
    if "space directions" not in fields:
        spacing = _numbers(path, fields.get("spacings", ""), "spacings")
        if len(spacing) != axes or not all(step > 0.0 or axis == time for axis, step in enumerate(spacing)):
            _refuse(
                path, f"has spacings {fields.get('spacings', '')!r:.60}; it must be {axes} numbers above 0, mend it"
            )
        return spacing, None, time
    found = [match[0] for match in _VECTOR.finditer(fields["space directions"])]
    vectors = [None if word == "none" else np.array(_numbers(path, word[1:-1], "space directions")) for word in found]
    spatial = [vector for vector in vectors if vector is not None]
    if len(vectors) != axes or len({vector.size for vector in spatial}) != 1 or spatial[0].size not in (2, 3, 4):
        _refuse(path, f"has space directions {fields['space directions']!r:.80}; it must be {axes} vectors, mend it")
    if time is None and len(spatial) == axes - 1:
        time = found.index("none")
    spacing = tuple(1.0 if vector is None else float(np.linalg.norm(vector)) for vector in vectors)
    if not all(0.0 < step < math.inf for step in spacing):
        _refuse(path, f"has space directions {fields['space directions']!r:.80}; they must have a length, mend it")
    return spacing, _in_lps(fields, vectors, spacing), time


def _in_lps(
    fields: dict[str, str], vectors: "list[np.ndarray | None]", spacing: tuple[float, ...]
) -> tuple[Vector | None, ...] | None:
    """Return unit vectors in DICOM LPS; None where the header does not say in which space they are, or says nothing."""
    signs = _TO_LPS.get(fields.get("space", "").lower().removesuffix("-time"))
    if signs is None:
        return None
    units: list[Vector | None] = []
    for vector, step in zip(vectors, spacing, strict=True):
        along = None if vector is None else vector[:3] / step * signs
        # An axis along the fourth component, time, has no direction in space.
        units.append(None if along is None or not along.any() else (float(along[0]), float(along[1]), float(along[2])))
    told = [unit for unit in units if unit is not None]
    if len(told) == len(units) and told_directions(np.array(told).T) is None:
        return None
    return tuple(units)


def _lengths(path: Path, fields: dict[str, str]) -> float:
    """Return how many millimetres a unit of space is."""
    told = {unit.lower() for unit in re.findall(r'"([^"]*)"', fields.get("space units", ""))}
    if not told:
        return 1.0
    if len(told) > 1 or not told <= set(_MILLIMETRES):
        _refuse(path, f"has space units {fields['space units']!r:.60}; export it in mm")
    return _MILLIMETRES[told.pop()]


def _origin_mm(path: Path, fields: dict[str, str], scale: float) -> Vector:
    signs = _TO_LPS.get(fields.get("space", "").lower().removesuffix("-time"))
    if signs is None or "space origin" not in fields:
        return (0.0, 0.0, 0.0)
    values = _numbers(path, fields["space origin"].strip("()"), "space origin")[:3]
    if len(values) != 3:
        _refuse(path, f"has space origin {fields['space origin']!r:.60}; it must be three numbers, mend the header")
    first, second, third = (value * sign * scale for value, sign in zip(values, signs, strict=True))
    return first, second, third


def _period_s(path: Path, fields: dict[str, str], time: int | None) -> float | None:
    """Return the time from frame to frame where both it and its unit are told."""
    units = re.findall(r'"([^"]*)"', fields.get("units", ""))
    steps = _numbers(path, fields.get("spacings", ""), "spacings")
    if time is None or not (time < len(units) and time < len(steps)) or units[time].lower() not in _SECONDS:
        return None
    period_s = steps[time] * _SECONDS[units[time].lower()]
    if not 0.0 < period_s < math.inf:
        _refuse(path, f"has {steps[time]} {units[time]:.10} from frame to frame; it must be above 0, mend the header")
    return period_s
