"""The result of a verification."""

from dataclasses import asdict, dataclass, field

from gatekeeper.core.printable import printable
from replay.sessions.differences import Difference, difference_rows

GOOD, FINDING, INCOMPLETE = 0, 1, 3
"""Exit codes of `gatekeeper verify`; 2 is bad usage."""


@dataclass(slots=True)
class Verification:
    """Result of a verification.

    Attributes
    ----------
    session : str
        The session folder.
    head : str
        Hash of the last intact line.
    lines, frames, compared : int
        Number of intact lines, of decisions on frames among them, and of decisions made again.
    finished : bool
        Whether the session was completed.
    findings : list of str
        What is not as it was written; empty when the session is good.
    missing : list of str
        What an incomplete session lacks, as one that was interrupted does.
    notes : list of str
        Other remarks.
    identity : dict or None
        Id, begin, machine and user of the session; None in sessions from before there was one.
    signed_by : str or None
        Public half of the key that signed, 64 hexadecimal digits; None without a valid signature.
    signed_lines : int
        Number of lines that the newest valid signature covers.
    rounded : int
        Number of decisions that agree up to rounding, with other versions or on another processor.
    different : int
        Number of decisions that differ.
    differences : list of Difference
        The first differences, field by field.
    tracker_missing : bool
        Whether no decision was made again because the tracker is missing.
    interlock : list of str
        Differences to the interlock's own log, if one was given.
    """

    session: str
    head: str
    lines: int
    frames: int
    compared: int = 0
    finished: bool = False
    findings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    identity: dict[str, str] | None = None
    signed_by: str | None = None
    signed_lines: int = 0
    rounded: int = 0
    different: int = 0
    tracker_missing: bool = False
    differences: list[Difference] = field(default_factory=list)
    interlock: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the session is complete and there are no findings."""
        return not self.findings and not self.missing

    @property
    def exit_code(self) -> int:
        """0 when it is good, 1 with a finding, 3 when it is incomplete and nothing else is wrong."""
        return FINDING if self.findings else INCOMPLETE if self.missing else GOOD

    @property
    def result(self) -> str:
        """The result in words."""
        if self.good:
            return "good"
        if not self.findings:
            return "incomplete"
        return "not judged again: tracker missing" if self.tracker_missing and len(self.findings) == 1 else "NOT GOOD"

    def as_json(self) -> dict[str, object]:
        """Return everything as plain values for JSON."""
        return {"good": self.good, "result": self.result, **asdict(self)}

    def as_table(self) -> str:
        """Return everything as aligned lines for a reader."""
        rows = [("session", self.session)]
        if self.identity is not None:
            one = self.identity
            rows.append(("begun", f"{one['started_utc']} on {one['machine']} by {one['user']}, id {one['id']}"))
        rows += [
            ("lines", f"{self.lines}, {self.frames} decisions on frames, {self.compared} made again"),
            ("head", self.head),
        ]
        if self.signed_by is not None:
            rows.append(("signed", f"{self.signed_lines} of {self.lines} lines by {self.signed_by}"))
        rows += [
            *(("note", note) for note in self.notes),
            *(("interlock", one) for one in self.interlock),
            *(("missing", one) for one in self.missing),
            *(("finding", finding) for finding in self.findings),
            ("result", self.result),
        ]
        # What comes from files must not reach a terminal as control characters.
        text = "\n".join(f"{name:<9} {printable(value)}" for name, value in rows)
        if self.differences:
            text += "\n\n" + "\n".join(difference_rows(self.differences))
        return text
