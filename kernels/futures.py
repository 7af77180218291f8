"""Compose courses of breathing from pieces that were seen, and judge many of them."""

import numpy as np
from numpy.typing import NDArray

from kernels.gate_cells import check_motion, counted, judge, shares_outside
from kernels.jit import f4_1d, f4_2d, f4_3d, f8, f8_1d, f8_2d, f8_3d, i8, i8_1d, i8_2d, kernel, u8_1d, u8_2d, void

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Whole = NDArray[np.int64]
Words = NDArray[np.uint64]


@kernel(void(f8_1d, f8_2d, i8_1d, f8_1d, f4_2d, i8_1d, f8, f4_2d))
def compose(
    begins_s: Double,
    bases_mm: Double,
    pieces: NDArray[np.int64],
    scales: Double,
    source: Single,
    starts: NDArray[np.int64],
    period_s: float,
    out: Single,
) -> None:
    """Fill `out` with positions and confidence on each frame, from pieces joined at their ends.

    Parameters
    ----------
    begins_s : ndarray of float64, shape (K + 1,)
        Begin of each piece and end of the last, rising; the last is not before the last frame.
    bases_mm : ndarray of float64, shape (K + 1, 2)
        Position (row, col) at each of these; between them the base is a straight line.
    pieces : ndarray of int64, shape (K,)
        Index of each piece in the source.
    scales : ndarray of float64, shape (K,)
        Factor of the piece's motion from its base.
    source : ndarray of float32, shape (S, 3)
        Samples of all pieces at even times: motion from the base along (row, col), and confidence.
    starts : ndarray of int64, shape (P + 1,)
        First sample of each piece, and the end of the last; each has at least two.
    period_s : float
        Time between frames.
    out : ndarray of float32, shape (T, 3)
        Position (row, col) in mm, and confidence.
    """
    piece = 0
    for frame in range(out.shape[0]):
        time_s = frame * period_s
        while piece + 1 < len(pieces) and time_s >= begins_s[piece + 1]:
            piece += 1
        phase = (time_s - begins_s[piece]) / (begins_s[piece + 1] - begins_s[piece])
        phase = min(max(phase, 0.0), 1.0)
        first, end = starts[pieces[piece]], starts[pieces[piece] + 1]
        at = phase * (end - first - 1)
        left = min(int(at), end - first - 2)
        part = at - left
        left += first
        for axis in range(2):
            base = (1.0 - phase) * bases_mm[piece, axis] + phase * bases_mm[piece + 1, axis]
            moved = (1.0 - part) * source[left, axis] + part * source[left + 1, axis]
            out[frame, axis] = base + scales[piece] * moved
        out[frame, 2] = source[left if part < 0.5 else left + 1, 2]


@kernel(
    void(
        i8, i8, f8_2d, f8_3d, i8_2d, f8_2d, f4_2d, i8_1d, f8, f8_1d,
        f4_3d, f8_1d, f8_1d, i8, f8_1d, i8_1d, u8_1d, u8_1d, i8, i8, f8, i8,
        f4_2d, f4_2d, f4_1d, i8_1d, f8_1d, u8_1d, u8_2d, f4_3d, f4_3d, f4_3d,
    )
)  # fmt: skip
def judge_futures(
    first: int,
    end: int,
    begins_s: Double,
    bases_mm: Double,
    pieces: Whole,
    scales: Double,
    source: Single,
    starts: Whole,
    period_s: float,
    place_mm: Double,
    table: Single,
    grid_mm: Double,
    limits: Double,
    cycles: int,
    edges: Double,
    classes: Whole,
    stay: Words,
    resume: Words,
    frames_to_resume: int,
    delay: int,
    bins_per_mm: float,
    cells: int,
    path: Single,
    shares: Single,
    away_mm: Single,
    checks: Whole,
    exhales_mm: Double,
    memory: Words,
    planes: Words,
    on_percent: Single,
    out_percent: Single,
    residual_mm: Single,
) -> None:
    """Compose some futures and judge each with all margins and limits.

    Parameters
    ----------
    first, end : int
        The futures first <= i < end.
    begins_s, bases_mm, pieces, scales : ndarray
        As in `compose`, with one more axis for the futures.
    source, starts, period_s : ndarray, ndarray, float
        As in `compose`.
    place_mm : ndarray of float64, shape (2,)
        Position (row, col) of the target at which the envelope lies around it.
    table : ndarray of float32, shape (M, R, C)
        As in `kernels.gate_cells.shares_outside`.
    grid_mm : ndarray of float64, shape (3,)
        Displacement of the first row and column of the table, and the step between them.
    limits, cycles, edges, classes, stay, resume, frames_to_resume, delay, bins_per_mm : ndarray or number
        As in `kernels.gate_cells`.
    cells : int
        Number of cells of a margin.
    path, shares, away_mm, checks, exhales_mm, memory, planes : ndarray
        Scratch, of shapes (T, 3), (M, T), (T,), (T,), (2 * cycles,), (frames_to_resume + delay,), (2 + B, planes).
    on_percent, out_percent : ndarray of float32, shape (F, M, cells)
        Frames with the beam on, and with the beam in force on while the target is measured out, in percent.
    residual_mm : ndarray of float32, shape (F, M, cells)
        95th percentile of the distance with the beam in force on; NaN without beam.
    """
    nowhere = np.empty(0, np.uint64)
    for future in range(first, end):
        compose(
            begins_s[future], bases_mm[future], pieces[future], scales[future], source, starts, period_s, path
        )  # fmt: skip
        shares_outside(path, place_mm[0], place_mm[1], table, grid_mm[0], grid_mm[1], grid_mm[2], shares)
        check_motion(path, period_s, limits, cycles, exhales_mm, checks)
        for frame in range(path.shape[0]):
            row, col = path[frame, 0] - place_mm[0], path[frame, 1] - place_mm[1]
            away_mm[frame] = np.sqrt(row * row + col * col)
        for margin in range(table.shape[0]):
            planes[:] = 0
            judge(
                shares[margin], shares[margin], away_mm, checks, edges, classes, stay, resume, frames_to_resume, delay,
                bins_per_mm, memory, planes, nowhere,
            )  # fmt: skip
            for cell in range(cells):
                on_percent[future, margin, cell] = 100.0 * counted(planes, 0, cell) / path.shape[0]
                out_percent[future, margin, cell] = 100.0 * counted(planes, 1, cell) / path.shape[0]
                total = np.int64(0)
                for row_bin in range(2, planes.shape[0]):
                    total += counted(planes, row_bin, cell)
                left, at = 0.05 * total, planes.shape[0] - 1
                while at >= 2:
                    left -= counted(planes, at, cell)
                    if left < 0.0:
                        break
                    at -= 1
                residual_mm[future, margin, cell] = np.nan if total == 0 else (at - 1) / bins_per_mm
