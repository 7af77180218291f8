"""Which elements of a DICOM object are read besides its pixels, and the values of their bytes.

Elements that identify a person are not among them and so are never read.
"""

import struct
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

Elements = dict[str, Any]
"""Values by keyword: text without padding, numbers of binary elements, lists of them, and lists of items."""
TWICE = "?"
"""In the place of a value that an object has twice, differently: neither number, time nor word."""
SEQUENCES = (
    "CardiacSynchronizationSequence",
    "FrameContentSequence",
    "PerFrameFunctionalGroupsSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
    "PlaneOrientationSequence",
    "PlanePositionSequence",
    "SharedFunctionalGroupsSequence",
    "TemporalPositionSequence",
)
KEYWORDS = (
    *SEQUENCES,
    "AcquisitionDate",
    "AcquisitionDateTime",
    "AcquisitionTime",
    "BitsAllocated",
    "BitsStored",
    "CineRate",
    "Columns",
    "ContentDate",
    "ContentTime",
    "DimensionIndexValues",
    "FrameAcquisitionDateTime",
    "FrameAcquisitionNumber",
    "FrameOfReferenceUID",
    "FrameReferenceDateTime",
    "FrameTime",
    "FrameTimeVector",
    "HighBit",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "InstanceNumber",
    "MagneticFieldStrength",
    "NominalCardiacTriggerDelayTime",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "PixelRepresentation",
    "PixelSpacing",
    "RecommendedDisplayFrameRate",
    "RescaleIntercept",
    "RescaleSlope",
    "Rows",
    "SamplesPerPixel",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "TemporalPositionTimeOffset",
    "TriggerTime",
)
"""All elements that are read besides the pixels and the times of vendors."""
VENDOR_TIMES = (
    ("SIEMENS MR HEADER", 0x0019, 0x16, b"DS"),  # TimeAfterStart
    ("Philips MR Imaging DD 001", 0x2005, 0xA0, b"FL"),  # Dynamic Scan Begin Time
)
"""Private elements in seconds from the start of the scan: creator, group, element within the creator's block, VR."""
BLOCKS = range(0x10, 0x20)
"""Blocks of a group that a creator may have."""
_BINARY = {b"US": "H", b"SS": "h", b"UL": "L", b"SL": "l", b"FL": "f", b"FD": "d"}
LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
SHORT = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"IS", b"LO", b"LT", b"PN", b"SH", b"ST", b"TM", b"UI", *_BINARY)
)
_TEXT = frozenset((*SHORT - _BINARY.keys() - {b"AT"}, b"UC", b"UR", b"UT"))


@dataclass(frozen=True, slots=True)
class Header:
    """The used elements of an object that come before its pixels.

    Attributes
    ----------
    elements : dict
        Values by keyword.
    remarks : tuple of str
        Which elements are there twice.
    told : str
        Transfer syntax that the file meta information or the association tells; empty where none does.
    is_little : bool
        Whether the least significant byte comes first.
    pixels_at : int
        Where the element of the pixels begins, in bytes.
    """

    elements: Elements
    remarks: tuple[str, ...]
    told: str
    is_little: bool
    pixels_at: int


def private_key(tag: int) -> str:
    """Return the key of a private element."""
    return f"{tag:08X}"


def _wanted() -> dict[int, tuple[str, bytes]]:
    """Return the key and the usual VR of all elements that are read, by their tags."""
    found: dict[int, tuple[str, bytes]] = {}
    for _, group, element, kind in VENDOR_TIMES:
        for block in BLOCKS:
            creator, value = group << 16 | block, group << 16 | block << 8 | element
            found |= {creator: (private_key(creator), b"LO"), value: (private_key(value), kind)}
    for keyword in KEYWORDS:
        tag = tag_for_keyword(keyword)
        assert tag is not None, keyword  # noqa: S101
        found[int(tag)] = keyword, dictionary_VR(tag).encode()
    return found


WANTED = _wanted()
"""Key and usual VR of all elements that are read, by their tags."""


def decoded(kind: bytes, usual: bytes, raw: bytes, endian: str) -> Any:
    """Return the value of an element.

    Parameters
    ----------
    kind : bytes
        Its VR, or empty; the usual one is taken instead of an empty one and of one that is neither text nor numbers.
    usual : bytes
        VR of such elements by the standard.
    raw : bytes
        The value as stored.
    endian : str
        "<" or ">".

    Returns
    -------
    str, number or list
        Text without padding; decimal and integer strings stay text.
    """
    if kind not in _TEXT and kind not in _BINARY:
        kind, endian = usual, "<" if kind == b"UN" else endian
    code = _BINARY.get(kind)
    if code is None:
        text = raw.decode("latin-1").strip("\0 ")
        return [part.strip() for part in text.split("\\")] if usual in (b"DS", b"IS") and "\\" in text else text
    count, rest = divmod(len(raw), struct.calcsize(f"<{code}"))
    if rest:
        return TWICE
    values = struct.unpack(f"{endian}{count}{code}", raw)
    return values[0] if count == 1 else list(values) or ""
