"""Stacks of images in one file: the formats of them, and what their side file adds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack
from replay.formats import arrays, metaimage, nifti, nrrd, tiff, video
from replay.formats.format import HEAD_BYTES, Choices, Format
from replay.formats.sidecar import Side, read_side
from replay.formats.stack import Stack, recording_of, same_place
from replay.formats.volume import Volume, stack_of
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
        Returns the stack in a file, told which axis is time and whether directions are not looked at.
    is_itk : bool
        Headers count axes from the fastest in memory, and tell directions.
    """

    name: str
    claims: Callable[[Path, bytes], bool]
    read: Callable[[Path, TimeAxis | None, bool], Stack]
    is_itk: bool = False


def _itk(name: str, claims: Callable[[Path, bytes], bool], header: Callable[[Path], Volume]) -> ImageFormat:
    return ImageFormat(name, claims, lambda path, time, as_stored: stack_of(header(path), time, as_stored), True)


IMAGES: tuple[ImageFormat, ...] = (
    _itk("MetaImage (mha, mhd)", metaimage.is_metaimage, metaimage.read_header),
    _itk("NRRD (nrrd, nhdr)", nrrd.is_nrrd, nrrd.read_header),
    _itk("NIfTI (nii, nii.gz)", nifti.is_nifti, nifti.read_header),
    ImageFormat("NumPy (npy)", arrays.is_npy, arrays.read_npy),
    ImageFormat("NumPy (npz)", arrays.is_npz, arrays.read_npz),
    ImageFormat("TIFF", tiff.is_tiff, tiff.read_tiff),
    ImageFormat("video (avi, mp4)", video.is_video, video.read_video),
)


def open_images(images: ImageFormat, path: Path, choices: Choices) -> Recording:
    """Return the recording in an image file and the side file beside it.

    Raises
    ------
    RecordingError
        When it is cut short, damaged, contradicts itself, or something is missing that only its owner can tell.
    GeometryError
        When it is not sagittal.
    """
    side = read_side(path, choices.as_stored)
    stack = images.read(path, choices.time_axis or side.time_axis, side.as_stored)
    return recording_of(_with_target(stack, side, path, images.is_itk), side, path)


def _with_target(stack: Stack, side: Side, path: Path, is_itk: bool) -> Stack:
    """Return the stack with the outlines that the side file names."""
    if side.labels is not None:
        stack = replace(stack, labels=_mask(stack, side.labels, path, is_itk))
    if side.target is not None:
        masks = _mask(stack, side.target, path, is_itk)
        if len(masks) != 1:
            raise RecordingError(
                f"{path}: its target {side.target:.60} holds {len(masks)} images; name one of them, or all as labels"
            )
        target: NDArray[np.generic] = np.asarray(masks[0])
        stack = replace(stack, target=target)
    return stack


def _mask(stack: Stack, name: str, path: Path, is_itk: bool) -> FrameStack:
    """Return the images of the file that a side file names, which must lie where the frames do."""
    file = path.with_name("x").parent / name
    try:
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES)
        found = next((one for one in IMAGES if one.claims(file, head)), None)
        if found is None:
            raise RecordingError(f"{file}: is no image that is read; export the outline as mha, nrrd, nii, npy or tiff")
        as_frames: TimeAxis = "first" if is_itk and stack.time_axis == "first" else "last"
        mask = found.read(file, as_frames if found.is_itk else None, stack.plane is None)
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read ({error.strerror or error}); the side file names it") from None
    if not same_place(stack.plane, mask.plane):
        raise RecordingError(f"{file}: does not lie where the frames do; export it on their plane")
    return mask.frames


def _format(images: ImageFormat) -> Format:
    return Format(images.name, images.claims, lambda path, choices: open_images(images, path, choices))


FORMATS: tuple[Format, ...] = tuple(map(_format, IMAGES))
