"""Inspect processes by their number."""

from pathlib import Path


def is_running(pid):
    """Return True while a process exists and is more than a zombie.

    The first thread of a killed process may be a zombie while others of its threads still end.
    """
    place = Path(f"/proc/{pid}")
    try:
        state = (place / "stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(list((place / "task").iterdir())) > 1
    except FileNotFoundError:
        return False
