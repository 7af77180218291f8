"""Make data that many tests only read once for all workers of a run."""

import fcntl
import os


def made_once(tmp_path_factory, name, make):
    """Return the folder that `make(folder)` fills; only the first worker that asks makes it.

    Parameters
    ----------
    tmp_path_factory : pytest.TempPathFactory
    name : str
        Name of the folder below the temporary folder of the run.
    make : callable
        Fills a folder that does not exist yet.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, made = shared / name, shared / f"{name}.made"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            make(folder)
            made.touch()
    return folder


def state_of(folder):
    """Return names, sizes and times of all files below a folder, by which a change is seen."""
    files = [(path, path.stat()) for path in sorted(folder.rglob("*"))]
    return [(path, stat.st_size, stat.st_mtime_ns) for path, stat in files]
