"""Define the faults: the action of each, and the limit of the exposure."""

from dataclasses import dataclass, field

from gatekeeper.config import LeaseConfig, LoopConfig

IMAGING_S = 0.1
"""Assumed time from the moment that a frame shows to its arrival, in s; frames are delivered so much later."""
LINAC_S = 0.05
"""Assumed time from the interlock's HOLD to the end of the beam, in s; added to what is measured."""
SLACK_S = 0.02
"""Limit of the time to decide and to send, in s."""
SILENCE_PERIODS = LoopConfig().silence_periods
LEASE_S = LeaseConfig().lifetime_ms / 1000
HANG_S = 0.5
"""Duration of a hang of the interlock, in s."""

LATE = f"a frame may come up to {SILENCE_PERIODS - 1.0:.1f} T late before it counts as missing, or jitter would hold"
LEASE = "nothing is sent any more: a lease lives up to 100 ms, so that one late message does not hold"
UNRECORDED = "the target is seen all the while: beam without a record, counted from the fault"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix.

    Attributes
    ----------
    name : str
        Name of the fault.
    detected_by : str
        What detects it, and the reason in the journal.
    periods, seconds : float
        Stated exposure without the latencies of imaging and linac, in frame periods plus seconds. It counts from the
        acquisition of the last frame that shows the target inside; the target leaves at once after it.
    why : str
        Why it is more than one period and the time to send a decision; empty where it is not.
    source : tuple of str
        Faults of the source, as for `gatekeeper replay --fault`, with F for the frame.
    engine : dict
        Settings of further faults in the engine's process.
    act : str or None
        Action on a process from outside, at any moment between the arrivals of two frames.
    means : str or None
        A reason that must be in the journal; None where no process is left to write it.
    leaves : bool
        Whether the target leaves. If not, the exposure is the beam without a record, from the fault on.
    """

    name: str
    detected_by: str
    periods: float = 1.0
    seconds: float = SLACK_S
    why: str = ""
    source: tuple[str, ...] = ()
    engine: dict[str, float] = field(default_factory=dict)
    act: str | None = None
    means: str | None = None
    leaves: bool = True

    def limit_s(self, period_s: float) -> float:
        """Return the stated exposure with all latencies, for a frame period, both in s."""
        return self.periods * period_s + self.seconds + (IMAGING_S + LINAC_S if self.leaves else 0.0)


def _bad(name: str, text: str, reason: str) -> Fault:
    return Fault(name, f"gate: `{reason}`", source=(text,), means=reason)


def _missing(name: str, text: str, reason: str = "no_frame") -> Fault:
    return Fault(name, f"loop: `{reason}`", SILENCE_PERIODS, why=LATE, source=(text,), means=reason)


def _gone(name: str, detected_by: str, act: str, means: str | None = None) -> Fault:
    return Fault(name, detected_by, 1.0, LEASE_S + SLACK_S, LEASE, act=act, means=means)


def _unrecorded(name: str, detected_by: str, act: str, periods: float, seconds: float, why: str) -> Fault:
    return Fault(name, detected_by, periods, seconds, why, act=act, means="recording_lost", leaves=False)


FAULTS = (
    Fault("none", "gate: `outside`", means="outside"),
    _missing("drop", "drop@F+3"),
    Fault("freeze", "gate: `frozen`", source=("freeze@F+3",), means="frozen"),
    Fault(
        "duplicate",
        "gate: `sequence_not_rising`",
        source=("duplicate@F",),
        # A source that delivers only the newest frame has no copies.
        engine={"every_frame": 1.0},
        means="sequence_not_rising",
    ),
    _missing("reorder", "reorder@F=2", "sequence_not_rising"),
    _missing("delay", "delay@F+3=0.6"),
    _missing("burst", "burst@F+3"),
    _bad("NaN", "nan@F+3", "not_finite"),
    _bad("infinity", "inf@F+3", "not_finite"),
    _bad("zero", "zero@F+3", "constant"),
    _bad("saturate", "saturate@F+3", "saturated"),
    _bad("wrong shape", "shape@F+3", "wrong_shape"),
    _bad("wrong spacing", "spacing@F+3=1.05", "wrong_spacing"),
    _bad("other plane", "plane@F+3=5", "wrong_plane"),
    Fault("bit flips", "gate, where it matters", source=("flip@F+3=30",)),
    _missing("silent source", "silence@F"),
    Fault("source death in a frame", "loop: exception", source=("die@F",)),
    _gone("engine crash", "connection or lease ends", "crash"),
    _gone("engine kill -9", "connection or lease ends", "kill"),
    _gone("engine SIGSTOP", "connection or lease ends", "stop"),
    _gone("link loss", "lease ends; `link_lost`", "cut", "link_lost"),
    _gone("linac death", "interlock gone; `link_lost`", "linac death", "link_lost"),
    Fault(
        "linac hang",
        "lease over when it goes on; `link_lost`",
        1.0,
        HANG_S + SLACK_S,
        f"it hangs for {1e3 * HANG_S:.0f} ms and cannot switch meanwhile: its output needs a hardware watchdog",
        act="linac hang",
    ),
    _gone("interlock restart", "new interlock holds; `link_lost`", "linac restart"),
    Fault("clock jump back", "gate: `clock_backwards`", engine={"jump_s": -1.0}, means="clock_backwards"),
    Fault("clock jump ahead", "loop or gate: `no_frame`, `stale_frame`", engine={"jump_s": 5.0}, means="stale_frame"),
    Fault("slow tracker", "decision no longer fresh", SILENCE_PERIODS, why=LATE, engine={"slow_s": 1.0}),
    _unrecorded("writer death", "gate: `recording_lost`", "writer death", 1.0, SLACK_S, UNRECORDED),
    _unrecorded(
        "disk full",
        "gate: `recording_lost`",
        "disk full",
        2.0,
        0.1 + SLACK_S,
        f"{UNRECORDED}; known once a write has failed",
    ),
    _unrecorded(
        "slow consumer: writer stopped",
        "gate: `recording_lost` after 2 s without a sign of life",
        "writer stop",
        2.0,
        2.0 + SLACK_S,
        f"{UNRECORDED}; what is decided is kept in memory meanwhile",
    ),
)
"""All faults; in "none" the target leaves without any other fault."""
