"""Give each effect its own random stream, so that changing one effect leaves the others unchanged."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The effects that draw random numbers; a new one is added at the end."""

    BREATHS = 0
    HOLDS = 1
    IRREGULAR = 2
    ELASTIC = 3
    HEART = 4
    LESION_OUTLINE = 5
    LESION_TEXTURE = 6
    LIVER_FINE = 7
    LIVER_COARSE = 8
    LIVER_VESSELS = 9
    LUNG_VESSELS = 10
    ORGANS = 11
    BANDING = 12
    FLICKER = 13
    NOISE = 14
    TWIGS = 15
    NEIGHBOURS = 16


def generator(seed: int, stream: Stream, index: int = 0) -> np.random.Generator:
    """Return the random generator of an effect.

    Parameters
    ----------
    seed : int
        Seed of the phantom.
    stream : Stream
        The effect.
    index : int
        Selects one of several draws of the same kind, from 0.

    Returns
    -------
    numpy.random.Generator
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(stream), index)))
