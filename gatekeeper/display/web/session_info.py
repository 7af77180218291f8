"""Provide the constants of a session to the page, with the texts and colours of hold reasons."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from gatekeeper.config import SessionConfig
from gatekeeper.core.axes import ORIENTATIONS, SAGITTAL
from gatekeeper.core.phrases import NO_PHRASE, PHRASES
from gatekeeper.core.workflow import STEPS
from gatekeeper.display.web.structures import structures_for_page
from gatekeeper.display.web.trace_row import STRUCTURE_COLUMNS, axes_for_page, columns_on
from gatekeeper.session.structure_info import StructureInfo
from gatekeeper.style.reasons import categories_for_page, reasons_for_page, tiers_for_page

BREATH_HOLD_S = 20.0
"""Default length of a breath-hold in seconds."""


class Mode(StrEnum):
    """What a page shows: a session with a linac or without one, a recording that is replayed, or a finished session."""

    LIVE = "live"
    DRY_RUN = "dry-run"
    REPLAY = "replay"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Constants of a session.

    Attributes
    ----------
    name : str
        Name of the session.
    source, linac : str
        Description of the frame source and of the linac connection.
    margin_mm : float
        Margin from the target to the envelope, in mm.
    outside_percent, resume_percent : float
        Largest share of the target outside the envelope in percent, for beam-on and for resuming after a hold.
    confidence : float
        Least tracking confidence, 0-1.
    beam_s : float or None
        Prescribed beam-on time in seconds; None when it is not known.
    breath_hold_s : float
        Length of a breath-hold in seconds, for the countdown on the patient's page.
    breath_hold : str or None
        Where the breath is held: "inhale", "exhale" or "none"; None when it is not known.
    wanted_s, wanted_mm : float or None
        Wanted duration of a breath-hold in seconds, and wanted position along the axis of rows in mm; None where the
        session does not say.
    tolerance_mm : float
        Distance from the wanted position from which on a hold is marked, in mm.
    warnings : tuple of str
        What is always warned of, one line each.
    orientation : str or None
        That of the images; None while it is not known: a live session tells it with its images.
    structures : tuple of StructureInfo
        All structures, the primary target first; empty while they are not known: a live session tells them once it has
        begun. What they say of the primary target goes before margin and limits here.
    mode : Mode
        What the page shows.
    max_age_s : float
        Age from which a frame counts as old, in seconds.
    stop_at_prescribed : bool
        Whether the beam is held at the end of the prescribed time.
    has_linac : bool
        Whether decisions go to a linac; False for a dry run.
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
    breath_hold: str | None = None
    wanted_s: float | None = None
    wanted_mm: float | None = None
    tolerance_mm: float = 3.0
    warnings: tuple[str, ...] = ()
    orientation: str | None = None
    structures: tuple[StructureInfo, ...] = ()
    mode: Mode = Mode.LIVE
    max_age_s: float = 1.0
    stop_at_prescribed: bool = False
    has_linac: bool = True

    @classmethod
    def of(
        cls,
        name: str,
        config: SessionConfig,
        source: str,
        linac: str,
        beam_s: float | None = None,
        breath_hold_s: float | None = None,
        mode: Mode = Mode.LIVE,
    ) -> "SessionInfo":
        """Return the constants of a session with given settings.

        Parameters
        ----------
        name : str
            Name of the session.
        config : SessionConfig
            Settings; the source of margin and limits.
        source, linac : str
            Description of the frame source and of the linac connection.
        beam_s : float, optional
            Prescribed beam-on time in seconds.
        breath_hold_s : float, optional
            Length of a breath-hold in seconds; by default that wanted by the settings, or `BREATH_HOLD_S`.
        mode : Mode
            What the page shows.

        Returns
        -------
        SessionInfo
            The constants.
        """
        gate, wanted = config.gate, config.breath_hold
        wanted_s = BREATH_HOLD_S if wanted.seconds is None else wanted.seconds
        return cls(
            name=name,
            source=source,
            linac=linac,
            margin_mm=config.envelope.margin_mm,
            outside_percent=gate.outside_percent,
            resume_percent=gate.resume_percent,
            confidence=gate.min_confidence,
            beam_s=config.course.beam_on_s if beam_s is None and config.course is not None else beam_s,
            breath_hold_s=wanted_s if breath_hold_s is None else breath_hold_s,
            wanted_s=wanted.seconds,
            wanted_mm=wanted.position_mm,
            tolerance_mm=wanted.tolerance_mm,
            breath_hold=None if config.course is None else config.course.held,
            warnings=config.warnings(),
            mode=mode,
            max_age_s=gate.max_age_s,
            stop_at_prescribed=gate.stop_at_prescribed,
            has_linac=not config.is_dry_run,
        )

    def as_json(self) -> dict[str, object]:
        """Return the constants as plain values for JSON.

        Returns
        -------
        dict
            By attribute, with the columns of the trace, and the texts and colours of categories, reasons and tiers.
        """
        return {
            **asdict(self),
            "structures": structures_for_page(self.structures),
            "columns": columns_on(ORIENTATIONS[self.orientation or SAGITTAL.name]),
            "structure_columns": STRUCTURE_COLUMNS,
            "axes": None if self.orientation is None else axes_for_page(ORIENTATIONS[self.orientation]),
            "kinds": categories_for_page(),
            "reasons": reasons_for_page(),
            "tiers": tiers_for_page(),
            "steps": STEPS,
            "phrases": (*PHRASES, NO_PHRASE),
        }


SHOWN = (
    "prediction.mode",
    "gate.risk_percent",
    "gate.resume_percent",
    "gate.stop_at_prescribed",
    "course.beam_on_s",
)
"""Settings that are shown before arming beside the limits of the structures, whatever they are."""
FACTS = ("course", "linac", "tracker.options")
"""What is not a setting that has a usual value."""


def settings_for_page(config: SessionConfig) -> dict[str, object]:
    """Return the settings that an operator sees before arming.

    Parameters
    ----------
    config : SessionConfig
        All settings.

    Returns
    -------
    dict
        `settings`, the name and value of each of `SHOWN`; and `changed`, the name, value and default of each setting
        that differs from its default.

    Examples
    --------
    >>> from gatekeeper import EnvelopeConfig, SessionConfig
    >>> from gatekeeper.display.web.session_info import settings_for_page
    >>> settings_for_page(SessionConfig(envelope=EnvelopeConfig(margin_mm=4.0)))["changed"]
    [['envelope.margin_mm', 4.0, 5.0]]
    """
    own, usual = (_flat(one.model_dump(mode="json")) for one in (config, SessionConfig()))
    own["gate.resume_percent"] = config.gate.resume_percent
    return {
        "settings": [[name, own.get(name)] for name in SHOWN],
        "changed": [
            [name, value, usual.get(name)]
            for name, value in own.items()
            if name in usual and value != usual[name] and not name.startswith(FACTS)
        ],
    }


def _flat(values: dict[str, Any], of: str = "") -> dict[str, Any]:
    """Return nested settings by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{of}{name}.") if isinstance(value, dict) and value else {f"{of}{name}": value}
    return found
