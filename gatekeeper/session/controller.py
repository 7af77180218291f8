"""The controller: moves a session from phase to phase between two frames, on the loop's thread, and journals it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from gatekeeper.config.safe_ranges import in_short, unsafe_settings
from gatekeeper.core.clock import Clock, monotonic_ns
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import BeamState
from gatekeeper.core.protocols import FrameSource, LinacPort, Recorder
from gatekeeper.core.step import Step
from gatekeeper.core.workflow import MARK
from gatekeeper.gating.gate import AGAIN
from gatekeeper.linac.lease.messages import session_words
from gatekeeper.linac.lease.sender import FarClock
from gatekeeper.operator.request import BASELINE_PLACE, END, HOLD_PLACE, Request
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.session.arming import Armed
from gatekeeper.session.history import History
from gatekeeper.session.hold_rows import BREATH_HOLD
from gatekeeper.session.latency_control import LatencyControl
from gatekeeper.session.loop import TRACKER_FAILED
from gatekeeper.session.phases import GATE_PHASES, Phase, armed_phase, refusal
from gatekeeper.session.preview_learning import Learned
from gatekeeper.session.preview_recorder import PreviewRecorder
from gatekeeper.session.reference_change import CONFIRM_S, ReferenceChange
from gatekeeper.session.source_notes import SourceNotes
from gatekeeper.session.status import SessionStatus
from gatekeeper.sources.connections import new_connections

CONNECTION = "connection"
"""The journal's event for a connection over which frames come."""
WARNING = "warning"
"""The journal's event for what every face of a session warns of."""
ORIGIN = "command line"
"""Origin of requests that were made when the session was started."""
TIME_IS_OVER = "the time limit"
"""Operator name of the request that ends a session after its set duration."""
CONFIRMED = "confirmed"
"""The journal's event for what an operator has confirmed by a typed word."""
UNKNOWN_PLACES = {
    HOLD_PLACE: "no breath-hold has been recognised",
    BASELINE_PLACE: "where the target rests has not been measured",
}
"""Why the envelope cannot be moved to a place."""
UNSAFE = "settings beyond their safe ranges"
INTERLOCK = "interlock"
"""The journal's event for the session at an interlock and its clock."""
INTERLOCK_S = 5.0
"""Time between two of these events, in s."""


def journal_notes(
    requests: RequestQueue, event: Callable[[str, float, Mapping[str, object]], None], status: SessionStatus
) -> None:
    """Journal and show the marks and messages of operators since the last call, each at its own time."""
    while (noted := requests.next_note()) is not None:
        time_s, request = noted
        what, text = ("step", request.step) if request.word == MARK else ("phrase", request.phrase)
        event(request.word, time_s, {what: text, "operator": request.operator, "door": request.origin})
        said = f"step {text}" if request.word == MARK else f"message to the patient: {text}"
        status.add_line(time_s, f"{said}, by {request.operator}")


@runtime_checkable
class MeasuresFarClock(Protocol):
    """A linac port that measures the clock of the interlock."""

    @property
    def far_clock(self) -> FarClock | None:
        """The interlock's clock beside ours; None while it was not measured."""
        ...

    def forget_far_clock(self) -> None:
        """Measure it anew."""
        ...


@runtime_checkable
class TellsBeam(Protocol):
    """A linac port that tells whether the machine's beam is on."""

    @property
    def machine_beam(self) -> bool | None:
        """Whether it is on; None while it is not known."""
        ...


class SessionController:
    """Connect the loop to operators, recorder and status; it is the loop's recorder and its source of commands.

    Parameters
    ----------
    armed : Armed
        The engine, with its gate not armed yet.
    recorder : Recorder
        Records every pass and every event.
    linac : LinacPort
        The link that must be alive before the session proceeds.
    requests : RequestQueue
        Requests of the operators.
    status : SessionStatus
        Updated on every pass and event.
    clock : Clock
        Session time.
    preview_s : float
        Length of the preview to learn from, in s; 0: no preview.
    arm_by : str, optional
        Operator in whose name the gate is armed as soon as the session is ready, unless the preview is NO-GO.
    seconds : float
        Duration of the session in seconds of session time.
    source : FrameSource, optional
        The source, which knows who sends.
    notes : SourceNotes, optional
        What the source does not use.
    reference : ReferenceChange, optional
        Makes frames the reference; by default without pictures.

    Attributes
    ----------
    history : History
        Decisions and tracks for the overview picture at the end.
    was_armed : bool
        Whether the gate was ever armed.
    learned : Learned or None
        Result of the preview, once there is one.
    """

    def __init__(
        self,
        armed: Armed,
        recorder: Recorder,
        linac: LinacPort,
        requests: RequestQueue,
        status: SessionStatus,
        clock: Clock,
        preview_s: float,
        arm_by: str | None = None,
        seconds: float = math.inf,
        source: FrameSource | None = None,
        notes: SourceNotes | None = None,
        reference: ReferenceChange | None = None,
    ) -> None:
        self._armed, self._recorder, self._linac = armed, recorder, linac
        self._requests, self._status, self._clock = requests, status, clock
        self._source, self._connections_told = source, 0
        self._notes = notes
        self._reference = ReferenceChange(armed) if reference is None else reference
        self._preview_s = preview_s
        self._arm_by = arm_by
        self._until_s = clock.now_s() + seconds
        self._phase = Phase.CONNECT
        self._preview = PreviewRecorder(armed.learn, preview_s)
        self.history = History()
        self.was_armed = False
        self.learned: Learned | None = None
        self._latency = LatencyControl(armed, linac, status, clock)
        self._asked: tuple[tuple[str, tuple[float, float], str, str], float] | None = None
        self._interlock = linac if isinstance(linac, MeasuresFarClock) else None
        self._interlock_session, self._interlock_from_s = -1, -math.inf
        if isinstance(linac, TellsBeam):
            status.machine_beam = lambda: linac.machine_beam
        self._enter(Phase.CONNECT)

    @property
    def phase(self) -> Phase:
        """Current phase."""
        return self._phase

    def refuse(self, request: Request) -> str | None:
        """Return why a request is refused in this phase, and journal that; None when it is accepted."""
        why = refusal(self._phase, request.word)
        why = self._question(request) if why is None else why
        if why is not None:
            self._note_refusal(request, why)
        return why

    def resolve(self, request: Request) -> Request:
        """Return a request to move the envelope to a place with its shift; when it is confirmed, with the one shown."""
        if not request.place:
            return request
        if request.confirmed and self._asked is not None and self._asked[0][2:] == (request.origin, request.place):
            return replace(request, shift_mm=self._asked[0][1])
        shift_mm = self._shift_to(request.place)
        return request if isinstance(shift_mm, str) else replace(request, shift_mm=shift_mm)

    def _shift_to(self, place: str) -> tuple[float, float] | str:
        """Return the shift to a place that the limits allow, in mm, or why there is none."""
        gate = self._armed.gate
        place_mm = gate.hold_mm if place == HOLD_PLACE else gate.rest_mm
        return f"not moved: {UNKNOWN_PLACES[place]}; wait" if place_mm is None else gate.shift_towards(place_mm)

    def _question(self, request: Request) -> str | None:
        """Return what an operator has to confirm first, on the interface that asked; None when nothing is left to."""
        if request.word == Action.REFERENCE:
            return self._reference_question(request)
        if request.word == Action.REBASE:
            if request.place and request.shift_mm == (0.0, 0.0):
                return f"{self._shift_to(request.place)}"
            question = f"rebase {self._armed.gate.question(request.shift_mm)}"
        elif request.word == Action.ARM and (unsafe := unsafe_settings(self._armed.config)):
            question = f"arm with {UNSAFE}: {in_short(unsafe)}; {AGAIN}"
        else:
            return None
        asked, now_s = (request.word, request.shift_mm, request.origin, request.place), self._clock.now_s()
        before, self._asked = self._asked, (asked, now_s)
        if request.confirmed and before is not None and before[0] == asked and now_s - before[1] <= CONFIRM_S:
            self._asked = None
            self._note_confirmed(request, question)
            return None
        return question

    def _reference_question(self, request: Request) -> str | None:
        """Return what `_question` does, for a frame that is to become the reference."""
        now_s, change = self._clock.now_s(), self._reference
        if not request.confirmed:
            question = change.question(now_s, request.origin)
            self._status.reference = change.taken
            return question
        why = change.unready(request.sequence, now_s, request.origin)
        if why is None and change.taken is not None:
            self._note_confirmed(request, change.taken.as_words(self._armed.target_px, self._armed.names))
        return why

    def _note_confirmed(self, request: Request, question: str) -> None:
        values = {"wish": request.word, "operator": request.operator, "door": request.origin, "note": question}
        self._recorder.event(CONFIRMED, self._clock.now_s(), values)

    def next_command(self) -> Command | None:
        """Enter the next phase if it is time, and return the operator's next command; called by the loop."""
        self._tell_connections()
        if self._notes is not None:
            self._notes.look()
            self._notes.journal(self._recorder.event)
        journal_notes(self._requests, self._recorder.event, self._status)
        self._advance()
        self._forget_reference()
        self._note_interlock()
        self._latency.look(self._recorder.event, WARNING)
        if self._clock.now_s() >= self._until_s and self._requests.ending is None:
            self._until_s = math.inf
            self._requests.submit(Request(END, TIME_IS_OVER, ORIGIN))
        return self._requests.next_command()

    @property
    def fault(self) -> str | None:
        """Why the record is no longer kept; None while it is."""
        return self._recorder.fault

    def record(self, step: Step, total_ms: float) -> None:
        """Record one pass of the loop and update the status."""
        self._recorder.record(step, total_ms)
        self._latency.record(step, total_ms)
        if self._phase is Phase.PREVIEW:
            self._preview.gather(step)
            self._status.show_preview(self._preview.gathered_s, self._preview_s)
        if self._phase in GATE_PHASES and step.decision.state is BeamState.HOLD:
            self._reference.look(step)
        self.history.add(step.decision, step.track, step.others)
        self._status.update(step, total_ms, self._linac.alive)

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Record the result of an operator command, and enter the phase that follows from it."""
        self._recorder.event(name, time_s, values)
        self._status.add_line(time_s, f"{values['note']}")
        if name in (TRACKER_FAILED, BREATH_HOLD):
            return
        if name == Action.REFERENCE and values["accepted"]:
            self._reference.use()
        self._requests.complete(time_s, values)
        state = self._armed.gate.state
        self.was_armed |= state.armed
        if self._phase in GATE_PHASES and (phase := armed_phase(state.armed, state.operator_hold)) is not self._phase:
            self._enter(phase, str(values["operator"]))

    def end(self, note: str = "") -> None:
        """Enter the last phase, and wait for a running preview, or a tracker that is being prepared, to finish."""
        self._enter(Phase.ENDED, None if self._requests.ending is None else self._requests.ending.operator, note)
        self._preview.close()
        self._reference.close()
        self._status.reference = None

    def _forget_reference(self) -> None:
        """Show a frame that is to become the reference no longer than it can be confirmed."""
        if self._reference.taken is not None and self._reference.is_over(self._clock.now_s()):
            self._reference.taken = None
        self._status.reference = self._reference.taken

    def _tell_connections(self) -> None:
        """Journal and show over which connections frames have begun to come."""
        for one in new_connections(self._source, self._connections_told):
            self._connections_told = one.number
            now_s = self._clock.now_s()
            self._recorder.event(CONNECTION, now_s, one.as_json())
            self._status.add_line(now_s, one.as_line())

    def _advance(self) -> None:
        """Enter the next phase if it is time."""
        match self._phase:
            case Phase.CONNECT if self._linac.alive:
                if self._preview_s > 0.0:
                    self._enter(Phase.PREVIEW)
                else:
                    self._get_ready()
            case Phase.PREVIEW if self._preview.is_full:
                self._enter(Phase.LEARNING, note=f"from {self._preview.frames} frames")
                self._preview.start()
            case Phase.LEARNING if (learned := self._preview.result()) is not None:
                self._adopt(learned)
                self._get_ready()

    def _note_interlock(self) -> None:
        """Journal session and clock of the interlock every few seconds, so that both records can be compared."""
        if self._interlock is None or (measured := self._interlock.far_clock) is None:
            return
        now_s = self._clock.now_s()
        if measured.session == self._interlock_session and now_s < self._interlock_from_s:
            return
        self._interlock_session, self._interlock_from_s = measured.session, now_s + INTERLOCK_S
        values = {
            "session": session_words(measured.session),
            "clock_s": (monotonic_ns() + measured.ahead_ns) * 1e-9 - self._clock.now_s(),
            "rtt_ms": measured.rtt_ns * 1e-6,
        }
        self._recorder.event(INTERLOCK, now_s, values)
        self._interlock.forget_far_clock()

    def _adopt(self, learned: Learned) -> None:
        """Use what was learned; the recorded event lets a replay learn the same from the same frames."""
        self._armed.adopt(learned)
        self.learned = learned
        now_s = self._clock.now_s()
        values = {
            "frames": self._preview.frames,
            "go": learned.preview.go,
            "nearest_mm": learned.nearest_mm if math.isfinite(learned.nearest_mm) else None,
            "inside": learned.inside,
        }
        self._recorder.event("learned", now_s, values)
        self._status.learned = learned
        for line in learned.as_lines():
            self._status.add_line(now_s, line)

    def _get_ready(self) -> None:
        self._enter(Phase.READY)
        if self._arm_by is None:
            return
        if self.learned is not None and not self.learned.go:
            note = "not armed: the preview is NO-GO; look at its report, then arm or end"
            self._note_refusal(Request(Action.ARM, self._arm_by, ORIGIN), note)
            return
        self._requests.submit(Request(Action.ARM, self._arm_by, ORIGIN))

    def _note_refusal(self, request: Request, why: str) -> None:
        now_s = self._clock.now_s()
        values = {"wish": str(request.word), "operator": request.operator, "door": request.origin, "note": why}
        self._recorder.event("refused", now_s, values)
        self._status.add_line(now_s, f"refused: {why}")

    def _enter(self, phase: Phase, operator: str | None = None, note: str = "") -> None:
        """Enter a phase, and journal it."""
        self._phase = phase
        now_s = self._clock.now_s()
        values: dict[str, object] = {"phase": phase.value, "operator": operator, "note": note}
        if phase is Phase.ENDED:
            values["state"] = BeamState.HOLD.value
        self._recorder.event("phase", now_s, values)
        self._status.enter(phase, now_s)
        about = [words for words in (note, f"by {operator}" if operator else "") if words]
        self._status.add_line(now_s, ", ".join([f"phase {phase.value}", *about]))
