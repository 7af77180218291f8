"""Group DICOM images by series and plane, sort them in the order of acquisition, and note what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.dicom_file import Image

SAME_MM = 0.05
"""Largest distance between the corners of images on the same plane, in mm."""
LONGEST_STEP = 1.5
"""A step in time longer than this multiple of the median step is noted, as frames are missing."""
_MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Series:
    """Images of one series on one plane.

    Attributes
    ----------
    images : sequence of Image
        In the order of acquisition.
    times_s : ndarray of float64, shape (T,), or None
        Time of each image in s; None where no kind of time differs between all images.
    notes : tuple of str
        What is missing, or present more than once.
    """

    images: Sequence[Image]
    times_s: NDArray[np.float64] | None
    notes: tuple[str, ...]


def group_images(images: Sequence[Image]) -> list[list[Image]]:
    """Group images of the same series, plane, size and spacing."""
    found: dict[tuple[object, ...], list[tuple[NDArray[np.float64], list[Image]]]] = {}
    for one in images:
        header = one.header
        corners = _corners(one)
        alike = found.setdefault((header.series, header.shape), [])
        for reference, members in alike:
            if np.abs(reference - corners).max() <= SAME_MM:
                members.append(one)
                break
        else:
            alike.append((corners, [one]))
    return [members for alike in found.values() for _, members in alike]


def choose_series(groups: list[list[Image]], choice: str | None, where: str) -> list[Image]:
    """Return the only group, or the one that was chosen by its number.

    Parameters
    ----------
    groups : list of list of Image
        As `group_images` returns them.
    choice : str or None
        Number of a group, beginning with 1.
    where : str
        Path named in messages.

    Returns
    -------
    list of Image
        The images of one group.

    Raises
    ------
    RecordingError
        When there are several groups and none is chosen, or none has that number; the message lists them.
    """
    if choice is None and len(groups) == 1:
        return groups[0]
    if choice is not None and choice.isdecimal() and 1 <= int(choice) <= len(groups):
        return groups[int(choice) - 1]
    listed = "; ".join(f"{k}: {_described(group)}" for k, group in enumerate(groups[:_MOST_LISTED], 1))
    more = f"; and {len(groups) - _MOST_LISTED} more" if len(groups) > _MOST_LISTED else ""
    asked = "choose one by its number (--scan)" if choice is None else f"there is no number {choice:.20}"
    raise RecordingError(f"{where}: holds {len(groups)} series or planes, {asked}: {listed}{more}")


def sort_images(images: Sequence[Image], where: str) -> Series:
    """Sort images in the order of acquisition: by the first kind of time that differs between all, else by number.

    Parameters
    ----------
    images : sequence of Image
        Images of one group.
    where : str
        Path named in messages.

    Returns
    -------
    Series
        Without images that are present more than once.

    Raises
    ------
    RecordingError
        When neither times nor instance numbers differ between all images.
    """
    kept, notes = _without_doubles(images)
    by_kind = zip(*(one.header.times for one in kept), strict=True)
    kind = next((kind for kind, times in enumerate(by_kind) if _tells_apart(times)), None)
    numbers = [_number(one) for one in kept]
    if kind is not None:
        times = np.array([one.header.times[kind] for one in kept], dtype=np.float64)
        order = np.argsort(times, kind="stable")
    elif _tells_apart(numbers):
        times, order = None, np.argsort(np.array(numbers, dtype=np.float64), kind="stable")
    else:
        raise RecordingError(
            f"{where}: its {len(kept)} images have neither different times nor different instance numbers; export them "
            "again"
        )
    images = [kept[k] for k in order]
    times_s = None if times is None else times[order]
    numbers = [numbers[k] for k in order]
    return Series(images, times_s, (*notes, *_missing(times_s, numbers)))


def _without_doubles(images: Sequence[Image]) -> tuple[list[Image], list[str]]:
    """Return the images without those of the same instance UID, and a note."""
    seen: set[tuple[str, int]] = set()
    kept, doubles = [], 0
    for one in images:
        key = one.header.instance, one.header.index
        if key[0] and key in seen:
            doubles += 1
            continue
        seen.add(key)
        kept.append(one)
    return kept, [f"{_count(doubles, 'image')} there more than once and used once"] if doubles else []


def _missing(times_s: NDArray[np.float64] | None, numbers: list[int | None]) -> list[str]:
    """Return notes on gaps in the instance numbers and in the times."""
    notes = []
    if _tells_apart(numbers):
        steps = np.diff(np.array(numbers, dtype=np.float64))
        if (steps < 0.0).any():
            notes.append("instance numbers do not increase with time; images are in the order of time")
        elif len(steps):
            usual = float(np.median(steps))
            missing = int(np.rint(np.maximum(steps / usual - 1.0, 0.0)).sum())
            if missing:
                first = int(np.flatnonzero(steps > usual)[0])
                notes.append(
                    f"{_count(missing, 'frame')} missing by the instance numbers, the first after {numbers[first]}"
                )
    if times_s is not None and len(times_s) > 2:
        periods_s = np.diff(times_s)
        usual_s = float(np.median(periods_s))
        late = np.flatnonzero(periods_s > LONGEST_STEP * usual_s)
        if len(late):
            notes.append(
                f"{_count(len(late), 'step')} in time longer than {LONGEST_STEP:g} x {usual_s:.3g} s, the first after "
                f"frame {late[0]}, of {periods_s[late[0]]:.3g} s"
            )
    return notes


def _count(number: int, what: str) -> str:
    return f"1 {what} is" if number == 1 else f"{number} {what}s are"


def _number(one: Image) -> int | None:
    return one.header.index + 1 if one.count > 1 else one.header.number


def _tells_apart(values: Sequence[float | None]) -> bool:
    return all(value is not None for value in values) and len(set(values)) == len(values)


def _corners(one: Image) -> NDArray[np.float64]:
    rows, cols = one.header.shape
    ends = np.array([(0.0, 0.0), (0.0, cols - 1.0), (rows - 1.0, 0.0)])
    return one.header.plane.to_patient_mm(ends, one.header.spacing_mm)


def _described(group: Sequence[Image]) -> str:
    header = group[0].header
    normal = np.cross(header.plane.row_step, header.plane.col_step)
    axis = int(np.argmax(np.abs(normal)))
    name = ("sagittal at x", "coronal at y", "axial at z")[axis]
    rows, cols = header.shape
    frames = f"{len(group)} frame{'s' * (len(group) != 1)}"
    return f"{frames} of {rows} x {cols} px, {name} {header.plane.origin_mm[axis]:.4g} mm"
