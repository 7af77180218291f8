"""Check that the source shows the patient now: pictures that come back are not live.

No scanner makes the same noise twice. Two checks tell a picture that comes back:

- Exactly: the fingerprints of the last frames are remembered.
- Nearly, with other noise added or other brightness: the pixels with the least anatomy are selected on the first
  frames, and the signs of their noise are remembered. The share of the usual noise that an earlier frame had as well is
  near 0 for new noise and 1 for a picture that comes back, whatever noise is added to it. Besides, the change from the
  frame before is compared with the usual one, in the whole image and near the target.

Neighbouring frames may share noise, as scanners share data between them; so a frame is compared with the last but one
and older ones. Where the noise of the first frames is not new from frame to frame, as on images without noise or sorted
in retrospect, only exact repeats are found.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.gating.envelope import Envelope
from kernels.liveness import (
    RESULTS,
    RUN,
    RUNS_PER_WORD,
    SEVERAL,
    add_detail,
    compare_noise,
    frames_since,
)

REMEMBERED = 512
"""Number of frames whose fingerprints are remembered."""
REMEMBERED_NOISE = 128
"""Number of frames whose noise is remembered."""
LEARNING_FRAMES = 24
"""Number of frames from which pixels and usual values are learned; before, only exact repeats are found."""
NEAREST = 2
"""Distance in frames of the nearest frame that a frame may not resemble."""

MOST_RETURNED = 0.55
"""Largest share of the usual noise that an earlier frame may have had as well."""
GRAINY = 1.3
"""Noise over the usual one beyond which a frame is grainy: chance alone gives it a share of the usual noise."""
MOST_TOGETHER = 0.3
"""Largest mean share of a grainy frame with several before, all grainy, for such noise to be accepted as new."""
LEAST_CHANGE = 0.4
"""Least change from the frame before, over the usual one."""
LEAST_CHANGE_NEAR = 0.25
"""The same for the pixels near the target, of which there are fewer."""

RUNS = 128
"""Number of runs of pixels whose noise is compared."""
RUNS_NEAR = 32
"""Number of runs near the target whose change is compared."""
FEWEST_RUNS = 64
"""Least number of such runs; with fewer, the noise is not compared."""
LARGEST_SHARE = 0.125
"""Largest share of all runs whose noise is compared: those with the least anatomy."""
NEAR_MM = 10.0
"""Distance from the envelope up to which pixels are near the target, in mm."""
LEAST_NEW = 0.8
"""Least share of the noise of the selected pixels that is new on the next frame but one."""
OFTEN = 0.75
"""Share of the frames on which a pixel must differ from the last frame but one, so that it is not rounded away."""
MEAN_FRAMES = 64
"""Time constant with which the mean of each pixel follows the anatomy, in frames."""
FLOOR_PERCENT = 25.0
"""Percentile of the noise of all runs that counts as its floor."""
MEAN_OVER_SD = math.sqrt(2.0 / math.pi)
"""Mean absolute value of noise over its standard deviation."""


class Liveness(NamedTuple):
    """What tells whether a frame is live.

    Attributes
    ----------
    seen : bool
        True when exactly these pixels were there on an earlier frame, other than the frame before.
    returned : float
        Share of the usual noise that an earlier frame had as well; 0 while it is not known.
    change, change_near : float
        Change from the frame before over the usual one, in the whole image and near the target; 1 while it is not
        known.
    """

    seen: bool = False
    returned: float = 0.0
    change: float = 1.0
    change_near: float = 1.0

    @property
    def is_live(self) -> bool:
        """True when the frame shows something new."""
        return (
            not self.seen
            and self.returned <= MOST_RETURNED
            and self.change >= LEAST_CHANGE
            and self.change_near >= LEAST_CHANGE_NEAR
        )


class LivenessMonitor:
    """Compare each frame with those before it, in buffers that are allocated once.

    Parameters
    ----------
    envelope : Envelope
        Its surroundings are those of the target.
    """

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._fingerprints = np.zeros(REMEMBERED, np.uint64)
        self._count = 0
        self._shape = envelope.shape
        self.restart()

    def restart(self) -> None:
        """Learn again from the next frames; fingerprints stay remembered."""
        self._learned = 0
        self._sums: NDArray[np.float32] | None = None
        self._noise: _Noise | None = None

    def check(self, image: NDArray[np.float32], fingerprint: int) -> Liveness:
        """Check a frame and remember it.

        Parameters
        ----------
        image : ndarray of float32, shape (H, W), C-contiguous
            A frame with finite pixels.
        fingerprint : int
            Hash of its pixels.

        Returns
        -------
        Liveness
            The comparison with the frames before.
        """
        before = frames_since(self._fingerprints, self._count, fingerprint)
        self._count += 1
        seen = before > 1
        if self._noise is not None and image.shape == self._shape:
            return self._noise.compare(image, seen)
        if before == 0:
            self._learn(image)
        return Liveness(seen)

    def _learn(self, image: NDArray[np.float32]) -> None:
        """Add a frame to those from which is learned, and select the pixels on the last of them."""
        rows, cols = image.shape
        if self._learned == LEARNING_FRAMES or min(rows, cols - RUN) < 3:
            return
        if self._sums is None or image.shape != self._shape:
            self._shape, self._learned = (rows, cols), 0
            self._past, self._sums = np.zeros((2, rows - 2, cols - 2), np.float32), None
        if self._sums is None:
            self._sums = np.zeros((5, rows - 2, cols - 2), np.float32)
        add_detail(image, self._learned, self._past, self._sums)
        self._learned += 1
        if self._learned == LEARNING_FRAMES:
            # Pixels near the largest float overflow; they are not selected.
            with np.errstate(over="ignore", invalid="ignore"):
                self._noise = _selected(self._sums, self._envelope, cols)


class _Noise:
    """The selected pixels, their usual noise, and the noise remembered.

    Parameters
    ----------
    starts : ndarray of int64, shape (R,)
        See `kernels.liveness.compare_noise`.
    means : ndarray of float32, shape (N, RUN)
        See there.
    usual : tuple of 3 floats
        Usual mean absolute noise of the compared pixels, change of theirs, and change of the pixels near the target.
    """

    def __init__(
        self, starts: NDArray[np.int64], means: NDArray[np.float32], usual: tuple[float, float, float]
    ) -> None:
        self._starts, self._means = starts, means
        self._amplitude, self._change, self._change_near = usual
        self._grainy = GRAINY * self._amplitude
        self._levels = np.array([self._amplitude, self._grainy, self._amplitude])
        self._details = np.zeros((2, len(starts), RUN), np.float32)
        self._signs = np.zeros((REMEMBERED_NOISE, len(means) // RUNS_PER_WORD), np.uint64)
        self._amplitudes = np.zeros(REMEMBERED_NOISE)
        self._out = np.zeros(RESULTS)
        self._count = 0
        self._rate = 0.0
        self._grainy_frames = 0

    def compare(self, image: NDArray[np.float32], seen: bool) -> Liveness:
        """Compare a frame with those remembered, and remember it."""
        held = min(self._count, REMEMBERED_NOISE - 1)
        slot = self._count % REMEMBERED_NOISE
        compare_noise(
            image,
            self._starts,
            self._means,
            self._details,
            self._rate,
            slot,
            held,
            NEAREST,
            self._signs,
            self._amplitudes,
            self._levels,
            self._out,
        )
        self._count += 1
        amplitude, returned, together, change, change_near = self._out.tolist()
        if self._accepts(amplitude, together):
            self._levels[2] = max(self._levels[2], amplitude)
        elif self._grainy_frames >= SEVERAL + NEAREST:
            returned = max(returned, together)
        change, change_near = (change / self._change, change_near / self._change_near) if held > 0 else (1.0, 1.0)
        found = Liveness(seen, returned, change, change_near)
        # A picture that comes back must not become the mean, from which its noise could not be told; a grainy one says
        # little about it.
        grain = max(amplitude / self._amplitude, 1.0)
        self._rate = 1.0 / (MEAN_FRAMES * grain * grain) if found.is_live else 0.0
        return found

    def _accepts(self, amplitude: float, together: float) -> bool:
        """Return True when noise of this amplitude is new, as several such frames have none in common.

        Noise may grow, as in a breath-hold. Then chance alone gives a frame a share of the usual noise, so that the
        first grainy frames are not live. With several frames chance averages out.
        """
        self._grainy_frames = self._grainy_frames + 1 if amplitude > self._grainy else 0
        return self._grainy_frames >= SEVERAL + NEAREST and together <= MOST_TOGETHER


def _selected(sums: NDArray[np.float32], envelope: Envelope, cols: int) -> _Noise | None:
    """Select the runs of pixels with the least anatomy; return None when their noise is not new on each frame."""
    rows, runs = sums.shape[1], sums.shape[2] // RUN
    of_runs = sums[:, :, : runs * RUN].reshape(5, rows * runs, RUN).astype(np.float64)
    mean, square, change, change_of_two, often = of_runs / (LEARNING_FRAMES - 2)
    variance = np.maximum(square - mean * mean, 0.0)
    noise = variance.mean(axis=1)
    varied = (often.min(axis=1) >= OFTEN) & (noise > 0.0) & np.isfinite(noise)
    if np.count_nonzero(varied) < FEWEST_RUNS / LARGEST_SHARE:
        return None
    floor = np.percentile(noise[varied], FLOOR_PERCENT)
    # Of pixels with anatomy the detail is large, and that of the last frame but one still much the same.
    new = change_of_two.mean(axis=1) / np.maximum(2.0 * noise, 1e-30)
    anatomy = np.where(varied, square.max(axis=1) / floor - 2.0 * new, np.inf)
    order = np.argsort(anatomy, kind="stable")
    count = min(RUNS, int(LARGEST_SHARE * np.count_nonzero(varied))) // RUNS_PER_WORD * RUNS_PER_WORD
    compared = np.sort(order[:count])
    if not change_of_two[compared].mean() >= LEAST_NEW * 2.0 * noise[compared].mean():
        return None
    is_near = _near(envelope, rows, runs)[order] & varied[order]
    near = np.sort(order[is_near][: min(RUNS_NEAR, np.count_nonzero(is_near) // 2)])
    row, run = np.divmod(np.concatenate([compared, near]), runs)
    usual = [
        MEAN_OVER_SD * float(np.sqrt(one[chosen]).mean()) if len(chosen) else 1.0
        for one, chosen in ((variance, compared), (change, compared), (change, near))
    ]
    return _Noise(row * cols + run * RUN, mean[compared].astype(np.float32), (usual[0], usual[1], usual[2]))


def _near(envelope: Envelope, rows: int, runs: int) -> NDArray[np.bool_]:
    """Return True for the runs within a box around the envelope, flat."""
    beside_px = NEAR_MM / np.asarray(envelope.spacing_mm)
    (top, left), (bottom, right) = (
        envelope.contour_px.min(axis=0) - beside_px,
        envelope.contour_px.max(axis=0) + beside_px,
    )
    row, first = np.mgrid[:rows, :runs] * np.array([1, RUN]).reshape(2, 1, 1) + 1
    inside = (top <= row) & (row <= bottom) & (left <= first) & (first + RUN - 1 <= right)
    return np.asarray(inside.ravel())
