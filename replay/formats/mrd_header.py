"""The headers of MRD (ISMRMRD) data, in XML and of images in HDF5, as the ismrmrd package defines them."""

import math
import warnings
from typing import Any

import h5py
import numpy as np

# ismrmrd changes the warning filters of the process when it is imported.
with warnings.catch_warnings():
    from ismrmrd import hdf5, xsd  # type: ignore[import-untyped]

HYDROGEN_HZ_PER_T = 42.577478518e6
"""Gyromagnetic ratio of the proton divided by 2 pi (CODATA 2018)."""
MAX_XML_BYTES = 2**20
"""The longest header that is parsed; those of reconstructions have a few kilobytes."""
_FIELD_LIMITS_T = (0.001, 100.0)


def header_xml(
    shape: tuple[int, int], spacing_mm: tuple[float, float], slice_mm: float, field_strength_t: float | None
) -> str:
    """Write the header of a series of images of one plane.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    slice_mm : float
        Thickness of the slice, in mm.
    field_strength_t : float or None
        Field strength in T, where it is known; the resonance frequency is 0 otherwise, since the format requires one.

    Returns
    -------
    str
        XML in ASCII.
    """
    (rows, cols), (row_mm, col_mm) = shape, spacing_mm
    space = xsd.encodingSpaceType(
        matrixSize=xsd.matrixSizeType(x=cols, y=rows, z=1),
        fieldOfView_mm=xsd.fieldOfViewMm(x=cols * col_mm, y=rows * row_mm, z=slice_mm),
    )
    header = xsd.ismrmrdHeader(
        experimentalConditions=xsd.experimentalConditionsType(
            H1resonanceFrequency_Hz=round(HYDROGEN_HZ_PER_T * (field_strength_t or 0.0))
        ),
        encoding=[
            xsd.encodingType(
                encodedSpace=space,
                reconSpace=space,
                encodingLimits=xsd.encodingLimitsType(),
                trajectory=xsd.trajectoryType.OTHER,
            )
        ],
    )
    if field_strength_t is not None:
        header.acquisitionSystemInformation = xsd.acquisitionSystemInformationType(
            systemFieldStrength_T=field_strength_t
        )
    text: str = xsd.ToXML(header)
    return text


def image_header_dtype() -> np.dtype[Any]:
    """Return the type of the headers of images as HDF5 files of the ismrmrd package have them."""
    dtype: np.dtype[Any] = np.dtype(hdf5.image_header_dtype)
    return dtype


def stored_field_strength_t(dataset: Any) -> float | None:
    """Read the field strength from the header in an HDF5 file, as `field_strength_t` does.

    Parameters
    ----------
    dataset : h5py.Dataset or None
        The dataset of the header, which may hold anything.

    Returns
    -------
    float or None
        In T; None also when the dataset is missing, damaged or too long.
    """
    if not isinstance(dataset, h5py.Dataset) or dataset.size != 1 or dataset.dtype.itemsize > MAX_XML_BYTES:
        return None
    try:
        (text,) = np.ravel(dataset[()])
    except (OSError, RuntimeError, ValueError):
        return None
    return field_strength_t(text.encode() if isinstance(text, str) else bytes(text))


def field_strength_t(xml: bytes) -> float | None:
    """Read the field strength from a header; all else, which may name people, is dropped.

    Parameters
    ----------
    xml : bytes
        The header, in UTF-8; zero bytes at its end are ignored.

    Returns
    -------
    float or None
        In T; None when the header does not give it, cannot be parsed, or gives a value that no scanner has.
    """
    if len(xml) > MAX_XML_BYTES:
        return None
    # ismrmrd takes any root and any document type, and leaves text in the place of numbers with a warning.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            text = xml.rstrip(b"\0").decode("utf-8")
            header: Any = None if "<!DOCTYPE" in text else xsd.CreateFromDocument(text)
        except (ValueError, TypeError, RecursionError):
            return None
    system = None if header is None else header.acquisitionSystemInformation
    value = None if system is None else system.systemFieldStrength_T
    low_t, high_t = _FIELD_LIMITS_T
    return value if isinstance(value, float) and math.isfinite(value) and low_t <= value <= high_t else None
