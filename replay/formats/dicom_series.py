"""Group DICOM images by series and plane, sort them in the order of acquisition, and note what is missing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.dicom_file import Image
from replay.formats.dicom_order import order_of
from replay.formats.format import ALL, Choices
from replay.formats.planes import (
    SAME_GRID_MM,
    SAME_PLANE_MM,
    corners_apart_mm,
    described_rate,
    note_on_positions,
    of_orientation,
)

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


def group_images(images: Sequence[Image], by_series: bool = True) -> tuple[list[list[Image]], list[str]]:
    """Group images of the same series, plane, size and spacing.

    Parameters
    ----------
    images : sequence of Image
        All images.
    by_series : bool
        Whether images of different series are in different groups.

    Returns
    -------
    groups : list of list of Image
        Images that do not tell their series are in the only other group of their plane.
    notes : list of str
        How many images were left out, as they lack geometry or rescaling that most images of their series have.
    """
    alike: dict[tuple[object, ...], list[Image]] = {}
    series = {one.header.series for one in images} - {""}
    only = series.pop() if len(series) == 1 else ""
    for one in images:
        alike.setdefault(((one.header.series or only) if by_series else "", one.header.shape), []).append(one)
    notes: list[str] = []
    groups: list[list[Image]] = []
    for members in alike.values():
        places: list[list[Image]] = []
        for one in _complete(members, notes):
            found = next((place for place in places if _is_same_grid(place[0], one)), None)
            if found is None:
                places.append([one])
            else:
                found.append(one)
        groups += places
    return groups, notes


def _complete(images: list[Image], notes: list[str]) -> list[Image]:
    """Return images without the few that lack what the others have, and note those."""
    told = [
        (one.header.plane is not None, _is_placed(one), one.header.spacing_mm is not None, one.header.rescaling)
        for one in images
    ]
    usual, count = Counter(told).most_common(1)[0]
    few = [one for one, has in zip(images, told, strict=True) if has != usual and sum(has) < sum(usual)]
    if few and 2 * len(few) < count:
        why = f": {few[0].header.unread[-1]}" if few[0].header.unread else ""
        notes.append(
            f"{_count(len(few), 'image')} left out, without geometry or rescaling that the others have, the first "
            f"{few[0].path.name}{why}"
        )
        return [one for one in images if one not in few]
    return images


def _is_placed(one: Image) -> bool:
    return not any("ImagePositionPatient" in unread for unread in one.header.unread)


def _is_same_grid(one: Image, other: Image) -> bool:
    """Return whether two images have their pixels at the same places, within the tolerances."""
    mine, theirs = one.header, other.header
    if mine.plane is not None and (mine.plane, mine.spacing_mm, mine.unread) == (
        theirs.plane,
        theirs.spacing_mm,
        theirs.unread,
    ):
        return True
    if (mine.plane is None, mine.spacing_mm is None) != (theirs.plane is None, theirs.spacing_mm is None):
        return False
    if _is_placed(one) is not _is_placed(other):
        return False
    if mine.spacing_mm is not None and theirs.spacing_mm is not None:
        sizes = np.abs(np.subtract(mine.spacing_mm, theirs.spacing_mm)) * np.subtract(mine.shape, 1)
        if not sizes.max() <= SAME_GRID_MM:
            return False
    if mine.plane is None or theirs.plane is None:
        return True
    return bool(_distance_mm(one, mine.plane, theirs.plane) <= SAME_PLANE_MM)


def _distance_mm(one: Image, plane: Plane, other: Plane) -> float:
    """Return the largest distance between the corners of an image on two planes, in mm."""
    return corners_apart_mm(plane, other, one.header.shape, one.header.spacing_mm or (1.0, 1.0))


def choose_images(images: Sequence[Image], choices: Choices, where: str) -> tuple[list[Image], list[str]]:
    """Return the images of the only series and plane, or of the chosen ones, and notes.

    Parameters
    ----------
    images : sequence of Image
        All images.
    choices : Choices
        `scan` is the number of a group, beginning with 1, or `ALL` for all series on one plane; `orientation` that of
        its plane.
    where : str
        Path named in messages.

    Returns
    -------
    images : list of Image
        Images of one plane.
    notes : list of str
        What was left out or taken together.

    Raises
    ------
    RecordingError
        When there are several groups and none is chosen, or none has that number; the message lists them.
    """
    groups, notes = group_images(images)
    choice, wanted = choices.scan, choices.orientation
    if len(groups) > 1 and choice in (None, ALL):
        merged, about = group_images(images, by_series=False)
        if choice == ALL:
            groups, notes, choice = merged, about, None
        elif len(merged) == 1 and all(len(group) == 1 for group in groups) and _is_one_study(images):
            return merged[0], [*about, f"each of the {len(groups)} images is a series of its own; they are read as one"]
    chosen = choose_series(groups, None if choice == ALL else choice, where, wanted)
    if wanted is not None and len(groups) > 1:
        others = "; ".join(_described(group) for group in groups if group is not chosen)
        notes.append(f"of {len(groups)} series or planes the others are left out: {others:.300}")
    return chosen, notes


def choose_series(groups: list[list[Image]], choice: str | None, where: str, wanted: str | None = None) -> list[Image]:
    """Return the only group, or the one that was chosen by its number.

    Parameters
    ----------
    groups : list of list of Image
        As `group_images` returns them.
    choice : str or None
        Number of a group, beginning with 1.
    where : str
        Path named in messages.
    wanted : str, optional
        Name of the orientation that its plane has.

    Returns
    -------
    list of Image
        The images of one group.

    Raises
    ------
    RecordingError
        When there are several groups and none is chosen, or none has that number; the message lists them.
    """
    fitting = of_orientation(groups, lambda group: group[0].header.plane, wanted)
    if choice is None and len(fitting) == 1:
        return groups[fitting[0]]
    if choice is not None and choice.isdecimal() and int(choice) - 1 in fitting:
        return groups[int(choice) - 1]
    shown = fitting or range(len(groups))
    listed = "; ".join(f"{k + 1}: {_described(groups[k])}" for k in shown[:_MOST_LISTED])
    more = f"; and {len(shown) - _MOST_LISTED} more" if len(shown) > _MOST_LISTED else ""
    asked = "choose one by its number (--scan) or its plane (--plane)" if fitting else f"none is {wanted}"
    asked = asked if choice is None else f"there is no number {choice:.20}"
    raise RecordingError(f"{where}: holds {len(shown)} series or planes, {asked}: {listed}{more}")


def sort_images(images: Sequence[Image], where: str) -> Series:
    """Sort images in the order of acquisition.

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
    order = order_of(kept, where)
    images = [kept[k] for k in order.indices]
    numbers = [one.header.ranks[-1][0] if one.header.ranks[-1] else None for one in images]
    planes = [one.header.plane for one in images if one.header.plane is not None]
    apart_mm = max((_distance_mm(images[0], planes[0], plane) for plane in dict.fromkeys(planes)), default=0.0)
    notes += note_on_positions(apart_mm)
    scales = Counter((one.header.slope, one.header.intercept) for one in images)
    if len(scales) > 1:
        notes.append(
            f"{len(images) - scales.most_common(1)[0][1]} of {len(images)} images have a rescaling of their own"
        )
    notes += [f"{count} of {len(images)} images: {why}" for why, count in _remarks(images).items()]
    return Series(images, order.times_s, (*notes, *order.notes, *_missing(order.times_s, numbers)))


def _remarks(images: Iterable[Image]) -> Counter[str]:
    """Return what is remarkable about images, with the number of images for each remark."""
    found: Counter[str] = Counter()
    for one in images:
        found.update(one.pixels.remarks)
        found.update(
            f"{unread} is not valid and not used" if unread[:1].isupper() and " " not in unread else unread
            for unread in set(one.header.unread)
        )
    return found


def _without_doubles(images: Sequence[Image]) -> tuple[list[Image], list[str]]:
    """Return the images without those that are there again: the same order, time and pixels; and notes."""
    seen: dict[object, list[Image]] = {}
    instances: Counter[tuple[str, int]] = Counter()
    kept: list[Image] = []
    for one in images:
        header = one.header
        tells = any(header.ranks) or any(time is not None for time in header.times)
        key = header.ranks, header.times, header.index, "" if tells else header.instance
        before = seen.setdefault(key, [])
        if (tells or header.instance) and any(_has_same_pixels(one, other) for other in before):
            continue
        before.append(one)
        kept.append(one)
        instances[header.instance, header.index] += bool(header.instance)
    notes = [f"{_count(len(images) - len(kept), 'image')} there more than once and used once"]
    shared = sum(count for count in instances.values() if count > 1)
    again = f"{shared} images have a SOP Instance UID of another and other numbers, times or pixels; all are used"
    return kept, (notes if len(kept) < len(images) else []) + ([again] if shared else [])


def _has_same_pixels(one: Image, other: Image) -> bool:
    try:
        return np.array_equal(one.read(), other.read())
    except RecordingError:
        return False


def _missing(times_s: NDArray[np.float64] | None, numbers: list[int | None]) -> list[str]:
    """Return notes on gaps in the instance numbers and in the times."""
    notes = []
    if _tells_apart(numbers):
        steps = np.diff(np.array(numbers, dtype=np.float64))
        if len(steps) and (steps > 0.0).all():
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


def _is_one_study(images: Sequence[Image]) -> bool:
    return len({one.header.study for one in images}) == 1


def _tells_apart(values: Sequence[float | None]) -> bool:
    return all(value is not None for value in values) and len(set(values)) == len(values)


def _described(group: Sequence[Image]) -> str:
    header = group[0].header
    rows, cols = header.shape
    frames = f"{len(group)} frame{'s' * (len(group) != 1)} of {rows} x {cols} px"
    if header.plane is None:
        return f"{frames} without position"
    orientation = orientation_of(header.plane)
    at = int(np.flatnonzero(orientation.across.step)[0])
    where = f"{orientation.name} at {'xyz'[at]} {header.plane.origin_mm[at]:.4g} mm"
    return f"{frames}, {where}{described_rate(_some_times_s(group))}"


def _some_times_s(group: Sequence[Image]) -> list[float]:
    """Return the times of the first kind that all images of a group have; none where there is no such kind."""
    for times in zip(*(one.header.times for one in group), strict=False):
        known = [time for time in times if time is not None]
        if len(known) == len(group) and len(set(known)) == len(group):
            return known
    return []
