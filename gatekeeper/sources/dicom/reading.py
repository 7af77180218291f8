"""Reading DICOM objects: only the elements named here, never a word of them in a message, one thread at a time.

What names a person is not among them, so that it gets no further than this.
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

# A value that breaks the rules is judged where it is used; pydicom would print it, whatever it holds.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
warnings.filterwarnings("ignore", module=r"pydicom\.")

_KEYWORDS = (
    "AcquisitionDate",
    "AcquisitionDateTime",
    "AcquisitionTime",
    "BitsAllocated",
    "BitsStored",
    "ContentDate",
    "ContentTime",
    "FrameOfReferenceUID",
    "FrameTime",
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
    "RescaleIntercept",
    "RescaleSlope",
    "Rows",
    "Columns",
    "SOPClassUID",
    "SOPInstanceUID",
    "SamplesPerPixel",
    "SeriesInstanceUID",
    "SharedFunctionalGroupsSequence",
    "TriggerTime",
)
HEADER_TAGS: list[Any] = [*(tag_for_keyword(keyword) for keyword in _KEYWORDS), *CREATORS, *VENDOR_TAGS]
"""All that is read of an object besides its pixels."""
IMAGE_TAGS: list[Any] = [*HEADER_TAGS, tag_for_keyword("PixelData")]
_one_reader = threading.RLock()


@contextmanager
def quietly(where: str) -> Iterator[None]:
    """Let one thread at a time read DICOM; pydicom prints nothing meanwhile, and what it raises becomes one line.

    Raises
    ------
    InputError
        In place of whatever pydicom or a decoder raise; their words may quote the object and are left out.
    """
    with _one_reader, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (InputError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the machine's, not pydicom's own
            raise InputError(
                f"{where}: is damaged or no image that can be read ({type(error).__name__}); export it again"
            ) from None


def read_object(stored: bytes, syntax: UID, where: str) -> Dataset:
    """Return the elements that matter of an object as it came over the network, without its file meta.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    with quietly(where):
        dataset = read_dataset(
            BytesIO(stored), syntax.is_implicit_VR, syntax.is_little_endian, specific_tags=IMAGE_TAGS
        )
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset
