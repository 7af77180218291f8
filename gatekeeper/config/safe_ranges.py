"""Define the range of each setting within which the checks still guard the patient, and find settings beyond it.

The limits of the settings themselves keep out what cannot work. A value within these and beyond its safe range works,
and switches a check off or nearly so: `gatekeeper check` reports it, every face shows it, and arming takes a word.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.config.session import SessionConfig

UNSAFE = "UNSAFE SETTING"
"""How every face begins the line of a setting beyond its safe range."""
TG76 = "AAPM TG-76 (Keall 2006): the beam follows the target within 0.5 s"
MARGINS = "margins from GTV to PTV are 3 to 8 mm, 5 mm at the median, in stereotactic MR-guided treatment of the liver"
SURE = "95 % of the positions with a confidence of 0.5 or more err by less than 2 mm (make bench-scenes)"
SLICE = "half of an imaging slice of 5-8 mm: beyond it another section of the target is imaged"
ONE_IN_A_ROW = "a single track can be wrong by chance; two in a row on different noise are not"
ANATOMY = "end-exhale repeats within some 3 mm in a fraction; more is another breathing pattern or patient position"


@dataclass(frozen=True, slots=True)
class SafeRange:
    """The safe range of one setting.

    Attributes
    ----------
    setting : str
        Its dotted name, such as ``gate.max_age_s``.
    low, high : float
        Least and largest safe value; infinite where only the other end matters.
    unit : str
        Its unit; may be empty.
    source : str
        Where the range comes from: literature, a measurement of this project, or the reason.
    """

    setting: str
    low: float
    high: float
    unit: str
    source: str

    @property
    def as_words(self) -> str:
        """The range in words, such as "at most 0.5 s"."""
        unit = f" {self.unit}" if self.unit else ""
        if self.low == self.high:
            return "true"
        if math.isinf(self.high):
            return f"at least {self.low:g}{unit}"
        if math.isinf(self.low):
            return f"at most {self.high:g}{unit}"
        return f"{self.low:g} to {self.high:g}{unit}"


def _at_most(setting: str, high: float, unit: str, source: str) -> SafeRange:
    return SafeRange(setting, -math.inf, high, unit, source)


def _at_least(setting: str, low: float, unit: str, source: str) -> SafeRange:
    return SafeRange(setting, low, math.inf, unit, source)


ANSWERS = "a far end that does not answer hangs unnoticed, and only its own watch on the heartbeat holds"
SAFE_RANGES = (
    _at_most("envelope.margin_mm", 8.0, "mm", MARGINS),
    _at_most(
        "gate.outside_percent",
        10.0,
        "%",
        "gating with 10 % of the target outside passed film dosimetry (Lamb 2017, PMC5689863)",
    ),
    _at_most("gate.risk_percent", 5.0, "%", "gating without prediction is on while out for some 7 % of the time"),
    _at_most("gate.overlap_percent", 10.0, "%", "as for the target: more is no longer beside the beam"),
    _at_least("gate.min_confidence", 0.4, "", SURE),
    _at_most("gate.max_age_s", 0.5, "s", TG76),
    _at_least("gate.frames_to_resume", 2, "frames", ONE_IN_A_ROW),
    _at_most("gate.saturated_percent", 20.0, "%", "a fifth of an image or more is air, and never bright"),
    _at_most("gate.identical_frames", 2, "frames", TG76 + "; three repeats at 8 frames/s take 0.4 s"),
    _at_most("gate.missing_frames", 2, "frames", TG76 + "; three missing frames at 8 frames/s take 0.4 s"),
    _at_most("gate.plane_angle_deg", 3.0, "degrees", "3 degrees over a target of 60 mm are 3 mm"),
    _at_most("gate.plane_offset_mm", 3.0, "mm", SLICE),
    _at_most("gate.geometry_frames", 10, "frames", "no plane comes back by itself after a second"),
    _at_most("gate.learning_s", 60.0, "s", "nothing is exceptional while the range is learned"),
    _at_most("gate.exception_mm", 10.0, "mm", "twice the usual margin beyond what was ever seen is not breathing"),
    _at_most("gate.jump_mm_per_s", 200.0, "mm/s", "our estimate: six times the fastest motion in measured traces"),
    _at_most("gate.drift_mm", 5.0, "mm", ANATOMY),
    _at_most("gate.drift_cycles", 10, "cycles", "a median of ten breaths is a minute old"),
    _at_most("gate.breath_mm", 6.0, "mm", "half of a usual breath; with more the baseline is never known"),
    _at_most("gate.rebase_step_mm", 3.0, "mm", ANATOMY),
    _at_most("gate.rebase_total_mm", 5.0, "mm", "the usual margin; beyond it the dose is no longer the planned one"),
    _at_least("prediction.burn_in_s", 10.0, "s", "two breaths"),
    _at_least("prediction.min_confidence", 0.4, "", SURE),
    _at_most("prediction.max_gap_s", 1.5, "s", "a third of a breath: in between it may have turned"),
    _at_most("prediction.error_limit_mm", 3.0, "mm", "the smallest usual margin"),
    _at_most("loop.silence_periods", 3.0, "periods", TG76 + "; 3 periods at 8 frames/s take 0.4 s"),
    _at_most("linac.lease.lifetime_ms", 250, "ms", TG76 + ", of which the lease may take half"),
    _at_most("linac.lease.ack_timeout_ms", 250, "ms", "as the lifetime: the link is lost when the lease is"),
    _at_most("linac.lease.fresh_ms", 500, "ms", TG76),
    _at_most("linac.fresh_ms", 500, "ms", TG76),
    _at_most("linac.deadline_ms", 250, "ms", TG76 + ", of which the link may take half"),
    _at_most("linac.failure_detect_ms", 500, "ms", TG76),
    SafeRange("linac.acknowledge", True, True, "", ANSWERS),
)
"""Every setting that guards the patient, in the order of the settings."""
OF_ALL = {one.setting.rpartition(".")[2]: one for one in SAFE_RANGES if one.setting.startswith(("envelope.", "gate."))}
STRUCTURE_RANGES = (
    *(OF_ALL[name] for name in ("margin_mm", "outside_percent", "overlap_percent", "min_confidence")),
    _at_most("overlap_mm2", 100.0, "mm2", "a tenth of an organ of 36 mm across"),
    _at_most("nearer_mm", 5.0, "mm", "the usual margin"),
    _at_most("zone_margin_mm", 8.0, "mm", "as the margins of targets"),
)
"""Safe ranges of the limits of single structures, the first of them those of the settings for all."""


def unsafe_settings(config: "SessionConfig") -> tuple[str, ...]:
    """Return the settings beyond their safe ranges, each as one line with value, range and source.

    Parameters
    ----------
    config : SessionConfig
        The settings.

    Examples
    --------
    >>> from gatekeeper import EnvelopeConfig, SessionConfig
    >>> from gatekeeper.config.safe_ranges import unsafe_settings
    >>> unsafe_settings(SessionConfig())
    ()
    >>> [line.partition(" (")[0] for line in unsafe_settings(SessionConfig(envelope=EnvelopeConfig(margin_mm=50.0)))]
    ['envelope.margin_mm = 50 mm, safe is at most 8 mm']
    """
    return tuple(_beyond(config))


def in_short(unsafe: Iterable[str]) -> str:
    """Return the lines of `unsafe_settings` as one line without the sources."""
    return "; ".join(line.partition(" (")[0] for line in unsafe)


def _beyond(config: "SessionConfig") -> Iterable[str]:
    found = [(one, _value(config, one.setting)) for one in SAFE_RANGES]
    for role, structures in (("target", config.structures.target), ("oar", config.structures.oar)):
        for structure, limits in structures.items():
            for of_all in STRUCTURE_RANGES:
                name = of_all.setting.rpartition(".")[2]
                one = replace(of_all, setting=f"structures.{role}.{structure}.{name}")
                found.append((one, getattr(limits, name, None)))
    for one, value in found:
        # Written so that what is no number is beyond.
        if value is None or one.low <= value <= one.high:
            continue
        said = str(value).lower() if isinstance(value, bool) else f"{value:g}{f' {one.unit}' if one.unit else ''}"
        yield f"{one.setting} = {said}, safe is {one.as_words} ({one.source})"


def _value(config: "SessionConfig", setting: str) -> float | None:
    """Return a setting by its dotted name; None where the settings have no such part."""
    found: object = config
    for name in setting.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, bool | int | float) else None
