"""A source and a linac port as plug-ins, made by factories; what they do wrong is told in their options."""

import numpy as np

from gatekeeper.core.decision import BeamState
from gatekeeper.core.errors import LinkError
from gatekeeper.core.frame import Frame
from replay.player import Player
from tests.support.cases import breathing_case

BAD = 8
"""The frame at which a part does something wrong."""
PORTS = []
"""The ports that were made, the newest last."""


class Cine(Player):
    """Plays a case; the option `spoil` names what comes in place of the eighth frame."""

    def __init__(self, config, clock):
        super().__init__(breathing_case(), clock)
        self.config, self.closed = config, 0

    def next_frame(self, timeout_s):
        frame = super().next_frame(timeout_s)
        spoil = self.config.options.get("spoil")
        if frame is None or frame.sequence != BAD or spoil is None:
            return frame
        return SPOILT[spoil](frame)

    def close(self):
        super().close()
        self.closed += 1
        if self.closed > 1:
            raise RuntimeError("closed twice")


def _raise(error):
    raise error


def _with(**changes):
    """Return a function that replaces values of a frame without the checks of a constructor."""

    def changed(frame):
        values = {name: getattr(frame, name) for name in Frame.__slots__}
        return Frame(**(values | changes))

    return changed


SPOILT = {
    "text": lambda frame: "frame",
    "raise": lambda frame: _raise(ZeroDivisionError("in the source")),
    "exit": lambda frame: _raise(SystemExit(3)),
    "no image": _with(image=None),
    "image of three": _with(image=np.zeros((2, 3, 4), np.float32)),
    "image of objects": _with(image=np.full((4, 4), "a", object)),
    "empty image": _with(image=np.zeros((0, 4), np.float32)),
    "one spacing": _with(spacing_mm=(1.0,)),
    "no spacing": _with(spacing_mm=None),
    "negative spacing": _with(spacing_mm=(1.0, -1.0)),
    "arrival that is NaN": _with(received_s=float("nan")),
    "time that is infinite": _with(acquired_s=float("inf")),
    "time that is a text": _with(acquired_s="now"),
    "sequence": _with(sequence=1.5),
    "plane": _with(plane=None),
}


class Port:
    """Keeps what it is sent; the options name what it does wrong, from the eighth decision on."""

    def __init__(self, config, fresh_s):
        self.options, self.fresh_s, self.sent, self.closed = config.options, fresh_s, [], 0
        if self.options.get("refuse"):
            raise OSError("no such device")
        PORTS.append(self)

    @property
    def spoilt(self):
        return len(self.sent) >= BAD

    @property
    def alive(self):
        says = self.options.get("alive")
        if says is None or not self.spoilt:
            return True
        if says == "raise":
            raise ZeroDivisionError("in alive")
        return says

    def send(self, decision):
        self.sent.append(decision.state)
        does = self.options.get("send") if self.spoilt and decision.state is BeamState.ON else None
        if does == "raise":
            self.sent.pop()
            raise RuntimeError("not\nsent")
        if does == "link":
            self.sent.pop()
            raise LinkError("the device is gone")
        return does

    def close(self):
        self.closed += 1
        if self.closed > 1:
            raise RuntimeError("closed twice")


class TellingPort(Port):
    """Tells for how long it allowed the beam: the option `each_s` for each beam-on, or `told` in place of that."""

    @property
    def allowed_s(self):
        if self.options.get("told") == "raise":
            raise ZeroDivisionError("in allowed_s")
        if self.options.get("told") == "inf":
            return float("inf")
        return self.options.get("told", self.options.get("each_s", 0.1) * self.sent.count(BeamState.ON))


class Half:
    def __init__(self, config, clock):
        pass

    def next_frame(self, timeout_s):
        return None
