"""Run the digital phantom through a live session: the real source, engine, lease and interlock."""

import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import tomli_w
from numpy.typing import NDArray

from gatekeeper.config import LeaseLinacConfig, LiveConfig
from gatekeeper.config.source import DicomSourceConfig, MrdSourceConfig, OpenIGTLinkSourceConfig
from gatekeeper.config.structures import TargetLimits
from gatekeeper.core.axes import ORIENTATIONS, SAGITTAL
from gatekeeper.core.clock import monotonic_ns, pause
from gatekeeper.core.errors import ConfigError, InputError, LinkError
from gatekeeper.core.frame import Frame
from gatekeeper.operator.client import send_request
from replay.feed.address import Address, open_feeder
from replay.feed.mrd_feeder import TICK_S
from replay.feed.port import Feeder
from replay.formats.trackrad import write_case
from replay.qa.insert import Insert, make_insert
from replay.qa.motion import SHAPES, Motion, joined, periodic
from replay.qa.window import in_plane

T = TypeVar("T")
Array = NDArray[np.float64]

CASE = "qa_phantom"
DEFAULT_RATE_HZ = 8.0
LEAD_S = 15.0
"""Time for which the first part of the motion is shown before the test, besides the preview: learning takes a while."""
REST_S = 0.5
"""Time at rest before and after the motion, in s."""
START_S, KILL_S = 90.0, 10.0
"""Longest wait for a process to listen or to end, and for one that was told to end, in s."""
RETRY_S = 0.1
HALF_A_DAY_S = 43_200.0

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Delays:
    """What is simulated around a session.

    Attributes
    ----------
    imaging_s : float
        Imaging latency, in s.
    off_ms, on_ms : float or None
        Delays of the beam, in ms; None for both: there is no machine, and the interlock's state is the beam.
    """

    imaging_s: float
    off_ms: float | None = None
    on_ms: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LiveTest:
    """What a live test has left.

    Attributes
    ----------
    motion : Motion
        Motion of the phantom, on the clock of the machine since boot.
    session : Path
        Folder of the session.
    interlock : Path
        Log of the interlock.
    sent_late_s : ndarray of float64, shape (N,)
        By how much each frame was sent after it was due, in s.
    """

    motion: Motion
    session: Path
    interlock: Path
    sent_late_s: Array


def run_live(
    config: LiveConfig,
    folder: Path,
    motion: Motion,
    delays: Delays,
    rate_hz: float | None,
    program: Sequence[str],
    on_progress: OnProgress,
) -> LiveTest:
    """Feed the phantom into a session with the settings of a SESSION.toml, and wait for its end.

    Source, linac, limits, prediction and loop are those of the file; its structures are replaced by the phantom's
    target, with the margin of the first.

    Parameters
    ----------
    config : LiveConfig
        The settings.
    folder : Path
        New folder for everything that is written.
    motion : Motion
        Motion of the phantom; the reference position is at its first sample.
    delays : Delays
        Latencies to simulate.
    rate_hz : float or None
        Frames per second; by default those of the source, or 8.
    program : sequence of str
        The command `gatekeeper`.
    on_progress : callable
        Called with the number of frames sent, and of all.

    Returns
    -------
    LiveTest

    Raises
    ------
    ConfigError
        When source or linac are of a kind that cannot be tested so.
    InputError
        When interlock or session do not start.
    """
    address, linac = _address(config), _linac(config)
    told_hz = config.source.frames_per_s
    if rate_hz is not None and told_hz is not None and rate_hz != told_hz:
        raise ConfigError(f"command line: rate-hz = {rate_hz:g}: source.frames_per_s is {told_hz:g}; leave it out")
    rate_hz = rate_hz or told_hz or DEFAULT_RATE_HZ
    insert = make_insert(ORIENTATIONS[_plane(config)])
    write_case(insert.recording(CASE, rate_hz), folder / CASE)
    settings, log, session = folder / "session.toml", folder / "interlock.jsonl", folder / "session"
    settings.write_text(tomli_w.dumps(_settings(config, folder)), encoding="utf-8")
    motion = with_lead(motion, config.preview.seconds + LEAD_S)
    seconds = float(motion.times_s[-1] - motion.times_s[0]) + 2.0 * START_S
    listen = ("interlock", "--listen", f"{linac.host}:{linac.port}", "--key-file", linac.key_file, "--json")
    longest = ("--max-lifetime-ms", max(100, linac.lease.lifetime_ms))
    gate = ("run", settings, "--out", session, "--arm", "qa", "--seconds", seconds, "--json")
    with ExitStack() as opened:
        interlock = _Process(opened, "interlock", log, program, *listen, *longest, *_delay_options(delays))
        interlock.wait(lambda: b"listening" in log.read_bytes(), f"does not listen at {linac.host}:{linac.port}")
        run = _Process(opened, "run", folder / "run.json", program, *gate)
        with closing(run.wait(lambda: _open(address), f"does not listen at {address}")) as feeder:
            moved, late_s = _feed(insert, feeder, motion, delays.imaging_s, rate_hz, run, on_progress)
            if run.is_running:
                send_request(session, ("end",), "qa")
        run.wait(lambda: not run.is_running, "does not end", ends=True)
        interlock.end()
    return LiveTest(moved, session, log, late_s)


def with_lead(motion: Motion, seconds: float) -> Motion:
    """Return the motion with its first part repeated before it for a time in s, for the preview; a trace as it is."""
    first = motion.segments[0]
    if first.shape not in SHAPES:
        return motion
    lead = periodic(first.shape, first.amplitude_mm, first.period_s, seconds)
    both = joined([lead, motion])
    return Motion(both.times_s, both.position_mm, both.segments[1:])


def _feed(
    insert: Insert,
    feeder: Feeder,
    motion: Motion,
    imaging_s: float,
    rate_hz: float,
    run: "_Process",
    on_progress: OnProgress,
) -> tuple[Motion, Array]:
    """Send each frame one imaging latency after it was taken; each is drawn before it is due."""
    begin_s = monotonic_ns() * 1e-9 + REST_S
    moved = motion.later(begin_s + REST_S - float(motion.times_s[0]))
    count = int((float(moved.times_s[-1]) + REST_S - begin_s) * rate_hz)
    taken_s = begin_s + np.arange(count) / rate_hz
    plane_mm = in_plane(moved.at(taken_s), insert.orientation)
    clock_s = begin_s - begin_s % HALF_A_DAY_S
    late_s = np.zeros(count)
    for number in range(count):
        image = insert.image(plane_mm[number], number)
        due_s = float(taken_s[number]) + imaging_s
        while (left_s := due_s - monotonic_ns() * 1e-9) > 0.0:
            pause(left_s)
        late_s[number] = -left_s
        stamp_s = float(taken_s[number]) - clock_s
        try:
            feeder.send(Frame(image, insert.spacing_mm, number, stamp_s, stamp_s, insert.plane))
        except LinkError as error:
            raise InputError(f"{error}; the session says: {run.last_words}") from None
        on_progress("feeding the phantom", number + 1, count)
    return moved, late_s


class _Process:
    """A gatekeeper command in a process of its own, with its output in a file."""

    def __init__(self, opened: ExitStack, name: str, out: Path, program: Sequence[str], *words: object) -> None:
        self._name, self._errors = name, out.with_suffix(".errors")
        streams = [opened.enter_context(path.open("wb")) for path in (out, self._errors)]
        self._process = subprocess.Popen(  # noqa: S603
            [*program, *map(str, words)], stdin=subprocess.DEVNULL, stdout=streams[0], stderr=streams[1]
        )
        opened.callback(self.end)

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def last_words(self) -> str:
        """The last line that it wrote."""
        lines = self._errors.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "nothing")[:300]

    def wait(self, look: Callable[[], T | None], why: str, ends: bool = False) -> T:
        """Return what `look` finds; the process must be running meanwhile unless it may end."""
        until_ns = monotonic_ns() + round(START_S * 1e9)
        while not (found := look()):
            if (not ends and not self.is_running) or monotonic_ns() > until_ns:
                raise InputError(f"gatekeeper {self._name}: {why}; its last words: {self.last_words}")
            pause(RETRY_S)
        return found

    def end(self) -> None:
        """End the process by SIGTERM, and by SIGKILL when that does not help."""
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(KILL_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _open(address: Address) -> Feeder | None:
    """Return a connected feeder, or None while nothing listens."""
    try:
        return open_feeder(address)
    except InputError:
        return None


def _address(config: LiveConfig) -> Address:
    """Return where the session's source is reached."""
    source = config.source
    if not isinstance(source, MrdSourceConfig | OpenIGTLinkSourceConfig | DicomSourceConfig):
        raise ConfigError(
            f'source.kind = "{source.kind}": a test feeds mrd, openigtlink and dicom; name such a session'
        )
    if source.tls is not None:
        raise ConfigError("source.tls: the phantom has no certificate; test with a session without tls")
    if isinstance(source, MrdSourceConfig) and source.tick_ms != 1e3 * TICK_S:
        raise ConfigError(f"source.tick_ms = {source.tick_ms:g}: the phantom's is {1e3 * TICK_S:g}; set that")
    if source.port == 0:
        raise ConfigError("source.port = 0: give a port, so that the phantom finds it")
    host = "127.0.0.1" if source.host in ("0.0.0.0", "::") else source.host  # noqa: S104
    if isinstance(source, OpenIGTLinkSourceConfig):
        return Address("igtl", host, source.port, source.device, source.role == "client")
    if isinstance(source, DicomSourceConfig):
        return Address("dicom", host, source.port, source.ae_title)
    return Address("mrd", host, source.port)


def _linac(config: LiveConfig) -> LeaseLinacConfig:
    """Return the settings of the lease, whose interlock the test starts."""
    if not isinstance(config.linac, LeaseLinacConfig):
        kind = "none" if config.linac is None else config.linac.kind
        raise ConfigError(
            f"linac.kind = {kind}: a live test needs a lease; for another linac record the beam, and give --beam, "
            "--positions and --record"
        )
    return config.linac


def _settings(config: LiveConfig, folder: Path) -> dict[str, object]:
    """Return the session's settings with the phantom's target, as TOML."""
    kept = {"tracker", "envelope", "gate", "prediction", "loop", "profile", "linac", "source", "preview"}
    values = config.model_dump(mode="json", include=kept, exclude_none=True)
    limits = config.target[0].model_dump(mode="json", include=set(TargetLimits.model_fields), exclude_none=True)
    target = {**limits, "kind": "trackrad", "case": str((folder / CASE).resolve())}
    return {**values, "target": target, "recording": {"folder": str(folder.resolve())}}


def _plane(config: LiveConfig) -> str:
    plane = getattr(config.source, "plane", "any")
    return SAGITTAL.name if plane == "any" else str(plane)


def _delay_options(delays: Delays) -> list[object]:
    options: list[object] = []
    for name, value in (("off", delays.off_ms), ("on", delays.on_ms)):
        options += [] if value is None else [f"--beam-{name}-delay-ms", value]
    return options
