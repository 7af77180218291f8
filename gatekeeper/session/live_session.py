"""A live session from the first connection to its end: source -> engine -> linac, with an operator."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.clock import Clock
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.errors import GatekeeperError
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource, LinacPort, TrackerFactory
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.operator.request import END, Request
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.recording.session_folder import SessionRecorder, make_session_folder
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.runtime.timing import LoopStats
from gatekeeper.session.arming import Armed
from gatekeeper.session.contouring.requests import OVER, ContourRequests
from gatekeeper.session.contouring.workflow import ContouringWorkflow
from gatekeeper.session.controller import ORIGIN, TIME_IS_OVER, WARNING, SessionController, journal_notes
from gatekeeper.session.definition import SessionDefinition
from gatekeeper.session.history import History
from gatekeeper.session.loop import run_loop
from gatekeeper.session.outcome import Outcome
from gatekeeper.session.phases import Phase
from gatekeeper.session.reference_change import DrawReference, ReferenceChange
from gatekeeper.session.rehearsal import Rehearsal
from gatekeeper.session.source_notes import SourceNotes
from gatekeeper.session.startup import FirstFrame, Startup, wait_for_start
from gatekeeper.session.status import SessionStatus
from gatekeeper.sources.newest_frame import NewestFrame
from gatekeeper.sources.plane_filter import PlaneFilter

Draw = Callable[[Path, SessionSetup, Armed, History, SessionCounts], None]
"""Write a picture into the session folder from setup, armed engine, decisions and tracks."""


class LiveSession:
    """One live session.

    Create it, start the operator interfaces on `requests`, and call `run`.

    Parameters
    ----------
    definition : SessionDefinition
        Target, settings and duration.
    clock : Clock
        Session time, by which the source stamps its frames too.
    status : SessionStatus, optional
        Receives the status; by default a new one.
    draw : callable, optional
        Write a picture into the session folder before it is sealed; by default none is written.
    tracker : TrackerFactory, optional
        Makes the tracker; by default the one that the definition or its settings name.
    draw_reference : callable, optional
        Write a picture of a frame that is to become the reference; by default none is written.

    Attributes
    ----------
    requests : RequestQueue
        Takes requests of operators from any thread.
    status : SessionStatus
        Status of the session, readable from any thread.
    contour_requests : ContourRequests
        Takes contouring requests from any thread, in a session that begins with contouring.

    Raises
    ------
    InputError
        When the target is not on the reference, or cannot be tracked there.
    """

    def __init__(
        self,
        definition: SessionDefinition,
        clock: Clock,
        status: SessionStatus | None = None,
        draw: Draw | None = None,
        tracker: TrackerFactory | None = None,
        draw_reference: DrawReference | None = None,
    ) -> None:
        if tracker is not None:
            definition = replace(definition, tracker=tracker)
        self._definition = definition
        self._draw, self._draw_reference = draw, draw_reference
        self._clock = clock
        self._until_s = clock.now_s() + definition.seconds
        self._controller: SessionController | None = None
        self.status = SessionStatus() if status is None else status
        self.status.warnings = (*definition.config.warnings(), *definition.left_out)
        self.requests = RequestQueue(clock, self._refuse, self.status.show_note, self._resolve)
        self.contour_requests = ContourRequests()
        self._begun: tuple[SessionSetup, Armed] | None = None
        self._startup: Startup = FirstFrame(definition, self.status, clock)
        if definition.config.by_hand:
            self._startup = ContouringWorkflow(definition, self.contour_requests, self.status, clock)
        elif definition.reference is not None:
            self._begun = definition.begin(definition.reference)

    def run(
        self,
        source: FrameSource,
        linac: LinacPort,
        folder: Path,
        beat: Callable[[], None] | None = None,
        interfaces: Callable[[Path], AbstractContextManager[object]] = nullcontext,
        fault: Callable[[], Reason | None] | None = None,
    ) -> Outcome:
        """Run the session until an operator, the time limit or the source ends it, and complete the record in `folder`.

        On every exit HOLD is sent first, and the record is completed as far as possible.

        Parameters
        ----------
        source : FrameSource
            Supplies the frames; closed at the end.
        linac : LinacPort
            Receives the decisions; closed at the end.
        folder : Path
            Folder of the session; new or empty.
        beat : callable, optional
            Called in every pass of the loop; feeds the watchdog.
        interfaces : callable
            Return a context manager of operator interfaces for the folder, which exists by then. It is entered before
            the first frame and left after the last decision.
        fault : callable, optional
            Return a fault of what the session needs besides, or None; see `run_loop`.

        Returns
        -------
        Outcome
            Figures of the session.

        Raises
        ------
        GatekeeperError
            When the session failed; the record is as complete as possible.
        """
        try:
            with closing(source), closing(linac), ExitStack() as opened:
                # Before the first wait for a frame or an operator.
                make_session_folder(folder)
                linac.send(Decision(-1, self._clock.now_s(), BeamState.HOLD, (Reason.NOT_ARMED,), math.nan))
                opened.enter_context(interfaces(folder))
                notes = SourceNotes(source, self.status, self._clock)
                begun = self._begun or wait_for_start(
                    self._startup, source, self.requests, partial(self._is_over, linac, notes)
                )
                setup, armed = begun if begun is not None else (None, None)
                config = self._definition.config
                with SessionRecorder(
                    folder, config.settings() if armed is None else armed.config, setup, source=config.source.kind
                ) as session:
                    return self._record(session, setup, armed, source, linac, beat, opened, notes, fault)
        finally:
            # After an interrupt, too, what is shown last is the HOLD that was sent last.
            if self.status.current.phase is not Phase.ENDED:
                self.status.enter(Phase.ENDED, self._clock.now_s())
            self.contour_requests.close(OVER)
            self.requests.close()

    def _refuse(self, request: Request) -> str | None:
        # Before there is a controller, `wait_for_start` answers requests.
        return None if self._controller is None else self._controller.refuse(request)

    def _resolve(self, request: Request) -> Request:
        return request if self._controller is None else self._controller.resolve(request)

    def _is_over(self, linac: LinacPort, notes: SourceNotes) -> bool:
        """Return whether the session has ended before its first decision, and update the status meanwhile."""
        self.status.show_link(linac.alive)
        notes.look()
        if self._clock.now_s() >= self._until_s and self.requests.ending is None:
            self.requests.submit(Request(END, TIME_IS_OVER, ORIGIN))
        return self.requests.ending is not None

    def _record(
        self,
        session: SessionRecorder,
        setup: SessionSetup | None,
        armed: Armed | None,
        source: FrameSource,
        linac: LinacPort,
        beat: Callable[[], None] | None,
        opened: ExitStack,
        notes: SourceNotes,
        fault: Callable[[], Reason | None] | None,
    ) -> Outcome:
        """Decide on frames until the end, and complete the record."""
        definition, stats, failure = self._definition, LoopStats(self._definition.config.loop.stall_ms), None
        # An operator who draws the target may choose another margin.
        envelope = definition.config.envelope if armed is None else armed.config.envelope
        left_out = definition.left_out if setup is None else setup.left_out
        warnings = (*definition.config.model_copy(update={"envelope": envelope}).warnings(), *left_out)
        for warning in warnings:
            session.event(WARNING, self._clock.now_s(), {"note": warning})
        for name, time_s, values in self._startup.events:
            session.event(name, time_s, values)
        journal_notes(self.requests, session.event, self.status)
        notes.journal(session.event)
        if setup is None or armed is None:
            session.event(
                "phase", self._clock.now_s(), {"phase": Phase.ENDED, "operator": None, "note": self._startup.missing}
            )
            self.status.enter(Phase.ENDED, self._clock.now_s())
        else:
            self.status.not_kept = lambda: session.frames_dropped
            self.status.begin(setup, armed)
            self.requests.orientation = orientation_of(setup.plane)
            self.status.warnings = warnings
            controller = self._controller = SessionController(
                armed,
                session,
                linac,
                self.requests,
                self.status,
                self._clock,
                definition.config.preview.seconds,
                definition.arm_by,
                self._until_s - self._clock.now_s(),
                source,
                notes,
                ReferenceChange(armed, setup, session.folder, self._draw_reference),
            )
            frames: FrameSource = NewestFrame(PlaneFilter(source, setup.plane, self._clock, definition.silence_s))
            if armed.config.loop.rehearse:
                frames = Rehearsal(frames, armed.engine, linac, self._clock)
            try:
                with opened:
                    run_loop(
                        _UntilEnded(frames, self.requests),
                        armed.engine,
                        linac,
                        controller,
                        self._clock,
                        armed.config.gate.max_age_s,
                        stats,
                        beat,
                        definition.silence_s,
                        controller.next_command,
                        fault,
                    )
            except GatekeeperError as error:
                failure = error
            linac.close()
            source.close()
            controller.end("" if failure is None else str(failure))
        outcome = Outcome(
            name=definition.name,
            folder=session.folder,
            summary=session.summary(),
            lag=stats.summary(session.counts.skipped),
            status=self.status.current,
            was_armed=self._controller is not None and self._controller.was_armed,
            ended_by=self.requests.ending,
            learned=None if self._controller is None else self._controller.learned,
            fault=None if failure is None else str(failure),
            source=notes.as_json(),
        )
        try:
            outcome = replace(outcome, seal=session.settle())
            if self._draw is not None and self._controller is not None and setup is not None and armed is not None:
                self._draw(session.folder, setup, armed, self._controller.history, self.status.current.counts)
            outcome = replace(outcome, seal=session.finish(outcome.as_json()))
        except GatekeeperError as error:
            raise (failure or error) from None
        if failure is not None:
            raise failure
        return outcome


class _UntilEnded:
    """A source that also ends when an operator ends the session."""

    def __init__(self, source: FrameSource, requests: RequestQueue) -> None:
        self._source = source
        self._requests = requests

    def next_frame(self, timeout_s: float) -> Frame | None:
        return self._source.next_frame(timeout_s)

    def ended(self) -> bool:
        return self._requests.ending is not None or self._source.ended()

    def close(self) -> None:
        self._source.close()
