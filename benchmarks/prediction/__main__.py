"""Measure gating with and without prediction, and print tables; exit code 2 when a path cannot be used."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.prediction.gating import (
    Predictions,
    Score,
    beam_on,
    instants_of,
    predict,
    score,
    settings,
    time_us,
)
from benchmarks.prediction.methods import METHODS, OURS
from benchmarks.prediction.plot import draw
from benchmarks.prediction.scenes import TRACE_FROM_S, Breathing, Scene, recorded, simulated
from benchmarks.prediction.sessions import run_sessions, sessions_table
from benchmarks.prediction.table import Rows, cases_table, plain, table
from benchmarks.prediction.traces import FULL_GATE, TraceScores, equal_table, measure, title_of
from gatekeeper.core.errors import GatekeeperError
from replay.progress import ProgressBars

CINE = Path(__file__).resolve().parents[3] / "shared" / "cine"
FIRST_SEED = 100
RAW, FULL, BOTH = "measured (off)", f"{OURS}, full", f"{OURS}, conservative"
FULL_WHOLE, BOTH_WHOLE = f"{FULL}, whole", f"{BOTH}, whole"

LUJAN = Breathing()
SETTINGS = (
    ("8 frames/s, 300 ms", LUJAN, 8.0, 0.3, {RAW: "8.5 / 83 / 51", FULL: "1.2 / 97.7 / 51", BOTH: "1.1 / - / 42"}),
    ("8 frames/s, 500 ms", LUJAN, 8.0, 0.5, {RAW: "13.4 / - / -", FULL: "1.8 / - / -"}),
    ("4 frames/s, 300 ms", LUJAN, 4.0, 0.3, {RAW: "10.4 / - / -", FULL: "4.1 / - / -"}),
    ("8 frames/s, 300 ms, tracking noise 0.3 mm", replace(LUJAN, noise_mm=0.3), 8.0, 0.3, None),
    (
        "8 frames/s, 300 ms, tracking noise 0.3 mm, spread 15 %, pauses of 0-0.7 s",
        replace(LUJAN, noise_mm=0.3, spread=0.15, pause_s=0.35, period_s=3.9),
        8.0,
        0.3,
        None,
    ),
)
RECORDED_LATENCY_S = 0.3


def judge(scene: Scene, latency_s: float) -> tuple[dict[str, Score], Predictions, dict[str, NDArray[np.bool_]]]:
    """Return the score of every way to decide, the predictions of gatekeeper, and the decisions."""
    ways: dict[str, NDArray[np.bool_]] = {}
    whole = settings("full", latency_s, "whole")
    instants = instants_of(scene, whole)
    middle = instants_of(scene, settings("full", latency_s))
    ours = predict(scene, METHODS[OURS](), instants)
    for name, mode, look_ahead in (
        (RAW, "off", "middle"),
        (FULL, "full", "middle"),
        (BOTH, "conservative", "middle"),
        (FULL_WHOLE, "full", "whole"),
        (BOTH_WHOLE, "conservative", "whole"),
    ):
        ways[name] = beam_on(scene, ours, settings(mode, latency_s, look_ahead))
    ways[FULL_GATE] = beam_on(scene, ours, settings("full", latency_s), as_gate=True)
    for name, make in METHODS.items():
        if name != OURS:
            said = predict(scene, make(), middle)
            ways[f"{name}, full"] = beam_on(scene, said, settings("full", latency_s))
    return {name: score(scene, on, latency_s) for name, on in ways.items()}, ours, ways


def collect(judged: Sequence[dict[str, Score]]) -> dict[str, list[Score]]:
    """Return the scores of each way to decide."""
    return {name: [one[name] for one in judged] for name in judged[0]}


def measure_simulated(seeds: int, minutes: float, on_progress: Callable[[str, int, int], None]) -> dict[str, Rows]:
    """Return the scores in each setting, one per seed; the first minute of each trace is not scored."""
    results: dict[str, Rows] = {}
    for name, breathing, rate_hz, latency_s, _ in SETTINGS:
        judged = []
        for seed in range(seeds):
            on_progress(name, seed, seeds)
            scene = simulated(breathing, rate_hz, FIRST_SEED + seed, 60.0 * (minutes + 1.0), 60.0)
            judged.append(judge(scene, latency_s)[0])
        on_progress(name, seeds, seeds)
        results[name] = collect(judged)
    return results


def measure_time(minutes: float) -> dict[str, float]:
    """Return the times of one sample and one prediction of gatekeeper with a full history, in microseconds."""
    _, breathing, rate_hz, latency_s, _ = SETTINGS[0]
    scene = simulated(breathing, rate_hz, FIRST_SEED, 60.0 * minutes + 240.0, 0.0)
    times_us = time_us(scene, METHODS[OURS](), latency_s)[int(240.0 * rate_hz) :]
    p50_us, p99_us, worst_us = np.percentile(times_us, (50, 99, 100)).tolist()
    return {"p50": p50_us, "p99": p99_us, "max": worst_us}


def main(args: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and return the exit code: 0 good, 2 bad usage or a path that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prediction", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="number of simulated traces of each setting")
    parser.add_argument("--minutes", type=float, default=10.0, help="scored time of each simulated trace")
    parser.add_argument("--cine", type=Path, default=CINE, help="folder of recorded cases; skipped if missing")
    parser.add_argument("--traces", type=Path, help="folder of motion that was measured, as CSV files; see docs")
    parser.add_argument(
        "--sessions", action="store_true", help="only run whole sessions on a phantom that moves by each of --traces"
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="length of each of these sessions")
    parser.add_argument("--plot", type=Path, help="write a picture of the first setting to this PNG file")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of standard output")
    options = parser.parse_args(args)
    if options.seeds < 1 or not 0.5 <= options.minutes <= 1000.0:
        parser.error("--seeds must be 1 or more, and --minutes 0.5 to 1000")
    if options.sessions:
        return _sessions(parser, options)
    healthy: dict[str, float] = {}
    traces: list[dict[str, Score]] = []
    moved: list[TraceScores] = []
    try:
        with ProgressBars() as bars:
            results = measure_simulated(options.seeds, options.minutes, bars)
            taken_us = measure_time(options.minutes)
            if options.traces is not None:
                moved = measure(options.traces, lambda scene, latency_s: judge(scene, latency_s)[0], bars)
            for name, scene in recorded(options.cine):
                scores, predictions, _ = judge(scene, RECORDED_LATENCY_S)
                healthy[name] = float(predictions.healthy[scene.times_s >= scene.scored_from_s].mean())
                traces.append(scores)
        if options.plot is not None:
            _, breathing, rate_hz, latency_s, _ = SETTINGS[0]
            scene = simulated(breathing, rate_hz, FIRST_SEED, 120.0, 60.0)
            _, predictions, ways = judge(scene, latency_s)
            draw(options.plot, scene, predictions, {way: ways[way] for way in (RAW, FULL, BOTH)}, latency_s)
    except (GatekeeperError, OSError) as error:
        print(f"bench-predict: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    console = Console(stderr=options.json, width=150)
    for name, _, _, _, sketch in SETTINGS:
        console.print(table(f"Lujan breathing, {name}", results[name], sketch))
    spelled = ", ".join(f"{name} {value:.0f}" for name, value in taken_us.items())
    console.print(f"One sample added and one prediction made by {OURS} at 8 frames/s, 240 s known, in us: {spelled}")
    for result in moved:
        title = f"Measured motion, {title_of(result.rate_hz, result.latency_s)}: mean and spread over traces that move"
        console.print(table(title, collect(result.moving)))
        console.print(equal_table(result))
    if traces:
        title = f"Traces tracked on recorded cine-MR, {RECORDED_LATENCY_S * 1e3:.0f} ms"
        rows = collect(traces)
        console.print(cases_table(title, {way: rows[way] for way in (RAW, FULL, FULL_GATE, BOTH, FULL_WHOLE)}, healthy))
        console.print(table(f"{title}: all ways to decide, mean and spread over cases", rows))
    else:
        console.print(f"No recorded case is in the table: none found in {options.cine}", highlight=False)
    if options.json:
        simulated_values = {name: plain(rows) for name, rows in results.items()}
        cases = [plain({way: [one] for way, one in trace.items()}) for trace in traces]
        recorded_values = dict(zip(healthy, cases, strict=True))
        print(
            json.dumps(
                {
                    "simulated": simulated_values,
                    "measured": {
                        title_of(one.rate_hz, one.latency_s): {
                            "traces": {
                                name: plain({way: [one_score] for way, one_score in ways.items()})
                                for name, ways in one.scores.items()
                            },
                            "equal_duty": {
                                as_long_as: {way: asdict(at) for way, at in ways.items()}
                                for as_long_as, ways in one.equal.items()
                            },
                        }
                        for one in moved
                    },
                    "recorded": recorded_values,
                    "healthy": healthy,
                    "time_us": taken_us,
                }
            )
        )
    return 0


def _sessions(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Run whole sessions, print their table, and return the exit code."""
    if options.traces is None or not options.seconds > 2.0 * TRACE_FROM_S:
        parser.error(f"--sessions needs --traces, and --seconds above {2.0 * TRACE_FROM_S:g}")
    try:
        with ProgressBars() as bars:
            scores = run_sessions(options.traces, options.seconds, bars)
    except (GatekeeperError, OSError) as error:
        print(f"bench-predict: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    Console(stderr=options.json, width=150).print(sessions_table(scores))
    if options.json:
        print(json.dumps({"sessions": [asdict(one) for one in scores]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
