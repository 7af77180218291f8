"""Pixels of one image of a DICOM object, in their own type."""

import logging

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from gatekeeper.core.errors import InputError
from gatekeeper.sources.dicom.compressed_size import announced_size
from gatekeeper.sources.dicom.header import Slice
from gatekeeper.sources.dicom.reading import quietly

# Without a handler the decoders would log to the terminal.
for _decoder in ("openjpeg", "libjpeg", "rle"):
    logging.getLogger(_decoder).addHandler(logging.NullHandler())


def pixels_of(dataset: Dataset, one: Slice, where: str) -> NDArray[np.generic]:
    """Return the pixels (H, W) of one image, in their stored type, or in float32 with slope and intercept applied.

    Parameters
    ----------
    dataset : Dataset
        The object with its pixels; native or compressed in any syntax for which pydicom has a decoder.
    one : Slice
        Which of its images.
    where : str
        Name of the object in messages.

    Raises
    ------
    InputError
        When pixels are missing, differ in number from the header, or cannot be decoded.
    """
    if "PixelData" not in dataset:
        raise InputError(f"{where}: has no PixelData; send or export images")
    with quietly(where):
        syntax = UID(dataset.file_meta.TransferSyntaxUID)
        if syntax.is_encapsulated:
            count = int(dataset.get("NumberOfFrames") or 1)
            frame = get_frame(dataset.PixelData, one.index, number_of_frames=count)
            announced = announced_size(frame, syntax)
            if announced is not None and announced != (*one.shape, 1):
                raise InputError(
                    f"{where}: its compressed pixels are {announced[0]} x {announced[1]} with {announced[2]} values, "
                    f"its header says {one.shape[0]} x {one.shape[1]} with 1; export it again"
                )
        pixels: NDArray[np.generic] = get_decoder(syntax).as_array(dataset, index=one.index, raw=True)[0]
        if pixels.shape != one.shape or pixels.dtype.kind not in "iuf":
            raise InputError(f"{where}: its pixels are not a grey image of {one.shape[0]} x {one.shape[1]}")
        return _valued(pixels.astype(pixels.dtype.newbyteorder("="), copy=False), one)


def _valued(pixels: NDArray[np.generic], one: Slice) -> NDArray[np.generic]:
    if (one.slope, one.intercept) == (1.0, 0.0):
        return pixels
    with np.errstate(over="ignore"):
        return (pixels.astype(np.float64) * one.slope + one.intercept).astype(np.float32)
