"""MRD (ISMRMRD) files in HDF5: the images of one series, read one by one.

Each series is a group with the datasets `header`, `data` and `attributes`, as the ismrmrd library writes them. x, the
fastest in memory, runs along `read_dir` and y along `phase_dir`, or along the meta attributes `ImageRowDir` and
`ImageColumnDir`; `position` is the middle of the image. Of the XML header, which may name people, only the field
strength is used. Source: S. J. Inati et al., "ISMRM Raw data format: a proposed standard for MRI raw datasets", Magn.
Reson. Med. 77, 2017.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import h5py
import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.errors import GeometryError, RecordingError
from gatekeeper.core.frame import Plane, Vector
from gatekeeper.sources.mrd_dicom import dicom_attributes
from gatekeeper.wire.mrd_attributes import read_attributes
from gatekeeper.wire.mrd_codec import COMPLEX, IMAGINARY, MAGNITUDE, PHASE, REAL
from replay.formats.format import Choices, Format
from replay.formats.mrd_geometry import series_geometry
from replay.formats.mrd_times import series_times
from replay.formats.planes import ImagePlane, grouped, note_on_positions, of_orientation
from replay.formats.sidecar import read_sidecar
from replay.formats.stack import Stack, make_recording
from replay.recording import LazyFrames, Recording

MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_FRAME_BYTES = 2**27
"""Limit of one image, and of one chunk of the file, in bytes."""
MAX_IMAGES = 200_000
_MOST_HEADER_BYTES = 4096
_MEANS = {0: "images", MAGNITUDE: "magnitude", PHASE: "phase", REAL: "real", IMAGINARY: "imaginary", COMPLEX: "complex"}
_TRACKABLE = (0, MAGNITUDE, REAL, COMPLEX)


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """Images of one kind in one plane.

    Attributes
    ----------
    name : str
        Name for `--scan`.
    group : h5py.Group
        Group of the images.
    rows : ndarray of int
        Indices of its images in the group.
    apart_mm : float
        How far they lie from the first by their headers, in mm.
    """

    name: str
    group: Any
    rows: NDArray[np.intp]
    apart_mm: float

    def describe(self) -> str:
        """Return a description for a list."""
        head = self.group["header"][int(self.rows[0])]
        x, y, _ = head["matrix_size"]
        (a, b, c), (d, e, f) = (tuple(map(float, head[name])) for name in ("phase_dir", "read_dir"))
        plane = orientation_of(Plane(row_step=(a, b, c), col_step=(d, e, f))).name
        return f"{self.name} ({len(self.rows)} {_MEANS.get(int(head['image_type']), 'other')} of {y} x {x}, {plane})"


def is_mrd(_path: Path, head: bytes) -> bool:
    """Return whether a file is HDF5; MRD is the only format in HDF5 that is supported."""
    return head.startswith(MAGIC)


def open_mrd(path: Path, choices: Choices) -> Recording:
    """Open one series of images.

    Parameters
    ----------
    path : Path
        The file.
    choices : Choices
        `scan` is the name of the series in the list that the error gives.

    Returns
    -------
    Recording
        In the order of time; frames are read when they are asked for.

    Raises
    ------
    RecordingError
        When the file is damaged, holds no images, or holds several series and none is chosen.
    GeometryError
        When the directions of the images span no plane.
    """
    sidecar = read_sidecar(path, choices)
    try:
        file = h5py.File(path, "r")
        series = _chosen(path, _all_series(path, file), choices)
        stack = _stack(path, series)
    except (RecordingError, GeometryError):
        raise
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, IndexError) as error:
        raise _damaged(path, error) from None
    return make_recording(stack, sidecar, path)


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _damaged(path: Path, error: Exception) -> RecordingError:
    words = " ".join(str(error).split())
    return RecordingError(f"{path}: cannot be read as MRD images ({words:.80}); copy the file again")


def _all_series(path: Path, file: Any) -> list[_Series]:
    """Return all series of images in the order of their names; each plane within a group is a series of its own."""
    groups: list[Any] = []

    def visit(_name: str, node: Any) -> None:
        if isinstance(node, h5py.Group) and {"header", "data"} <= set(node):
            groups.append(node)

    file.visititems(visit)
    found: list[_Series] = []
    for group in groups:
        parts = _parts(path, _headers(path, group))
        name = group.name.rsplit("/", 1)[-1]
        for number, (rows, apart_mm) in enumerate(parts):
            part = f"{name}:{number + 1}" if len(parts) > 1 else name
            found.append(_Series(part, group, np.array(rows, np.intp), apart_mm))
    return found


def _parts(path: Path, heads: NDArray[Any]) -> list[tuple[list[int], float]]:
    """Return the images of each kind and plane, by index, and how far they lie from the first, in mm."""
    kinds: dict[Hashable, list[int]] = {}
    for index, head in enumerate(heads):
        kinds.setdefault(_kind(head), []).append(index)
    parts = []
    for members in kinds.values():
        planes = [_image_plane(heads[index]) for index in members]
        for group in grouped(planes, path):
            apart_mm = max(planes[group[0]].apart_mm(planes[place]) for place in group)
            parts.append(([members[place] for place in group], apart_mm))
    return sorted(parts)


def _headers(path: Path, group: Any) -> NDArray[Any]:
    """Read the headers of a group after a check of the sizes that it announces."""
    header, data = group["header"], group["data"]
    if header.ndim != 1 or data.ndim != 5 or not 0 < len(header) <= MAX_IMAGES or len(header) != len(data):
        _refuse(path, f"{group.name} holds {header.shape} headers and {data.shape} images; export it again")
    if int(np.prod(data.shape[1:], dtype=object)) * data.dtype.itemsize > MAX_FRAME_BYTES:
        _refuse(
            path, f"{group.name} announces images of {data.shape[1:]}; {MAX_FRAME_BYTES} bytes is the limit for one"
        )
    _check_stored(path, group)
    heads: NDArray[Any] = header[:]
    return heads


def _check_stored(path: Path, group: Any) -> None:
    """Check the size of chunks, and that all images that are announced were written."""
    header, data, kept = group["header"], group["data"], group.get("attributes")
    if kept is not None and (kept.ndim != 1 or len(kept) > len(header)):
        _refuse(path, f"{group.name} holds {len(header)} headers and {kept.shape} attributes; export it again")
    for dataset in (header, data, *(() if kept is None else (kept,))):
        piece = int(np.prod(dataset.chunks or (1,), dtype=object)) * dataset.dtype.itemsize
        if piece > MAX_FRAME_BYTES:
            _refuse(path, f"{dataset.name} lies in pieces of {piece} bytes; {MAX_FRAME_BYTES} is the limit for one")
    widths = header.dtype.itemsize, 0 if kept is None else kept.dtype.itemsize
    if widths[0] > _MOST_HEADER_BYTES or widths[1] * len(header) > MAX_FRAME_BYTES:
        _refuse(path, f"{group.name} announces {sum(widths)} bytes of header for each image; export it again")
    if data.chunks is None:
        is_complete = data.id.get_storage_size() >= data.nbytes
    else:
        pieces = (-(-size // chunk) for size, chunk in zip(data.shape, data.chunks, strict=True))
        is_complete = data.id.get_num_chunks() >= int(np.prod([*pieces], dtype=object))
    if not is_complete:
        _refuse(path, f"{group.name} announces {len(data)} images, and not all of them are there; copy the file again")


def _kind(head: Any) -> tuple[int, ...]:
    """Return numbers that are the same for all images of one series, whatever their plane."""
    return tuple(
        int(head[name]) for name in ("image_series_index", "image_type", "channels", "slice", "contrast", "set")
    )


def _image_plane(head: Any) -> ImagePlane:
    """Return size and plane of an image, to compare it with others; `position` is the middle of the image."""
    cols, rows = (int(size) for size in head["matrix_size"][:2])
    width_mm, height_mm = (float(size) for size in np.nan_to_num(head["field_of_view"][:2]))
    origin, along_y, along_x = (_finite(head[name]) for name in ("position", "phase_dir", "read_dir"))
    return ImagePlane(
        (rows, cols), (height_mm / max(rows, 1), width_mm / max(cols, 1)), Plane(origin, along_y, along_x)
    )


def _finite(numbers: NDArray[Any]) -> Vector:
    first, second, third = (float(value) for value in np.nan_to_num(numbers))
    return first, second, third


def _chosen(path: Path, series: list[_Series], choices: Choices) -> _Series:
    """Return the series of a name, or the only one, or the only one of an orientation."""
    if not series:
        _refuse(path, "is HDF5 without a series of MRD images; export images as ismrmrd does")
    listed, wanted = ", ".join(one.describe() for one in series[:8]), choices.scan
    if choices.orientation is not None:
        fitting = of_orientation(series, partial(_plane, path), choices.orientation)
        series = [series[index] for index in fitting] or _refuse(path, f"has no {choices.orientation} series; {listed}")
    if wanted is not None:
        found = next((one for one in series if one.name == wanted), None)
        return found or _refuse(path, f"has no series {wanted!r:.40}; it holds {listed}")
    if len(series) > 1:
        listed = ", ".join(one.describe() for one in series[:8])
        _refuse(path, f"holds {len(series)} series: {listed}; choose one with --scan or --plane")
    return series[0]


def _plane(path: Path, series: _Series) -> Plane:
    """Return the plane of the images of a series as they are stored."""
    first = series.group["header"][int(series.rows[0])]
    rows, cols = series.group["data"].shape[3:]
    (plane, _), _ = series_geometry(path, first, _attributes(series)[0], (rows, cols))
    return plane


def _stack(path: Path, series: _Series) -> Stack:
    """Return the images of a series as a stack; they are read when they are asked for."""
    # Imported late because ismrmrd takes 0.15 s.
    from replay.formats.mrd_header import stored_field_strength_t

    heads = series.group["header"][:][series.rows]
    first = heads[0]
    channels, slices, rows, cols = series.group["data"].shape[1:]
    if channels != 1 or slices != 1:
        _refuse(path, f"{series.name} has {channels} channels and {slices} slices in an image; export one of each")
    if int(first["image_type"]) not in _TRACKABLE:
        _refuse(path, f"{series.describe()} is not a magnitude; choose another series with --scan")
    attributes = _attributes(series)
    dicom = [dicom_attributes(one, (rows, cols)) for one in attributes]
    (plane, spacing_mm), noted = series_geometry(path, first, attributes[0], (rows, cols), dicom)
    times_s, order, notes = series_times(heads, attributes, dicom)
    return Stack(
        frames=_frames(path, series, order, (rows, cols)),
        spacing_mm=spacing_mm,
        plane=plane,
        times_s=times_s,
        field_strength_t=stored_field_strength_t(series.group.parent.get("xml")),
        notes=(*notes, *noted, *note_on_positions(series.apart_mm), *_gaps(heads["image_index"][order])),
    )


def _frames(path: Path, series: _Series, order: NDArray[np.intp], size: tuple[int, int]) -> LazyFrames:
    data, rows = series.group["data"], series.rows[order]
    is_pair = data.dtype.names is not None
    dtype = np.dtype(np.float32) if is_pair or data.dtype.kind == "c" else data.dtype.newbyteorder("=")

    def read(index: int) -> NDArray[Any]:
        try:
            stored = data[int(rows[index]), 0, 0]
        except (OSError, ValueError, RuntimeError) as error:
            raise _damaged(path, error) from None
        if is_pair:
            real, imaginary = (stored[name] for name in data.dtype.names[:2])
            stored = np.hypot(real, imaginary)
        elif stored.dtype.kind == "c":
            stored = np.abs(stored)
        return np.asarray(stored, dtype)

    return LazyFrames(read, len(rows), size, dtype)


def _attributes(series: _Series) -> list[Mapping[str, tuple[str, ...]]]:
    """Return the meta attributes of each image; empty where they are missing or cannot be parsed."""
    found: list[Mapping[str, tuple[str, ...]]] = []
    kept = series.group.get("attributes")
    count = int(series.rows[-1]) + 1
    texts = [b""] * len(series.rows) if kept is None or len(kept) < count else kept[:count][series.rows]
    for text in texts:
        raw = text.encode() if isinstance(text, str) else bytes(text)
        try:
            found.append(read_attributes(raw.rstrip(b"\0")))
        except ValueError:
            found.append({})
    return found


def _gaps(indices: NDArray[Any]) -> tuple[str, ...]:
    """Return a note on images that are missing, by their numbers."""
    missing = np.diff(indices.astype(np.int64)) - 1
    missing = missing[(missing > 0) & (missing < 2**15)]
    return (f"{missing.sum()} images are missing by their numbers, in {missing.size} places",) if missing.size else ()


FORMAT = Format("MRD images (HDF5)", is_mrd, open_mrd)
FORMATS = (FORMAT,)
