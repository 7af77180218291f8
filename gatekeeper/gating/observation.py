"""Measure the tracked structures on one frame against their zones and the target's usual motion."""

from gatekeeper.config import GateConfig
from gatekeeper.core.track import Track
from gatekeeper.gating.measurements import Observation
from gatekeeper.gating.motion import Motion, updated
from gatekeeper.gating.zones import Zone, measure


def observe(
    track: Track | tuple[Track, ...] | None,
    zones: tuple[Zone, ...],
    motion: Motion,
    now_s: float,
    acquired_s: float,
    config: GateConfig,
) -> tuple[Observation, Motion]:
    """Return the measurements of the structures, and the new state of the motion checks.

    Parameters
    ----------
    track : Track or tuple of Track or None
        The target, or each structure in the order of the zones; None when the frame was not tracked.
    zones : tuple of TargetZone and KeepOutZone
        The zone of each structure.
    motion : Motion
        State of the motion checks after the frame before.
    now_s : float
        Session time in seconds.
    acquired_s : float
        Time of acquisition of the frame, in seconds.
    config : GateConfig
        The limits.

    Returns
    -------
    observation : Observation
        The measurements.
    motion : Motion
        State of the motion checks after this frame.

    Raises
    ------
    TargetError
        When the number of tracks differs from that of the zones.
    """
    if track is None:
        return Observation(drift_mm=motion.drift_mm(config.drift_cycles)), motion
    tracks = (track,) if isinstance(track, Track) else track
    confidence, outside_percent, overlaps = measure(zones, tracks, config)
    speed_mm_per_s = excursion_mm = 0.0
    # The position of a lost target is meaningless; low confidence holds the beam then.
    if confidence >= config.min_confidence:
        speed_mm_per_s = motion.speed_mm_per_s(acquired_s, tracks[0].center_mm)
        motion = updated(motion.at(acquired_s, tracks[0].center_mm), now_s, tracks[0].center_mm, config)
        excursion_mm = motion.excursion_mm(tracks[0].center_mm)
    observation = Observation(
        confidence=confidence,
        outside_percent=outside_percent,
        overlaps=overlaps,
        speed_mm_per_s=speed_mm_per_s,
        excursion_mm=excursion_mm,
        drift_mm=motion.drift_mm(config.drift_cycles),
    )
    return observation, motion
