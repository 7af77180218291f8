"""The conductor: takes a session from phase to phase between two frames, on the loop's thread, and journals it."""

import math
from collections.abc import Mapping

from gatekeeper.core.clock import Clock
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import Decision
from gatekeeper.core.protocols import LinacPort, Recorder
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.operator.request import END, Request
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.session.arming import Armed, Learned
from gatekeeper.session.phases import Phase, armed_phase, refusal
from gatekeeper.session.preview_recorder import PreviewRecorder
from gatekeeper.session.status import SessionStatus

DOOR = "command line"
"""Where wishes come from that were made when the session was started."""
TIME_IS_OVER = "the time limit"
"""Who ends a session that was started for so many seconds."""
OWN = frozenset({Phase.READY, Phase.DELIVERY, Phase.PAUSED})
"""Phases that follow from the state of the gate."""


class SessionController:
    """Stands between the loop and everything else: it listens to the operator for it and is its recorder.

    Parameters
    ----------
    armed : Armed
        The engine, its gate not armed yet.
    recorder : Recorder
        Keeps every pass and every event.
    linac : LinacPort
        Whose link is waited for.
    desk : RequestQueue
        Where operators ask.
    board : SessionStatus
        Shows how it is.
    clock : Clock
        Session time.
    preview_s : float
        How long frames are gathered to learn from, in seconds; 0: nothing is learned.
    arm_by : str, optional
        In whose name the gate is armed as soon as the session is ready, unless the preview speaks against it.
    seconds : float
        The session ends after this much session time, in seconds.

    Attributes
    ----------
    decisions, tracks : list
        All that was decided, and where the target was, for the picture at the end.
    was_armed : bool
        Whether the gate was ever armed.
    learned : Learned or None
        What was learned, once it was.
    """

    def __init__(
        self,
        armed: Armed,
        recorder: Recorder,
        linac: LinacPort,
        desk: RequestQueue,
        board: SessionStatus,
        clock: Clock,
        preview_s: float,
        arm_by: str | None = None,
        seconds: float = math.inf,
    ) -> None:
        self._armed, self._recorder, self._linac = armed, recorder, linac
        self._desk, self._board, self._clock = desk, board, clock
        self._preview_s = preview_s
        self._arm_by = arm_by
        self._until_s = clock.now_s() + seconds
        self._phase = Phase.CONNECT
        self._learner = PreviewRecorder(armed.learn, preview_s)
        self.decisions: list[Decision] = []
        self.tracks: list[Track | None] = []
        self.was_armed = False
        self.learned: Learned | None = None
        self._enter(Phase.CONNECT)

    @property
    def phase(self) -> Phase:
        """Where the session is."""
        return self._phase

    def refuse(self, wish: Request) -> str | None:
        """Return why a wish cannot be granted in this phase, and journal that; None when it can."""
        why = refusal(self._phase, wish.word)
        if why is not None:
            self._note_refusal(wish, why)
        return why

    def listen(self) -> Command | None:
        """Go on to the next phase where it is time, and return the operator's next command; what the loop calls."""
        self._advance()
        if self._clock.now_s() >= self._until_s and self._desk.ending is None:
            self._until_s = math.inf
            self._desk.ask(Request(END, TIME_IS_OVER, DOOR))
        return self._desk.listen()

    @property
    def fault(self) -> str | None:
        """Why nothing is recorded any more."""
        return self._recorder.fault

    def record(self, step: Step, total_ms: float) -> None:
        """Take in one pass of the loop."""
        self._recorder.record(step, total_ms)
        if self._phase is Phase.PREVIEW:
            self._learner.gather(step)
            self._board.gather(self._learner.gathered_s, self._preview_s)
        self.decisions.append(step.decision)
        self.tracks.append(step.track)
        self._board.saw(step, total_ms, self._linac.alive, self._armed.gate.state.armed)

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Take in what became of an operator's command, and what phase that leads to."""
        self._recorder.event(name, time_s, values)
        self._board.say(time_s, f"{values['note']}")
        self._desk.heard(time_s, values)
        state = self._armed.gate.state
        self.was_armed |= state.armed
        if self._phase in OWN and (phase := armed_phase(state.armed, state.operator_hold)) is not self._phase:
            self._enter(phase, str(values["operator"]))

    def end(self, note: str = "") -> None:
        """Say that the session is over, and wait until nothing is going on any more."""
        self._enter(Phase.ENDED, None if self._desk.ending is None else self._desk.ending.operator, note)
        self._learner.close()

    def _advance(self) -> None:
        """Go on to the next phase where it is time."""
        match self._phase:
            case Phase.CONNECT if self._linac.alive:
                if self._preview_s > 0.0:
                    self._enter(Phase.PREVIEW)
                else:
                    self._get_ready()
            case Phase.PREVIEW if self._learner.is_full:
                self._enter(Phase.LEARNING, note=f"from {self._learner.frames} frames")
                self._learner.start()
            case Phase.LEARNING if (learned := self._learner.result()) is not None:
                self._adopt(learned)
                self._get_ready()

    def _adopt(self, learned: Learned) -> None:
        """Go on with what was learned; the record says so, and learns the same from the same frames."""
        self._armed.adopt(learned)
        self.learned = learned
        now_s = self._clock.now_s()
        values = {
            "frames": self._learner.frames,
            "go": learned.preview.go,
            "nearest_mm": learned.nearest_mm if math.isfinite(learned.nearest_mm) else None,
            "inside": learned.inside,
        }
        self._recorder.event("learned", now_s, values)
        self._board.learned = learned
        for line in learned.as_lines():
            self._board.say(now_s, line)

    def _get_ready(self) -> None:
        self._enter(Phase.READY)
        if self._arm_by is None:
            return
        if self.learned is not None and not self.learned.go:
            note = "not armed: the preview speaks against it; look at it, and arm or end"
            self._note_refusal(Request(Action.ARM, self._arm_by, DOOR), note)
            return
        self._desk.ask(Request(Action.ARM, self._arm_by, DOOR))

    def _note_refusal(self, wish: Request, why: str) -> None:
        now_s = self._clock.now_s()
        values = {"wish": str(wish.word), "operator": wish.operator, "door": wish.door, "note": why}
        self._recorder.event("refused", now_s, values)
        self._board.say(now_s, f"refused: {why}")

    def _enter(self, phase: Phase, operator: str | None = None, note: str = "") -> None:
        """Begin another phase, and say so."""
        self._phase = phase
        now_s = self._clock.now_s()
        self._recorder.event("phase", now_s, {"phase": phase.value, "operator": operator, "note": note})
        self._board.enter(phase, now_s)
        about = [words for words in (note, f"by {operator}" if operator else "") if words]
        self._board.say(now_s, ", ".join([f"phase {phase.value}", *about]))
