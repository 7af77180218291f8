"""A sagittal liver cine-MR that never was, with exact truth on every frame."""

from replay.phantom.build import Phantom, make_phantom, write_phantom
from replay.phantom.config import PhantomConfig

__all__ = ["Phantom", "PhantomConfig", "make_phantom", "write_phantom"]
