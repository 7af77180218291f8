"""Make a frame the reference in the middle of a replay, as an operator of a live session does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gatekeeper.core.clock import Clock
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import BeamState
from gatekeeper.core.errors import GatekeeperError
from gatekeeper.core.protocols import Recorder, TargetTracker
from gatekeeper.core.step import Step
from gatekeeper.recording.forwarding import ForwardingRecorder
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed
from gatekeeper.session.controller import CONFIRMED, ORIGIN
from gatekeeper.session.reference_change import picture_name
from gatekeeper.session.taken_frame import TakenFrame, refusal

AGAIN = "repeat it with --confirm"


@dataclass(frozen=True, slots=True)
class AskedReference:
    """A request for a frame to become the reference.

    Attributes
    ----------
    sequence : int
        Number of the frame.
    operator : str
        Who asks.
    confirmed : bool
        Whether the picture has been looked at; if not, it is drawn and nothing is changed.
    """

    sequence: int
    operator: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class ReferenceOutcome:
    """What became of such a request.

    Attributes
    ----------
    frame : int
        Number of the frame.
    used : bool
        Whether it became the reference.
    note : str
        One line: what was done, or why not.
    """

    frame: int
    used: bool
    note: str


class ReferenceOperator(ForwardingRecorder):
    """The loop's operator and recorder in a replay with such a request.

    After the frame was judged it holds the beam, makes the frame the reference and releases the hold, between two
    frames.

    Parameters
    ----------
    recorder : Recorder
        Receives every pass and every event.
    asked : AskedReference
        The request.
    armed : Armed
        The session.
    setup : SessionSetup
        Its setup, for the picture.
    folder : Path
        Folder for the picture.
    clock : Clock
        Session time.

    Attributes
    ----------
    outcome : ReferenceOutcome
        What has become of the request so far.
    """

    def __init__(
        self, recorder: Recorder, asked: AskedReference, armed: Armed, setup: SessionSetup, folder: Path, clock: Clock
    ) -> None:
        super().__init__(recorder)
        self._asked, self._armed, self._setup, self._folder, self._clock = asked, armed, setup, folder, clock
        self._step: Step | None = None
        self._prepared: tuple[TakenFrame, TargetTracker] | None = None
        self._commands = self._ask()
        self.outcome = ReferenceOutcome(
            asked.sequence, False, f"not used: frame {asked.sequence} did not come, or none after it"
        )

    def __call__(self) -> Command | None:
        """Return the next command for the loop."""
        return next(self._commands)

    def record(self, step: Step, total_ms: float) -> None:
        """Record one pass of the loop, and remember the frame that is to become the reference."""
        super().record(step, total_ms)
        if step.frame is not None and step.frame.sequence == self._asked.sequence:
            self._step = step

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Record an event, and use the frame when its command was accepted."""
        super().event(name, time_s, values)
        if name == Action.REFERENCE and values["accepted"] and self._prepared is not None:
            self._armed.use_reference(*self._prepared)

    def _ask(self) -> Iterator[Command | None]:
        """Yield the commands, and None in between."""
        while self._step is None:
            yield None
        note = self._prepare(self._step)
        if note is not None:
            self._note("refused", note)
            self.outcome = replace(self.outcome, note=note)
        else:
            held_already = self._armed.gate.state.operator_hold
            if not held_already:
                yield self._command(Action.HOLD)
            yield self._command(Action.REFERENCE, self._asked.sequence)
            if not held_already:
                yield self._command(Action.RELEASE)
        while True:
            yield None

    def _prepare(self, step: Step) -> str | None:
        """Draw the picture and make the tracker; return why the frame is not used, None when it is."""
        armed, asked = self._armed, self._asked
        # It will be held.
        state = replace(armed.gate.state, beam=BeamState.HOLD)
        why = refusal(step, step.decision.time_s, state, armed.config.gate, armed.least_confidences)
        taken = None if why is not None else TakenFrame.of(step)
        if taken is None:
            return why
        path, words = self._folder / picture_name(taken.sequence), taken.as_words(armed.target_px, armed.names)
        from gatekeeper.report.reference_picture import draw_reference

        draw_reference(path, self._setup, armed, taken)
        if not asked.confirmed:
            return f"not used yet: {words}; look at {path}, then {AGAIN}"
        try:
            self._prepared = taken, armed.tracker_on(taken)
        except GatekeeperError as error:
            return f"not used: {error}"
        self._note(CONFIRMED, words)
        self.outcome = replace(self.outcome, used=True, note=f"{words}; see {path}")
        return None

    def _note(self, event: str, note: str) -> None:
        values = {"wish": Action.REFERENCE.value, "operator": self._asked.operator, "door": ORIGIN, "note": note}
        super().event(event, self._clock.now_s(), values)

    def _command(self, action: Action, sequence: int = -1) -> Command:
        return Command(action, self._asked.operator, self._clock.now_s(), sequence=sequence)
