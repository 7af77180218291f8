"""Index many sessions: python -m benchmarks.cohort_load.

Small sessions, made from one, are indexed for the first time and again without a change, beside the time of reading the
same files from the disk and no more. Files are dropped from the memory of the system before each reading.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from replay.cohort.find import READ
from replay.cohort.index import update_cohort

SESSIONS, FRAMES = 10_000, 60
RATE_HZ = 4.0
WHOLE = 200
"""Sessions of which all files are read, to tell what reading every file takes."""


def make_one(folder: Path, frames: int) -> Path:
    """Return the folder of a session of a phantom."""
    # Processes that read sessions import this module, and need none of these.
    from gatekeeper.config import SessionConfig, build
    from gatekeeper.core.clock import VirtualClock
    from replay.phantom import PhantomConfig, make_phantom
    from replay.progress import no_progress
    from replay.run import replay, replay_input

    acquisition = {"matrix": (96, 96), "frame_rate_hz": RATE_HZ, "duration_s": frames / RATE_HZ}
    phantom = make_phantom(build(PhantomConfig, {"acquisition": acquisition}, "benchmark"))
    replay(replay_input(phantom.recording), SessionConfig(), folder, VirtualClock(), no_progress)
    return folder


def copies(one: Path, root: Path, count: int, names: list[str]) -> list[Path]:
    """Return files of that many copies of a session, three levels deep."""
    made = []
    for number in range(count):
        folder = root / f"patient-{number // 25}" / f"course-{number // 5 % 5}" / f"fraction-{number % 5}"
        folder.mkdir(parents=True)
        for name in names:
            shutil.copyfile(one / name, folder / name)
            made.append(folder / name)
    os.sync()
    return made


def drop(paths: list[Path]) -> None:
    """Drop files from the memory of the system."""
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def timed_reading(paths: list[Path]) -> float:
    """Return the time to read files from the disk one after the other, in s."""
    drop(paths)
    began = time.perf_counter()
    for path in paths:
        path.read_bytes()
    return time.perf_counter() - began


def updated(folder: Path, out: Path) -> tuple[float, list[float]]:
    """Return the time of an update in s, and the most memory of its process and of one that reads sessions, in MB."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_update, folder, out).result()


def _update(folder: Path, out: Path) -> tuple[float, list[float]]:
    began = time.perf_counter()
    update_cohort(folder, out)
    taken_s = time.perf_counter() - began
    # Linux tells kB.
    of = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return taken_s, [resource.getrusage(who).ru_maxrss / 1024 for who in of]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each session")
    parser.add_argument("--folder", type=Path, help="where to make them; by default a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        root = Path(made)
        one = make_one(root / "one", options.frames)
        every = [path.name for path in one.iterdir() if path.is_file()]
        whole_s = timed_reading(copies(one, root / "whole", WHOLE, every)) / WHOLE * options.sessions
        shutil.rmtree(root / "whole")
        paths = copies(one, root / "clinic", options.sessions, list(READ))
        size_mb = sum(path.stat().st_size for path in paths) / 1e6
        print(f"{options.sessions} sessions of {options.frames} frames, {size_mb:.0f} MB in the files that are indexed")
        reading_s = timed_reading(paths)
        few = copies(one, root / "few", options.sessions // 10, list(READ))
        drop(few)
        _, before_mb = updated(root / "few", root / "out-few")
        drop(paths)
        first_s, after_mb = updated(root / "clinic", root / "out")
        second_s, _ = updated(root / "clinic", root / "out")
    print(f"reading these files          {reading_s:8.2f} s")
    print(f"reading all files of them    {whole_s:8.2f} s, from {WHOLE} sessions")
    print(f"first run                    {first_s:8.2f} s, {first_s / reading_s:.2f} x and {first_s / whole_s:.2f} x")
    print(f"second run, nothing changed  {second_s:8.3f} s, 1/{first_s / second_s:.0f} of the first")
    for what, before, after in zip(("the command", "a reader"), before_mb, after_mb, strict=True):
        print(f"most memory of {what:<13} {after:8.0f} MB, with a tenth of the sessions {before:.0f} MB")


if __name__ == "__main__":
    main()
