"""Draw the anatomy at end-exhale once on the raster; frames only shift, blend and weight it."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import ConfigError
from replay.phantom import lesion, organs
from replay.phantom.acquisition import fat_sign
from replay.phantom.config import LesionConfig, PhantomConfig
from replay.phantom.lattice import Lattice, texture
from replay.phantom.streams import Stream, generator
from replay.phantom.target import Target
from replay.phantom.vessels import Segment, Trunk, grow, paint

Array = NDArray[np.float64]
Channels = NDArray[np.float32]

PORTAL = (
    Trunk((34.0, 14.0, -3.0), (-0.8, -0.5, 0.1), 42.0, 4.6),
    Trunk((34.0, 14.0, -3.0), (-0.5, 0.7, -0.2), 30.0, 3.8),
    Trunk((34.0, 14.0, -3.0), (-0.1, -1.0, 0.2), 48.0, 4.0),
)
HEPATIC = (
    Trunk((-30.0, 34.0, 2.0), (0.45, -0.9, 0.1), 56.0, 4.2),
    Trunk((-30.0, 34.0, 2.0), (0.9, -0.35, -0.15), 46.0, 3.8),
    Trunk((-30.0, 34.0, 2.0), (0.0, -1.0, 0.2), 50.0, 3.6),
)
LUNG = tuple(
    Trunk((-112.0, 20.0, 0.0), (down, back, across), reach_mm, 3.4)
    for down, back, across, reach_mm in (
        (1.0, 0.5, 0.0, 34.0),
        (-1.0, 0.2, 0.0, 34.0),
        (0.4, 1.0, 0.1, 26.0),
        (1.0, -0.4, -0.1, 30.0),
        (-0.6, -1.0, 0.1, 34.0),
        (0.9, 0.1, 0.0, 30.0),
    )
)
TWIGS = 70
"""Number of thin vessels in each of the two systems that cross the image plane and appear as dots."""

FINE_MM, COARSE_MM = 1.8, 7.0
TEXTURE_DEPTH_MM = 7.0
"""Distance across the plane after which the texture has changed completely."""


class Anatomy:
    """The organs of one phantom; equal seeds give equal organs for any acquisition.

    Parameters
    ----------
    config : PhantomConfig
        Of this, seed, target, lesion, tissue and slice thickness are used.

    Raises
    ------
    ConfigError
        When the lesion does not lie completely in the liver.
    """

    def __init__(self, config: PhantomConfig) -> None:
        self._config = config
        self._fat = organs.FAT * fat_sign(config.acquisition)
        self._textures: dict[tuple[Stream, int], Array] = {}
        self._portal = _trees(PORTAL, config.seed, Stream.LIVER_VESSELS) + _twigs(config.seed, 0)
        self._hepatic = _trees(HEPATIC, config.seed, Stream.LIVER_VESSELS, first=len(PORTAL)) + _twigs(config.seed, 1)
        self.target = Target(config)
        self._lesions = {"lesion": config.lesion}
        if config.organs.shown:
            self._lesions["organs.second_lesion"] = config.organs.second_lesion
        for setting, one in self._lesions.items():
            row_mm, col_mm = lesion.outline_mm(one, config.seed).T
            depth_mm = float(organs.liver_depth_mm(row_mm, col_mm).min())
            if depth_mm < 0.0:
                raise ConfigError(
                    f"phantom: the lesion reaches {-depth_mm:.1f} mm out of the liver; move {setting}.center_mm = "
                    f"{one.center_mm} or make {setting}.diameter_mm = {one.diameter_mm:g} smaller"
                )

    def lung(self, lattice: Lattice) -> Channels:
        """Return brightness and what a nodule adds to it (2, H, W), of lung and heart, the layer behind all others."""
        row, col = _axes(lattice)
        vessels = paint(_trees(LUNG, self._config.seed, Stream.LUNG_VESSELS), lattice, 0.0, 12.0)
        swirl = lattice.crop(self._texture(Stream.ORGANS, 3, 8.0))
        chest = organs.chest(row, col, vessels, swirl)
        nodule = self.target.cover("nodule", lattice) * (self._config.target.nodule_brightness - chest)
        return np.stack([chest, nodule]).astype(np.float32)

    def abdomen(self, lattice: Lattice, across_mm: float) -> Channels:
        """Return the abdomen in the plane `across_mm`: (base, whitening, portal, hepatic, cover), each (H, W).

        The first four add up to brightness times cover: the constant part, the part that gadoxetate brightens, and
        the pulsating blood of the two vessel trees.

        Parameters
        ----------
        lattice : Lattice
            Raster points to draw.
        across_mm : float
            Position of the plane, in mm.

        Returns
        -------
        ndarray of float32, shape (5, H, W)
        """
        config = self._config
        row, col = _axes(lattice)
        loops = lattice.crop(self._texture(Stream.ORGANS, 0, 5.5))
        gas = lattice.crop(self._texture(Stream.ORGANS, 1, 10.0))
        liver = organs.inside(organs.above_liver_floor_mm(row, col, across_mm), 1.5)
        liver = liver * organs.inside(-organs.kidney_fat_mm(row, col, across_mm))
        rest = organs.kidney(organs.bowel(loops, gas, self._fat), row, col, across_mm, self._fat)
        vessel = self.target.cover("vessel", lattice) * float(self.target.share_in_slice(np.array(across_mm)))
        covers = [self._lesion_cover(one, lattice, across_mm) for one in self._lesions.values()]
        target = np.maximum.reduce(covers) * (1.0 - vessel)
        portal = self._blood(self._portal, lattice, across_mm) * liver * (1.0 - target)
        portal = np.maximum(portal, vessel * liver)
        hepatic = self._blood(self._hepatic, lattice, across_mm) * liver * (1.0 - target) * (1.0 - portal)
        tissue = liver * (1.0 - target) * (1.0 - portal - hepatic)
        blood = 1.0 + config.tissue.vessel_contrast
        inner = lattice.crop(self._texture(Stream.LESION_TEXTURE, 0, 2.5))
        tumours = [1.0 + one.contrast + one.texture * inner for one in self._lesions.values()]
        tumour = np.choose(np.argmax(covers, axis=0), tumours)
        grain = 1.0 + config.tissue.texture * self._grain(lattice, across_mm)
        base = rest * (1.0 - liver) + tissue * grain + liver * target * tumour + (portal + hepatic)
        cover = organs.inside(organs.below_dome_mm(row, col, across_mm), 1.5)
        channels = (base, tissue * grain, portal * (blood - 1.0), hepatic * (blood - 1.0), np.ones_like(cover))
        return np.stack([channel * cover for channel in channels]).astype(np.float32)

    def _lesion_cover(self, one: LesionConfig, lattice: Lattice, across_mm: float) -> Array:
        """Return the share of a lesion at each raster point, in the plane `across_mm`, 0-1."""
        share = lesion.share_in_slice(one, self._config.acquisition.slice_mm, np.array(across_mm))
        return lesion.cover(one, self._config.seed, lattice) * float(share)

    def wall(self, lattice: Lattice) -> Channels:
        """Return (brightness x cover, cover) of spine, abdominal wall and surrounding air, the layer in front."""
        row, col = _axes(lattice)
        marrow = lattice.crop(self._texture(Stream.ORGANS, 2, 3.0))
        back = organs.inside(-organs.before_spine_mm(row, col))
        front = organs.inside(-organs.behind_belly_wall_mm(row, col))
        brightness = back * organs.back_wall(row, col, marrow, self._fat)
        brightness += front * organs.front_wall(row, col, self._fat)
        return np.stack([brightness, back + front]).astype(np.float32)

    def _blood(self, segments: list[Segment], lattice: Lattice, across_mm: float) -> Array:
        if self._config.tissue.vessel_contrast == 0.0:
            return np.zeros(lattice.shape)
        return paint(segments, lattice, across_mm, self._config.acquisition.slice_mm)

    def _grain(self, lattice: Lattice, across_mm: float) -> Array:
        """Return the liver's texture in a plane, blended from two fields at constant variance."""
        plane, part = divmod(across_mm / TEXTURE_DEPTH_MM, 1.0)
        angle = 0.5 * np.pi * part
        grain = np.zeros(lattice.shape)
        for index, weight in ((int(plane), np.cos(angle)), (int(plane) + 1, np.sin(angle))):
            for stream, scale_mm, strength in (
                (Stream.LIVER_FINE, FINE_MM, 0.8),
                (Stream.LIVER_COARSE, COARSE_MM, 0.6),
            ):
                grain += weight * strength * lattice.crop(self._texture(stream, 1000 + index, scale_mm))
        return grain

    def _texture(self, stream: Stream, index: int, scale_mm: float) -> Array:
        if (stream, index) not in self._textures:
            self._textures[stream, index] = texture(generator(self._config.seed, stream, index), scale_mm)
        return self._textures[stream, index]


@lru_cache(maxsize=12)
def _trees(trunks: tuple[Trunk, ...], seed: int, stream: Stream, first: int = 0) -> list[Segment]:
    return [
        segment for index, trunk in enumerate(trunks, first) for segment in grow(trunk, generator(seed, stream, index))
    ]


def _twigs(seed: int, system: int) -> list[Segment]:
    random = generator(seed, Stream.TWIGS, system)
    middles_mm = random.uniform((-60.0, -85.0, -30.0), (75.0, 55.0, 30.0), (TWIGS, 3))
    halves_mm = 9.0 * random.standard_normal((TWIGS, 3)) * (0.6, 0.6, 1.4)
    radii_mm = random.uniform(0.9, 2.6, TWIGS).tolist()
    return [
        Segment(middle - half, middle + half, radius)
        for middle, half, radius in zip(middles_mm, halves_mm, radii_mm, strict=True)
    ]


def _axes(lattice: Lattice) -> tuple[Array, Array]:
    return lattice.rows_mm[:, None], lattice.cols_mm[None, :]
