"""The state of the gate: a pure machine that turns findings and an operator's wishes into beam-on or hold."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.reasons import FAULTS, REASONS
from gatekeeper.gating.hold_reasons import violations
from gatekeeper.gating.measurements import Limits, Measurements


@dataclass(frozen=True, slots=True)
class GateState:
    """All that the gate remembers from frame to frame to decide by; as made, it holds.

    Attributes
    ----------
    armed : bool
        Whether beam-on is allowed at all.
    operator_hold : bool
        Whether an operator holds the beam.
    good_frames : int
        Frames in a row without a violation, counted up to `frames_to_resume`.
    beam : BeamState
        ON or HOLD.
    reasons : tuple of Reason
        All reasons of a HOLD, in the order of the table; empty when ON.
    faults : tuple of Reason
        Faults that no operator has reset, in the order of the table.
    """

    armed: bool = False
    operator_hold: bool = False
    good_frames: int = 0
    beam: BeamState = BeamState.HOLD
    reasons: tuple[Reason, ...] = (Reason.NOT_ARMED,)
    faults: tuple[Reason, ...] = ()


class Rules(NamedTuple):
    """The limits in both directions, worked out once.

    Attributes
    ----------
    frames_to_resume : int
        Good frames in a row before the beam comes on.
    stay_on, resume : Limits
        What holds a beam that is on, and what lets one that is held come on.
    """

    frames_to_resume: int
    stay_on: Limits
    resume: Limits

    @classmethod
    def of(cls, config: GateConfig) -> "Rules":
        """Return the rules that a config makes."""
        return cls(config.frames_to_resume, Limits.to_stay_on(config), Limits.to_resume(config))


def step(state: GateState, findings: Measurements, rules: Rules) -> GateState:
    """Return the state after one more frame.

    One violation holds at once. The beam comes on with the last of `frames_to_resume` good frames in a row, good by
    the stricter limits for resuming, or later, when the linac does not refuse to begin any more.

    Parameters
    ----------
    state : GateState
        The state before.
    findings : Measurements
        What was measured.
    rules : Rules
        The limits.
    """
    was_on = state.beam is BeamState.ON
    violated = violations(findings, rules.stay_on if was_on else rules.resume)
    if violated or state.faults or state.operator_hold or not state.armed:
        return _held(state, violated)
    if was_on:
        return state
    good_frames = min(state.good_frames + 1, rules.frames_to_resume)
    waiting = findings.refusals
    if good_frames < rules.frames_to_resume:
        waiting = (Reason.RESUMING, *waiting)
    if waiting:
        return replace(state, good_frames=good_frames, beam=BeamState.HOLD, reasons=waiting)
    return replace(state, good_frames=good_frames, beam=BeamState.ON, reasons=())


def silence(state: GateState, link_alive: bool) -> GateState:
    """Return the state after a time in which no frame came."""
    return _held(state, (Reason.NO_FRAME,) if link_alive is True else (Reason.LINK_LOST, Reason.NO_FRAME))


def arm(state: GateState) -> GateState:
    """Allow beam-on after `frames_to_resume` good frames from now; changes nothing when armed already."""
    return state if state.armed else _held(replace(state, armed=True), ())


def disarm(state: GateState) -> GateState:
    """Hold from now on, whatever comes, until armed again; faults and an operator's hold stay."""
    return _held(replace(state, armed=False), ())


def hold(state: GateState) -> GateState:
    """Hold from now on, whatever comes, until released."""
    return _held(replace(state, operator_hold=True), ())


def release(state: GateState) -> GateState:
    """End an operator's hold; changes nothing when there is none."""
    return _held(replace(state, operator_hold=False), ()) if state.operator_hold else state


def latch(state: GateState, fault: Reason) -> GateState:
    """Hold for a fault until an operator resets it.

    Raises
    ------
    ValueError
        When the reason is one that clears itself.
    """
    if fault not in FAULTS:
        raise ValueError(f"{fault} clears itself and cannot be latched; faults are {', '.join(FAULTS)}")
    return _held(state, (fault,))


def reset(state: GateState) -> GateState:
    """Forget all faults; one whose cause is still there is back with the next frame."""
    return _held(replace(state, faults=()), ()) if state.faults else state


def interrupt(state: GateState) -> GateState:
    """Hold now, and count good frames anew."""
    return _held(state, ())


def _held(state: GateState, violated: tuple[Reason, ...]) -> GateState:
    """Return the state with the beam held, for what was violated and for all that stands besides."""
    found = {*violated, *state.faults}
    faults = tuple([reason for reason in FAULTS if reason in found])
    if not state.armed:
        found.add(Reason.NOT_ARMED)
    if state.operator_hold:
        found.add(Reason.OPERATOR_HOLD)
    reasons = tuple([reason for reason in REASONS if reason in found]) or (Reason.RESUMING,)
    return replace(state, good_frames=0, beam=BeamState.HOLD, reasons=reasons, faults=faults)
