"""Cut the trace of a preview into breaths, and parts without one, that futures are made of."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import InputError

Array = NDArray[np.float64]

LEAST_BREATH_MM = 1.0
"""Least motion that counts as a breath, in mm."""
LEAST_MOTION_MM = 2.0
"""Range of the motion below which nothing is a breath, in mm: cardiac motion and noise of a still target."""
BREATH_SHARE = 0.15
"""Least motion that counts as a breath, as share of the range."""
QUIET_SHARE = 0.25
"""A target is quiet after a breath once it stays within this share of the breath's size."""
LONGEST_S = 8.0
"""A breath that takes longer ends where the target is quiet; what follows is cut into blocks."""
BLOCK_S = 2.5
"""Length of a block without breath, in seconds."""
SHORTEST_S = 5.0
"""Shortest trace that can be cut, in seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """Where a target was found on a preview.

    Attributes
    ----------
    times_s : ndarray of float64, shape (N,)
        Times of the frames, rising.
    center_mm : ndarray of float64, shape (N, 2)
        Centre of the target as (row, col).
    confidence : ndarray of float64, shape (N,)
        Tracking confidence, 0-1.
    outline_px : ndarray of float64, shape (M, 2)
        Outline of the target as (row, col).
    outline_mm : tuple of float
        Centre of this outline, in mm.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns.
    breath_sign : float
        1 when the row index grows as the patient breathes in, otherwise -1.
    """

    times_s: Array
    center_mm: Array
    confidence: Array
    outline_px: Array
    outline_mm: tuple[float, float]
    spacing_mm: tuple[float, float]
    breath_sign: float = 1.0

    @property
    def period_s(self) -> float:
        """Time between frames, in seconds."""
        return float(np.median(np.diff(self.times_s)))

    @property
    def seconds(self) -> float:
        """Length, in seconds."""
        return float(self.times_s[-1] - self.times_s[0])


@dataclass(frozen=True, slots=True, eq=False)
class Breaths:
    """A preview cut into pieces, each from one end-exhale to the next, or a block without breath.

    Attributes
    ----------
    source : ndarray of float32, shape (S, 3)
        Samples of all pieces at even times: motion along (row, col) in mm from a straight line between the piece's
        ends, and confidence.
    starts : ndarray of int64, shape (P + 1,)
        First sample of each piece, and the end of the last.
    ends_mm : ndarray of float64, shape (P, 2, 2)
        Position at begin and end of each piece.
    period_s : float
        Time between samples.
    breathing : ndarray of bool, shape (P,)
        Whether a piece is a breath.
    begun : bool
        Whether the end of a breath was seen before the first piece.
    """

    source: NDArray[np.float32]
    starts: NDArray[np.int64]
    ends_mm: Array
    period_s: float
    breathing: NDArray[np.bool_]
    begun: bool = False

    @property
    def sizes_mm(self) -> Array:
        """Extent of each piece along rows, in mm."""
        parts = [self.source[begin:end, 0] for begin, end in zip(self.starts[:-1], self.starts[1:], strict=True)]
        return np.array([np.ptp(part) for part in parts], dtype=np.float64)

    @property
    def lengths_s(self) -> Array:
        """Duration of each piece, in seconds."""
        return (np.diff(self.starts) - 1) * self.period_s


def cut(preview: Preview, min_confidence: float) -> Breaths:
    """Cut a preview into breaths, and blocks where there is none.

    An end-exhale is a turning point with a rise by `BREATH_SHARE` of the range, and at least `LEAST_BREATH_MM`, on both
    sides. The breaths that begin before the preview and end after it are completed by the most similar whole one.

    Parameters
    ----------
    preview : Preview
        The preview.
    min_confidence : float
        Positions of less confidence, 0-1, are read between those beside them.

    Returns
    -------
    Breaths

    Raises
    ------
    InputError
        When it is shorter than `SHORTEST_S`, or the target was hardly found.
    """
    sure = preview.confidence >= min_confidence
    if preview.seconds < SHORTEST_S or sure.sum() < 10:
        raise InputError(
            f"forecast: the preview lasts {preview.seconds:.1f} s and shows the target on {int(sure.sum())} frames; at "
            f"least {SHORTEST_S:g} s and 10 frames are needed, and 20 s are better"
        )
    period_s = preview.period_s
    times_s = np.arange(preview.times_s[0], preview.times_s[-1] + 1e-9, period_s)
    places_mm = np.stack(
        [np.interp(times_s, preview.times_s[sure], along_mm) for along_mm in preview.center_mm[sure].T], axis=1
    )
    nearest = np.clip(np.searchsorted(preview.times_s, times_s + 1e-9) - 1, 0, len(preview.times_s) - 1)
    samples = np.column_stack([places_mm, preview.confidence[nearest]])
    along_mm = preview.breath_sign * places_mm[:, 0]
    range_mm = float(np.ptp(np.percentile(along_mm, (2.0, 98.0))))
    least_mm = max(BREATH_SHARE * range_mm, LEAST_BREATH_MM)
    exhales = end_exhales(along_mm, least_mm) if range_mm >= LEAST_MOTION_MM else []
    whole = [samples[begin : end + 1] for begin, end in itertools.pairwise(exhales)]
    breaths = [*whole]
    if whole:
        breaths = [
            *_completed(samples[: exhales[0] + 1][::-1], whole, preview.breath_sign, least_mm, backwards=True),
            *whole,
            *_completed(samples[exhales[-1] :], whole, preview.breath_sign, least_mm, backwards=False),
        ]
    elif len(exhales) == 1:
        breaths = [samples[exhales[0] :]]
    pieces: list[Array] = []
    breathing: list[bool] = []
    for one in breaths:
        active, quiet = _parts(one, preview.breath_sign, period_s)
        pieces += [active, *quiet]
        breathing += [True] + [False] * len(quiet)
    if not pieces:
        pieces = _blocks(samples, period_s)
        breathing = [False] * len(pieces)
    source, ends_mm = [], []
    for piece in pieces:
        phase = np.linspace(0.0, 1.0, len(piece))[:, None]
        line_mm = (1.0 - phase) * piece[0, :2] + phase * piece[-1, :2]
        source.append(np.column_stack([piece[:, :2] - line_mm, piece[:, 2]]))
        ends_mm.append([piece[0, :2], piece[-1, :2]])
    return Breaths(
        np.ascontiguousarray(np.concatenate(source), dtype=np.float32),
        np.cumsum([0, *[len(piece) for piece in pieces]]).astype(np.int64),
        np.array(ends_mm),
        period_s,
        np.array(breathing, dtype=np.bool_),
        begun=bool(exhales) and len(breaths) == max(len(whole), 1) and along_mm[0] - along_mm[exhales[0]] >= least_mm,
    )


def end_exhales(along_mm: Array, least_mm: float) -> list[int]:
    """Return the indices of the least positions between breaths of at least a size.

    Parameters
    ----------
    along_mm : ndarray of float64, shape (N,)
        Positions towards inhalation.
    least_mm : float
        Least rise before and after a breath's end, in mm.

    Returns
    -------
    list of int

    Examples
    --------
    >>> import numpy as np
    >>> end_exhales(np.array([3.0, 0.0, 5.0, 1.0, 4.0, 4.5]), 2.0)
    [1, 3]
    """
    found: list[int] = []
    low = high = turn = 0
    inhaling: bool | None = None
    for now, value in enumerate(along_mm.tolist()):
        if inhaling is None:
            low, high = (now if value < along_mm[low] else low), (now if value > along_mm[high] else high)
            if value - along_mm[low] >= least_mm:
                inhaling, turn = True, now
                if low > 0:
                    found.append(low)
            elif along_mm[high] - value >= least_mm:
                inhaling, turn = False, now
        elif inhaling:
            if value > along_mm[turn]:
                turn = now
            elif along_mm[turn] - value >= least_mm:
                inhaling, turn = False, now
        elif value < along_mm[turn]:
            turn = now
        elif value - along_mm[turn] >= least_mm:
            found.append(turn)
            inhaling, turn = True, now
    return found


def _completed(part: Array, whole: list[Array], sign: float, least_mm: float, *, backwards: bool) -> list[Array]:
    """Return a breath of which one end is missing, completed; none where too little of it was seen.

    `part` runs from its end-exhale to where the preview begins or ends.
    """
    along_mm = sign * (part[:, 0] - part[0, 0])
    top = int(np.argmax(along_mm))
    typical_mm = float(np.median([np.ptp(one[:, 0]) for one in whole]))
    size_mm, left_mm = float(along_mm[top]), float(along_mm[-1])
    seen = top < len(part) - 1 or size_mm >= 0.6 * typical_mm
    if len(part) < 4 or size_mm < least_mm or not seen:
        return []
    like = min(whole, key=lambda one: abs(float(np.ptp(one[:, 0])) - size_mm))
    like = like[::-1] if backwards else like
    other_mm = sign * (like[:, 0] - like[-1, 0])
    peak = int(np.argmax(other_mm))
    scale = size_mm / max(float(other_mm[peak]), 0.1)
    lower = np.flatnonzero(scale * other_mm[peak:] <= left_mm)
    rest = like[peak + int(lower[0]) :] if len(lower) else like[-1:]
    moved = np.column_stack([scale * (rest[:, :2] - like[-1, :2]) + part[0, :2], rest[:, 2]])
    breath = np.concatenate([part, moved])
    return [breath[::-1] if backwards else breath]


def _parts(breath: Array, sign: float, period_s: float) -> tuple[Array, list[Array]]:
    """Return the part of a long piece with its breath, and blocks of what follows; a short one is all breath."""
    if (len(breath) - 1) * period_s <= LONGEST_S:
        return breath, []
    along_mm = sign * breath[:, 0]
    last = int(np.flatnonzero(np.abs(along_mm - along_mm[-1]) > QUIET_SHARE * np.ptp(along_mm))[-1]) + 1
    if (len(breath) - 1 - last) * period_s < BLOCK_S or last < 2:
        return breath, []
    return breath[: last + 1], _blocks(breath[last:], period_s)


def _blocks(samples: Array, period_s: float) -> list[Array]:
    """Return a part without breaths as blocks of even length."""
    count = max(round((len(samples) - 1) * period_s / BLOCK_S), 1)
    cuts = np.linspace(0, len(samples) - 1, count + 1).astype(int)
    return [samples[begin : end + 1] for begin, end in itertools.pairwise(cuts)]
