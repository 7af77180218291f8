"""Simulate a sagittal liver cine-MR with exact truth on every frame."""

from replay.phantom.build import Phantom, make_phantom, with_target, write_phantom
from replay.phantom.config import PhantomConfig

__all__ = ["Phantom", "PhantomConfig", "make_phantom", "with_target", "write_phantom"]
