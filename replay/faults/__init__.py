"""Faults, invented on purpose: of frames, of their delivery, of clock, linac and recorder, and of whole processes."""

from replay.faults.source import FaultySource, inject
from replay.faults.spec import FaultSpec, When, parse

__all__ = ["FaultSpec", "FaultySource", "When", "inject", "parse"]
