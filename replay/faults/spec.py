"""Describe a fault: name, active frames and amount, also as text."""

import math
import re
from dataclasses import dataclass

import numpy as np

from gatekeeper.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class When:
    """Frames on which a fault is active, by sequence number.

    Attributes
    ----------
    start : int
        First frame.
    frames : int or None
        Count of frames from there; None is to the end.
    chance : float
        Share of these frames, 0-1, drawn for each frame independently, so that other faults do not change it.
    """

    start: int = 0
    frames: int | None = 1
    chance: float = 1.0

    def covers(self, sequence: int) -> bool:
        """Return True when the fault may be active on a frame."""
        return sequence >= self.start and (self.frames is None or sequence < self.start + self.frames)

    def draw(self, sequence: int, seed: tuple[int, ...]) -> np.random.Generator | None:
        """Return random numbers for one frame, the same for every call, or None when the fault is not active on it."""
        if not self.covers(sequence):
            return None
        rng = np.random.default_rng([*seed, sequence])
        return rng if rng.random() < self.chance else None


@dataclass(frozen=True, slots=True)
class Kind:
    """Properties of a fault by name.

    Attributes
    ----------
    does : str
        Description.
    amount : float
        Default amount; NaN for a fault without an amount.
    least, most : float
        Limits of the amount.
    whole : bool
        Whether the amount must be a whole number.
    unit : str
        Unit of the amount.
    """

    does: str
    amount: float = math.nan
    least: float = 0.0
    most: float = 0.0
    whole: bool = False
    unit: str = ""


KINDS = {
    "nan": Kind("pixels become NaN", 1, 1, 1e6, True, "pixels"),
    "inf": Kind("pixels become infinite, of either sign", 1, 1, 1e6, True, "pixels"),
    "zero": Kind("all pixels become 0"),
    "saturate": Kind("the brightest pixels are all as bright as the darkest of them", 20.0, 0.1, 100.0, unit="%"),
    "flip": Kind("bits of pixels flip", 1, 1, 1e6, True, "bits"),
    "shape": Kind("columns are missing", 1, 1, 1e3, True, "columns"),
    "spacing": Kind("the pixel size changes", 1.1, 0.01, 100.0, unit="times"),
    "plane": Kind("the plane is shifted along its normal", 10.0, -1000.0, 1000.0, unit="mm"),
    "freeze": Kind("pixels of the frame before are repeated under new numbers"),
    "drop": Kind("frames are lost"),
    "silence": Kind("all further frames are lost"),
    "duplicate": Kind("frames are repeated under the same number", 1, 1, 100, True, "times"),
    "reorder": Kind("a frame arrives after later ones", 1, 1, 100, True, "frames"),
    "delay": Kind(
        "frames arrive this long after their acquisition, and delay those behind them", 0.3, 0.0, 60.0, unit="s"
    ),
    "burst": Kind("frames are held and arrive at once with the first one after them"),
    "die": Kind("the source fails in the middle of a frame"),
}
"""Every fault of a source by its name."""

TEXT = re.compile(
    r"(?P<name>[a-z]+)@(?P<start>\d{1,9})(?P<more>\+(?P<frames>\d{1,9})?)?(~(?P<chance>[^=]+))?(=(?P<amount>.+))?"
)
FORM = "NAME@START[+FRAMES][~CHANCE][=AMOUNT], for example nan@40+5 or delay@40+~0.2=0.3"


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One fault of a source.

    Attributes
    ----------
    name : str
        One of `KINDS`.
    when : When
        Active frames.
    amount : float
        Amount in the unit of its kind; NaN for a fault without an amount.
    """

    name: str
    when: When
    amount: float = math.nan

    def __post_init__(self) -> None:
        kind = KINDS.get(self.name)
        if kind is None:
            raise ConfigError(f"fault {self.name!r}: unknown; the faults are {', '.join(KINDS)}")
        if not 0.0 < self.when.chance <= 1.0:
            raise ConfigError(f"fault {self.name}: chance is {self.when.chance:g}; it must be above 0 and at most 1")
        if self.when.frames is not None and self.when.frames < 1:
            raise ConfigError(f"fault {self.name}: lasts {self.when.frames} frames; it must be at least 1")
        if math.isnan(kind.amount):
            if not math.isnan(self.amount):
                raise ConfigError(f"fault {self.name}: takes no amount, and was given {self.amount:g}; leave it out")
            return
        if math.isnan(self.amount):
            object.__setattr__(self, "amount", float(kind.amount))
        if not kind.least <= self.amount <= kind.most or (kind.whole and self.amount != int(self.amount)):
            raise ConfigError(
                f"fault {self.name}: amount is {self.amount:g} {kind.unit}; it must be "
                f"{'a whole number ' if kind.whole else ''}from {kind.least:g} to {kind.most:g}"
            )


def parse(text: str) -> FaultSpec:
    """Parse the text of a fault.

    Without ``+`` it is active on one frame, with ``+`` alone to the end; `silence` always to the end.

    Raises
    ------
    ConfigError
        When form, name or a number is invalid.
    """
    found = TEXT.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"fault {text!r:.80}: must have the form {FORM}")
    frames = int(found["frames"]) if found["frames"] else (None if found["more"] else 1)
    when = When(int(found["start"]), frames, _number(text, found["chance"], 1.0))
    return FaultSpec(found["name"], when, _number(text, found["amount"], math.nan))


def _number(text: str, value: str | None, absent: float) -> float:
    if value is None:
        return absent
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"fault {text!r:.80}: {value!r:.20} is not a number; the form is {FORM}")
    return number
