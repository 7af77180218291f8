"""Draw futures of breathing: breaths that were seen, with sizes, times and end-exhales that go on and drift."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config.forecast import HoldConfig, PopulationConfig
from gatekeeper.forecast.breaths import BLOCK_S, Breaths

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

ALONG_COLUMNS = 0.5
"""Spread and drift of the end-exhale along columns, as share of those along rows."""
LIKE = 0.35
"""Bandwidth of the logarithm of sizes within which a seen breath stands for one of another size."""
ANY = 1e-3
"""Weight of a breath of any size."""
MOST_SCALED = 1.5
"""Largest logarithm of the factor by which a seen breath is scaled, before sighs."""
SHORTEST_BREATH_S = 0.8
CONTINUED = 0.8
"""Probability with which the block without breath that follows in the preview follows in a future."""
COUGH_S = 0.9
SMALLEST_MM = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Futures:
    """Courses of motion, as `kernels.futures.compose` takes them.

    Attributes
    ----------
    begins_s : ndarray of float64, shape (F, K + 1)
        Begin of each piece, and the end of the last, in seconds.
    bases_mm : ndarray of float64, shape (F, K + 1, 2)
        Position at each of these.
    pieces : ndarray of int64, shape (F, K)
        Index of each piece in the source.
    scales : ndarray of float64, shape (F, K)
        Factor of its motion.
    source, starts : ndarray
        Samples of the pieces, and where each begins.
    holds : ndarray of int64, shape (F,)
        Number of breath-holds in each future.
    """

    begins_s: Array
    bases_mm: Array
    pieces: Whole
    scales: Array
    source: NDArray[np.float32]
    starts: Whole
    holds: Whole


class BreathingModel:
    """What a preview and the population say about the breathing to come.

    Sizes and times of breaths are log-normal and correlated from breath to breath; what is drawn of them is given to
    the seen breath that is most alike. End-exhales scatter about a random walk. All parameters are drawn anew for each
    future, from their distribution given the preview, so that its shortness counts.

    Parameters
    ----------
    breaths : Breaths
        The preview, cut into pieces.
    population : PopulationConfig
        How people breathe.
    breath_sign : float
        1 when the row index grows as the patient breathes in, otherwise -1.
    hold : HoldConfig, optional
        How long people keep still between breaths, where the preview shows that they do.
    """

    def __init__(
        self, breaths: Breaths, population: PopulationConfig, breath_sign: float, hold: HoldConfig | None = None
    ) -> None:
        self._population = population
        self._hold = HoldConfig() if hold is None else hold
        self._sign = breath_sign
        self._ends_mm = breaths.ends_mm
        self._is_breath = breaths.breathing
        self._begun = breaths.begun
        self._sizes = np.log(np.maximum(breaths.sizes_mm, SMALLEST_MM))
        self._lengths_s = breaths.lengths_s
        cough = _cough(-breath_sign * population.cough_mm, breaths.period_s)
        self.source = np.ascontiguousarray(np.concatenate([breaths.source, cough]))
        self.starts = np.append(breaths.starts, breaths.starts[-1] + len(cough))
        seen = breaths.breathing
        ends_mm = breaths.ends_mm
        self._exhales_mm = np.concatenate([ends_mm[seen, 0], ends_mm[seen, 1][-1:]]) if seen.any() else ends_mm[:, 0]

    def draw(self, count: int, seconds: float, random: np.random.Generator) -> Futures:
        """Return futures of a length.

        Parameters
        ----------
        count : int
            Number of futures.
        seconds : float
            Least length of each.
        random : numpy.random.Generator
            Random numbers.

        Returns
        -------
        Futures
        """
        people, seen, cough = self._population, self._is_breath, len(self._lengths_s)
        breaths, quiet = np.flatnonzero(seen), np.flatnonzero(~seen)
        sizes, lengths = self._sizes[breaths], np.log(self._lengths_s[breaths])
        size_sd, size_mean = self._sizes_of(count, sizes, random)
        length_sd = _spread(count, people.period_cv, people.breaths, lengths, random)
        # Breaths that are drawn differ in time already.
        more_sd = np.sqrt(np.maximum(length_sd**2 - (np.var(lengths) if len(breaths) else 0.0), 0.0))
        go_on, stay_quiet = self._changes(count, random)
        rho = people.correlation
        fresh = math.sqrt(1.0 - rho * rho)
        size = rho * (sizes[-1] - size_mean) if len(breaths) else np.zeros(count)
        size = size + fresh * size_sd * random.standard_normal(count)
        length = more_sd * random.standard_normal(count)
        breathing = np.full(count, bool(seen[-1]))
        block = np.full(count, len(quiet) - 1)
        exhale_mm, exhale_sd = self._exhales_of(count, random)
        walk_sd = people.drift_mm * np.exp(people.drift_log_sd * random.standard_normal((count, 2)))
        walk_sd *= (1.0, ALONG_COLUMNS)
        drift_mm = np.zeros((count, 2))
        ends_s, begins, bases, pieces, scales = np.zeros(count), [np.zeros(count)], [], [], []
        left_mm: Array | None = None
        while True:
            breathing = np.where(random.random(count) < np.where(breathing, go_on, 1.0 - stay_quiet), True, False)
            chance = random.random((count, 2))
            piece, scale = np.zeros(count, np.int64), np.ones(count)
            taken_s = np.ones(count)
            if len(breaths):
                target = size_mean + size
                weight = np.exp(-0.5 * ((sizes - target[:, None]) / LIKE) ** 2) + ANY
                limits = np.cumsum(weight, axis=1)
                place = np.minimum((chance[:, :1] * limits[:, -1:] > limits).sum(axis=1), len(breaths) - 1)
                piece = breaths[place]
                scale = np.exp(np.clip(target - sizes[place], -MOST_SCALED, MOST_SCALED))
                taken_s = np.maximum(np.exp(lengths[place] + length), SHORTEST_BREATH_S)
                sigh = chance[:, 1] < people.deep_breaths_per_h * taken_s / 3600.0
                scale = np.where(sigh, people.deep_breath_size * scale, scale)
            if len(quiet):
                block = np.where(chance[:, 0] < CONTINUED, block + 1, (chance[:, 1] * len(quiet)).astype(np.int64))
                block %= len(quiet)
                piece = np.where(breathing, piece, quiet[block])
                scale = np.where(breathing, scale, 1.0)
                taken_s = np.where(breathing, taken_s, self._lengths_s[quiet[block]])
            coughs = random.random(count) < people.coughs_per_h * taken_s / 3600.0
            taken_s = np.where(coughs, COUGH_S, taken_s)
            # Where a piece begins: a block where it did; a breath at an end-exhale; after a block where that ended.
            begin_mm = exhale_mm + exhale_sd * random.standard_normal((count, 2))
            if left_mm is not None:
                begin_mm = np.where(np.isnan(left_mm), begin_mm, left_mm)
            is_quiet = (~breathing & ~coughs)[:, None]
            begin_mm = np.where(is_quiet, self._ends_mm[piece, 0], begin_mm)
            bases.append(begin_mm + drift_mm)
            left_mm = np.where(is_quiet, self._ends_mm[piece, 1], np.nan)
            pieces.append(np.where(coughs, cough, piece))
            scales.append(np.where(coughs, 1.0, scale))
            ends_s = ends_s + taken_s
            begins.append(ends_s)
            drift_mm = drift_mm + walk_sd * np.sqrt(taken_s / 60.0)[:, None] * random.standard_normal((count, 2))
            size = rho * size + fresh * size_sd * random.standard_normal(count)
            length = rho * length + fresh * more_sd * random.standard_normal(count)
            if ends_s.min() > seconds:
                break
        last_mm = exhale_mm + exhale_sd * random.standard_normal((count, 2))
        bases.append(np.where(np.isnan(left_mm), last_mm, left_mm) + drift_mm)
        return Futures(
            np.ascontiguousarray(np.stack(begins, axis=1)),
            np.ascontiguousarray(np.stack(bases, axis=1)),
            np.ascontiguousarray(np.stack(pieces, axis=1)),
            np.ascontiguousarray(np.stack(scales, axis=1)),
            self.source,
            self.starts,
            np.zeros(count, np.int64),
        )

    def _sizes_of(self, count: int, sizes: Array, random: np.random.Generator) -> tuple[Array, Array]:
        """Return spread and mean of the logarithm of breath sizes in each future, shape (count,)."""
        people, rho = self._population, self._population.correlation
        spread = _spread(count, people.amplitude_cv, people.breaths, sizes, random)
        chance = random.standard_normal(count)
        if not len(sizes):
            return spread, np.full(count, math.log(people.amplitude_mm))
        # Correlated breaths tell less about their mean; the median is not moved by a single deep or shallow one.
        of_preview = (1.0 - rho) / (1.0 + rho) * len(sizes) / spread**2
        of_people = 1.0 / people.amplitude_log_sd**2
        mean = (of_preview * np.median(sizes) + of_people * math.log(people.amplitude_mm)) / (of_preview + of_people)
        return spread, mean + chance / np.sqrt(of_preview + of_people)

    def _exhales_of(self, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Return mean and spread of the end-exhale position in each future, shape (count, 2) in mm."""
        people, seen_mm = self._population, self._exhales_mm
        spread = np.stack(
            [
                _spread(count, share * people.exhale_sd_mm, people.exhales, seen_mm[:, axis], random)
                for axis, share in enumerate((1.0, ALONG_COLUMNS))
            ],
            axis=1,
        )
        mean = seen_mm.mean(axis=0) + spread / math.sqrt(len(seen_mm)) * random.standard_normal((count, 2))
        return mean, spread

    def _changes(self, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Return the probabilities of a breath after a breath, and of a block after a block, in each future."""
        seen = self._is_breath
        if seen.all() or not seen.any():
            return np.full(count, float(seen[0])), np.full(count, float(not seen[0]))
        before, after = np.append(self._begun, seen)[not self._begun : -1], seen[not self._begun :]
        same = [int((before & after).sum()), int((~before & ~after).sum())]
        other = [int((before & ~after).sum()), int((~before & after).sum())]
        # One usual hold and one usual rest count beside what was seen, of which the end of the last is never seen.
        breath_s = float(np.exp(np.log(self._lengths_s[seen]).mean()))
        usual = self._hold.rest_s / breath_s - 1.0, self._hold.hold_s / BLOCK_S - 1.0
        go_on, stay_quiet = (
            random.beta(max(often, 1.0) + stays, 1.0 + leaves, count)
            for often, stays, leaves in zip(usual, same, other, strict=True)
        )
        return go_on, stay_quiet


def _spread(count: int, usual: float, worth: float, seen: Array, random: np.random.Generator) -> Array:
    """Return standard deviations given what was seen: scaled inverse chi-squared, shape (count,)."""
    squares = float(((seen - seen.mean()) ** 2).sum()) if len(seen) else 0.0
    known = worth + max(len(seen) - 1, 0)
    return np.asarray(np.sqrt((worth * usual**2 + squares) / random.chisquare(known, count)), dtype=np.float64)


def _cough(size_mm: float, period_s: float) -> NDArray[np.float32]:
    """Return the samples of a cough along rows: two jerks, the second weaker."""
    times_s = np.linspace(0.0, COUGH_S, max(round(COUGH_S / period_s), 4) + 1)
    jerks = np.sin(2.0 * math.pi * times_s / COUGH_S) ** 2 * np.exp(-times_s / 0.35)
    rows = size_mm * jerks / jerks.max()
    return np.column_stack([rows, np.zeros_like(rows), np.ones_like(rows)]).astype(np.float32)
