"""The gating log of an MRIdian: a text file beside the cine, with the machine's decision on each frame.

Written from descriptions and tested only on files that were made from them. A line has the decision (a word such as ON
or OFF, or 1 or 0) and, as its last three numbers, the pixels of the target outside its boundary, all its pixels, and
the fraction outside; lines of which the fraction, as a share or in percent, does not follow from the other two are not
lines of a log. Other lines, such as titles, are passed over.
"""

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ENDINGS = (".txt", ".log", ".csv")
_LARGEST_BYTES = 2**26
_MOST_OTHERS = 16
_WORD = re.compile(r"[A-Za-z]+(?:[ _-](?=(?:on|off|hold)\b)[A-Za-z]+)?", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
_ON = {"on", "beamon", "gateon", "true", "yes", "enabled", "enable", "open", "pass"}
_OFF = {"off", "beamoff", "gateoff", "hold", "beamhold", "false", "no", "disabled", "closed", "fail", "paused"}
_SLACK = 0.011
"""Largest difference of a fraction from the quotient of the counts; logs round to two digits."""


def read_decisions(path: Path, count: int, approach: int) -> tuple[NDArray[np.int8] | None, list[str]]:
    """Read the machine's decisions on the frames of a cine.

    Parameters
    ----------
    path : Path
        The cine: a file, beside which the log lies, or a folder that holds it.
    count : int
        Number of frames, those of the approach to the steady state included.
    approach : int
        Number of frames of the approach, which are left out.

    Returns
    -------
    beam_on : ndarray of int8, shape (count - approach,), or None
        1 beam on, 0 held; None without a log of as many lines as frames.
    notes : list of str
        Why a log was not used.
    """
    named, others = _candidates(path)
    for file in (*named, *others):
        found = _decisions(file)
        if found is None:
            continue
        if len(found) == count:
            return found[approach:], []
        if len(found) == count - approach:
            return found, []
        if file in named:
            told = f"has {len(found)} decisions, the cine {count} frames"
            return None, [f"the gating log {file.name} {told}; it is left out"]
    return None, []


def _candidates(path: Path) -> tuple[list[Path], list[Path]]:
    """Return files that belong to a cine by their name or folder, and others beside it, which count if they fit."""
    folder = path if path.is_dir() else path.absolute().parent
    texts = sorted(file for file in folder.iterdir() if file.suffix.lower() in ENDINGS and file.is_file())
    if path.is_dir():
        return texts, []
    named = [file for file in texts if file.stem in (path.stem, path.name)]
    return named, [file for file in texts if file not in named][:_MOST_OTHERS]


def _decisions(file: Path) -> NDArray[np.int8] | None:
    """Return the decisions of a log; None for a file that is not one."""
    if file.stat().st_size > _LARGEST_BYTES:
        return None
    lines = file.read_text("ascii", "replace").splitlines()
    found = [decision for line in lines if (decision := _decision(line)) is not None]
    return (
        np.array(found, np.int8) if found and len(found) >= 0.9 * sum(map(bool, map(str.strip, lines))) - 10 else None
    )


def _decision(line: str) -> int | None:
    """Return the decision of a line, 1 or 0; None for a line without one."""
    numbers = [float(word) for word in _NUMBER.findall(line)]
    if len(numbers) < 3:
        return None
    out, total, fraction = numbers[-3:]
    if not (0.0 <= out <= total and total > 0.0 and math.isfinite(fraction)):
        return None
    share = out / total
    if not (abs(fraction - share) <= _SLACK or abs(fraction - 100.0 * share) <= 100.0 * _SLACK):
        return None
    words = {re.sub("[ _-]", "", word).lower() for word in _WORD.findall(line)}
    on, off = bool(words & _ON), bool(words & _OFF)
    if on != off:
        return int(on)
    if not (on or off) and len(numbers) >= 4 and numbers[-4] in (0.0, 1.0):
        return int(numbers[-4])
    return None
