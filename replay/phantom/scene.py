"""Draw the scene at one moment: three layers displaced by their motion and overlaid."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from replay.phantom.anatomy import Anatomy
from replay.phantom.inverse import Inverse
from replay.phantom.lattice import PITCH_MM, Lattice
from replay.phantom.motion import Motion
from replay.phantom.neighbours import Neighbour, Pose

Array = NDArray[np.float64]
Image = NDArray[np.float32]

PLANE_STEP_MM = 2.0
"""Distance of the planes that are drawn and interpolated between, finer than a slice."""


class Scene:
    """Draws the anatomy in motion.

    Parameters
    ----------
    anatomy : Anatomy
        The organs at end-exhale.
    motion : Motion
        Modes of their motion.
    view : Lattice
        Raster points to draw.
    amplitudes : ndarray of float64, shape (..., MODES)
        All amplitudes that will be drawn, which bound the anatomy needed around the view.
    """

    def __init__(self, anatomy: Anatomy, motion: Motion, view: Lattice, amplitudes: Array) -> None:
        self._anatomy = anatomy
        self._view = view
        self._planes: dict[int, Image] = {}
        layers = (motion.lung, motion.abdomen, motion.wall)
        self._inverses = [Inverse(modes, view.rows_mm, view.cols_mm) for modes in layers]
        reach_mm = np.max([inverse.reach_mm(amplitudes) for inverse in self._inverses], axis=0).tolist()
        self._source = view.grown(reach_mm[0], reach_mm[1])
        self._lung = anatomy.lung(self._source)
        self._wall = anatomy.wall(self._source)
        first_row, first_col = np.subtract(view.first, self._source.first).tolist()
        self._row0 = np.arange(first_row, first_row + view.shape[0], dtype=np.float32)[:, None]
        self._col0 = np.arange(first_col, first_col + view.shape[1], dtype=np.float32)[None, :]

    def draw(
        self,
        amplitude: Array,
        across_mm: float,
        weights: tuple[float, float, float],
        organs: Sequence[tuple[Neighbour, Pose]] = (),
    ) -> Image:
        """Return the brightness on the view; the liver's is 1.

        Parameters
        ----------
        amplitude : ndarray of float64, shape (MODES,)
            Amplitudes of the modes of motion.
        across_mm : float
            Position of the image plane in the organs, in mm.
        weights : tuple of float
            Extra brightness of liver, portal and hepatic vessels.
        organs : sequence of (Neighbour, Pose), optional
            Organs that are drawn over the abdomen, and behind the body wall, each as it is now.

        Returns
        -------
        ndarray of float32, shape of the view
        """
        nodule = float(self._anatomy.target.share_in_slice(np.array(across_mm)))
        lung = self._lung[:1] + nodule * self._lung[1:]
        layers = (lung, self._abdomen(across_mm, weights), self._wall)
        image = np.zeros(self._view.shape, dtype=np.float32)
        for layer, inverse in zip(layers, self._inverses, strict=True):
            if layer is self._wall:
                for organ, pose in organs:
                    organ.draw(image, self._view, pose)
            brightness, *cover = self._shifted(layer, inverse.solve(amplitude))
            if cover:
                image *= 1.0 - cover[0]
            image += brightness
        return image

    def _abdomen(self, across_mm: float, weights: tuple[float, float, float]) -> Image:
        """Return brightness x cover and cover (2, H, W) of the abdomen in one plane."""
        index, part = divmod(across_mm / PLANE_STEP_MM, 1.0)
        layer = np.zeros((2, *self._source.shape), dtype=np.float32)
        for plane, share in ((int(index), 1.0 - part), (int(index) + 1, part)):
            if share > 0.0:
                *brightness, cover = self._plane(plane)
                for channel, weight in zip(brightness, (1.0, *weights), strict=True):
                    cv2.scaleAdd(channel, share * weight, layer[0], layer[0])
                cv2.scaleAdd(cover, share, layer[1], layer[1])
        return layer

    def _plane(self, index: int) -> Image:
        if index not in self._planes:
            self._planes[index] = self._anatomy.abdomen(self._source, index * PLANE_STEP_MM)
        return self._planes[index]

    def _shifted(self, layer: Image, moved_mm: tuple[Image, Image]) -> list[Image]:
        """Return each channel (H, W) of a layer, displaced by the motion."""
        row = self._row0 + moved_mm[0] / np.float32(PITCH_MM)
        col = self._col0 + moved_mm[1] / np.float32(PITCH_MM)
        return [
            np.asarray(cv2.remap(channel, col, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
            for channel in layer
        ]
