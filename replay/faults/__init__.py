"""Inject faults into frames, their delivery, clock, linac, recorder and processes."""

from replay.faults.source import FaultySource, inject
from replay.faults.spec import FaultSpec, When, parse

__all__ = ["FaultSpec", "FaultySource", "When", "inject", "parse"]
