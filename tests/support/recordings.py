"""Make small recordings that tests write, read, play and score, and tell how a file is refused."""

import numpy as np
import pytest

from gatekeeper.core.errors import RecordingError
from replay.formats.open import open_recording
from replay.recording import Recording


def refusal(path, choices=None, kind=RecordingError):
    """Return the line in which a recording is refused; it names the file and is no longer than a line may be."""
    with pytest.raises(kind) as caught:
        open_recording(path, choices)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 450
    return message


def disc(shape, center, radius_px):
    row, col = np.indices(shape)
    return (row - center[0]) ** 2 + (col - center[1]) ** 2 <= radius_px**2


def recording(frames=4, shape=(12, 10), dtype=np.uint16, rate_hz=5.97, **fields):
    """A disc on noise; rows, columns, frames and both spacings differ, so that no mix-up of axes goes unseen."""
    rng = np.random.default_rng(0)
    labels = np.stack([disc(shape, (shape[0] / 2 - 1 + index % 3, shape[1] / 2), 2.5) for index in range(frames)])
    values = {
        "name": "P_001",
        "frames": (rng.random((frames, *shape)) * 100.0).astype(dtype),
        "spacing_mm": (1.25, 2.5),
        "times_s": np.arange(frames) / rate_hz,
        "first_mask": labels[0],
        "labels": labels,
        "field_strength_t": 0.35,
        "region": "abdomen",
    }
    return Recording(**{**values, **fields})
