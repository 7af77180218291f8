"""Reading DICOM objects: only the elements named here, without quoting them in messages, one thread at a time.

Elements that identify a person are not among them and so are never read.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pydicom.config
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from gatekeeper.core.errors import InputError
from gatekeeper.sources.dicom.times import CREATORS, VENDOR_TAGS

# Values are checked where they are used; pydicom's validation would print them.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
warnings.filterwarnings("ignore", module=r"pydicom\.")

_KEYWORDS = (
    "AcquisitionDate",
    "AcquisitionDateTime",
    "AcquisitionTime",
    "BitsAllocated",
    "BitsStored",
    "CineRate",
    "Columns",
    "ContentDate",
    "ContentTime",
    "FrameOfReferenceUID",
    "FrameTime",
    "FrameTimeVector",
    "HighBit",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "InstanceNumber",
    "MagneticFieldStrength",
    "NominalCardiacTriggerDelayTime",
    "NumberOfFrames",
    "PerFrameFunctionalGroupsSequence",
    "PhotometricInterpretation",
    "PixelRepresentation",
    "PixelSpacing",
    "PlanarConfiguration",
    "RecommendedDisplayFrameRate",
    "RescaleIntercept",
    "RescaleSlope",
    "Rows",
    "SamplesPerPixel",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SharedFunctionalGroupsSequence",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "TemporalPositionIdentifier",
    "TriggerTime",
)
HEADER_TAGS: list[Any] = [*(tag_for_keyword(keyword) for keyword in _KEYWORDS), *CREATORS, *VENDOR_TAGS]
"""All elements that are read besides the pixels."""
IMAGE_TAGS: list[Any] = [*HEADER_TAGS, tag_for_keyword("PixelData")]
MOST_READS = 200_000
"""Largest number of pieces read of an object, about three for each element or item: some 2 s; a cine image has 500."""
_one_reader = threading.RLock()


class _Counted(BytesIO):
    """The bytes of an object, of which only so many pieces are read: millions of empty items fit into a few MB."""

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes."""
        self._reads += 1
        if self._reads > MOST_READS:
            raise InputError("too many elements")
        return super().read(size)


@contextmanager
def quietly(where: str) -> Iterator[None]:
    """Let one thread at a time read DICOM, without output of pydicom, whose exceptions become one line.

    Raises
    ------
    InputError
        In place of exceptions of pydicom or a decoder; their texts may quote the object and are left out.
    """
    with _one_reader, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (InputError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # an error of the system, not of pydicom
            raise InputError(
                f"{where}: is damaged or not a readable image ({type(error).__name__}); export it again"
            ) from None


def read_object(stored: bytes, syntax: UID, where: str) -> Dataset:
    """Return the used elements of an object as received over the network, without its file meta.

    Parameters
    ----------
    stored : bytes
        The object.
    syntax : UID
        Its transfer syntax.
    where : str
        Name of the object in messages.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    with quietly(where):
        dataset = read_dataset(
            _Counted(stored), syntax.is_implicit_VR, syntax.is_little_endian, specific_tags=IMAGE_TAGS
        )
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset
