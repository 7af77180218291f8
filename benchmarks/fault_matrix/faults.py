"""Define the faults: the action of each, when the input becomes faulty, and the limit of the detection time."""

import math
from dataclasses import dataclass, field

SLACK_S = 0.02
"""Limit of the time to send a decision, in s."""
LEASE_S = 0.12
"""Lifetime of a lease, 100 ms, and the slack."""


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
        Stated time to HOLD after `since`, in frame periods plus seconds; infinite where only the truth is checked.
    since : str
        "frame": arrival of the first faulty frame; "last": arrival of the last good one; "jump": half a period
        before the former; "act": the time of an action on a process.
    source : tuple of str
        Faults of the source, as for `gatekeeper replay --fault`, with F for the frame.
    engine : dict
        Settings of further faults in the engine's process.
    act : str or None
        Action on a process from outside.
    faulty_frames : int or None
        Number of faulty frames; None until the end.
    means : str or None
        A reason that must be in the journal; None where no process is left to write it.
    """

    name: str
    detected_by: str
    periods: float
    seconds: float
    since: str
    source: tuple[str, ...] = ()
    engine: dict[str, float] = field(default_factory=dict)
    act: str | None = None
    faulty_frames: int | None = 5
    means: str | None = None

    def limit_s(self, period_s: float) -> float:
        """Return the stated time to HOLD for a frame period, both in s."""
        return self.periods * period_s + self.seconds


def _bad(name: str, text: str, reason: str) -> Fault:
    return Fault(name, f"gate: `{reason}`", 0.0, SLACK_S, "frame", (text,), means=reason)


def _missing(name: str, text: str, frames: int | None = 5, reason: str = "no_frame") -> Fault:
    return Fault(name, f"loop: `{reason}`", 1.5, SLACK_S, "last", (text,), faulty_frames=frames, means=reason)


FAULTS = (
    Fault("none", "gate: `outside`", 0.0, SLACK_S, "frame", faulty_frames=0, means="outside"),
    _missing("drop", "drop@F+5"),
    Fault("freeze", "gate: `frozen`", 1.0, SLACK_S, "frame", ("freeze@F+5",), means="frozen"),
    Fault(
        "duplicate",
        "gate: `sequence_not_rising`",
        0.0,
        SLACK_S,
        "frame",
        ("duplicate@F",),
        # A source that delivers only the newest frame has no copies.
        {"every_frame": 1.0},
        faulty_frames=1,
        means="sequence_not_rising",
    ),
    _missing("reorder", "reorder@F=2", 2, "sequence_not_rising"),
    _missing("delay", "delay@F+5=0.6"),
    _missing("burst", "burst@F+5"),
    _bad("NaN", "nan@F+5", "not_finite"),
    _bad("infinity", "inf@F+5", "not_finite"),
    _bad("zero", "zero@F+5", "constant"),
    _bad("saturate", "saturate@F+5", "saturated"),
    _bad("wrong shape", "shape@F+5", "wrong_shape"),
    _bad("wrong spacing", "spacing@F+5=1.05", "wrong_spacing"),
    _bad("other plane", "plane@F+5=5", "wrong_plane"),
    Fault("bit flips", "gate, where it matters", 0.0, math.inf, "frame", ("flip@F+5=30",), faulty_frames=0),
    _missing("silent source", "silence@F", None),
    Fault("source death in a frame", "loop: exception", 0.0, SLACK_S, "frame", ("die@F",), faulty_frames=None),
    Fault("engine crash", "connection or lease ends", 0.0, LEASE_S, "act", act="crash", faulty_frames=None),
    Fault("engine kill -9", "connection or lease ends", 0.0, LEASE_S, "act", act="kill", faulty_frames=None),
    Fault("engine SIGSTOP", "connection or lease ends", 0.0, LEASE_S, "act", act="stop", faulty_frames=None),
    Fault(
        "link loss", "lease ends; `link_lost`", 0.0, LEASE_S, "act", act="cut", faulty_frames=None, means="link_lost"
    ),
    Fault("linac death", "interlock gone; `link_lost`", 0.0, LEASE_S, "act", act="linac death", faulty_frames=None),
    Fault("linac hang", "lease over when it goes on; `link_lost`", 0.0, SLACK_S, "act", act="linac hang"),
    Fault("interlock restart", "new interlock holds; `link_lost`", 0.0, LEASE_S, "act", act="linac restart"),
    Fault(
        "clock jump back",
        "gate: `clock_backwards`",
        1.0,
        SLACK_S,
        "jump",
        engine={"jump_s": -1.0},
        faulty_frames=None,
        means="clock_backwards",
    ),
    Fault(
        "clock jump ahead",
        "loop or gate: `no_frame`, `stale_frame`",
        1.0,
        SLACK_S,
        "jump",
        engine={"jump_s": 5.0},
        faulty_frames=None,
        means="stale_frame",
    ),
    Fault("slow tracker", "decision no longer fresh", 1.5, SLACK_S, "last", engine={"slow_s": 1.0}, faulty_frames=2),
    Fault(
        "writer death",
        "gate: `recording_lost`",
        1.0,
        SLACK_S,
        "act",
        act="writer death",
        faulty_frames=None,
    ),
    Fault(
        "disk full",
        "gate: `recording_lost`",
        2.0,
        0.12,
        "act",
        act="disk full",
        faulty_frames=None,
    ),
    Fault(
        "slow consumer: writer stopped",
        "gate: `recording_lost` after 2 s without a sign of life",
        2.0,
        2.0 + SLACK_S,
        "act",
        act="writer stop",
        faulty_frames=None,
    ),
)
"""All faults; in "none" the target leaves without any other fault."""
