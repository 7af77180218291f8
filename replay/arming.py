"""Arming: from a reference with its target to an engine that judges frames; the same for replay and verification."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.command import Action, Command
from gatekeeper.config import SessionConfig
from gatekeeper.engine import Engine, TargetTracker
from gatekeeper.errors import InputError, RecordingError
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.recording.setup import Setup
from gatekeeper.structure import mask_to_contour
from gatekeeper.tracking.tracker import Tracker


@dataclass(frozen=True, slots=True, eq=False)
class Armed:
    """An engine that is ready for the first frame.

    Attributes
    ----------
    engine : Engine
        One frame in, one decision out.
    gate : Gate
        The gate inside it, for the operator.
    envelope : Envelope
        Where the target must stay.
    target_px : ndarray of float64, shape (N, 2)
        The target's outline on the reference, as (row, col).
    """

    engine: Engine
    gate: Gate
    envelope: Envelope
    target_px: NDArray[np.float64]


def arm(setup: Setup, config: SessionConfig, around: Callable[[TargetTracker], TargetTracker] | None = None) -> Armed:
    """Return an engine for a reference, with the beam held and the gate armed.

    Parameters
    ----------
    setup : Setup
        The reference and its target.
    config : SessionConfig
        All settings.
    around : callable, optional
        Returns what is put around the tracker, for example one that is slow on purpose.

    Raises
    ------
    TargetError
        When the target cannot be tracked.
    """
    reference = np.ascontiguousarray(setup.reference, dtype=np.float32)
    tracker: TargetTracker = Tracker(reference, setup.target_mask, setup.spacing_mm, config.tracker)
    target_px = mask_to_contour(setup.target_mask)
    shape = (reference.shape[0], reference.shape[1])
    envelope = Envelope.around(target_px, config.envelope.margin_mm, setup.spacing_mm, shape, setup.plane)
    gate = Gate(envelope, config.gate, prediction=config.prediction)
    return Armed(
        Engine(tracker if around is None else around(tracker), gate, profile=config.profile), gate, envelope, target_px
    )


def operate(armed: Armed, event: Mapping[str, Any]) -> None:
    """Do again what an operator did.

    Raises
    ------
    RecordingError
        When it is nothing that this version knows.
    """
    values = event["values"]
    try:
        row_mm, col_mm = values.get("shift_mm", (0.0, 0.0))
        command = Command(
            Action(event["event"]), str(values.get("operator")), float(event["time_s"]), (float(row_mm), float(col_mm))
        )
    except (ValueError, TypeError, InputError) as error:
        raise RecordingError(
            f"event {event['event']!r} at {event['time_s']} s: is not known to this version ({error})"
        ) from None
    armed.engine.command(command)
