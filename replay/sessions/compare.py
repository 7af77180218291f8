"""Compare the decisions of a session with those on the same frames under other settings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from gatekeeper.core.decision import BeamState
from gatekeeper.core.reasons import text_of
from gatekeeper.recording.journal import STRUCTURES
from gatekeeper.recording.summary import Summary, summary_of
from replay.formats.session import Entry, RecordedSession
from replay.run import ReplayInput
from replay.sessions.player import SessionPlayer

MOST_LISTED = 10
"""At most this many differing frames are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of two sessions on the same frames.

    Attributes
    ----------
    original, what_if : Summary
        Counts and times of both.
    frames : int
        Number of frames with a decision in both.
    frames_that_differ : int
        Number of frames with the beam on in one and held in the other.
    only_original_on, only_what_if_on : int
        Number of frames with the beam on in this session only.
    first : list of dict
        The first differing frames: `sequence`, and `state` and `reasons` of both, with the `structures` that held where
        there are several.
    """

    original: Summary
    what_if: Summary
    frames: int
    frames_that_differ: int
    only_original_on: int
    only_what_if_on: int
    first: list[dict[str, object]]

    def as_json(self) -> dict[str, object]:
        """Return the original and the comparison as plain values for JSON."""
        values, original = asdict(self), self.original.as_json()
        del original["latency_ms"], values["original"], values["what_if"]
        return {"original": original, "comparison": values}

    def as_table(self) -> str:
        """Return both side by side as aligned lines for a reader."""
        rows = list(self._rows())
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [f"{name:<{widths[0]}}  {one:>{widths[1]}}  {other:>{widths[2]}}".rstrip() for name, one, other in rows]
        lines += ["", f"the beam differs on {self.frames_that_differ} of {self.frames} frames"]
        for one in self.first:
            original, what_if = (_state_text(one[side]) for side in ("original", "what_if"))
            lines.append(f"  frame {one['sequence']}: {original} -> {what_if}")
        if self.frames_that_differ > len(self.first):
            lines.append(f"  and {self.frames_that_differ - len(self.first)} more")
        return "\n".join(lines)

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        one, other = self.original, self.what_if
        yield "", "original", "what if"
        yield "frames", f"{one.frames}", f"{other.frames}"
        yield "duty cycle", f"{100.0 * one.duty_cycle:.1f} %", f"{100.0 * other.duty_cycle:.1f} %"
        yield "beam on", f"{one.beam_on_s:.1f} s", f"{other.beam_on_s:.1f} s"
        yield "holds", f"{one.holds}", f"{other.holds}"
        for reason in dict.fromkeys([*one.hold_reasons, *other.hold_reasons]):
            counts = (numbers.hold_reasons.get(reason, 0) for numbers in (one, other))
            first, second = (f"{count} decisions" for count in counts)
            yield f"  {text_of(reason)}", first, second


def compare(original: Sequence[Entry], what_if: Sequence[Entry]) -> Comparison:
    """Compare two journals on the same frames.

    Parameters
    ----------
    original, what_if : sequence of dict
        Entries of the journals. The nth decision on a recorded frame of one belongs to the nth of the other.

    Returns
    -------
    Comparison
    """
    pairs = list(zip(_on_frames(original), _on_frames(what_if), strict=False))
    differ = [(one, other) for one, other in pairs if one["state"] != other["state"]]
    only_original = sum(one["state"] == BeamState.ON for one, _ in differ)
    return Comparison(
        original=summary_of(original),
        what_if=summary_of(what_if),
        frames=len(pairs),
        frames_that_differ=len(differ),
        only_original_on=only_original,
        only_what_if_on=len(differ) - only_original,
        first=[
            {"sequence": one["sequence"], "original": _state(one), "what_if": _state(other)}
            for one, other in differ[:MOST_LISTED]
        ],
    )


def replay_input_of_session(session: RecordedSession) -> ReplayInput:
    """Return the replay input of a recorded session: its frames at the times of their decisions.

    Parameters
    ----------
    session : RecordedSession
        The session; must stay open during the replay.

    Returns
    -------
    ReplayInput

    Raises
    ------
    RecordingError
        When the session holds no reference or no frame.
    """
    recording = session.recording()
    assert session.setup is not None  # noqa: S101  (recording() raises otherwise)
    rows = session.rows()
    index = {int(session.frames.index[row]["sequence"]): position for position, row in enumerate(rows)}
    return ReplayInput(recording, session.setup, lambda *run: SessionPlayer(session, *run), index.__getitem__)


def _on_frames(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry["kind"] == "frame" and entry["frame_row"] is not None]


def _state(entry: Entry) -> dict[str, object]:
    """Return what was decided and why, with the reasons of each of several structures that held."""
    held = {name: part["reasons"] for name, part in entry.get(STRUCTURES, {}).items() if part["reasons"]}
    return {"state": entry["state"], "reasons": entry["reasons"], **({STRUCTURES: held} if held else {})}


def _state_text(state: object) -> str:
    assert isinstance(state, dict)  # noqa: S101
    reasons = ", ".join(_reason_text(reason, state.get(STRUCTURES, {})) for reason in state["reasons"])
    return f"{state['state']} ({reasons})" if reasons else str(state["state"])


def _reason_text(reason: str, structures: Mapping[str, Sequence[str]]) -> str:
    names = [name for name, given in structures.items() if reason in given]
    return f"{text_of(reason)} by {' and '.join(names)}" if names else text_of(reason)
