"""NRRD files (.nrrd, .nhdr): pynrrd parses the fields of the header, pixels are read here frame by frame.

Key-value pairs and fields without a use here, which may name people, are skipped. Format:
http://teem.sourceforge.net/nrrd/format.html, as ITK and 3D Slicer write it.

Lines are collected and checked here, because pynrrd drops bytes that are not ASCII (a damaged number becomes another
number), truncates sizes (4.7 to 4), sets no limit to the length of a header, and does not know that names of fields
may be in upper case. Its table of pixel types is private.
"""

import math
import re
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import nrrd  # type: ignore[import-untyped]
import numpy as np
from nrrd.errors import NRRDError  # type: ignore[import-untyped]

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Vector
from replay.formats.nrrd_pixels import read_pixels
from replay.formats.pixel_file import PixelFile
from replay.formats.pixel_parts import listed_names
from replay.formats.volume import Volume

_MAX_HEADER_BYTES = 2**20
_MAGIC = re.compile(rb"NRRD000[1-5]\r?\n")
_FIELD = re.compile(r"([A-Za-z][A-Za-z ]*): ?(.*)")
_USED = (
    *("type", "dimension", "sizes", "encoding", "endian", "data file", "byte skip", "line skip", "kinds"),
    *("spacings", "units", "space", "space units", "space origin", "space directions"),
)
_VECTORS = ("space origin", "space directions")
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
    """Read the header of an NRRD file; the pixels are read later.

    Parameters
    ----------
    path : Path
        The file, or the header (.nhdr) of one.

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
    with path.open("rb") as file:
        texts = _texts(path, file)
        offset = file.tell()
        data = texts.pop("data file", None)
        names = listed_names(path, file) if data is not None and re.fullmatch(r"LIST( +\d+)?", data) else []
    sizes = _sizes(path, texts)
    header = {name: _value(path, name, text) for name, text in texts.items()}
    _check_plain(path, header, len(sizes))
    pixels = read_pixels(path, header, PixelFile(path, offset, _dtype(path, header), sizes[::-1]), data, names)
    spacing, directions, time = _axes(path, header, texts, len(sizes))
    scale = _lengths(path, header)
    return Volume(
        pixels=pixels,
        spacing=tuple(
            step * scale if directions is None or axis != time else step for axis, step in enumerate(spacing)
        ),
        directions=directions,
        origin_mm=_origin_mm(path, header, texts, scale),
        time=time,
        period_s=_period_s(path, header, time),
    )


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _texts(path: Path, file: BinaryIO) -> dict[str, str]:
    """Collect the fields that are used, up to the empty line or the end, and leave the file there."""
    if _MAGIC.fullmatch(file.readline(64)) is None:
        _refuse(path, "is not an NRRD file; copy the file again")
    texts: dict[str, str] = {}
    while True:
        raw = file.readline(_MAX_HEADER_BYTES - file.tell())
        line = raw.decode("ascii", "replace").rstrip("\r\n")
        if not raw.endswith(b"\n") and not re.match(r"data ?file:", line, re.IGNORECASE):
            if "data file" in texts and not raw:
                break
            _refuse(path, f"has a header that is cut short at byte {file.tell()}; copy the file again")
        if not line:
            break
        if line.startswith("#") or ":=" in line:
            continue
        field = _FIELD.fullmatch(line)
        if field is None:
            _refuse(path, f"has a line in its header, before byte {file.tell()}, that is no field; correct it")
        name = _ALIASES.get(field[1].lower().strip(), field[1].lower().strip())
        text = _spaced(field[2]) if name in _VECTORS else field[2].strip()
        if name in _USED and texts.setdefault(name, text) != text:
            _refuse(path, f"has the field {name!r:.40} twice in its header, with two values; correct it")
        if name == "data file" and text.startswith("LIST"):
            break
    return texts


def _spaced(text: str) -> str:
    """Write vectors with the only spaces that pynrrd accepts, those between them."""
    return " ".join(re.sub(r"\s*([,()])\s*", r"\1", text).replace("(", " (").replace(")", ") ").split())


def _value(path: Path, name: str, text: str) -> Any:
    """Parse one field, so that an error can name it."""
    try:
        if name == "space directions":
            # Of `read_header` a global setting of pynrrd decides whether it returns a matrix or a list.
            return nrrd.parse_optional_vector_list(text, dtype=float)
        return nrrd.read_header(["NRRD0005", f"{name}: {text}"])[name]
    except (NRRDError, ValueError, IndexError) as error:
        _refuse(path, f"has {name} {text!r:.60} in its header ({error!s:.60}); correct it")


def _sizes(path: Path, texts: dict[str, str]) -> tuple[int, ...]:
    words, axes = texts.get("sizes", "").split(), texts.get("dimension", "")
    if not (axes.isdecimal() and len(axes) < 3 and int(axes) == len(words) and all(map(_is_count, words))):
        _refuse(path, f"has dimension {axes!r:.20} and sizes {' '.join(words)!r:.60}; correct the header")
    if not 2 <= len(words) <= _MOST_AXES:
        _refuse(path, f"has {axes} axes; export one plane over time")
    return tuple(map(int, words))


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 12 and int(word) > 0


def _kinds(header: dict[str, Any]) -> list[str]:
    return [kind.lower() for kind in header.get("kinds", [])]


def _check_plain(path: Path, header: dict[str, Any], axes: int) -> None:
    """Refuse several values per pixel."""
    kinds = _kinds(header)
    if kinds and (len(kinds) != axes or not set(kinds) <= set(_SCALAR_KINDS)):
        _refuse(path, f"has axes of the kinds {' '.join(kinds)!r:.60}; export it with one value per pixel")


def _dtype(path: Path, header: dict[str, Any]) -> np.dtype[np.generic]:
    kind, endian = header.get("type", "").lower(), header.get("endian", "").lower()
    code = next((code for code, names in _TYPES.items() if kind in names.split("|")), None)
    if code is None:
        _refuse(path, f"has pixels of type {kind!r:.40}; export it with integers or floats")
    if code[1] != "1" and endian not in ("little", "big"):
        _refuse(path, f"has endian {endian!r:.20}; it must be little or big, correct the header")
    return np.dtype((">" if endian == "big" else "<") + code)


def _axes(
    path: Path, header: dict[str, Any], texts: dict[str, str], axes: int
) -> tuple[tuple[float, ...], tuple[Vector | None, ...] | None, int | None]:
    """Return spacing and direction of each axis, and the axis of time where the header has it."""
    kinds = _kinds(header)
    time = next((axis for kind in ("time", "list") for axis, found in enumerate(kinds) if found == kind), None)
    if "space directions" not in header:
        spacing = tuple(float(step) for step in header.get("spacings", ()))
        if len(spacing) != axes or not all(step > 0.0 or axis == time for axis, step in enumerate(spacing)):
            _refuse(
                path, f"has spacings {texts.get('spacings', '')!r:.60}; it must be {axes} numbers above 0, correct it"
            )
        return spacing, None, time
    text, vectors = texts["space directions"], header["space directions"]
    widths = {len(vector) for vector in vectors if vector is not None}
    least = 2 if _signs(header) is None else 3
    if len(vectors) != axes or not widths or not all(least <= width <= _MOST_AXES for width in widths):
        _refuse(path, f"has space directions {text!r:.80}; it must be {axes} vectors in space, correct it")
    if time is None and sum(vector is None for vector in vectors) == 1:
        time = next(axis for axis, vector in enumerate(vectors) if vector is None)
    spacing = tuple(1.0 if vector is None else float(np.linalg.norm(vector)) for vector in vectors)
    if not all(0.0 < step < math.inf for step in spacing):
        _refuse(path, f"has space directions {text!r:.80}; they must have a length, correct it")
    return spacing, _in_lps(header, vectors, spacing), time


def _signs(header: dict[str, Any]) -> Vector | None:
    """Return the signs of the axes of LPS in the space of the header, where it gives one that is known."""
    return _TO_LPS.get(header.get("space", "").lower().removesuffix("-time"))


def _in_lps(
    header: dict[str, Any], vectors: "list[np.ndarray | None]", spacing: tuple[float, ...]
) -> tuple[Vector | None, ...] | None:
    """Return unit vectors in DICOM LPS; None where the space is not given."""
    signs = _signs(header)
    if signs is None:
        return None
    units: list[Vector | None] = []
    for vector, step in zip(vectors, spacing, strict=True):
        along = None if vector is None else vector[:3] / step * signs
        # An axis along the fourth component, time, has no direction in space.
        units.append(None if along is None or not along.any() else (float(along[0]), float(along[1]), float(along[2])))
    return tuple(units)


def _lengths(path: Path, header: dict[str, Any]) -> float:
    """Return how many millimetres a unit of space is."""
    units = {unit.lower() for unit in header.get("space units", [])}
    if not units:
        return 1.0
    if len(units) > 1 or not units <= set(_MILLIMETRES):
        _refuse(path, f"has space units {', '.join(sorted(units))!r:.60}; export it in mm")
    return _MILLIMETRES[units.pop()]


def _origin_mm(path: Path, header: dict[str, Any], texts: dict[str, str], scale: float) -> Vector:
    signs = _signs(header)
    if signs is None or "space origin" not in header:
        return (0.0, 0.0, 0.0)
    values = header["space origin"][:3]
    if len(values) != 3:
        _refuse(path, f"has space origin {texts['space origin']!r:.60}; it must be three numbers, correct the header")
    first, second, third = (float(value) * sign * scale for value, sign in zip(values, signs, strict=True))
    return first, second, third


def _period_s(path: Path, header: dict[str, Any], time: int | None) -> float | None:
    """Return the time from frame to frame where both it and its unit are given."""
    units, steps = header.get("units", []), header.get("spacings", ())
    if time is None or not (time < len(units) and time < len(steps)) or units[time].lower() not in _SECONDS:
        return None
    period_s = float(steps[time]) * _SECONDS[units[time].lower()]
    if not 0.0 < period_s < math.inf:
        _refuse(
            path, f"has {steps[time]} {units[time]:.10} from frame to frame; it must be above 0, correct the header"
        )
    return period_s
