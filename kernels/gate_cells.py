"""Judge courses of motion as the gate does, for many margins and limits at once.

Cells that differ only in their limits of the share outside are bits of one 64-bit word: one step of the state machine
decides for all of them. What is counted is kept in bit planes, plane k holding bit k of each cell's count.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4_1d, f4_2d, f4_3d, f8, f8_1d, i8, i8_1d, kernel, u8, u8_1d, u8_2d, void

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Words = NDArray[np.uint64]

CLASSES_PER_PERCENT = 4
"""Resolution of the table from a share to the limits below it, per percent."""
SURE, SURE_TO_RESUME, WITHIN = 1, 2, 4
"""Bits of a frame: confidence to stay on, confidence to resume, and motion within its limits."""
SHORTEST_S = 0.05
"""Shortest time over which a speed is measured, as in `gatekeeper.gating.motion`."""


@kernel(void(f4_2d, f8, f8, f4_3d, f8, f8, f8, f4_2d))
def shares_outside(
    path: Single,
    row_mm: float,
    col_mm: float,
    table: Single,
    row_from_mm: float,
    col_from_mm: float,
    step_mm: float,
    out: Single,
) -> None:
    """Fill `out` with the share of the target outside on each frame, read from a table by linear interpolation.

    Parameters
    ----------
    path : ndarray of float32, shape (T, 3)
        Positions as `compose` gives them.
    row_mm, col_mm : float
        Position of the target at which the envelope lies around it.
    table : ndarray of float32, shape (M, R, C)
        Share outside in percent for each margin and displacement; beyond its border that of the border.
    row_from_mm, col_from_mm, step_mm : float
        Displacement of the first row and column of the table, and the step between them.
    out : ndarray of float32, shape (M, T)
        Share outside in percent.
    """
    rows, cols = table.shape[1], table.shape[2]
    for frame in range(path.shape[0]):
        row = (path[frame, 0] - row_mm - row_from_mm) / step_mm
        col = (path[frame, 1] - col_mm - col_from_mm) / step_mm
        row, col = min(max(row, 0.0), rows - 1.0), min(max(col, 0.0), cols - 1.0)
        i, j = min(int(row), rows - 2), min(int(col), cols - 2)
        y, x = row - i, col - j
        for margin in range(table.shape[0]):
            top = (1.0 - x) * table[margin, i, j] + x * table[margin, i, j + 1]
            low = (1.0 - x) * table[margin, i + 1, j] + x * table[margin, i + 1, j + 1]
            out[margin, frame] = (1.0 - y) * top + y * low


@kernel(void(f4_2d, f8, f8_1d, i8, f8_1d, i8_1d))
def check_motion(
    path: Single,
    period_s: float,
    limits: Double,
    cycles: int,
    exhales_mm: Double,
    out: NDArray[np.int64],
) -> None:
    """Fill `out` with the results of the checks that all cells share, as bits, on each frame.

    The checks are those of `gatekeeper.gating.observation` and `gatekeeper.gating.motion`, with a learned range.

    Parameters
    ----------
    path : ndarray of float32, shape (T, 3)
        Positions as `compose` gives them.
    period_s : float
        Time between frames.
    limits : ndarray of float64, shape (12,)
        Least confidence to stay on and to resume; largest speed in mm/s; largest distance from the range in mm; least
        and largest position along rows, and along columns; largest drift in mm; reference of the end-exhale baseline,
        NaN when not known; breath in mm; and sign of inhalation.
    cycles : int
        Number of end-exhales whose median is the baseline.
    exhales_mm : ndarray of float64, shape (2 * cycles,)
        Scratch.
    out : ndarray of int64, shape (T,)
        Bits `SURE`, `SURE_TO_RESUME` and `WITHIN`.
    """
    sure_from, resume_from, fastest, farthest = limits[0], limits[1], limits[2], limits[3]
    row_low, row_high, col_low, col_high = limits[4], limits[5], limits[6], limits[7]
    most_drift, reference, breath, sign = limits[8], limits[9], limits[10], limits[11]
    known, seen, drift = 0, 0, 0.0
    last, turn, phase = -1, 0.0, 0
    has_turn = False
    for frame in range(path.shape[0]):
        row, col, confidence = np.float64(path[frame, 0]), np.float64(path[frame, 1]), np.float64(path[frame, 2])
        bits = 0
        good = True
        if sure_from <= confidence <= 1.0:
            bits = SURE
            if confidence >= resume_from:
                bits |= SURE_TO_RESUME
            if last >= 0:
                row_step, col_step = row - path[last, 0], col - path[last, 1]
                speed = np.sqrt(row_step * row_step + col_step * col_step) / max((frame - last) * period_s, SHORTEST_S)
                good = speed <= fastest
            last = frame
            along = sign * row
            ended = False
            if not has_turn:
                turn, has_turn = along, True
            elif phase == 0:
                if abs(along - turn) >= breath:
                    phase = 1 if along > turn else -1
                    turn = along
            elif phase == 1:
                turn = max(turn, along)
                if turn - along >= breath:
                    turn, phase = along, -1
            else:
                turn = min(turn, along)
                ended = along - turn >= breath
            if ended:
                exhales_mm[seen % cycles] = turn
                seen += 1
                known = min(known + 1, cycles)
                turn, phase = along, 1
                if known == cycles:
                    for i in range(cycles):
                        value = exhales_mm[i]
                        at = cycles + i
                        while at > cycles and exhales_mm[at - 1] > value:
                            exhales_mm[at] = exhales_mm[at - 1]
                            at -= 1
                        exhales_mm[at] = value
                    middle = cycles + cycles // 2
                    baseline = exhales_mm[middle]
                    if cycles % 2 == 0:
                        baseline = (exhales_mm[middle - 1] + baseline) / 2.0
                    if np.isnan(reference):
                        reference = baseline
                    drift = baseline - reference
            excursion = max(max(row_low - row, row - row_high), max(col_low - col, col - col_high))
            good = good and max(excursion, 0.0) <= farthest
        if good and abs(drift) <= most_drift:
            bits |= WITHIN
        out[frame] = bits


@kernel(void(u8_2d, i8, u8, i8))
def count(planes: Words, row: int, word: np.uint64, times: int) -> None:
    """Add a number to the count of each cell whose bit is set, in a row of bit planes."""
    low = 0
    while times != 0:
        if times & 1:
            plane, carry = low, word
            while carry != 0:
                before = planes[row, plane]
                planes[row, plane] = before ^ carry
                carry = before & carry
                plane += 1
        times >>= 1
        low += 1


@kernel(i8(u8_2d, i8, i8))
def counted(planes: Words, row: int, cell: int) -> np.int64:
    """Return the count of a cell from a row of bit planes."""
    total = np.int64(0)
    for plane in range(planes.shape[1]):
        total += np.int64((planes[row, plane] >> np.uint64(cell)) & np.uint64(1)) << plane
    return total


@kernel(void(f4_1d, f4_1d, f4_1d, i8_1d, f8_1d, i8_1d, u8_1d, u8_1d, i8, i8, f8, u8_1d, u8_2d, u8_1d))
def judge(
    used: Single,
    measured: Single,
    away_mm: Single,
    checks: NDArray[np.int64],
    edges: Double,
    classes: NDArray[np.int64],
    stay: Words,
    resume: Words,
    frames_to_resume: int,
    delay: int,
    bins_per_mm: float,
    memory: Words,
    planes: Words,
    out: Words,
) -> None:
    """Run the gate's state machine on all frames for all cells of a margin, and count.

    The beam comes on with the last of `frames_to_resume` frames in a row that meet the limits to resume, and is held by
    the first one that does not meet those to stay on, as in `gatekeeper.gating.state_machine`.

    Parameters
    ----------
    used, measured : ndarray of float32, shape (T,)
        Share outside on which decisions are based, and the measured one, in percent.
    away_mm : ndarray of float32, shape (T,)
        Distance of the target from its place in the envelope.
    checks : ndarray of int64, shape (T,)
        Bits of `check_motion`.
    edges : ndarray of float64, shape (E,)
        All limits of shares, to stay on and to resume, ascending.
    classes : ndarray of int64, shape (100 * CLASSES_PER_PERCENT + 1,)
        Number of edges below each share, in steps of 1 / CLASSES_PER_PERCENT percent.
    stay, resume : ndarray of uint64, shape (E + 1,)
        Cells whose limit is not exceeded by a share with so many edges below it.
    frames_to_resume : int
        At least 1.
    delay : int
        Number of frames after which a decision is in force, 0 or more.
    bins_per_mm : float
        Bins of the distance per mm.
    memory : ndarray of uint64, shape (frames_to_resume + delay,)
        Scratch.
    planes : ndarray of uint64, shape (2 + B, planes)
        Counts, to be zero before: frames with the beam on; frames with the beam in force on while measured out; and
        frames with the beam in force on by distance, the last bin for all farther ones.
    out : ndarray of uint64, shape (T,) or (0,)
        Decisions on each frame, a bit for each cell; not written when it has no place for them.
    """
    on = nothing = np.uint64(0)
    last_bin = planes.shape[0] - 3
    memory[:] = nothing
    # Runs of equal words are counted at once.
    on_since, out_since, force_since, same_bin = 0, 0, 0, 0
    counted_on = counted_out = counted_force = nothing
    frames = len(used)
    for frame in range(frames):
        bits = checks[frame]
        stays = resumes = nothing
        if bits & WITHIN and bits & SURE:
            share = np.float64(used[frame])
            if share >= 0.0:
                at = 0
                if share > 0.0:
                    at = classes[min(int(share * CLASSES_PER_PERCENT), len(classes) - 1)]
                    while at < len(edges) and edges[at] < share:
                        at += 1
                stays = stay[at]
                if bits & SURE_TO_RESUME:
                    resumes = resume[at]
        # The last frames that met the limits to resume, and the last decisions.
        memory[frame % frames_to_resume] = resumes
        ready = resumes
        for before in range(frames_to_resume):
            ready &= memory[before]
        on = (on & stays) | ready
        if on != counted_on:
            count(planes, 0, counted_on, frame - on_since)
            counted_on, on_since = on, frame
        if len(out) > frame:
            out[frame] = on
        force = on
        if delay > 0:
            place = frames_to_resume + frame % delay
            force = memory[place]
            memory[place] = on
        outside, this_bin = nothing, same_bin
        if force != nothing:
            share = np.float64(measured[frame])
            if share > 0.0:
                at = classes[min(int(share * CLASSES_PER_PERCENT), len(classes) - 1)]
                while at < len(edges) and edges[at] < share:
                    at += 1
                outside = force & ~stay[at]
            this_bin = min(int(away_mm[frame] * bins_per_mm), last_bin)
        if outside != counted_out:
            count(planes, 1, counted_out, frame - out_since)
            counted_out, out_since = outside, frame
        if force != counted_force or this_bin != same_bin:
            count(planes, 2 + same_bin, counted_force, frame - force_since)
            counted_force, same_bin, force_since = force, this_bin, frame
    count(planes, 0, counted_on, frames - on_since)
    count(planes, 1, counted_out, frames - out_since)
    count(planes, 2 + same_bin, counted_force, frames - force_since)
