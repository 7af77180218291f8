"""Track a recording once, through the loop that replays use, and keep what judging it anew needs."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.step import Step
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.journal import entry_of
from gatekeeper.session.arming import Armed, arm
from gatekeeper.session.loop import run_loop
from replay.run import ReplayInput
from replay.scores.gating import frame_period_s
from replay.sessions.rejudge import NO_IMAGE, Tracked, TrackedEntry, TrackerProbe


class _TrackedRecorder:
    """A Recorder that keeps each pass with what was tracked on its frame; nothing is written."""

    fault: str | None = None

    def __init__(self, armed: Armed, probe: TrackerProbe, names: tuple[str, ...]) -> None:
        self._armed, self._probe, self._names = armed, probe, names
        self.tracked: list[TrackedEntry] = []

    def record(self, step: Step, total_ms: float) -> None:
        """Keep one pass."""
        probe, entry = self._probe, entry_of(step, total_ms, self._names)
        track, failed = probe.found, probe.failed
        probe.found, probe.failed = None, False
        if step.frame is None:
            self.tracked.append(TrackedEntry(entry))
        else:
            frame = replace(step.frame, image=NO_IMAGE)
            self.tracked.append(TrackedEntry(entry, frame, self._armed.gate.checks, track, failed=failed))

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Keep an event."""
        entry = {"kind": "event", "event": name, "time_s": time_s, "values": dict(values)}
        self.tracked.append(TrackedEntry(entry))


def track_recording(material: ReplayInput, config: SessionConfig) -> Tracked:
    """Track a recording as `gatekeeper replay` does.

    Parameters
    ----------
    material : ReplayInput
        The recording and its setup.
    config : SessionConfig
        The settings.

    Returns
    -------
    Tracked

    Raises
    ------
    GatekeeperError
        When the target cannot be tracked.
    """
    probe, clock = TrackerProbe(), VirtualClock()
    armed = arm(material.setup, config, probe.on)
    recorder = _TrackedRecorder(armed, probe, material.setup.names)
    with closing(material.source(clock, armed, recorder)) as source, closing(DryRunLinac()) as port:
        silence_s = armed.config.silence_s(frame_period_s(material.recording.times_s))
        run_loop(source, armed.engine, port, recorder, clock, armed.config.gate.max_age_s, silence_s=silence_s)
    return Tracked(material.setup, armed.config, recorder.tracked, armed.learned)
