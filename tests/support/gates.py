"""Make frames, tracks, measurements and a gate for tests."""

import numpy as np

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import BeamState
from gatekeeper.core.frame import Frame, Plane
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.measurements import Measurements, Observation
from gatekeeper.gating.sequence_checks import SequenceChecks
from gatekeeper.gating.source_checks import SourceChecks
from tests.support.polygons import circle

ON, HOLD = BeamState.ON, BeamState.HOLD
SHAPE, SPACING_MM, PLANE = (40, 36), (1.0, 1.0), Plane((10.0, -20.0, 30.0))
CENTER = (19.0, 17.0)
TARGET = circle(6.0, CENTER, n=60)
ENVELOPE = Envelope.around(TARGET, 4.0, SPACING_MM, SHAPE, PLANE)
IMAGE = np.arange(40 * 36, dtype=np.float32).reshape(SHAPE)
PERIOD_S = 0.25


def frame(sequence=0, image=None, spacing_mm=SPACING_MM, plane=PLANE, acquired_s=None, delay_s=0.05):
    """A frame every 0.25 s, whose pixels are unlike those of any other."""
    image = IMAGE + sequence if image is None else image
    acquired_s = PERIOD_S * sequence if acquired_s is None else acquired_s
    return Frame(image, spacing_mm, sequence, acquired_s, PERIOD_S * sequence + delay_s, plane)


def track(si_mm=0.0, ap_mm=0.0, confidence=0.9):
    """The target, moved from where it was planned."""
    return Track(np.add(TARGET, (si_mm, ap_mm)), (CENTER[0] + si_mm, CENTER[1] + ap_mm), confidence)


def gate(zones=ENVELOPE, *, armed=True, learned=None, frames_per_s=None, **config):
    """A gate for which one good frame is enough, unless said otherwise."""
    limits = GateConfig(**{"frames_to_resume": 1, **config})
    return Gate(zones, limits, armed=armed, learned=learned, frames_per_s=frames_per_s)


def gate_on(**options):
    """A gate whose beam came on with frame 0."""
    judge = gate(**options)
    assert judge.decide(track(), frame(0)).state is ON
    return judge


def measurements(frame=None, sequence=None, target=None, source=None, **others):
    """Good measurements, apart from what is said."""
    good = {"confidence": 0.9, "outside_percent": 0.0}
    return Measurements(
        FrameChecks(**(frame or {})),
        SequenceChecks(**(sequence or {})),
        source=SourceChecks(**(source or {})),
        **{"age_s": 0.1, "target": Observation(**{**good, **(target or {})}), **others},
    )


def resting(judge, si_mm=0.0, ap_mm=0.0, frames=40):
    """Let a gate see the target at rest, so long that its rest is known, before frame `frames`; return the gate."""
    for k in range(frames):
        judge.decide(track(si_mm, ap_mm), frame(k))
    return judge


def shift_to_rest(judge, most_mm=1.0):
    """Return a rebase towards where a gate's target rests, in mm."""
    to_rest_mm = judge._envelope_shift.to_rest_mm()
    share = min(1.0, most_mm / max(np.hypot(*to_rest_mm), 1e-9))
    return float(share * to_rest_mm[0]), float(share * to_rest_mm[1])
