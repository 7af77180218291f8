"""Define the settings of the loop on the machine."""

from typing import Annotated

from pydantic import Field

from gatekeeper.config.strict import StrictModel


class LoopConfig(StrictModel):
    """Settings of the loop on the machine; what the machine refuses is reported, and the loop runs without it."""

    pin_cpu: Annotated[int, Field(ge=-1, le=4095)] = -1
    """Processor on which the loop runs; -1 for any."""
    fifo_priority: Annotated[int, Field(ge=0, le=99)] = 0
    """Real-time priority of the loop (SCHED_FIFO), 1-99; 0 for none."""
    lock_memory: bool = False
    """Whether memory is locked, so that it is not swapped out."""
    rehearse: bool = True
    """Whether the path of a frame is rehearsed with the last one just before the next is due, so that it is in the
    processor's caches; no rehearsal decides, records or sends anything."""
    silence_periods: Annotated[float, Field(ge=1.0, le=20.0)] = 1.2
    """The beam is held when no frame has come for this many frame periods since the last one; `max_age_s` of the gate
    holds in any case. What exceeds 1 is how late a frame may be: raise it for a source that is less steady, and the
    beam stays on so much longer after the last frame."""
    stall_ms: Annotated[float, Field(gt=0.0, le=10_000.0)] = 20.0
    """A pass of the loop that begins later than this, or takes longer, counts as a stall, in ms."""
