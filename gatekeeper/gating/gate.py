"""The gate: a pure state machine that turns findings into beam-on or hold, and the object that feeds it."""

from dataclasses import dataclass, replace

from gatekeeper.config import GateConfig
from gatekeeper.decision import BeamState, Decision, Reason
from gatekeeper.frame import Frame
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.findings import Findings, measure, violations
from gatekeeper.track import Track


@dataclass(frozen=True, slots=True)
class GateState:
    """All that the gate remembers from frame to frame; as made, it holds.

    Attributes
    ----------
    armed : bool
        Whether beam-on is allowed at all.
    good_frames : int
        Frames in a row without a violation, counted up to `frames_to_resume`.
    beam : BeamState
        ON or HOLD.
    reasons : tuple of Reason
        All reasons of a HOLD; empty when ON.
    """

    armed: bool = False
    good_frames: int = 0
    beam: BeamState = BeamState.HOLD
    reasons: tuple[Reason, ...] = (Reason.NOT_ARMED,)


def step(state: GateState, findings: Findings | None, config: GateConfig) -> GateState:
    """Return the state after one more frame.

    One violation holds at once; the beam comes on with the last of `frames_to_resume` good frames in a row.

    Parameters
    ----------
    state : GateState
        The state before.
    findings : Findings or None
        What was measured; None when no frame came in time.
    config : GateConfig
        The limits.
    """
    violated = (Reason.NO_FRAME,) if findings is None else violations(findings, config)
    if not state.armed:
        violated = (Reason.NOT_ARMED, *violated)
    if violated:
        return held(state, violated)
    good_frames = min(state.good_frames + 1, config.frames_to_resume)
    if good_frames < config.frames_to_resume:
        return GateState(True, good_frames, BeamState.HOLD, (Reason.RESUMING,))
    return GateState(True, good_frames, BeamState.ON, ())


def held(state: GateState, reasons: tuple[Reason, ...]) -> GateState:
    """Return the state with the beam held for `reasons` and the count of good frames begun anew."""
    return replace(state, good_frames=0, beam=BeamState.HOLD, reasons=reasons)


class Gate:
    """Judges one frame after the other.

    Parameters
    ----------
    envelope : Envelope
        Where the target must be. It carries the spacing, and if given the shape, that frames must have.
    config : GateConfig
        The limits.
    armed : bool
        Whether the gate starts armed. It starts with the beam held in either case; an engine that has an operator
        says False here and calls `arm`.
    """

    def __init__(self, envelope: Envelope, config: GateConfig | None = None, *, armed: bool = True) -> None:
        self.envelope = envelope
        self.config = GateConfig() if config is None else config
        self._state = GateState()
        if armed:
            self.arm()

    @property
    def state(self) -> GateState:
        """What the gate remembers."""
        return self._state

    def arm(self) -> None:
        """Allow beam-on after `frames_to_resume` good frames from now; changes nothing when armed already."""
        if not self._state.armed:
            self._state = GateState(True, 0, BeamState.HOLD, (Reason.RESUMING,))

    def disarm(self) -> None:
        """Hold from now on, whatever comes, until armed again."""
        self._state = GateState()

    def decide(self, track: Track | None, frame: Frame, now_s: float | None = None) -> Decision:
        """Return beam-on or hold for one frame.

        Parameters
        ----------
        track : Track or None
            Where the target is on that frame; None when the frame was not fit to be tracked, which holds.
        frame : Frame
            The frame.
        now_s : float, optional
            Session time in seconds; by default the time at which the frame was received.
        """
        now_s = frame.received_s if now_s is None else now_s
        before = self._state
        # Stands if measuring fails: a frame that could not be judged breaks the row of good ones.
        self._state = held(before, (Reason.INVALID_FRAME,))
        findings = measure(track, frame, now_s, self.envelope)
        self._state = step(before, findings, self.config)
        return Decision(frame.sequence, now_s, self._state.beam, self._state.reasons, findings.outside_percent)

    def silence(self, now_s: float) -> Decision:
        """Return the hold for when no frame came in time, at session time `now_s` in seconds."""
        self._state = step(self._state, None, self.config)
        return Decision(-1, now_s, self._state.beam, self._state.reasons, float("nan"))
