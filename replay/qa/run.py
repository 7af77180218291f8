"""Run a latency test, with the digital phantom or from recordings, and judge it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from gatekeeper.config import LiveConfig
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.axes import ORIENTATIONS, SAGITTAL
from gatekeeper.core.errors import ConfigError
from replay.qa.beam import read_beam, read_interlock
from replay.qa.live import Delays, run_live
from replay.qa.measure import measure
from replay.qa.motion import Motion
from replay.qa.motion_file import read_motion
from replay.qa.outcome import Judging, Outcome, judged
from replay.qa.parts import read_session
from replay.qa.window import even_window

LOGGED_S = 0.005
"""Distance of the rows of the position log that is kept, in s."""

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Recordings of a real phantom and beam.

    Attributes
    ----------
    positions, beam : Path
        Position log, and the beam.
    record, interlock : Path or None
        Folder of the session, and log of its interlock.
    ahead_s : float
        How far the clock of the first two is ahead of the interlock's, in s.
    limit_mm : float or None
        Distance at which the beam is held, in mm; needed without a record.
    rate_hz : float or None
        Frames per second; needed without a record and without `source.frames_per_s`.
    imaging_s : float or None
        Known imaging latency, in s.
    """

    positions: Path
    beam: Path
    record: Path | None = None
    interlock: Path | None = None
    ahead_s: float = 0.0
    limit_mm: float | None = None
    rate_hz: float | None = None
    imaging_s: float | None = None


def live_test(
    name: str,
    config: LiveConfig,
    folder: Path,
    motion: Motion,
    delays: Delays,
    rate_hz: float | None,
    judging: Judging,
    program: Sequence[str],
    on_progress: OnProgress,
) -> Outcome:
    """Run a test with the digital phantom in a live session.

    Parameters
    ----------
    name : str
        Name of the session.
    config : LiveConfig
        Its settings.
    folder : Path
        Folder of the test, which exists.
    motion : Motion
        Motion of the phantom.
    delays : Delays
        Latencies to simulate.
    rate_hz : float or None
        Frames per second; by default those of the source.
    judging : Judging
        What it is judged by.
    program : sequence of str
        The command `gatekeeper`.
    on_progress : callable
        Called as frames are sent.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        When the session cannot be tested, or does not run.
    """
    test = run_live(config, folder, motion, delays, rate_hz, program, on_progress)
    _write_positions(test.motion, folder / "positions.csv")
    record = read_session(test.session)
    beam, state = read_beam(test.interlock), read_interlock(test.interlock, "state")
    machine = delays.off_ms is not None or delays.on_ms is not None
    result = measure(
        test.motion,
        record.window,
        beam,
        record.period_s,
        record.frames_to_resume,
        record.frames,
        state if machine else None,
        delays.imaging_s,
        record.assumed_s is not None,
    )
    source, linac = config.source, config.linac
    late_ms = np.percentile(1e3 * test.sent_late_s, (50.0, 99.0))
    facts = [
        ("phantom", "digital, fed in real time"),
        ("motion", _words(test.motion)),
        ("source", f"{source.kind}, {1.0 / record.period_s:.2f} frames/s"),
        ("imaging latency fed", f"{1e3 * delays.imaging_s:g} ms; frames sent {late_ms[0]:.1f} ms late (p50), "
         f"{late_ms[1]:.1f} ms (p99)"),
        ("linac", "none" if linac is None else linac.kind),
        ("beam", f"simulated machine, {delays.off_ms or 0.0:g} ms off, {delays.on_ms or 0.0:g} ms on" if machine
         else "state of the interlock"),
        ("window", f"{record.window.off_mm.min():.2f} to {record.window.off_mm.max():.2f} mm by direction"),
        ("prediction", config.prediction.mode),
        ("gatekeeper", record.versions.get("gatekeeper", "")),
    ]  # fmt: skip
    axis = record.orientation.names[_main(test.motion, record.orientation.name)]
    return judged(name, datetime.now(UTC), result, judging, record.assumed_s, facts, axis)


def recorded_test(name: str, config: LiveConfig, given: Recorded, judging: Judging) -> Outcome:
    """Measure recordings of a real phantom and beam.

    Parameters
    ----------
    name : str
        Name of the session.
    config : LiveConfig
        Its settings.
    given : Recorded
        The recordings.
    judging : Judging
        What it is judged by.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        When a recording cannot be used, or something that is needed is missing.
    """
    motion, beam = read_motion(given.positions).later(-given.ahead_s), read_beam(given.beam).later(-given.ahead_s)
    if given.record is None:
        if given.limit_mm is None or given.interlock is not None:
            raise ConfigError("command line: without --record give --limit-mm, and no --interlock")
        rate_hz = given.rate_hz or config.source.frames_per_s
        if rate_hz is None:
            raise ConfigError("command line: the frame rate is not known; give --rate-hz or source.frames_per_s")
        plane = getattr(config.source, "plane", "any")
        orientation = SAGITTAL if plane == "any" else ORIENTATIONS[str(plane)]
        assumed_s = None if config.prediction.mode == "off" else config.prediction.latency_s
        window, period_s = even_window(given.limit_mm, given.limit_mm, orientation), 1.0 / rate_hz
        resume, frames, version = config.gate.frames_to_resume, None, ""
    else:
        record = read_session(given.record)
        window, orientation, period_s = record.window, record.orientation, record.period_s
        assumed_s, resume, frames = record.assumed_s, record.frames_to_resume, record.frames
        version = record.versions.get("gatekeeper", "")
    state = None if given.interlock is None else read_interlock(given.interlock, "state")
    result = measure(motion, window, beam, period_s, resume, frames, state, given.imaging_s, assumed_s is not None)
    facts = [
        ("phantom", f"moving phantom, {given.positions.name}"),
        ("motion", _words(motion)),
        ("beam", f"{given.beam.name}"),
        ("session", "no record given" if given.record is None else given.record.name),
        ("window", f"{window.off_mm.min():.2f} to {window.off_mm.max():.2f} mm by direction"),
        ("frames", f"{1.0 / period_s:.2f} frames/s, {resume} good ones to resume"),
        *([("gatekeeper", version)] if version else []),
    ]
    axis = orientation.names[_main(motion, orientation.name)]
    return judged(name, datetime.now(UTC), result, judging, assumed_s, facts, axis)


def _words(motion: Motion) -> str:
    parts = [
        f"{one.shape} {one.amplitude_mm:.0f} mm" + (f" {one.period_s:.2f} s" if one.period_s > 0.0 else "")
        for one in motion.segments
    ]
    return ", ".join(parts)


def _main(motion: Motion, orientation: str) -> int:
    """Return the index of the image axis of most motion."""
    plane_mm = even_window(1.0, 1.0, ORIENTATIONS[orientation]).in_plane(motion.position_mm)
    return int(np.argmax(np.ptp(plane_mm, axis=0)))


def _write_positions(motion: Motion, path: Path) -> None:
    """Write the position log of the digital phantom, as `--positions` reads it."""
    times_s = np.arange(float(motion.times_s[0]), float(motion.times_s[-1]), LOGGED_S)
    rows = np.column_stack([times_s, motion.at(times_s)])
    lines = ["time_s,S,P,L", *(f"{time_s:.4f},{s:.4f},{p:.4f},{left:.4f}" for time_s, s, p, left in rows.tolist())]
    write_atomically(path, "\n".join([*lines, ""]).encode())
