"""Measure how right the gate is over twenty minutes of breath-holds that drift, from exact truth.

`python -m benchmarks.breath_holds [SEED ...]` plays the outlines of the phantom, without images and with the noise of a
tracker, through the gate, and prints for each pattern how often the beam was right. With `--trace FILE.csv` it prints
the breath-holds that are recognised in a measured trace, such as that of a patient who breathes freely.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from gatekeeper.config import BreathHoldConfig, GateConfig, build
from gatekeeper.core.breath_holds import breath_holds
from gatekeeper.core.contour import center_mm
from gatekeeper.core.decision import BeamState
from gatekeeper.core.frame import Frame
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange
from replay.motion_trace import read_trace
from replay.phantom import PhantomConfig, make_phantom
from replay.scores.gating import GatingScore, gating_score

PATTERNS = ("inhale_hold", "exhale_hold")
MINUTES, RATE_HZ, DRIFT_MM_PER_MIN = 20.0, 6.0, 0.3
MARGIN_MM, NOISE_MM = 5.0, 0.2
MATRIX, PIXEL_MM = (112, 96), (2.4, 2.4)


def gate_holds(
    pattern: str,
    seed: int,
    preview_s: float = 20.0,
    rate_hz: float = RATE_HZ,
    minutes: float = MINUTES,
    recognised: bool = True,
) -> tuple[GatingScore, Counter[str], int]:
    """Gate a phantom of breath-holds by its own outlines, and score the decisions by them.

    Parameters
    ----------
    pattern : str
        "inhale_hold" or "exhale_hold".
    seed : int
        Seed of the phantom and of the noise.
    preview_s : float
        Time at the beginning from which the range of motion is learned, in s; 0 for none.
    rate_hz : float
        Frames per second.
    minutes : float
        Duration in minutes.
    recognised : bool
        Whether the gate recognises breath-holds.

    Returns
    -------
    score : GatingScore
        Score after the preview.
    reasons : Counter of str
        Frames on which the beam was held while the target was inside, by the reasons.
    holds : int
        Number of breath-holds that were recognised.
    """
    settings = {
        "name": pattern,
        "seed": seed,
        "acquisition": {
            "matrix": list(MATRIX),
            "pixel_mm": list(PIXEL_MM),
            "duration_s": 60.0 * minutes,
            "frame_rate_hz": rate_hz,
        },
        "breathing": {"pattern": pattern, "drift_mm_per_min": DRIFT_MM_PER_MIN},
    }
    made = make_phantom(build(PhantomConfig, settings, "phantom"), on_access=True)
    plane, times_s = made.recording.plane, made.recording.times_s
    noise_mm = NOISE_MM * np.random.default_rng(seed).standard_normal((len(times_s), 2))
    found_px = [outline + noise / PIXEL_MM for outline, noise in zip(made.contours, noise_mm, strict=True)]
    found_mm = [center_mm(outline, PIXEL_MM) for outline in found_px]
    begin = round(preview_s * rate_hz)
    envelope = Envelope.around(made.contours[0], MARGIN_MM, PIXEL_MM, MATRIX, plane)
    judge = Gate(
        envelope,
        GateConfig(),
        learned=LearnedRange.of(found_mm[:begin]) if begin else None,
        breath_hold=BreathHoldConfig(recognised=recognised),
    )
    truth, image = Envelope(envelope.contour_px, PIXEL_MM), np.zeros(MATRIX, np.float32)
    on, outside, reasons = [], [], Counter[str]()
    for number in range(begin, len(times_s)):
        time_s = float(times_s[number])
        frame = Frame(image, PIXEL_MM, number, time_s, time_s + 0.05, plane)
        track = Track(found_px[number], found_mm[number], 0.95)
        decision = judge.decide(track, frame, checks=FrameChecks())
        on.append(decision.state is BeamState.ON)
        outside.append(truth.outside_percent(made.contours[number]))
        if not on[-1] and outside[-1] <= judge.config.outside_percent:
            reasons["+".join(decision.reasons)] += 1
    score = gating_score(np.array(on), np.array(outside), judge.config.outside_percent, 1.0 / rate_hz)
    assert score is not None  # every frame has a truth
    return score, reasons, 0 if judge.held is None else len(judge.held.recogniser.holds)


def _table(seeds: list[int], preview_s: float) -> Table:
    table = Table(
        "pattern", "seed", "recognised", "right", "on while out", "false hold", "holds", "most false holds by"
    )
    for pattern in PATTERNS:
        for seed in seeds:
            for recognised in (False, True):
                score, reasons, holds = gate_holds(pattern, seed, preview_s, recognised=recognised)
                table.add_row(
                    *(pattern, str(seed), "yes" if recognised else "no", f"{100.0 * score.accuracy:.1f} %"),
                    *(f"{score.on_while_out_s:.1f} s", f"{score.false_hold_s:.1f} s", str(holds)),
                    ", ".join(f"{words} {count / RATE_HZ:.0f} s" for words, count in reasons.most_common(2)),
                )
    return table


def _trace_table(path: Path) -> Table:
    trace = read_trace(path)
    table = Table("hold", "from (s)", "for (s)", "SI (mm)", "AP (mm)", "drift (mm)")
    for hold in breath_holds(trace.times_s.tolist(), (trace.positions_mm[:, :2] * (-1.0, 1.0)).tolist()):
        mean_mm = f"{-hold.mean_mm[0]:.1f}", f"{hold.mean_mm[1]:.1f}"
        table.add_row(
            f"{hold.number}", f"{hold.begin_s:.1f}", f"{hold.lasted_s:.1f}", *mean_mm, f"{-hold.drift_mm[0]:.1f}"
        )
    return table


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.breath_holds", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--preview-s", type=float, default=20.0)
    parser.add_argument("--trace", type=Path, action="append", default=[])
    asked = parser.parse_args()
    console = Console()
    for path in asked.trace:
        console.print(path.name, _trace_table(path))
    if not asked.trace:
        console.print(_table(asked.seeds, asked.preview_s))


if __name__ == "__main__":
    main()
