"""Facts: what stays the same in a session, and how things are called and coloured on the page."""

from dataclasses import asdict, dataclass

from gatekeeper.config import SessionConfig
from gatekeeper.display.web.trace_row import COLUMNS
from gatekeeper.style.reasons import categories_for_page, reasons_for_page

BREATH_HOLD_S = 20.0
"""How long a breath is held, in s, where nobody has said otherwise."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What stays the same in a session.

    Attributes
    ----------
    name : str
        What the session is called.
    source, linac : str
        Where frames come from and decisions go, in words.
    margin_mm : float
        Growth of the target to the envelope.
    outside_percent, resume_percent : float
        Share of the target that may be outside before the beam is held, and before it comes on again.
    confidence : float
        Least confidence, 0-1.
    beam_s : float or None
        Prescribed beam-on time in seconds; None when it is not known.
    breath_hold_s : float
        How long a breath is to be held, in seconds; for the patient's countdown.
    """

    name: str
    source: str
    linac: str
    margin_mm: float
    outside_percent: float
    resume_percent: float
    confidence: float
    beam_s: float | None = None
    breath_hold_s: float = BREATH_HOLD_S

    @classmethod
    def of(
        cls,
        name: str,
        config: SessionConfig,
        source: str,
        linac: str,
        beam_s: float | None = None,
        breath_hold_s: float | None = None,
    ) -> "SessionInfo":
        """Return the facts of a session with these settings."""
        gate = config.gate
        return cls(
            name=name,
            source=source,
            linac=linac,
            margin_mm=config.envelope.margin_mm,
            outside_percent=gate.outside_percent,
            resume_percent=gate.resume_percent,
            confidence=gate.min_confidence,
            beam_s=beam_s,
            breath_hold_s=BREATH_HOLD_S if breath_hold_s is None else breath_hold_s,
        )

    def as_json(self) -> dict[str, object]:
        """Return them as plain values for JSON, with the words and colours that the page uses."""
        return {
            **asdict(self),
            "columns": COLUMNS,
            "kinds": categories_for_page(),
            "reasons": reasons_for_page(),
        }
