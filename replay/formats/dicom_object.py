"""Read DICOM objects that are no images: plans and structure sets."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from pydicom.dataset import Dataset
from pydicom.filereader import dcmread, read_sequence

from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.sources.dicom.reading import quietly
from gatekeeper.sources.dicom.values import value_of
from replay.formats.dicom_file import is_dicom_head

T = TypeVar("T")


def read_object(
    path: Path, tags: list[Any], largest: int, wanted: str, read: Callable[[Dataset, str], T], what: str = "image"
) -> T:
    """Read some elements of a DICOM file.

    Parameters
    ----------
    path : Path
        The file.
    tags : list
        The elements, by keyword.
    largest : int
        Largest size of the file in bytes.
    wanted : str
        What is wanted, with its article, for messages.
    read : callable
        Makes the result of the elements and the name of the file in messages.
    what : str
        What a damaged file is not a readable one of.

    Returns
    -------
    object
        What `read` returns.

    Raises
    ------
    RecordingError
        When the file cannot be read, is too large, damaged or not DICOM, or `read` refuses it.
    """
    where = str(path)
    try:
        with path.open("rb") as file:
            if path.stat().st_size > largest or not is_dicom_head(file.read(512)):
                raise RecordingError(f"{where}: is not a DICOM file of at most {largest} bytes; name {wanted}")
            file.seek(0)
            with quietly(where, what):
                return read(dcmread(file, force=True, specific_tags=tags), where)
    except OSError as error:
        raise RecordingError(f"{where}: cannot be read ({error.strerror or error}); check the path") from None
    except RecordingError:
        raise
    except InputError as error:
        raise RecordingError(str(error)) from None


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence, also where a program that did not know it kept it as bytes (PS3.5 6.2.2)."""
    value = value_of(dataset, keyword)
    if isinstance(value, bytes):
        value = read_sequence(BytesIO(value), True, True, len(value), ["iso8859"])
    return list(value or ())
