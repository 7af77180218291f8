"""Read the regions of interest of an RT Structure Set; only a region that is asked for has to be sound."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.uid import RTStructureSetStorage

from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.sources.dicom.reading import quietly
from gatekeeper.sources.dicom.values import value_of
from replay.formats.dicom_file import is_dicom_head
from replay.formats.dicom_object import items_of, read_object

LARGEST_FILE = 512 * 2**20
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
UNTOLD = ""
"""Geometric type of a contour that does not tell it; such a contour is taken as closed, with a note."""
_TAGS: list[Any] = [
    "SOPClassUID",
    "FrameOfReferenceUID",
    "ReferencedFrameOfReferenceSequence",
    "StructureSetROISequence",
    "ROIContourSequence",
]
_MOST_LISTED = 30


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A region of interest of a structure set.

    Attributes
    ----------
    name : str
        Name in the plan.
    frame_of_reference : str
        UID of the frame of reference of its contours; empty where the file does not tell it.
    contours : tuple of ndarray of float64, shape (N, 3)
        Contours in DICOM LPS mm, those without an area left out.
    kinds : frozenset of str
        Geometric types of its contours.
    notes : tuple of str
        What was left out or assumed.
    """

    name: str
    frame_of_reference: str
    contours: tuple[NDArray[np.float64], ...]
    kinds: frozenset[str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Listed:
    """A region as the file lists it, with the contours that refer to its number, not yet read."""

    name: str
    number: int | None
    frame_of_reference: str
    contours: list[Dataset] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class StructureSet:
    """The regions that a structure set lists; their contours are read when one is asked for."""

    path: Path
    _listed: tuple[_Listed, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all regions, in the order of the file."""
        return tuple(dict.fromkeys(one.name for one in self._listed))

    def listing(self) -> str:
        """Return the names of the regions in a line, each with what is against its use."""
        words = [
            f"'{name}'" + ("" if any(one.contours for one in self._listed if one.name == name) else " (no contours)")
            for name in self.names[:_MOST_LISTED]
        ]
        more = len(self.names) - len(words)
        return (", ".join(words) or "none") + (f" and {more} more" if more else "")

    def region(self, name: str) -> Region:
        """Read a region.

        Parameters
        ----------
        name : str
            Its name in the plan.

        Returns
        -------
        Region
            With its contours.

        Raises
        ------
        RecordingError
            When there is no region of that name, several of that name have contours, its number is another's too, or
            a contour of it is damaged.
        """
        alike = [one for one in self._listed if one.name == _plain(name)]
        if not alike:
            raise RecordingError(f"{self.path}: has no region '{name}'; it has {self.listing()}")
        where = f"{self.path}: '{name}'"
        drawn = [one for one in alike if one.contours]
        if len(drawn) > 1:
            raise RecordingError(f"{where}: is the name of {len(drawn)} regions with contours; rename one")
        one = (drawn or alike)[0]
        if one.contours and sum(other.number == one.number for other in self._listed) > 1:
            raise RecordingError(f"{where}: shares its number {one.number} with another region; export it again")
        notes = []
        if len(alike) > 1:
            notes.append(f"{where}: {len(alike) - 1} other regions of that name have no contours and are left out")
        if not one.frame_of_reference:
            notes.append(f"{where}: has no frame of reference that could be compared with that of the images")
        try:
            with quietly(where):
                contours, kinds, about = _contours(one, where)
        except RecordingError:
            raise
        except InputError as error:
            raise RecordingError(str(error)) from None
        return Region(name, one.frame_of_reference, contours, kinds, (*notes, *about))


def is_structure_set(path: Path) -> bool:
    """Return whether a file is an RT Structure Set."""
    try:
        with path.open("rb") as file, quietly(str(path)):
            if not is_dicom_head(file.read(512)):
                return False
            file.seek(0)
            dataset = dcmread(file, force=True, stop_before_pixels=True, specific_tags=["SOPClassUID"])
            return bool(value_of(dataset, "SOPClassUID") == RTStructureSetStorage)
    except (OSError, InputError):
        return False


def read_structure_set(path: Path) -> StructureSet:
    """Read which regions of interest an RT Structure Set has.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    StructureSet
        Its regions.

    Raises
    ------
    RecordingError
        When the file is not an RT Structure Set, is cut short or damaged, or has no regions.
    """
    listed = read_object(path, _TAGS, LARGEST_FILE, "a structure set", _listed)
    return StructureSet(path, listed)


def _listed(dataset: Dataset, where: str) -> tuple[_Listed, ...]:
    if value_of(dataset, "SOPClassUID") != RTStructureSetStorage:
        raise RecordingError(f"{where}: is not an RT Structure Set; name one")
    referenced = items_of(dataset, "ReferencedFrameOfReferenceSequence")
    others = {str(value_of(item, "FrameOfReferenceUID") or "") for item in referenced}
    whole = str(value_of(dataset, "FrameOfReferenceUID") or "") or (others.pop() if len(others) == 1 else "")
    contours: dict[int, list[Dataset]] = {}
    for item in items_of(dataset, "ROIContourSequence"):
        number = _number(item, "ReferencedROINumber")
        if number is not None:
            contours.setdefault(number, []).extend(items_of(item, "ContourSequence"))
    found = []
    for item in items_of(dataset, "StructureSetROISequence"):
        number = _number(item, "ROINumber")
        name = _plain(str(value_of(item, "ROIName") or ""))
        uid = str(value_of(item, "ReferencedFrameOfReferenceUID") or whole)
        found.append(_Listed(name, number, uid, [] if number is None else contours.get(number, [])))
    if not found:
        raise RecordingError(f"{where}: has no regions of interest; export it with structures")
    return tuple(found)


def _plain(name: str) -> str:
    """Return a name without outer blanks, of composed letters, and of those of UTF-8 that was read as Latin-1."""
    with suppress(UnicodeError):
        name = name.encode("latin-1").decode("utf-8")
    return unicodedata.normalize("NFC", name).strip()


def _number(item: Dataset, keyword: str) -> int | None:
    try:
        return int(value_of(item, keyword))
    except (TypeError, ValueError):
        return None


def _contours(one: _Listed, where: str) -> tuple[tuple[NDArray[np.float64], ...], frozenset[str], list[str]]:
    """Return the contours of a region that have an area, their types, and notes on the others."""
    kept: list[NDArray[np.float64]] = []
    kinds: set[str] = set()
    left: Counter[str] = Counter()
    differ = 0
    for contour in one.contours:
        kind = str(value_of(contour, "ContourGeometricType") or UNTOLD)
        points = _points(contour, where)
        differ += _number(contour, "NumberOfContourPoints") not in (None, len(points))
        if len(points) < 3 or kind == "POINT":
            left["have no area"] += 1
        elif any(np.array_equal(points, other) for other in kept):
            left["are there a second time"] += 1
        else:
            kinds.add(kind)
            kept.append(points)
    notes = [f"{where}: {count} of {len(one.contours)} contours {why} and are left out" for why, count in left.items()]
    if differ:
        notes.append(
            f"{where}: {differ} of {len(one.contours)} contours have another number of points than they announce"
        )
    if UNTOLD in kinds:
        kinds.remove(UNTOLD)
        notes.append(f"{where}: has contours without a geometric type; they are taken as closed")
    return tuple(kept), frozenset(kinds), notes


def _points(contour: Dataset, where: str) -> NDArray[np.float64]:
    """Return the points of a contour, shape (N, 3)."""
    try:
        found = np.array([float(word) for word in _words(contour)])
    except ValueError:
        raise RecordingError(f"{where}: has a contour with something that is not a number; export it again") from None
    if found.size % 3 or not np.isfinite(found).all():
        raise RecordingError(
            f"{where}: has a contour of {found.size} numbers; it must have three finite ones for each point"
        )
    announced = _number(contour, "NumberOfContourPoints")
    if not found.size and announced:
        raise RecordingError(f"{where}: has a contour that announces {announced} points and has none; export it again")
    return found.reshape(-1, 3)


def _words(contour: Dataset) -> Iterator[str]:
    """Yield the numbers of a contour as text, also of a value whose VR is UN because it is long (PS3.5 6.2.2)."""
    value = value_of(contour, "ContourData")
    if isinstance(value, bytes):
        value = value.decode("ascii").strip("\0 ").split("\\")
    elif value is None or isinstance(value, str | float | int):
        value = [] if value in (None, "") else [value]
    for word in map(str, value):
        if "_" in word:
            raise ValueError
        yield word
