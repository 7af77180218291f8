"""Count a session: frames, frame timeouts, holds and their reasons, beam-on and armed time, frames that are lacking.

Displays, summaries and reports take their numbers from `SessionCounts`, which counts the steps of a running session and
the lines of a recorded one by the same rules.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.frame import SEQUENCE_BREAK
from gatekeeper.core.json_values import measured

if TYPE_CHECKING:
    # It loads Numba, which takes a second; readers of many journals do without.
    from gatekeeper.core.step import Step

_PLACES: dict[str, int] = {reason: place for place, reason in enumerate(Reason)}
ALLOWED = "allowed_s"
"""The journal's field for `Step.allowed_s`."""
MICROSECONDS = 6
"""Decimals of times in seconds."""


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """Numbers of a session up to one decision; each decision stands until the next one.

    Attributes
    ----------
    frames, silences : int
        Decisions on a frame, and decisions because no frame came in time.
    skipped : int
        Frames left out because a newer one was waiting; not images of other planes or kinds between them.
    missing : int
        Frames that never came, by their numbers; those at a break of the numbers are not known and not counted.
    not_kept : int
        Frames whose image could not be recorded.
    holds : int
        Separate holds; a hold at the start counts.
    begin_s, last_s : float
        Session time of the first and of the last decision, in seconds; NaN before the first.
    """

    frames: int = 0
    silences: int = 0
    skipped: int = 0
    missing: int = 0
    not_kept: int = 0
    holds: int = 0
    begin_s: float = math.nan
    last_s: float = math.nan
    _beam_on_s: float = 0.0
    _armed_s: float = 0.0
    _reasons: tuple[int, ...] = (0,) * len(_PLACES)
    _sequence: int | None = None
    _is_on: bool = False
    _is_armed: bool = False

    @property
    def decisions(self) -> int:
        """Decisions on frames and on silence."""
        return self.frames + self.silences

    @property
    def beam_on_s(self) -> float:
        """Time with the beam on, in seconds."""
        return round(self._beam_on_s, MICROSECONDS)

    @property
    def armed_s(self) -> float:
        """Time with the gate armed, in seconds."""
        return round(self._armed_s, MICROSECONDS)

    @property
    def duty_cycle(self) -> float:
        """Beam-on time as a share of the time from the first to the last decision, 0-1; 0 when that time is 0."""
        return _share(self._beam_on_s, self.last_s - self.begin_s)

    @property
    def armed_duty_cycle(self) -> float:
        """Beam-on time as a share of the time with the gate armed, 0-1; 0 when it was never armed."""
        return _share(self._beam_on_s, self._armed_s)

    @property
    def hold_reasons(self) -> dict[str, int]:
        """How many decisions gave each reason, in the order of the table; a decision may give several."""
        return {reason.value: count for reason, count in zip(Reason, self._reasons, strict=True) if count}

    def with_decision(
        self,
        time_s: float,
        state: str,
        reasons: Collection[str],
        sequence: int | None = None,
        skipped: int = 0,
        allowed_s: float | None = None,
        aside: int = 0,
    ) -> "SessionCounts":
        """Return the counts after one more decision.

        Parameters
        ----------
        time_s : float
            Session time in seconds. A step that is not forward, or not known, lasts no time.
        state : str
            A `BeamState`.
        reasons : collection of str
            Why the beam is held.
        sequence : int, optional
            Number of the frame; None when there was none.
        skipped : int
            Images left out just before this one.
        allowed_s : float, optional
            Time for which the linac's port allowed the beam since the decision before, in seconds; beam-on time counts
            no further. By default there is no such limit.
        aside : int
            How many of the images left out were of other planes or kinds.
        """
        passed_s = time_s - self.last_s
        passed_s = passed_s if passed_s > 0.0 else 0.0
        on_s = passed_s if allowed_s is None else min(passed_s, max(allowed_s, 0.0))
        is_on, is_armed, counted = state == BeamState.ON, True, self._reasons
        if reasons:
            counts = [*counted]
            for reason in reasons:
                # A word that this version does not know is not counted.
                if (place := _PLACES.get(reason)) is not None:
                    counts[place] += 1
                is_armed = is_armed and reason != Reason.NOT_ARMED
            counted = tuple(counts)
        skipped, missing = max(skipped, 0), 0
        if sequence is not None and self._sequence is not None:
            # How many were lost at a break is not known; what is beyond it was missed after it.
            missing = max(sequence - self._sequence - 1 - skipped, 0) % SEQUENCE_BREAK
        return SessionCounts(
            frames=self.frames + (sequence is not None),
            silences=self.silences + (sequence is None),
            skipped=self.skipped + max(skipped - aside, 0),
            missing=self.missing + missing,
            not_kept=self.not_kept,
            holds=self.holds + (not is_on and (self._is_on or not self.decisions)),
            begin_s=self.begin_s if self.decisions else time_s,
            last_s=time_s,
            _beam_on_s=self._beam_on_s + (on_s if self._is_on else 0.0),
            _armed_s=self._armed_s + (passed_s if self._is_armed else 0.0),
            _reasons=counted,
            _sequence=self._sequence if sequence is None else sequence,
            _is_on=is_on,
            _is_armed=is_armed,
        )

    def with_step(self, step: "Step") -> "SessionCounts":
        """Return the counts after one more pass of the loop."""
        decision, frame = step.decision, step.frame
        sequence, skipped, aside = (None, 0, 0) if frame is None else (frame.sequence, frame.skipped, frame.aside)
        return self.with_decision(
            decision.time_s, decision.state, decision.reasons, sequence, skipped, step.allowed_s, aside
        )

    def with_entry(self, entry: Mapping[str, Any]) -> "SessionCounts":
        """Return the counts after one more line of a journal about a frame or a silence."""
        is_frame = entry["kind"] == "frame"
        sequence, skipped = (int(entry["sequence"]), int(entry["skipped"])) if is_frame else (None, 0)
        aside, allowed_s = int(entry.get("aside", 0)), entry.get(ALLOWED)
        counts = self.with_decision(
            measured(entry["decided_s"]), entry["state"], entry["reasons"], sequence, skipped, allowed_s, aside
        )
        return counts.with_not_kept(self.not_kept + 1) if is_frame and entry.get("frame_row", 0) is None else counts

    def with_not_kept(self, frames: int) -> "SessionCounts":
        """Return the counts with so many frames whose image could not be recorded, as the writer says."""
        return self if frames == self.not_kept else replace(self, not_kept=frames)


def counts_of(entries: Iterable[Mapping[str, Any]]) -> SessionCounts:
    """Return the counts of the decisions among the lines of a journal."""
    counts = SessionCounts()
    for entry in entries:
        if entry["kind"] in ("frame", "silence"):
            counts = counts.with_entry(entry)
    return counts


def _share(part_s: float, total_s: float) -> float:
    return min(part_s / total_s, 1.0) if total_s > 0.0 else 0.0
