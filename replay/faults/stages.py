"""Apply faults as stages: one delivery in, any number of deliveries out, without reading a clock."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Frame
from replay.faults.pixels import CHANGES
from replay.faults.spec import FaultSpec


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """A frame on its way to the loop.

    Attributes
    ----------
    frame : Frame
        The frame.
    at_s : float
        Earliest session time of arrival, in seconds.
    faults : tuple of str
        Names of the faults that changed it.
    """

    frame: Frame
    at_s: float
    faults: tuple[str, ...] = ()

    def touched(self, name: str, frame: Frame | None = None, at_s: float | None = None) -> "Delivery":
        """Return a copy with the name of a fault and its changed frame and time."""
        at_s = self.at_s if at_s is None else max(self.at_s, at_s)
        return Delivery(self.frame if frame is None else frame, at_s, (*self.faults, name))


class Stage(Protocol):
    """One fault."""

    lost: list[int]
    """Sequence numbers of the removed frames."""

    def feed(self, delivery: Delivery) -> list[Delivery]:
        """Return the deliveries that follow from one more delivery."""
        ...

    def rest(self) -> list[Delivery]:
        """Return the deliveries still held at the end of the source."""
        ...


class Active:
    """Base of the stages: active frames, and no held deliveries."""

    def __init__(self, spec: FaultSpec, seed: tuple[int, ...]) -> None:
        self.name, self.amount = spec.name, spec.amount
        self.lost: list[int] = []
        self._when, self._seed = spec.when, seed

    def draw(self, delivery: Delivery) -> np.random.Generator | None:
        """Return random numbers when the fault is active on a delivery, else None."""
        return self._when.draw(delivery.frame.sequence, self._seed)

    def rest(self) -> list[Delivery]:
        """Return nothing."""
        return []


class Change(Active):
    """Change each frame on its own."""

    def feed(self, delivery: Delivery) -> list[Delivery]:
        """Return the delivery, its frame changed while the fault is active."""
        rng = self.draw(delivery)
        if rng is None:
            return [delivery]
        return [delivery.touched(self.name, CHANGES[self.name](delivery.frame, self.amount, rng))]


class Freeze(Active):
    """Repeat the pixels of the last frame before the fault."""

    def __init__(self, spec: FaultSpec, seed: tuple[int, ...]) -> None:
        super().__init__(spec, seed)
        self._last: Frame | None = None

    def feed(self, delivery: Delivery) -> list[Delivery]:
        """Return the delivery, with repeated pixels while the fault is active."""
        if self.draw(delivery) is None or self._last is None:
            self._last = delivery.frame
            return [delivery]
        return [delivery.touched(self.name, replace(delivery.frame, image=self._last.image.copy()))]


class Drop(Active):
    """Remove frames; `silence` removes all from its start on."""

    def feed(self, delivery: Delivery) -> list[Delivery]:
        """Return the delivery, or nothing while the fault is active."""
        silent = self.name == "silence" and delivery.frame.sequence >= self._when.start
        if not silent and self.draw(delivery) is None:
            return [delivery]
        self.lost.append(delivery.frame.sequence)
        return []


class Duplicate(Active):
    """Repeat frames."""

    def feed(self, delivery: Delivery) -> list[Delivery]:
        """Return the delivery, followed by its copies while the fault is active."""
        copies = 0 if self.draw(delivery) is None else int(self.amount)
        return [delivery, *[delivery.touched(self.name)] * copies]


class Reorder(Active):
    """Deliver one frame at a time after later ones."""

    def __init__(self, spec: FaultSpec, seed: tuple[int, ...]) -> None:
        super().__init__(spec, seed)
        self._held: Delivery | None = None
        self._overtaken = 0

    def feed(self, delivery: Delivery) -> list[Delivery]:
        """Return the delivery, followed by the held one when it is due."""
        if self._held is None:
            if self.draw(delivery) is None:
                return [delivery]
            self._held, self._overtaken = delivery, 0
            return []
        self._overtaken += 1
        if self._overtaken < self.amount:
            return [delivery]
        held, self._held = self._held, None
        return [delivery, held.touched(self.name, at_s=delivery.at_s)]

    def rest(self) -> list[Delivery]:
        """Return the held frame, which no later one has overtaken."""
        held, self._held = self._held, None
        return [] if held is None else [held.touched(self.name)]


class Delay(Active):
    """Makes frames come some time after they were acquired."""

    def feed(self, delivery: Delivery) -> list[Delivery]:
        """Return the delivery, at a later time while the fault is active."""
        if self.draw(delivery) is None:
            return [delivery]
        return [delivery.touched(self.name, at_s=delivery.frame.acquired_s + self.amount)]


class Burst(Active):
    """Hold frames and deliver them all at once."""

    def __init__(self, spec: FaultSpec, seed: tuple[int, ...]) -> None:
        super().__init__(spec, seed)
        self._held: list[Delivery] = []

    def feed(self, delivery: Delivery) -> list[Delivery]:
        """Return nothing while the fault is active, then all held deliveries."""
        if self.draw(delivery) is not None:
            self._held.append(delivery)
            return []
        held, self._held = self._held, []
        return [*[one.touched(self.name, at_s=delivery.at_s) for one in held], delivery]

    def rest(self) -> list[Delivery]:
        """Return the deliveries still held, all at the time of the last."""
        held, self._held = self._held, []
        return [one.touched(self.name, at_s=held[-1].at_s) for one in held]


class Die(Active):
    """Fail in the middle of a frame."""

    def feed(self, delivery: Delivery) -> list[Delivery]:
        """Return the delivery, or raise RecordingError when the fault is active."""
        if self.draw(delivery) is None:
            return [delivery]
        self.lost.append(delivery.frame.sequence)
        raise RecordingError(
            f"frame {delivery.frame.sequence}: the source has failed in the middle of it; start it anew"
        )


STAGES: dict[str, type[Change | Freeze | Drop | Duplicate | Reorder | Delay | Burst | Die]] = {
    **dict.fromkeys(CHANGES, Change),
    "freeze": Freeze,
    "drop": Drop,
    "silence": Drop,
    "duplicate": Duplicate,
    "reorder": Reorder,
    "delay": Delay,
    "burst": Burst,
    "die": Die,
}
"""Stage of each fault by name."""
