"""Put DICOM images in the order of acquisition, by their times and by the elements that tell their order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.sources.dicom.frame_order import RANK_KINDS
from gatekeeper.sources.dicom.times import CLOCKS, DAY_S, TIME_KINDS
from replay.formats.dicom_file import Image

SOUND = 0.8
"""Share of the images whose times must rise with their order, so that the others are taken for wrong."""
EVEN = 0.5
"""Steps in time that differ from the usual one by less than this share are those of a cine."""

STORED = "the stored order"
FASTEST_HZ = 200.0
"""Frames per second beyond which times have another unit than they should; no cine is as fast."""
SAWTOOTH = 0.34
"""Where a larger share of the steps falls, even times are those of a cine, whose numbers are wrong."""

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Order:
    """Order of images.

    Attributes
    ----------
    indices : ndarray of int64, shape (T,)
        Index of each image, in the order of acquisition.
    times_s : ndarray of float64, shape (T,), or None
        Time of each in that order, in s; None where no kind of time tells all images apart.
    notes : tuple of str
        What contradicts itself, and what was taken.
    """

    indices: NDArray[np.int64]
    times_s: Times | None
    notes: tuple[str, ...]


def order_of(images: Sequence[Image], where: str) -> Order:
    """Return the order of images of one plane.

    The first kind of time that all images have, and that differs between all, gives order and times. Where it does not
    rise with the order that the images tell (`RANK_KINDS`) and its steps are not even, and where a few times are
    missing or there twice, the images are in the order that they tell, and those times are taken from neighbours.

    Parameters
    ----------
    images : sequence of Image
        Images of one plane, in any order.
    where : str
        Path named in messages.

    Returns
    -------
    Order
        All of them.

    Raises
    ------
    RecordingError
        When neither times nor order differ between all images.
    """
    if len(images) == 1:
        return Order(np.zeros(1, np.int64), None, ())
    by_rank, ranked = _by_rank(images)
    passed: list[str] = []
    for kind, name in enumerate(TIME_KINDS):
        times = np.array([np.nan if (time_s := one.header.times[kind]) is None else time_s for one in images])
        known = np.isfinite(times)
        if not known.any() or known.sum() < SOUND * len(times):
            continue
        notes = list(passed)
        if name in CLOCKS:
            told = None if ranked == STORED else by_rank
            times = _past_midnight(_of_one_calendar(times, name, notes), told, notes)
        elif by_rank is not None and ranked != STORED and _is_sawtooth(times[by_rank], ranked):
            passed.append(f"the {name} begins again while {ranked} increases, and is not used")
            continue
        if (rate_hz := _rate_hz(times)) > FASTEST_HZ:
            passed.append(f"the {name} would be {rate_hz:.3g} frames per second, and is not used")
            continue
        if known.all() and len(np.unique(times)) == len(times):
            by_time = np.argsort(times, kind="stable")
            if by_rank is None or np.array_equal(by_rank, by_time):
                return Order(by_time, times[by_time], tuple(notes))
            # Frames may be stored in any order.
            mended = None if ranked == STORED or _is_even(times[by_time]) else mended_times(times[by_rank], ranked)
            if mended is None:
                notes.append(f"{ranked} does not increase with the {name}; images are in the order of time")
                return Order(by_time, times[by_time], tuple(notes))
        elif by_rank is None or (mended := mended_times(times[by_rank], ranked)) is None:
            continue
        assert by_rank is not None  # noqa: S101
        mended_s, note = mended
        return Order(by_rank, mended_s, (*notes, f"{name}: {note}"))
    if by_rank is None:
        raise RecordingError(
            f"{where}: its {len(images)} images have neither different times nor different instance numbers; export "
            "them again"
        )
    if ranked == STORED:
        return Order(by_rank, None, (*passed, "no element tells the order of the frames; it is the stored one"))
    if not np.array_equal(by_rank, np.sort(by_rank)) and images[0].pixels.count > 1:
        passed.append(f"frames are in the order of {ranked}, not as they are stored")
    return Order(by_rank, None, tuple(passed))


def _by_rank(images: Sequence[Image]) -> tuple[NDArray[np.int64] | None, str]:
    """Return the order that the images tell, by the first element that tells all apart, and its name."""
    for kind, name in enumerate(RANK_KINDS):
        ranks = [one.header.ranks[kind] for one in images]
        if all(rank is not None for rank in ranks) and len(set(ranks)) == len(ranks):
            order = sorted(range(len(ranks)), key=lambda index: ranks[index] or ())
            return np.array(order, np.int64), STORED if images[0].pixels.count > 1 and name == RANK_KINDS[-1] else name
    numbers = [(one.header.series_number, one.header.number) for one in images]
    if len({one.header.series for one in images}) > 1 and len(set(numbers)) == len(numbers):
        known = [(series, 0 if number is None else number) for series, number in numbers if series is not None]
        if len(known) == len(numbers):
            return np.array(sorted(range(len(known)), key=known.__getitem__), np.int64), "SeriesNumber"
    return None, ""


def _of_one_calendar(times: Times, name: str, notes: list[str]) -> Times:
    """Return times of day where the date of some images is not told."""
    untold = (times >= 0.0) & (times <= DAY_S)
    if not untold.any() or untold[np.isfinite(times)].all():
        return times
    notes.append(f"the date of {untold.sum()} images is not told; the {name} is taken as a time of day")
    return np.asarray(times % DAY_S, np.float64)


def _past_midnight(times: Times, by_rank: NDArray[np.int64] | None, notes: list[str]) -> Times:
    """Add a day to times that a missing or unchanged date has before those of the evening."""
    known = np.unique(times[np.isfinite(times)])
    if len(known) < 2 or known[-1] - known[0] >= DAY_S:
        return times
    gaps = np.diff(known)
    widest = int(np.argmax(gaps))
    if not gaps[widest] > 0.5 * DAY_S:
        return times
    later = np.where(times <= known[widest], times + DAY_S, times)
    if by_rank is not None and not _falls(later[by_rank]) < _falls(times[by_rank]):
        return times
    notes.append("the times pass midnight under one date; those after it are of the next day")
    return np.asarray(later, np.float64)


def _falls(times: Times) -> int:
    return int((np.diff(times) < 0.0).sum())


def _is_sawtooth(times: Times, ranked: str) -> bool:
    """Return whether times in the order of their images begin again and again, as those from the last heartbeat do."""
    falls = float((np.diff(times) < 0.0).mean())
    if falls == 0.0 or (falls > SAWTOOTH and _is_even(np.sort(times))):
        return False
    return mended_times(times, ranked) is None


def _rate_hz(times: Times) -> float:
    """Return the usual number of images per second; 0 where most have the same time."""
    known = np.sort(times[np.isfinite(times)])
    usual_s = float(np.median(np.diff(known))) if len(known) > 1 else 0.0
    return 1.0 / usual_s if usual_s > 0.0 else 0.0


def _is_even(times: Times) -> bool:
    steps = np.diff(times)
    usual = float(np.median(steps))
    return bool((np.abs(steps - usual) <= EVEN * usual).all())


def mended_times(times: Times, ranked: str) -> tuple[Times, str] | None:
    """Return times that rise, those that do not taken from neighbours.

    Parameters
    ----------
    times : ndarray of float64, shape (T,)
        Time of each image in its order, in s; NaN where it is not told.
    ranked : str
        What tells the order, for the note.

    Returns
    -------
    tuple of ndarray of float64, shape (T,), and str; or None
        The times and a note on those that were taken from neighbours; None where too many are wrong.
    """
    keep = _longest_rise(times)
    if len(keep) < max(2.0, SOUND * len(times)):
        return None
    found = _interpolated(times, keep)
    for index in np.setdiff1d(np.arange(len(times)), keep):
        twin = np.flatnonzero(times[keep] == times[index])
        if len(twin):  # of two images with one time, the one whose time makes steps more even is right
            other = np.setdiff1d(np.append(keep, index), keep[twin])
            instead = _interpolated(times, other)
            if _unevenness(instead) < _unevenness(found):
                keep, found = other, instead
    wrong = np.setdiff1d(np.arange(len(times)), keep)
    which = ", ".join(map(str, wrong[:5])) + (" ..." if len(wrong) > 5 else "")
    return found, (
        f"{len(wrong)} of {len(times)} times are missing, there twice or against {ranked}; frames {which} have times "
        "between those of their neighbours"
    )


def _interpolated(times: Times, keep: NDArray[np.int64]) -> Times:
    """Return times of which only some are kept, the others on a line between them or at the usual step beyond."""
    places = np.arange(len(times), dtype=np.float64)
    found = np.interp(places, keep, times[keep])
    step = float(np.median(np.diff(times[keep]) / np.diff(keep)))
    first, last = keep[0], keep[-1]
    found[:first] = times[first] + (places[:first] - first) * step
    found[last + 1 :] = times[last] + (places[last + 1 :] - last) * step
    return found


def _unevenness(times: Times) -> float:
    steps = np.diff(times)
    return float(np.abs(steps - np.median(steps)).sum())


def _longest_rise(times: Times) -> NDArray[np.int64]:
    """Return the indices of the longest strictly rising subsequence (patience sorting); NaN is never in it."""
    tails: list[float] = []
    ends: list[int] = []
    before = np.full(len(times), -1)
    for index, time_s in enumerate(times.tolist()):
        if not np.isfinite(time_s):
            continue
        place = int(np.searchsorted(tails, time_s))
        before[index] = ends[place - 1] if place else -1
        tails[place : place + 1] = [time_s]
        ends[place : place + 1] = [index]
    found: list[int] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        found.append(index)
        index = int(before[index])
    return np.array(found[::-1], np.int64)
