"""Provide a phantom of realistic size, and a tracker that has tracked some of its frames."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from gatekeeper.config import EnvelopeConfig, GateConfig
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.gating.envelope import Envelope
from gatekeeper.tracking.tracker import Tracker
from replay.phantom import PhantomConfig, make_phantom
from replay.recording import Recording


@dataclass(frozen=True, slots=True)
class Scene:
    """One phantom with tracker and envelope."""

    recording: Recording
    images: list[NDArray[np.float32]]
    tracker: Tracker
    contour_px: NDArray[np.float64]
    envelope: Envelope


@pytest.fixture(scope="session")
def recording() -> Recording:
    return make_phantom(PhantomConfig()).recording


@pytest.fixture
def scene(recording: Recording) -> Scene:
    assert recording.first_mask is not None
    images = [np.ascontiguousarray(frame, dtype=np.float32) for frame in recording.frames]
    tracker = Tracker(images[0], recording.first_mask, recording.spacing_mm)
    for image in images[:20]:
        tracker.track(image)
    contour_px = mask_to_contour(recording.first_mask)
    shape = (images[0].shape[0], images[0].shape[1])
    envelope = Envelope.around(contour_px, EnvelopeConfig().margin_mm, recording.spacing_mm, shape)
    return Scene(recording, images, tracker, contour_px, envelope)


@pytest.fixture
def gate_config() -> GateConfig:
    return GateConfig()
