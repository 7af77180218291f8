"""Make DICOM MR Image objects from frames, with geometry and times but without patient data."""

import math
import uuid
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import DSdecimal, format_number_as_ds

from gatekeeper.core.errors import OutputError
from gatekeeper.core.frame import Plane
from gatekeeper.sources.dicom.times import date_time

EPOCH_S = 946_684_800.0
"""Recordings begin on 1 January 2000, in seconds since 1970, so that no date of a real examination is passed on."""
_STORED = {np.dtype(kind): (kind, 1 if kind.startswith("int") else 0) for kind in ("uint8", "uint16", "int16")}


def new_uid() -> str:
    """Return a new globally unique identifier (PS3.5 annex B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def mr_object(
    image: NDArray[np.generic],
    spacing_mm: tuple[float, float],
    plane: Plane,
    acquired_s: float,
    number: int,
    series: str,
    frame_of_reference: str,
    field_strength_t: float | None = None,
) -> Dataset:
    """Return an MR Image Storage object of one frame.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Pixel values. uint8, uint16 and int16 are stored unchanged. Other types are stored as 16-bit integers if their
        values fit exactly, and otherwise scaled to 16 bits, with slope and intercept in the object.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    plane : Plane
        Position of the image, DICOM LPS mm.
    acquired_s : float
        Time of acquisition in seconds from the start of the series, kept to the microsecond.
    number : int
        Instance number.
    series, frame_of_reference : str
        UIDs of the series and of its frame of reference. Those of the study and the instance derive from the series'.
    field_strength_t : float, optional
        Field strength in tesla.

    Returns
    -------
    pydicom.dataset.Dataset
        The object, with file meta information.

    Raises
    ------
    OutputError
        When the image holds NaN or infinity, which DICOM cannot store.
    """
    stored, slope, intercept = _stored(image)
    item = Dataset()
    item.SOPClassUID, item.SOPInstanceUID = MRImageStorage, f"{series}.{number}"
    item.StudyInstanceUID, item.SeriesInstanceUID = f"{series}.0.1", series
    item.FrameOfReferenceUID = frame_of_reference
    item.Modality, item.ImageType = "MR", ["ORIGINAL", "PRIMARY", "M", "NONE"]
    for absent in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
        setattr(item, absent, "")
    for absent in ("AccessionNumber", "ReferringPhysicianName", "Manufacturer", "PositionReferenceIndicator"):
        setattr(item, absent, "")
    item.ScanningSequence, item.SequenceVariant, item.ScanOptions = "GR", "SS", ""
    item.MRAcquisitionType, item.EchoTime, item.EchoTrainLength = "2D", "", ""
    if field_strength_t is not None:
        item.MagneticFieldStrength = decimal(field_strength_t)
    stamp = date_time(EPOCH_S + acquired_s)
    item.AcquisitionDate = item.ContentDate = stamp[:8]
    item.AcquisitionTime = item.ContentTime = stamp[8:]
    item.SeriesNumber, item.InstanceNumber = 1, number
    item.ImagePositionPatient = [decimal(value) for value in plane.origin_mm]
    item.ImageOrientationPatient = [decimal(value) for value in (*plane.col_step, *plane.row_step)]
    item.PixelSpacing = [decimal(value) for value in spacing_mm]
    item.SliceThickness = ""
    bits = stored.dtype.itemsize * 8
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.Rows, item.Columns = stored.shape
    item.BitsAllocated, item.BitsStored, item.HighBit = bits, bits, bits - 1
    item.PixelRepresentation = 1 if stored.dtype.kind == "i" else 0
    if (slope, intercept) != (1.0, 0.0):
        item.RescaleSlope, item.RescaleIntercept, item.RescaleType = decimal(slope), decimal(intercept), "US"
    pixels = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    item.add_new("PixelData", "OB" if bits == 8 else "OW", pixels + b"\0" * (len(pixels) % 2))
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID = MRImageStorage
    item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
    return item


def decimal(value: float) -> Any:
    """Return a number as a DICOM decimal string of at most 16 characters."""
    return DSdecimal(format_number_as_ds(float(value)))


def _stored(image: NDArray[np.generic]) -> tuple[NDArray[np.generic], float, float]:
    """Return the stored pixels, and the slope and intercept that give back the values."""
    kind = image.dtype.newbyteorder("=")
    if kind in _STORED:
        return image.astype(kind), 1.0, 0.0
    values = image.astype(np.float64)
    if not np.isfinite(values).all():
        raise OutputError("a frame with NaN or infinity: cannot be kept as a DICOM MR image; leave it out")
    low, high = float(values.min()), float(values.max())
    for fitting, (least, most) in {"uint16": (0, 65535), "int16": (-32768, 32767)}.items():
        if least <= low and high <= most and bool((values == np.rint(values)).all()):
            return values.astype(fitting), 1.0, 0.0
    slope = float(decimal((high - low) / 65535.0)) if high > low else 1.0
    slope = slope if math.isfinite(slope) and slope > 0.0 else 1.0
    intercept = float(decimal(low))
    return np.clip(np.rint((values - intercept) / slope), 0, 65535).astype(np.uint16), slope, intercept
