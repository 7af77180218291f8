"""Define the gate's state machine: measurements and an operator's commands to beam-on or hold."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.reasons import FAULTS, FAULTS_WHEN_ARMED, REASONS
from gatekeeper.gating.hold_reasons import violations
from gatekeeper.gating.measurements import Limits, Measurements


@dataclass(frozen=True, slots=True)
class GateState:
    """State of the gate between frames; the initial state holds.

    Attributes
    ----------
    armed : bool
        True when beam-on is allowed.
    operator_hold : bool
        True while an operator holds the beam.
    good_frames : int
        Number of consecutive frames without a violation, up to `frames_to_resume`.
    beam : BeamState
        ON or HOLD.
    reasons : tuple of Reason
        All reasons of a HOLD, in the order of the table; empty when ON.
    faults : tuple of Reason
        Latched faults, in the order of the table.
    """

    armed: bool = False
    operator_hold: bool = False
    good_frames: int = 0
    beam: BeamState = BeamState.HOLD
    reasons: tuple[Reason, ...] = (Reason.NOT_ARMED,)
    faults: tuple[Reason, ...] = ()


class Rules(NamedTuple):
    """The limits in both directions, computed once.

    Attributes
    ----------
    frames_to_resume : int
        Number of consecutive good frames before the beam comes on.
    stay_on, resume : Limits
        Limits for a beam that is on, and for a held beam to come on.
    """

    frames_to_resume: int
    stay_on: Limits
    resume: Limits

    @classmethod
    def of(cls, config: GateConfig) -> "Rules":
        """Return the rules of a config."""
        return cls(config.frames_to_resume, Limits.to_stay_on(config), Limits.to_resume(config))


def step(state: GateState, measurements: Measurements, rules: Rules) -> GateState:
    """Return the state after one more frame.

    A single violation holds the beam at once. It comes on with the last of `frames_to_resume` consecutive frames that
    meet the limits for resuming, or later, as soon as the linac can start a beam.

    Parameters
    ----------
    state : GateState
        The state before.
    measurements : Measurements
        The measurements on the frame.
    rules : Rules
        The limits.

    Returns
    -------
    GateState
        The state after the frame.
    """
    was_on = state.beam is BeamState.ON
    violated = violations(measurements, rules.stay_on if was_on else rules.resume)
    if violated or state.faults or state.operator_hold or not state.armed:
        return _held(state, violated)
    if was_on:
        return state
    good_frames = min(state.good_frames + 1, rules.frames_to_resume)
    waiting = measurements.refusals
    if good_frames < rules.frames_to_resume:
        waiting = (Reason.RESUMING, *waiting)
    if waiting:
        return GateState(state.armed, state.operator_hold, good_frames, BeamState.HOLD, waiting, state.faults)
    return GateState(state.armed, state.operator_hold, good_frames, BeamState.ON, (), state.faults)


def silence(state: GateState, link_alive: bool) -> GateState:
    """Return the state after a frame timeout."""
    return _held(state, (Reason.NO_FRAME,) if link_alive is True else (Reason.LINK_LOST, Reason.NO_FRAME))


def arm(state: GateState) -> GateState:
    """Allow beam-on after `frames_to_resume` good frames; return the same state when armed already."""
    return state if state.armed else _held(replace(state, armed=True), ())


def disarm(state: GateState) -> GateState:
    """Hold until armed again; faults and an operator's hold remain."""
    return _held(replace(state, armed=False), ())


def hold(state: GateState) -> GateState:
    """Hold until released."""
    return _held(replace(state, operator_hold=True), ())


def release(state: GateState) -> GateState:
    """End an operator's hold; return the same state without one."""
    return _held(replace(state, operator_hold=False), ()) if state.operator_hold else state


def latch(state: GateState, fault: Reason) -> GateState:
    """Hold for a fault until an operator resets it.

    Parameters
    ----------
    state : GateState
        The state before.
    fault : Reason
        The fault.

    Returns
    -------
    GateState
        The state with the fault latched.

    Raises
    ------
    ValueError
        When the reason is not a fault: it clears itself.
    """
    if fault not in FAULTS:
        raise ValueError(f"{fault} clears itself and cannot be latched; faults are {', '.join(FAULTS)}")
    return _held(state, (fault,))


def reset(state: GateState) -> GateState:
    """Clear all faults; one whose cause persists returns with the next frame."""
    return _held(replace(state, faults=()), ()) if state.faults else state


def interrupt(state: GateState) -> GateState:
    """Hold now, and restart the count of good frames."""
    return _held(state, ())


def _held(state: GateState, violated: tuple[Reason, ...]) -> GateState:
    """Return the state with the beam held for violations, latched faults, an operator's hold and being disarmed."""
    found = {*violated, *state.faults}
    faults = tuple([reason for reason in FAULTS if reason in found])
    if not state.armed and faults:
        faults = tuple([one for one in faults if one in state.faults or one not in FAULTS_WHEN_ARMED])
    if not state.armed:
        found.add(Reason.NOT_ARMED)
    if state.operator_hold:
        found.add(Reason.OPERATOR_HOLD)
    reasons = tuple([reason for reason in REASONS if reason in found]) or (Reason.RESUMING,)
    return GateState(state.armed, state.operator_hold, 0, BeamState.HOLD, reasons, faults)
