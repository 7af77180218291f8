"""Turn command-line options into settings, a pace, and a recording."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gatekeeper.cli.output import say
from gatekeeper.core.axes import ORIENTATIONS
from gatekeeper.core.errors import ConfigError

if TYPE_CHECKING:
    from gatekeeper.config import CourseConfig, SessionConfig
    from gatekeeper.core.frame import Plane
    from replay.formats.format import Choices
    from replay.recording import Recording


SLOWEST, FASTEST = 0.01, 1000.0
LARGEST_STEP_MM = 100.0
UNIT = 1e-3
STEPS = {
    "S": (0.0, 0.0, 1.0),
    "I": (0.0, 0.0, -1.0),
    "A": (0.0, -1.0, 0.0),
    "P": (0.0, 1.0, 0.0),
    "L": (1.0, 0.0, 0.0),
    "R": (-1.0, 0.0, 0.0),
}
"""The way (DICOM LPS) to each side of the patient, by its letter."""


def settings_of(
    base: "SessionConfig",
    config: Path | None,
    margins: Sequence[str] = (),
    outsides: Sequence[str] = (),
    overlaps: Sequence[str] = (),
) -> "SessionConfig":
    """Return the settings of the file or the base, overridden by those of the command line."""
    settings = base if config is None else _loaded(config, base)
    if not (*margins, *outsides, *overlaps):
        return settings
    from gatekeeper.cli.structures import with_named_limits

    return with_named_limits(settings, margins, outsides, overlaps)


def with_latency(settings: "SessionConfig", latency_ms: float | None) -> "SessionConfig":
    """Return the settings with a latency, all of it from the decision until the beam is on or off."""
    if latency_ms is None:
        return settings
    parts = {"imaging_s": 0.0, "compute_s": 0.0, "linac_s": 1e-3 * latency_ms}
    return settings.model_copy(update={"prediction": settings.prediction.model_copy(update=parts)})


def _loaded(path: Path, base: "SessionConfig") -> "SessionConfig":
    """Return the settings of a file; the course is that of the base unless the file has one."""
    from gatekeeper.config import SessionConfig, load_toml

    settings = load_toml(path, SessionConfig)
    course = settings.course
    if course is not None and course.plan_file is not None:
        course = course.model_copy(update={"plan_file": str(path.parent / course.plan_file)})
    return settings.model_copy(update={"course": base.course if course is None else course_of(course)})


def course_of(course: "CourseConfig | None") -> "CourseConfig | None":
    """Return the facts of a course, with those of its plan file."""
    if course is None or course.plan_file is None:
        return course
    from replay.formats.rtplan import with_plan

    return with_plan(course)


def known_tracker(kind: str | None) -> str | None:
    """Return a tracker's name once it is known to be there; modules are looked for in the working folder, too."""
    from gatekeeper.plugins import TRACKERS

    if kind is None:
        return None
    if ":" in kind and (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    TRACKERS.find(kind).load()
    return kind


def pace_of(speed: str) -> float | None:
    """Return the multiple of real time in `speed`; None for as fast as possible."""
    if speed == "max":
        return None
    try:
        pace = float(speed)
    except ValueError:
        pace = math.nan
    if not SLOWEST <= pace <= FASTEST:
        raise ConfigError(
            f"command line: speed = {speed!r}: must be max or a multiple of real time, {SLOWEST:g} to {FASTEST:g}"
        )
    return pace


def choices_of(
    scan: str | None,
    observer: str | None,
    time_axis: Literal["first", "last"] | None,
    as_stored: bool,
    rate_hz: float | None = None,
    spacing_mm: str | None = None,
    plane: str | None = None,
    roi: str | None = None,
    resample_hz: float | None = None,
) -> "Choices":
    """Return the options for the reader of a recording."""
    from replay.formats.format import Choices

    orientation = plane.lower() if plane is not None and plane.lower() in ORIENTATIONS else None
    if as_stored and plane is not None and orientation is None:
        raise ConfigError("command line: --plane and --as-stored contradict each other; give one of them")
    told_mm = None if spacing_mm is None else _spacing_mm(spacing_mm)
    told_plane = None if plane is None or orientation is not None else _plane(plane)
    return Choices(scan, observer, time_axis, as_stored, rate_hz, told_mm, told_plane, roi, resample_hz, orientation)


def _numbers(text: str) -> list[float]:
    """Return the numbers of a list with commas; empty when one of them is no number or not finite."""
    try:
        found = [float(word) for word in text.split(",")]
    except ValueError:
        return []
    return found if all(map(math.isfinite, found)) else []


def _spacing_mm(text: str) -> tuple[float, float]:
    """Return the size of pixels along rows and columns in mm; one number is that of both."""
    found = _numbers(text)
    if len(found) not in (1, 2) or not all(0.0 < step <= LARGEST_STEP_MM for step in found):
        raise ConfigError(
            f"command line: spacing-mm = {text!r:.40}: must be one or two numbers above 0 and up to "
            f"{LARGEST_STEP_MM:g}, such as 2.5 or 2.5,2"
        )
    return found[0], found[-1]


def _plane(text: str) -> "Plane":
    """Return the plane of the stored images from two letters or nine numbers."""
    from gatekeeper.core.frame import Plane

    letters, found = text.upper(), _numbers(text)
    if len(letters) == 2 and set(letters) <= set(STEPS):
        first, rows, cols = (0.0, 0.0, 0.0), STEPS[letters[0]], STEPS[letters[1]]
    elif len(found) == 9:
        first, rows, cols = ((found[k], found[k + 1], found[k + 2]) for k in (0, 3, 6))
    else:
        raise ConfigError(
            f"command line: plane = {text!r:.40}: must be {', '.join(ORIENTATIONS)}, two letters of "
            f"{' '.join(STEPS)}, such as IP for rows to inferior and columns to posterior, or nine numbers: the first "
            "pixel in LPS mm and two unit vectors"
        )
    if abs(sum(one * other for one, other in zip(rows, cols, strict=True))) > UNIT or not all(
        abs(math.hypot(*step) - 1.0) <= UNIT for step in (rows, cols)
    ):
        raise ConfigError(f"command line: plane = {text!r:.40}: rows and columns must be unit vectors at right angles")
    return Plane(first, rows, cols)


PHANTOM = "phantom"


def recording_of(case: str, choices: "Choices | None" = None) -> "Recording":
    """Return the recording of the argument, or a phantom unless a file or folder has that name."""
    from replay.formats.format import Choices
    from replay.formats.open import open_recording
    from replay.phantom import PhantomConfig, make_phantom
    from replay.progress import waiting

    choices = Choices() if choices is None else choices
    if case == PHANTOM and not Path(case).exists():
        if choices != Choices():
            raise ConfigError("command line: a phantom is made as its settings say; leave out options for recordings")
        with waiting("making the phantom"):
            return make_phantom(PhantomConfig(name=PHANTOM)).recording
    with waiting("reading the recording"):
        recording = open_recording(Path(case), choices)
    for note in recording.notes:
        say(f"gatekeeper: {note}", err=True)
    return recording
