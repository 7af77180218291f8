"""When a beam was on: from an interlock's log, from its pulses, from a detector's counts, or from edges."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import InputError
from replay.qa.motion_file import TIME, read_columns

Array = NDArray[np.float64]

NEEDS = "pulse_s (the time of each pulse), or time_s with counts (of a detector) or with state (0 or 1)"
COLUMNS = {"pulse": ("pulse_s",), "time": TIME, "counts": ("counts", "signal"), "state": ("state",)}
"""Accepted names of each column."""
FEWEST_PULSES = 3
"""A burst of fewer pulses is a dark count or scatter, and no beam."""
GAP_PULSES, LEAST_GAP_S, MOST_GAP_S = 15.0, 0.05, 0.2
"""A longer gap than so many usual intervals of pulses, within these limits in s, is an end of the beam."""


@dataclass(frozen=True, slots=True, eq=False)
class BeamRecord:
    """The changes of a beam.

    Attributes
    ----------
    on_s, off_s : ndarray of float64
        Ascending times at which it came on and ended, in s.
    resolution_s : float
        Standard deviation of each time that the recording leaves open, in s; 0 for exact ones.
    pulse_hz : float or None
        Rate of the pulses as recorded.
    words : str
        What the record is, for people.
    """

    on_s: Array
    off_s: Array
    resolution_s: float
    pulse_hz: float | None
    words: str

    def is_on(self, times_s: Array) -> NDArray[np.bool_]:
        """Return whether the beam was on at times in s."""
        return np.asarray(
            np.searchsorted(self.on_s, times_s, side="right") > np.searchsorted(self.off_s, times_s, side="right")
        )

    def within(self, from_s: float, until_s: float) -> "BeamRecord":
        """Return the changes within a time in s."""
        on_s, off_s = (one[(one >= from_s) & (one <= until_s)] for one in (self.on_s, self.off_s))
        return BeamRecord(on_s, off_s, self.resolution_s, self.pulse_hz, self.words)

    def later(self, by_s: float) -> "BeamRecord":
        """Return the same record on a clock that shows so much more, in s."""
        return BeamRecord(self.on_s + by_s, self.off_s + by_s, self.resolution_s, self.pulse_hz, self.words)


def from_pulses(pulses_s: Array, words: str = "pulses") -> BeamRecord:
    """Return when a pulsed beam was on.

    Between two pulses nobody knows whether the beam is on. A moment that is independent of the pulses falls into an
    interval with a chance in proportion to its length, so that it lies E[G^2] / (2 E[G]) after the pulse before on
    average, where G is an interval within a burst: the mean backward recurrence time of a renewal process [1]_. This
    holds for dropped pulses, too, which only change G.

    Parameters
    ----------
    pulses_s : ndarray of float64
        Time of each pulse, in s.
    words : str
        What the record is.

    Returns
    -------
    BeamRecord

    Raises
    ------
    InputError
        When there are too few pulses.

    References
    ----------
    .. [1] D. R. Cox, "Renewal theory", Methuen, 1962, section 5.
    """
    pulses_s = np.unique(pulses_s)
    gaps_s = np.diff(pulses_s)
    if gaps_s.size < 2 * FEWEST_PULSES:
        raise InputError(f"{words}: has {pulses_s.size} pulses; give at least {2 * FEWEST_PULSES + 1}")
    limit_s = float(np.clip(GAP_PULSES * np.median(gaps_s), LEAST_GAP_S, MOST_GAP_S))
    begins = np.flatnonzero(np.append(True, gaps_s > limit_s))
    ends = np.append(begins[1:], pulses_s.size) - 1
    bursts = ends - begins + 1 >= FEWEST_PULSES
    within_s = gaps_s[gaps_s <= limit_s]
    mean_s, square_s2, cube_s3 = (float(np.mean(within_s**power)) for power in (1, 2, 3))
    beyond_s = square_s2 / (2.0 * mean_s)
    resolution_s = float(np.sqrt(max(cube_s3 / (3.0 * mean_s) - beyond_s**2, 0.0)))
    return BeamRecord(
        pulses_s[begins[bursts]] - beyond_s, pulses_s[ends[bursts]] + beyond_s, resolution_s, 1.0 / mean_s, words
    )


def from_counts(times_s: Array, counts: Array, words: str = "counts") -> BeamRecord:
    """Return when a beam was on from a detector's counts, such as those of a diode or a scintillator.

    Parameters
    ----------
    times_s : ndarray of float64
        Begin of each interval of counting, in s.
    counts : ndarray of float64
        Counts, current or light in it.
    words : str
        What the record is.

    Returns
    -------
    BeamRecord
        An interval with more than half of the usual signal with the beam on counts as a pulse in its middle.

    Raises
    ------
    InputError
        When the signal is the same with and without a beam, or times do not rise.
    """
    steps_s = np.diff(times_s)
    if times_s.size < 2 * FEWEST_PULSES or not np.all(steps_s > 0.0):
        raise InputError(f"{words}: its times do not rise, or it has too few rows; it needs {NEEDS}")
    low, high = float(np.percentile(counts, 1.0)), float(np.percentile(counts, 99.5))
    middle = 0.5 * (low + high)
    for _ in range(50):
        above = counts > middle
        if above.all() or not above.any():
            break
        middle = 0.5 * (float(np.median(counts[above])) + float(np.median(counts[~above])))
    above = counts > middle
    if above.all() or not above.any():
        raise InputError(f"{words}: the signal is {low:g} to {high:g}, the beam is never seen to change")
    return from_pulses(times_s[above] + 0.5 * float(np.median(steps_s)), words)


def from_states(times_s: Array, on: NDArray[np.bool_], words: str = "states", resolution_s: float = 0.0) -> BeamRecord:
    """Return when a beam was on from its state at times in s, which stays until the next one."""
    changed = np.flatnonzero(np.append(on[:1], on[1:] != on[:-1]))
    return BeamRecord(times_s[changed[on[changed]]], times_s[changed[~on[changed]]], resolution_s, None, words)


def read_beam(path: Path) -> BeamRecord:
    """Read when a beam was on.

    Parameters
    ----------
    path : Path
        The log of ``gatekeeper interlock --json``, of which the simulated machine's beam counts where there is one, or
        CSV with the column `pulse_s`, with `time_s` and `counts`, or with `time_s` and `state`.

    Returns
    -------
    BeamRecord

    Raises
    ------
    InputError
        When the file cannot be read, or the beam never changes.
    """
    if path.suffix in (".jsonl", ".json"):
        record = read_interlock(path, "beam")
        return record if record.on_s.size else read_interlock(path, "state")
    found = read_columns(path, COLUMNS, NEEDS)
    if "pulse" in found:
        return from_pulses(found["pulse"], str(path))
    if "time" in found and "counts" in found:
        return from_counts(found["time"], found["counts"], str(path))
    if "time" in found and "state" in found:
        return from_states(found["time"], found["state"] > 0.5, str(path))
    raise InputError(f"{path}: its columns are {', '.join(found)}; it needs {NEEDS}")


def read_interlock(path: Path, event: str) -> BeamRecord:
    """Read the changes of an interlock's state, or of its simulated machine's beam.

    Parameters
    ----------
    path : Path
        The log of ``gatekeeper interlock --json``.
    event : str
        "state" or "beam".

    Returns
    -------
    BeamRecord

    Raises
    ------
    InputError
        When the file cannot be read, or lines of it were lost.
    """
    times_s, on = [], []
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                values = json.loads(line)
                if values.get("lines_lost"):
                    raise InputError(f"{path}: {values['lines_lost']} lines were lost; read the interlock's output")
                if values["event"] == event:
                    times_s.append(float(values["time_s"]))
                    on.append(values["state"] == "ON")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); name the log of an interlock") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: is not the output of `gatekeeper interlock --json`; name that") from None
    return from_states(np.array(times_s), np.array(on, dtype=np.bool_), f"{event} of the interlock")
