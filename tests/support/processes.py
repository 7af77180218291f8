"""Inspect processes by their number."""

from pathlib import Path


def is_running(pid):
    """Return True while a process exists and is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
