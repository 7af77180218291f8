"""Time commands from their start to their end, beside the import of NumPy, Numba and h5py in the same run.

Commands take turns, so that other load on the machine affects all alike. The processor's time of a command and its
children is told beside the time on the clock, since it depends less on what else runs.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gatekeeper.cli.compilation import compile_kernels
from replay.phantom import PhantomConfig, write_phantom
from replay.phantom.config import AcquisitionConfig

FLOOR = "import numpy, numba, h5py"
MAIN = "import sys; from gatekeeper.cli import main; main(sys.argv[1:])"
FRAMES, RATE_HZ = 500, 8.0


def main() -> None:
    """Time the commands, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="rounds that count, after one that does not")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    compile_kernels()
    with tempfile.TemporaryDirectory() as folder:
        times = _times(Path(folder), options.runs)
    floor = dict(times["floor"])
    for row in times.values():
        row["ratio"] = row["wall_s"] / floor["wall_s"]
        row["cpu_ratio"] = row["cpu_s"] / floor["cpu_s"]
    if options.json:
        print(json.dumps(times))
        return
    print(f"{'command':<22}{'s':>8}{'ratio':>8}{'cpu s':>8}{'ratio':>8}")
    for name, row in times.items():
        print(f"{name:<22}{row['wall_s']:8.2f}{row['ratio']:8.2f}{row['cpu_s']:8.2f}{row['cpu_ratio']:8.2f}")


def _times(folder: Path, runs: int) -> dict[str, dict[str, float]]:
    """Return the medians of each command."""
    acquisition = AcquisitionConfig(frame_rate_hz=RATE_HZ, duration_s=FRAMES / RATE_HZ)
    case = str(write_phantom(PhantomConfig(acquisition=acquisition), folder / "case"))
    commands = {
        "floor": ("-c", FLOOR),
        "--help": ("-c", MAIN, "--help"),
        "info": ("-c", MAIN, "info", case),
        f"replay, {FRAMES} frames": ("-c", MAIN, "replay", case),
        "without picture": ("-c", MAIN, "replay", case, "--no-picture"),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(1 + runs):
        for name, words in commands.items():
            out = ("--out", str(folder / f"{name}-{turn}")) if "replay" in words else ()
            used, began_s = _cpu_s(), time.perf_counter()
            subprocess.run([sys.executable, *words, *out], check=True, capture_output=True)  # noqa: S603  (our own words)
            if turn:
                taken[name].append((time.perf_counter() - began_s, _cpu_s() - used))
    return {
        name: dict(zip(("wall_s", "cpu_s"), map(statistics.median, zip(*rows, strict=True)), strict=True))
        for name, rows in taken.items()
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
