"""The scene at one moment: three layers shifted by their motion and laid over each other."""

import cv2
import numpy as np
from numpy.typing import NDArray

from replay.phantom.anatomy import Anatomy
from replay.phantom.inverse import Inverse
from replay.phantom.lattice import PITCH_MM, Lattice
from replay.phantom.motion import Motion

Array = NDArray[np.float64]
Image = NDArray[np.float32]

PLANE_STEP_MM = 2.0
"""Planes across are drawn this far apart and blended between, which is finer than a slice is thick."""


class Scene:
    """Draws the anatomy in motion.

    Parameters
    ----------
    anatomy : Anatomy
        The organs at end-exhale.
    motion : Motion
        How they move.
    view : Lattice
        What is to be seen.
    amplitudes : ndarray of float64, shape (..., MODES)
        All amplitudes that will be asked for, which bound the anatomy to be drawn.
    """

    def __init__(self, anatomy: Anatomy, motion: Motion, view: Lattice, amplitudes: Array) -> None:
        self._anatomy = anatomy
        self._view = view
        self._planes: dict[int, Image] = {}
        layers = (motion.lung, motion.abdomen, motion.wall)
        self._ways = [Inverse(modes, view.rows_mm, view.cols_mm) for modes in layers]
        reach_mm = np.max([way.reach_mm(amplitudes) for way in self._ways], axis=0).tolist()
        self._stock = view.grown(reach_mm[0], reach_mm[1])
        self._lung = anatomy.lung(self._stock)
        self._wall = anatomy.wall(self._stock)
        first_row, first_col = np.subtract(view.first, self._stock.first).tolist()
        self._row0 = np.arange(first_row, first_row + view.shape[0], dtype=np.float32)[:, None]
        self._col0 = np.arange(first_col, first_col + view.shape[1], dtype=np.float32)[None, :]

    def draw(self, amplitude: Array, across_mm: float, weights: tuple[float, float, float]) -> Image:
        """Return the brightness on the view; the liver's is 1.

        Parameters
        ----------
        amplitude : ndarray of float64, shape (MODES,)
            Amplitudes of the modes of motion.
        across_mm : float
            Where the image plane lies in the organs.
        weights : tuple of float
            Extra brightness of liver, portal and hepatic vessels.
        """
        layers = (self._lung, self._abdomen(across_mm, weights), self._wall)
        image = np.zeros(self._view.shape, dtype=np.float32)
        for layer, way in zip(layers, self._ways, strict=True):
            brightness, *cover = self._shifted(layer, way.solve(amplitude))
            if cover:
                image *= 1.0 - cover[0]
            image += brightness
        return image

    def _abdomen(self, across_mm: float, weights: tuple[float, float, float]) -> Image:
        """Return brightness x cover and cover (2, H, W) of the abdomen in one plane."""
        index, part = divmod(across_mm / PLANE_STEP_MM, 1.0)
        layer = np.zeros((2, *self._stock.shape), dtype=np.float32)
        for plane, share in ((int(index), 1.0 - part), (int(index) + 1, part)):
            if share > 0.0:
                *brightness, cover = self._plane(plane)
                for channel, weight in zip(brightness, (1.0, *weights), strict=True):
                    cv2.scaleAdd(channel, share * weight, layer[0], layer[0])
                cv2.scaleAdd(cover, share, layer[1], layer[1])
        return layer

    def _plane(self, index: int) -> Image:
        if index not in self._planes:
            self._planes[index] = self._anatomy.abdomen(self._stock, index * PLANE_STEP_MM)
        return self._planes[index]

    def _shifted(self, layer: Image, moved_mm: tuple[Image, Image]) -> list[Image]:
        """Return each channel (H, W) of a layer with the tissue that is at the view's points now."""
        row = self._row0 + moved_mm[0] / np.float32(PITCH_MM)
        col = self._col0 + moved_mm[1] / np.float32(PITCH_MM)
        return [
            np.asarray(cv2.remap(channel, col, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
            for channel in layer
        ]
