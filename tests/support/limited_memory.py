"""Open recordings in another process with limited memory, and report its memory use."""

import json
import subprocess
import sys
from pathlib import Path

_CHILD = """
import json, resource, sys
from dataclasses import replace
from pathlib import Path

from gatekeeper.core.errors import GeometryError, RecordingError
from replay.formats.open import open_recording
from replay.recording_info import facts_of


def opened(path, most):
    try:
        recording = open_recording(Path(path))
        part = replace(recording, frames=recording.frames[:most], times_s=recording.times_s[:most])
        facts = facts_of(part, "a part", lambda *told: None)
        return {"shape": recording.frames.shape, "surveyed": facts.frames, "repeated": facts.repeated}
    except (RecordingError, GeometryError) as error:
        return {"refused": str(error)}
    except BaseException as error:
        return {"raised": repr(error)}


def peak_mib():
    # What getrusage tells is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) / 1024


# Libraries are loaded, and have taken what they keep, before the limit holds.
warm, paths, room_mib, most = json.loads(sys.stdin.read())
first = [opened(path, most) for path in warm]
assert not any("refused" in one or "raised" in one for one in first), first
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + int(room_mib * 2**20)
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
told = []
for path in paths:
    before = peak_mib()
    told.append(opened(path, most) | {"took_mib": peak_mib() - before})
print(json.dumps(told))
"""


def opened_within(paths, room_mib, warm=(), most=8):
    """Open recordings one after the other, and survey their first frames, in a process that may take so much more.

    Parameters
    ----------
    paths : sequence of Path
        What is opened.
    room_mib : float
        How much memory the process may map beyond what it has when its libraries are loaded.
    warm : sequence of Path
        Recordings that are opened before the limit holds.
    most : int
        How many frames of each are surveyed.

    Returns
    -------
    list of dict
        For each: `shape`, and how many frames were `surveyed` and `repeated`; or `refused` with the message, or
        `raised` with any other error; and `took_mib`, by how much it raised the process's peak of memory.
    """
    job = json.dumps([[*map(str, warm)], [*map(str, paths)], room_mib, most])
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=job,
        capture_output=True,
        text=True,
        timeout=300.0,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not done.stderr, done.stderr[-2000:]
    return json.loads(done.stdout)
