"""Stacks of images in one file: their formats, and the values and masks that a sidecar file adds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack
from replay.formats import arrays, metaimage, nifti, nrrd, tiff, video
from replay.formats.format import ALL, HEAD_BYTES, Choices, Format
from replay.formats.sidecar import Sidecar, read_sidecar
from replay.formats.stack import Stack, choose_structure, is_same_place, make_recording
from replay.formats.volume import Volume, make_stack
from replay.recording import Recording

TimeAxis = Literal["first", "last"]


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """A format of image stacks.

    Attributes
    ----------
    name : str
        As in a `Format`.
    claims : callable
        As in a `Format`.
    read : callable
        Reads the stack in a file; its arguments are the path, the axis of time where the user gives it, and whether
        directions are ignored.
    is_itk : bool
        Whether headers count axes from the fastest in memory and have directions.
    has_structures : bool
        Whether a file may hold several structures.
    """

    name: str
    claims: Callable[[Path, bytes], bool]
    read: Callable[[Path, TimeAxis | None, bool], Stack]
    is_itk: bool = False
    has_structures: bool = False


def _itk(name: str, claims: Callable[[Path, bytes], bool], header: Callable[[Path], Volume]) -> ImageFormat:
    return ImageFormat(name, claims, lambda path, time, as_stored: make_stack(header(path), time, as_stored), True)


VOLUMES: tuple[tuple[Callable[[Path, bytes], bool], Callable[[Path], Volume]], ...] = (
    (metaimage.is_metaimage, metaimage.read_header),
    (nrrd.is_nrrd, nrrd.read_header),
    (nifti.is_nifti, nifti.read_header),
)
"""Which files have axes with directions, and the readers of their headers."""
IMAGES: tuple[ImageFormat, ...] = (
    *(
        _itk(name, *volume)
        for name, volume in zip(
            ("MetaImage (mha, mhd)", "NRRD (nrrd, nhdr)", "NIfTI (nii, nii.gz)"), VOLUMES, strict=True
        )
    ),
    ImageFormat("NumPy (npy)", arrays.is_npy, arrays.read_npy),
    ImageFormat("NumPy (npz)", arrays.is_npz, arrays.read_npz, has_structures=True),
    ImageFormat("TIFF", tiff.is_tiff, tiff.read_tiff),
    ImageFormat("video (avi, mp4)", video.is_video, video.read_video),
)


def open_images(images: ImageFormat, path: Path, choices: Choices) -> Recording:
    """Read an image file and the sidecar file beside it.

    Parameters
    ----------
    images : ImageFormat
        The format of the file.
    path : Path
        The file.
    choices : Choices
        The axis of time, and whether directions are ignored.

    Returns
    -------
    Recording
        In canonical orientation.

    Raises
    ------
    RecordingError
        When the file is cut short, damaged or contradicts itself, or a value is missing that the sidecar file must
        give.
    GeometryError
        When the directions of the images span no plane.
    """
    if choices.scan not in (None, "1", ALL):
        raise RecordingError(f"{path}: holds one scan, and --scan is {choices.scan:.20}; leave it out")
    sidecar = read_sidecar(path, choices)
    stack = images.read(path, choices.time_axis or sidecar.time_axis, sidecar.as_stored)
    if images.has_structures and choices.roi is not None:
        stack = choose_structure(stack, choices.roi, path)
    return make_recording(_with_target(stack, sidecar, path, images.is_itk), sidecar, path)


def _with_target(stack: Stack, sidecar: Sidecar, path: Path, is_itk: bool) -> Stack:
    """Return the stack with the masks that the sidecar file names."""
    if sidecar.labels is not None:
        stack = replace(stack, labels=_mask(stack, sidecar.labels, path, is_itk))
    if sidecar.target is not None:
        masks = _mask(stack, sidecar.target, path, is_itk)
        if len(masks) != 1:
            raise RecordingError(
                f"{path}: its target {sidecar.target:.60} holds {len(masks)} images; name one of them, or all as labels"
            )
        target: NDArray[np.generic] = np.asarray(masks[0])
        stack = replace(stack, target=target)
    return stack


def _mask(stack: Stack, name: str, path: Path, is_itk: bool) -> FrameStack:
    """Return the masks in a file that the sidecar file names; they must be on the plane of the frames."""
    file = path.with_name("x").parent / name
    try:
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
        found = next((one for one in IMAGES if one.claims(file, head)), None)
        if found is None:
            raise RecordingError(
                f"{file}: is not an image of a known format; export the mask as mha, nrrd, nii, npy or tiff"
            )
        as_frames: TimeAxis = "first" if is_itk and stack.time_axis == "first" else "last"
        mask = found.read(file, as_frames if found.is_itk else None, stack.plane is None)
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read ({error.strerror or error}); the sidecar file names it") from None
    if not is_same_place(stack.plane, mask.plane):
        raise RecordingError(f"{file}: is not on the plane of the frames; export it on their plane")
    return mask.frames


def _format(images: ImageFormat) -> Format:
    return Format(
        images.name, images.claims, lambda path, choices: open_images(images, path, choices), images.has_structures
    )


FORMATS: tuple[Format, ...] = tuple(map(_format, IMAGES))
