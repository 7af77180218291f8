"""A target as voxels: a mask of three axes in space, or a DICOM Segmentation, cut by the cine plane.

Between the centres of voxels a mask is interpolated linearly, and its surface is where half is reached. It so extends
half a voxel beyond the centres of its last voxels, as a structure set extends half a slice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.core.frame import Plane
from gatekeeper.sources.dicom.reading import quietly
from gatekeeper.sources.dicom.values import value_of
from replay.formats.dicom_file import is_dicom_head
from replay.formats.format import HEAD_BYTES, Choices
from replay.formats.images import VOLUMES
from replay.formats.sidecar import read_sidecar
from replay.formats.slicer_segments import read_segments
from replay.formats.volume import Volume

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LARGEST_BYTES = 2**30
SMALLEST_PIECE = 0.01
"""Pieces and holes below this fraction of the area are left out."""
_SPATIAL_AXES = 3
_BESIDE_PX = 2
_SAME_STEP = 0.1
_MOST_LISTED = 30
_NUMBER = "SegmentIdentificationSequence", "ReferencedSegmentNumber"
_POSITION = "PlanePositionSequence", "ImagePositionPatient"
_ORIENTATION = "PlaneOrientationSequence", "ImageOrientationPatient"
_SPACING = "PixelMeasuresSequence", "PixelSpacing"
_THICKNESS = "PixelMeasuresSequence", "SliceThickness"


@dataclass(frozen=True, slots=True, eq=False)
class VolumeMask:
    """A structure as voxels.

    Attributes
    ----------
    name : str
        Name of the structure.
    where : str
        Its file, named in messages.
    voxels : ndarray of bool, shape (I, J, K)
        Voxels inside.
    origin_mm : ndarray of float64, shape (3,)
        Centre of the first voxel, in DICOM LPS mm.
    steps_mm : ndarray of float64, shape (3, 3)
        Its columns are the steps along the axes of `voxels`, in DICOM LPS mm.
    frame_of_reference : str or None
        UID of its frame of reference, where it has one.
    notes : tuple of str
        Remarks of its reader.
    """

    name: str
    where: str
    voxels: NDArray[np.bool_]
    origin_mm: NDArray[np.float64]
    steps_mm: NDArray[np.float64]
    frame_of_reference: str | None = None
    notes: tuple[str, ...] = ()

    def on(self, reference: Any, _beside_mm: float) -> NDArray[np.bool_]:
        """Return the mask (H, W) on an image, a `gatekeeper.session.target.Reference`.

        Raises
        ------
        RecordingError
            When the structure has another frame of reference, does not meet the plane, is in pieces or has a hole
            there, or is not completely on the image.
        """
        told = self.frame_of_reference, reference.frame_of_reference
        if all(told) and told[0] != told[1]:
            _refuse(self.where, "was drawn in another frame of reference than the images; use the mask of this scan")
        rows, cols = reference.image.shape
        wide = self._cut(reference.plane, reference.spacing_mm, (rows, cols))
        inner = slice(_BESIDE_PX, _BESIDE_PX + rows), slice(_BESIDE_PX, _BESIDE_PX + cols)
        mask = np.ascontiguousarray(wide[inner])
        if not wide.any():
            _refuse(self.where, "does not meet the cine plane on the image; choose a plane through it")
        if wide.sum() > mask.sum():
            _refuse(self.where, "reaches beyond the image; is it the mask of this scan?")
        return _in_one_piece(mask, self.where)

    def _cut(self, plane: Plane, spacing_mm: tuple[float, float], shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the mask on the plane, some pixels wider than the image on each side."""
        rows, cols = (np.arange(-_BESIDE_PX, size + _BESIDE_PX, dtype=np.float64) for size in shape)
        grid = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
        places = np.linalg.solve(self.steps_mm, (plane.to_patient_mm(grid, spacing_mm) - self.origin_mm).T)
        low = np.floor(places).astype(np.int64)
        share = places - low
        # Voxels of zeros all around, so that the mask ends half a voxel beyond the centres of its last.
        padded = np.pad(self.voxels, 1).astype(np.float32)
        most = np.array(padded.shape)[:, None] - 1
        total = np.zeros(places.shape[1])
        for corner in product((0, 1), repeat=3):
            at = np.clip(low + np.array(corner)[:, None] + 1, 0, most)
            weight = np.prod(np.where(np.array(corner)[:, None] == 1, share, 1.0 - share), axis=0)
            total += weight * padded[tuple(at)]
        inside: NDArray[np.bool_] = (total >= 0.5).reshape(len(rows), len(cols))
        return inside


def read_volume_mask(name: str, file: Path, roi: str | None) -> VolumeMask | None:
    """Read a mask of three axes in space, or a DICOM Segmentation.

    Parameters
    ----------
    name : str
        What the structure is called.
    file : Path
        The file.
    roi : str or None
        The segment by its label or number, or the value of the mask; None for the only one.

    Returns
    -------
    VolumeMask or None
        None where the file is neither: a single image, or frames over time.

    Raises
    ------
    RecordingError
        When it is damaged, or holds several structures and none is chosen.
    """
    try:
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
        if is_dicom_head(head):
            with quietly(str(file)):
                return _of_segmentation(name, file, roi)
        read = next((header for claims, header in VOLUMES if claims(file, head)), None)
        volume = None if read is None else read(file)
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read ({error.strerror or error}); check the path") from None
    except RecordingError:
        raise
    except InputError as error:
        raise RecordingError(str(error)) from None
    if volume is None or 1 in (sizes := _spatial(volume, volume.sizes)) or len(sizes) != _SPATIAL_AXES:
        return None
    if volume.time is not None and len(volume.sizes) == _SPATIAL_AXES:
        return None
    told = read_sidecar(file, Choices())
    if told.rate_hz is not None or told.times_s is not None or told.time_axis is not None:
        return None
    return _of_volume(name, volume, file, roi)


def _refuse(where: object, why: str) -> NoReturn:
    raise RecordingError(f"{where}: {why}") from None


def _layer_axis(volume: Volume) -> int | None:
    """Return the axis of a volume of four that is not in space, counted as in the header."""
    return None if len(volume.sizes) <= _SPATIAL_AXES else 3 if volume.time is None else volume.time


def _spatial(volume: Volume, of_axes: Sequence[Any]) -> list[Any]:
    """Return what belongs to the axes of a volume in space."""
    layer = _layer_axis(volume)
    return [value for axis, value in enumerate(of_axes) if axis != layer]


def _of_volume(name: str, volume: Volume, file: Path, roi: str | None) -> VolumeMask:
    where, layer = str(file), _layer_axis(volume)
    if volume.pixels.nbytes > LARGEST_BYTES:
        _refuse(where, f"announces {volume.pixels.nbytes} bytes, {LARGEST_BYTES} is the limit of a mask")
    values = volume.pixels.read_all().T
    layers = values[None] if layer is None else np.moveaxis(values, layer, 0)
    found = _structures(layers, file)
    names = ", ".join(f"'{one}'" if not one.isdecimal() else one for one, _ in found[:_MOST_LISTED])
    if not found:
        _refuse(where, "is empty; draw the target")
    chosen = [voxels for one, voxels in found if roi is None or roi == one]
    if len(chosen) != 1 and roi is None:
        _refuse(where, f"holds the structures {names}; choose one with --roi")
    if len(chosen) != 1:
        _refuse(where, f"has {'two structures' if chosen else 'no structure'} {roi!r:.40}; it holds {names}")
    told = None if volume.directions is None else _spatial(volume, volume.directions)
    directions = np.eye(3) if told is None or None in told else np.array(told, np.float64).T
    steps = directions * np.array(_spatial(volume, volume.spacing))
    return VolumeMask(name, where, chosen[0](), np.array(volume.origin_mm), steps)


def _structures(layers: NDArray[Any], file: Path) -> list[tuple[str, Callable[[], NDArray[np.bool_]]]]:
    """Return the name of each structure in voxels (layers, I, J, K), and what returns its mask.

    Names are those of the segments of 3D Slicer, else the values of a single layer, else the numbers of layers from 1.
    """

    def of_value(layer: int, value: float) -> Callable[[], NDArray[np.bool_]]:
        return lambda: np.asarray(layers[layer] == value)

    segments = [one for one in read_segments(file) if one.layer < len(layers)]
    if segments:
        return [(one.name, of_value(one.layer, one.value)) for one in segments]
    if len(layers) == 1:
        return [(f"{value:g}", of_value(0, value)) for value in np.unique(layers[0]).tolist() if value != 0]
    return [(f"{number}", partial(_nonzero, image)) for number, image in enumerate(layers, 1) if image.any()]


def _nonzero(image: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(image != 0)


def _of_segmentation(name: str, file: Path, roi: str | None) -> VolumeMask | None:
    dataset = dcmread(file, force=True, stop_before_pixels=True)
    if value_of(dataset, "SOPClassUID") != SEGMENTATION:
        return None
    number = _segment(dataset, roi, str(file))
    count, rows, cols = (int(value_of(dataset, key) or 0) for key in ("NumberOfFrames", "Rows", "Columns"))
    frames = list(value_of(dataset, "PerFrameFunctionalGroupsSequence") or ())
    if not count or len(frames) != count or count * rows * cols > LARGEST_BYTES:
        _refuse(file, f"announces {count} frames of {rows} x {cols} and describes {len(frames)}; export it again")
    shared = (list(value_of(dataset, "SharedFunctionalGroupsSequence") or ()) or [Dataset()])[0]
    try:
        numbers = [_group(one, shared, *_NUMBER) for one in frames]
        chosen = [index for index, found in enumerate(numbers) if found == number]
        places, cosines, spacing = (
            np.array([_group(frames[index], shared, *key) for index in chosen], np.float64)
            for key in (_POSITION, _ORIENTATION, _SPACING)
        )
        thickness = _group(frames[chosen[0]], shared, *_THICKNESS) if chosen else 0.0
        pixels = dcmread(file, force=True).pixel_array.reshape(count, rows, cols)
    except InputError:
        raise
    except Exception as error:  # pydicom and its decoders raise errors of many types
        _refuse(file, f"cannot be read as a segmentation ({type(error).__name__}); export it again")
    if not chosen:
        _refuse(file, "has no frames of this segment; draw it")
    if np.ptp(cosines, axis=0).max() > 1e-4 or np.ptp(spacing, axis=0).max() > 1e-4:
        _refuse(file, "has frames of several orientations; export it again")
    along_cols, along_rows = cosines[0, :3], cosines[0, 3:]
    normal = np.cross(along_cols, along_rows)
    index, step_mm = _slices(places @ normal, float(thickness or 0.0), file)
    voxels = np.zeros((cols, rows, index.max() + 1), np.bool_)
    largest = float(value_of(dataset, "MaximumFractionalValue") or 1)
    for at, k in zip(index, chosen, strict=True):
        voxels[:, :, at] |= 0.5 * largest <= pixels[k].T
    first = places[int(np.argmin(index))]
    steps = np.column_stack([along_cols * spacing[0, 1], along_rows * spacing[0, 0], normal * step_mm])
    uid = str(value_of(dataset, "FrameOfReferenceUID") or "") or None
    return VolumeMask(name, str(file), voxels, first, steps, uid)


def _group(frame: Dataset, shared: Dataset, sequence: str, key: str) -> Any:
    """Return a value of the functional groups of a frame, else of those that all share."""
    for groups in (frame, shared):
        if items := list(value_of(groups, sequence) or ()):
            return value_of(items[0], key)
    raise ValueError(f"no {key}")


def _segment(dataset: Dataset, roi: str | None, where: str) -> int:
    """Return the number of the segment of a label or number; of the only one by default."""
    segments = [
        (int(value_of(one, "SegmentNumber")), str(value_of(one, "SegmentLabel") or "").strip())
        for one in value_of(dataset, "SegmentSequence") or ()
    ]
    listed = ", ".join(f"{number} '{label}'" for number, label in segments[:_MOST_LISTED]) or "none"
    found = segments if roi is None else [one for one in segments if roi in (one[1], str(one[0]))]
    if len(found) != 1:
        what = "choose a segment with --roi" if roi is None else f"'{roi:.40}' is not one segment"
        _refuse(where, f"{what}; it has {listed}")
    return found[0][0]


def _slices(places_mm: NDArray[np.float64], thickness_mm: float, file: Path) -> tuple[NDArray[np.int64], float]:
    """Return the index of each slice, and the distance of slices in mm; empty slices may be left out."""
    levels = sorted(set(np.round(places_mm, 3).tolist()))
    step_mm = min((after - before for before, after in pairwise(levels)), default=thickness_mm)
    if not step_mm > 0.0:
        _refuse(file, "has one slice and no thickness; export it with SliceThickness")
    index = (places_mm - min(levels)) / step_mm
    if np.abs(index - np.round(index)).max() > _SAME_STEP:
        _refuse(file, "has slices at uneven distances; export it again")
    return np.round(index).astype(np.int64), float(step_mm)


def _in_one_piece(mask: NDArray[np.bool_], where: str) -> NDArray[np.bool_]:
    """Return the largest piece of a mask without small holes; refuse further pieces and larger holes."""
    import cv2

    least = SMALLEST_PIECE * mask.sum()
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pieces = stats[1:, cv2.CC_STAT_AREA]
    if (many := int((pieces >= least).sum())) > 1:
        _refuse(where, f"is in {many} pieces on the cine plane; a structure here has one outline")
    kept = np.pad(labels == 1 + int(np.argmax(pieces)), 1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    holes = np.delete(stats[:, cv2.CC_STAT_AREA], [0, labels[0, 0]])
    if (holes >= least).any():
        _refuse(where, "has a hole on the cine plane; a structure here has one outline")
    return np.ascontiguousarray((labels != labels[0, 0])[1:-1, 1:-1])
