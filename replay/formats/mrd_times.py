"""When the images of a series of MRD were taken: by their headers, and by attributes that some programs add."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.sources.dicom.times import CLOCKS, DAY_S, TIME_KINDS
from gatekeeper.sources.mrd_dicom import DicomAttributes

TIME_ATTRIBUTE = "AcquisitionTimeMs"
"""Meta attribute with the time since the first image in ms, in files that are written here."""
TICK_S = 2.5e-3
"""Unit of `acquisition_time_stamp`, which MRD leaves to the vendor; a sidecar file can give the rate instead."""
SAME_TIME_S = 5e-3
"""Times that differ by less are the same: two ticks."""
_DAY_TICKS = round(86400.0 / TICK_S)


def series_times(
    heads: NDArray[Any], attributes: Sequence[Mapping[str, tuple[str, ...]]], dicom: Sequence[DicomAttributes | None]
) -> tuple[NDArray[np.float64] | None, NDArray[np.intp], tuple[str, ...]]:
    """Return the times of the images of a series.

    Parameters
    ----------
    heads : ndarray
        Their headers.
    attributes : sequence of mapping
        Their meta attributes.
    dicom : sequence of DicomAttributes or None
        Their DICOM attributes.

    Returns
    -------
    times_s : ndarray of float64 or None
        In the order of time, in s; None where the file has none.
    order : ndarray of int
        Index of each image in that order.
    notes : tuple of str
        What was assumed, and where two sources contradict each other.
    """
    exact = [one[TIME_ATTRIBUTE][0] if one.get(TIME_ATTRIBUTE) else "nan" for one in attributes]
    times_s: NDArray[np.float64] = np.full(len(heads), np.nan)
    with suppress(ValueError):
        times_s[:] = [float(word) / 1e3 for word in exact]
    if np.isfinite(times_s).all():
        order = np.argsort(times_s, kind="stable")
        return times_s[order], order, ()
    stamps = heads["acquisition_time_stamp"].astype(np.int64)
    # They count from midnight; no recording takes half a day.
    times_s[:] = (stamps + np.where(stamps < stamps[0] - _DAY_TICKS // 2, _DAY_TICKS, 0)) * TICK_S
    order = np.argsort(times_s, kind="stable")
    is_stamped = bool(stamps.any())
    kind, told_s = _dicom_times(dicom, is_stamped)
    if told_s is not None:
        by_dicom = np.argsort(told_s, kind="stable")
        apart_s = float(np.abs((told_s - told_s[by_dicom[0]]) - (times_s - times_s[by_dicom[0]])).max())
        notes: tuple[str, ...] = (f"times are the {kind} in the DICOM attributes of the images",)
        if is_stamped:
            notes = (f"{notes[0]}; time stamps, in ticks of {1e3 * TICK_S:g} ms, differ by up to {apart_s:.4g} s",)
        return told_s[by_dicom], by_dicom, () if apart_s <= SAME_TIME_S else notes
    if not is_stamped:
        return None, np.arange(len(heads)), ()
    note = f"time stamps are assumed to be in ticks of {1e3 * TICK_S:g} ms; rate_hz in a sidecar file replaces them"
    return times_s[order], order, (note,)


def _dicom_times(dicom: Sequence[DicomAttributes | None], is_stamped: bool) -> tuple[str, NDArray[np.float64] | None]:
    """Return the first kind of time in the DICOM attributes that tells all images apart, and the times in s."""
    for kind, name in enumerate(TIME_KINDS):
        if is_stamped and name == "content time":
            continue  # when an image was made says less than a time stamp
        found = [None if one is None else one.times[kind] for one in dicom]
        times_s = np.array([np.nan if time_s is None else time_s for time_s in found])
        if np.isfinite(times_s).all() and len(np.unique(times_s)) == len(times_s):
            if name in CLOCKS:
                times_s = times_s + np.where(times_s < times_s[0] - DAY_S / 2, DAY_S, 0.0)
            return name, times_s
    return "", None
