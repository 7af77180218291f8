"""Offer the peers as trackers, through the entry points of this distribution.

They report no confidence of their own. It is computed as the correlation of the target's surroundings on the reference
with the same region on the frame, moved with the outline; 0 where that region reaches beyond the image.
"""

from collections.abc import Mapping
from functools import partial

import cv2
import numpy as np

from gatekeeper.config import TrackerConfig
from gatekeeper.core.contour import center_mm
from gatekeeper.core.track import Track
from replay.peers import flow
from replay.peers.flow import AlignedFlow, WholeImageFlow
from replay.peers.image import Image, Mask, PeerTracker, Spacing, box
from replay.peers.methods import Start, one_thread_each
from replay.peers.points import Points
from replay.peers.template import Template

BORDER_MM = 10.0
"""Border around the target of the region that is compared."""


class PeerStructures:
    """Track each structure with a peer of its own.

    Parameters
    ----------
    start : callable
        Makes a peer from the reference, a mask and the pixel spacing.
    reference : ndarray of float32, shape (H, W)
        Image on which the structures are known.
    structures : mapping of str to ndarray of bool, shape (H, W)
        Masks by name.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    config : TrackerConfig
        Not used; a peer has no settings.
    """

    def __init__(
        self,
        start: Start,
        reference: Image,
        structures: Mapping[str, Mask],
        spacing_mm: Spacing,
        config: TrackerConfig,  # noqa: ARG002  (every factory has this parameter)
    ) -> None:
        # More threads would differ from run to run in the last bit.
        one_thread_each()
        self._spacing_mm = spacing_mm
        self._peers = [
            (start(reference, mask, spacing_mm), _Similarity(reference, mask, spacing_mm))
            for mask in structures.values()
        ]

    def track(self, image: Image) -> tuple[Track, ...]:
        """Return one track for each structure on a frame (H, W).

        Parameters
        ----------
        image : ndarray, shape (H, W)
            A frame of the reference's size.

        Returns
        -------
        tuple of Track
        """
        return tuple([self._track(peer, similarity, image) for peer, similarity in self._peers])

    def _track(self, peer: PeerTracker, similarity: "_Similarity", image: Image) -> Track:
        contour_px = np.ascontiguousarray(peer(image))
        position_mm = center_mm(contour_px, self._spacing_mm)
        return Track(contour_px, position_mm, similarity.of(image, position_mm))


class _Similarity:
    """The correlation of a structure's surroundings with those on a frame."""

    def __init__(self, reference: Image, mask: Mask, spacing_mm: Spacing) -> None:
        row_mm, col_mm = spacing_mm
        self._top, bottom, self._left, right = box(mask, round(BORDER_MM / row_mm), round(BORDER_MM / col_mm))
        self._patch = np.array(reference[self._top : bottom, self._left : right], dtype=np.float32)
        self._spacing_mm = spacing_mm
        rows, cols = np.nonzero(mask)
        self._center_px = np.array([rows.mean(), cols.mean()])

    def of(self, image: Image, position_mm: tuple[float, float]) -> float:
        """Return the correlation, 0-1, with the centre at a position in mm."""
        shift_px = np.divide(position_mm, self._spacing_mm) - self._center_px
        if not np.isfinite(shift_px).all():
            return 0.0
        down, right = np.rint(shift_px).astype(int).tolist()
        rows, cols = self._patch.shape
        top, left = self._top + down, self._left + right
        if top < 0 or left < 0 or top + rows > image.shape[0] or left + cols > image.shape[1]:
            return 0.0
        there = np.ascontiguousarray(image[top : top + rows, left : left + cols], dtype=np.float32)
        value = float(np.asarray(cv2.matchTemplate(there, self._patch, cv2.TM_CCOEFF_NORMED))[0, 0])
        return min(max(value, 0.0), 1.0) if np.isfinite(value) else 0.0


def _whole(preset: int) -> Start:
    return lambda reference, mask, _spacing_mm: WholeImageFlow(reference, mask, flow.dis(preset))


def _aligned(preset: int) -> Start:
    return lambda reference, mask, spacing_mm: AlignedFlow(reference, mask, spacing_mm, flow.dis(preset))


ncc = partial(PeerStructures, Template)
dis_ultrafast = partial(PeerStructures, _whole(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST))
dis_fast = partial(PeerStructures, _whole(cv2.DISOPTICAL_FLOW_PRESET_FAST))
dis_medium = partial(PeerStructures, _whole(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM))
ncc_dis_fast = partial(PeerStructures, _aligned(cv2.DISOPTICAL_FLOW_PRESET_FAST))
ncc_dis_medium = partial(PeerStructures, _aligned(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM))
lucas_kanade = partial(PeerStructures, Points)
farneback = partial(
    PeerStructures, lambda reference, mask, _spacing_mm: WholeImageFlow(reference, mask, flow.farneback())
)
