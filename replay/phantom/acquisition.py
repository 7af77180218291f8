"""Simulate the acquisition of the scene: limited resolution, shading, bands, flicker and Rician noise."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from replay.phantom.config import AcquisitionConfig, PhantomConfig
from replay.phantom.lattice import PITCH_MM, Lattice
from replay.phantom.streams import Stream, generator

Array = NDArray[np.float64]
Image = NDArray[np.float32]

LIVER_LEVEL = 200.0
"""Pixel value of the liver."""

APODISATION = 0.7
"""a of the Hamming-like window a + (1 - a) cos over k-space, which damps ringing as scanners do."""

KERNEL_PIXELS = 6
"""The point spread ends after this many acquired pixels."""

COIL_FRONT_MM, COIL_BACK_MM, COIL_REACH_MM = -112.0, 125.0, 85.0
COIL_END_MM = 190.0
BAND_PERIOD_MM, BAND_WIDTH = 105.0, 0.05
SHOTS = 5
"""Number of moments of a frame's exposure that are averaged."""

FAT_OPPOSED_FROM_T = 1.0


class Scanner:
    """One acquisition of a phantom.

    Parameters
    ----------
    config : PhantomConfig
        Of this, acquisition, artefacts and seed are used.

    Attributes
    ----------
    view : Lattice
        The part of the scene that the image needs.
    """

    def __init__(self, config: PhantomConfig) -> None:
        self._config = config
        acquisition = config.acquisition
        steps_mm = [max(acquisition.acquired_mm, pixel) for pixel in acquisition.pixel_mm]
        positions_mm = [pixel_positions_mm(acquisition, axis) for axis in (0, 1)]
        low = [positions[0] - KERNEL_PIXELS * step for positions, step in zip(positions_mm, steps_mm, strict=True)]
        high = [positions[-1] + KERNEL_PIXELS * step for positions, step in zip(positions_mm, steps_mm, strict=True)]
        self.view = Lattice.covering((low[0], low[1]), (high[0], high[1]))
        self._signal_kernels = [
            csr_matrix(_kernel(positions, at, step) * np.float32(PITCH_MM))
            for positions, at, step in zip(positions_mm, (self.view.rows_mm, self.view.cols_mm), steps_mm, strict=True)
        ]
        self._noise_kernels = [
            csr_matrix(_unit_power(_kernel(positions, np.arange(begin, end, step), step)))
            for positions, begin, end, step in zip(positions_mm, low, high, steps_mm, strict=True)
        ]
        self._gain = (_coils(config, self.view) * _bands(config, self.view)).astype(np.float32)
        span = config.artefacts.flicker
        self._flicker = generator(config.seed, Stream.FLICKER).uniform(-span, span, config.frame_count)

    def acquire(self, scene: Image, frame: int) -> NDArray[np.uint16]:
        """Return the image of a scene.

        Parameters
        ----------
        scene : ndarray of float32, shape of `view`
            Brightness averaged over the frame's exposure; the liver's is 1.
        frame : int
            Index of the frame, which selects flicker and noise.

        Returns
        -------
        ndarray of uint16, shape (H, W)
        """
        signal = _both_ways(self._signal_kernels, scene * self._gain) * np.float32(1.0 + self._flicker[frame])
        random = generator(self._config.seed, Stream.NOISE, frame)
        shape = (self._noise_kernels[0].shape[1], self._noise_kernels[1].shape[1])
        real, imaginary = (
            _both_ways(self._noise_kernels, random.standard_normal(shape, dtype=np.float32))
            / np.float32(self._config.acquisition.snr)
            for _ in range(2)
        )
        magnitude = LIVER_LEVEL * np.hypot(signal + real, imaginary)
        return np.asarray(np.clip(np.rint(magnitude), 0, 65535), dtype=np.uint16)


def pixel_positions_mm(config: AcquisitionConfig, axis: int) -> Array:
    """Return the positions of the pixel centres along an axis (0 rows, 1 columns) in the scene, in mm."""
    count, pixel_mm = config.matrix[axis], config.pixel_mm[axis]
    return config.center_mm[axis] + pixel_mm * (np.arange(count, dtype=np.float64) - 0.5 * (count - 1))


def exposure_times_s(config: AcquisitionConfig, times_s: Array) -> Array:
    """Return the times (T, shots) in s that each frame averages; the middle of the exposure is the frame's time."""
    if config.exposure_s == 0.0:
        return times_s[:, None]
    return np.asarray(times_s[:, None] + config.exposure_s * ((np.arange(SHOTS) + 0.5) / SHOTS - 0.5))


def fat_sign(config: AcquisitionConfig) -> float:
    """Return the sign of fat against water.

    Balanced SSFP refocuses each to one of two opposite phases (Scheffler and Hennig, Magn Reson Med 49:395, 2003);
    at usual repetition times fat flips from about 1 T on.
    """
    return -1.0 if config.field_strength_t >= FAT_OPPOSED_FROM_T else 1.0


def _kernel(at_mm: Array, from_mm: Array, step_mm: float) -> Image:
    """Return the point spread (at, from) in 1/mm: the Fourier transform of a windowed k-space of this step.

    A second, wide window lets it end smoothly after a few pixels; its integral is 1.
    """
    integral = _spread(np.arange(-KERNEL_PIXELS, KERNEL_PIXELS, 0.01)).sum() * 0.01
    away = (at_mm[:, None] - from_mm[None, :]) / step_mm
    return np.asarray(_spread(away) / (integral * step_mm), dtype=np.float32)


def _spread(away: Array) -> Array:
    """Return the point spread at distances in acquired pixels."""
    ripple = 0.5 * (1.0 - APODISATION) * (np.sinc(away + 1.0) + np.sinc(away - 1.0))
    end = np.where(np.abs(away) < KERNEL_PIXELS, np.cos(0.5 * math.pi * away / KERNEL_PIXELS) ** 2, 0.0)
    return np.asarray((APODISATION * np.sinc(away) + ripple) * end, dtype=np.float64)


def _unit_power(kernel: Image) -> Image:
    """Return the kernel scaled so that white noise of variance 1 keeps its variance at every position."""
    return np.asarray(kernel / np.sqrt((kernel**2).sum(axis=1, keepdims=True)), dtype=np.float32)


def _both_ways(matrices: list[csr_matrix], image: Image) -> Image:
    """Return rows @ image @ columns^T.

    The matrices are sparse: dense products of this size would start threads for a small task.
    """
    rows, cols = matrices
    return np.asarray((cols @ np.ascontiguousarray((rows @ image).T)).T, dtype=np.float32)


def _coils(config: PhantomConfig, view: Lattice) -> Array:
    """Return the surface coils' sensitivity: 1 in the middle of the liver, stronger towards front and back."""
    cols_mm = view.cols_mm[None, :]
    front = np.exp(-np.abs(cols_mm - COIL_FRONT_MM) / COIL_REACH_MM)
    back = np.exp(-np.abs(cols_mm - COIL_BACK_MM) / COIL_REACH_MM)
    middle = math.exp(COIL_FRONT_MM / COIL_REACH_MM) + math.exp(-COIL_BACK_MM / COIL_REACH_MM)
    ends = np.exp(-((view.rows_mm[:, None] / COIL_END_MM) ** 4))
    return np.asarray(((front + back) / middle * ends) ** config.artefacts.shading, dtype=np.float64)


def _bands(config: PhantomConfig, view: Lattice) -> Array:
    """Return the gain in the static dark bands, where off-resonance turns spins by half a cycle between pulses."""
    start, tilt, bend = generator(config.seed, Stream.BANDING).uniform(-1.0, 1.0, 3)
    row, col = view.rows_mm[:, None], view.cols_mm[None, :]
    cycles = 0.5 * start + (row + 0.6 * tilt * col + 0.002 * bend * col**2) / BAND_PERIOD_MM
    off = np.abs(cycles - np.rint(cycles))
    return np.asarray(1.0 - config.artefacts.banding * np.exp(-0.5 * (off / BAND_WIDTH) ** 2), dtype=np.float64)
