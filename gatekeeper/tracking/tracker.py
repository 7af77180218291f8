"""Tracker: finds the target of the reference on every further frame."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt

from gatekeeper.config import TrackerConfig
from gatekeeper.errors import InputError, TargetError
from gatekeeper.structure import mask_to_contour
from gatekeeper.track import Track
from gatekeeper.tracking.confidence import confidence
from gatekeeper.tracking.freeform import TRANSLATION_SD_MM, free_form
from gatekeeper.tracking.reference import make_template
from gatekeeper.tracking.search import make_search
from gatekeeper.tracking.workspace import Level
from kernels.polygon import centroid, fill
from kernels.validity import is_finite_and_varied
from kernels.warp import warp_contour

SMALLEST_PX, LARGEST_PX = 32, 1024
FINEST_MM, COARSEST_MM = 0.5, 4.0
"""Images and pixels that can be tracked on."""
LARGEST_VALUE = 1e15
"""Pixel values whose squares still can be summed in single precision."""

WORKING_MM = 1.9
"""Pixels are joined until they are about this large; cine-MR resolves no less."""
RESOLUTION_MM = 1.3
"""Images are smoothed to at least this standard deviation along each axis."""
FEWEST_GRID_PX = 16
"""But pixels are not joined further than to this many along the shorter side of the image."""

MOST_ERROR_MM = 10.0
"""A reference on which the target's centre is determined no better than this, as standard deviation, is useless."""

BOX_MM = 12.0
"""The search box reaches this far around the target."""

VARIANCE_SHARE = 0.985
MOST_MODES = 14
MOST_POINTS = 850
"""Limits of the cost: modes per axis, and points of a template."""

COARSE_ITERATIONS = 6
FINE_ITERATIONS = 4

JUMP_SI_MM, JUMP_AP_MM = 5.0, 1.5
"""Standard deviations of the way from the last sure position to the next: breathing moves the liver along SI, and a
match that is off along AP is more likely another piece of the same dome. The variance grows with the frames lost."""
FAR_AP_MM = 4.0
"""Standard deviation of the distance from the reference position along AP, however long the target has been lost."""
BEYOND_MM = 5.0
"""A fit may end this far outside the search range; further out it has found something else."""

GOOD_CORRELATION = 0.8
"""From this correlation on, a coarse fit with which the best match of the search agrees needs no rival."""

SURE = 0.5
"""From this confidence on, a position is where the next frame starts from."""


class Tracker:
    """Follows one target from the reference on, by deformable template tracking.

    On each frame a rigid search over the whole range and the last sure position give starts; from each a coarse
    free-form fit is made, and the best of them is refined. Where the fit from the last position is good and the best
    match of the search agrees with it, the other starts are left out.

    Parameters
    ----------
    reference : array_like, shape (H, W)
        Image on which the target is known; any real dtype, 32-1024 pixels a side.
    target_mask : array_like of bool, shape (H, W)
        The target on it; of several parts the largest is tracked.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, 0.5-4 mm.
    config : TrackerConfig, optional

    Raises
    ------
    TargetError
        When the reference, the mask or the spacing cannot be tracked on.
    """

    def __init__(
        self,
        reference: ArrayLike,
        target_mask: ArrayLike,
        spacing_mm: tuple[float, float],
        config: TrackerConfig | None = None,
    ) -> None:
        config = config or TrackerConfig()
        spacing_mm = _checked_spacing(spacing_mm)
        image = _checked_reference(reference)
        mask = np.asarray(target_mask)
        if mask.shape != image.shape:
            raise TargetError(f"target mask: has the shape {mask.shape}; give the reference's, {image.shape}")
        spacing = np.asarray(spacing_mm, dtype=np.float64)
        self._contour_px = mask_to_contour(mask)
        low_px, high_px = self._contour_px.min(axis=0), self._contour_px.max(axis=0)
        free = free_form(
            low_px * spacing - config.context_mm,
            high_px * spacing + config.context_mm,
            config.deformation_length_mm,
            config.deformation_mm,
            VARIANCE_SHARE,
            MOST_MODES,
        )
        factor = max(1, min(round(WORKING_MM / max(spacing_mm)), min(image.shape) // FEWEST_GRID_PX))
        share = min(0.5 * (RESOLUTION_MM / (factor * max(spacing_mm))) ** 2, 0.25)
        part = np.empty(image.shape, np.bool_)
        fill(self._contour_px, part)
        distance_mm = distance_transform_edt(~part, sampling=spacing_mm).astype(np.float32)
        fine, coarse = (
            make_template(image, distance_mm, spacing_mm, free, side, blur, config.context_mm, MOST_POINTS)
            for side, blur in ((factor, share), (2 * factor, 0.0))
        )
        self.fine, self.coarse = Level(fine, image.shape), Level(coarse, image.shape)
        self._range_mm = (config.search_si_mm, config.search_ap_mm)
        box_px = BOX_MM / spacing
        self.search = make_search(image, low_px - box_px, high_px + box_px, spacing_mm, 2 * factor, self._range_mm)

        self._spacing_mm = spacing_mm
        self._modes = np.ascontiguousarray(free.at(self._contour_px * spacing))
        error_mm = fine.error_mm(self._modes.mean(axis=1))
        if not error_mm <= MOST_ERROR_MM:
            raise TargetError(
                f"target: its position on the reference is certain to {error_mm:.0f} mm only, {MOST_ERROR_MM:g} mm are "
                "needed; choose a reference with more to be seen around it"
            )
        self._image = np.zeros(image.shape, np.float32)
        self._within = self._reach()
        self._trial, self._best, self._last = (np.zeros(2 * free.count, np.float32) for _ in range(3))
        self._frames_lost = 0

    def track(self, image: ArrayLike) -> Track:
        """Return where the target is on a frame.

        Parameters
        ----------
        image : array_like, shape (H, W)
            A frame of the reference's size, any real dtype.

        Returns
        -------
        Track
            With confidence 0, and where the target was last, when the frame is constant, or holds NaN or infinity,
            also after conversion to float32.

        Raises
        ------
        InputError
            When the frame has another size than the reference, or no real numbers.
        """
        image = np.asarray(image)
        frame = self._canonical(image)
        found = (
            self._is_picture(image, frame)
            and self._start(frame)
            and self.fine.fit(frame, self._best, FINE_ITERATIONS)
            and self._in_range(self._best)
        )
        sure = 0.0
        if found:
            fine = self.fine
            sure = confidence(fine.correlation, fine.penalty, len(self._best), fine.inside)
        else:
            self._best[:] = self._last
        if sure >= SURE:
            self._last[:] = self._best
            self._frames_lost = 0
        else:
            self._frames_lost += 1
        return self._track(sure)

    def _start(self, frame: NDArray[np.float32]) -> bool:
        """Put the best of the coarse fits into `_best`; return False when there is none."""
        least = math.inf
        candidates = self.search.run(frame)
        for candidate in range(-1, candidates):
            if candidate < 0:
                self._trial[:] = self._last
            else:
                down_mm, right_mm = self.search.displacement_mm(candidate)
                if candidate == 0 and least < math.inf and self._confirmed(down_mm, right_mm):
                    break
                self._trial[:] = 0.0
                self._trial[0] = down_mm / TRANSLATION_SD_MM
                self._trial[len(self._trial) // 2] = right_mm / TRANSLATION_SD_MM
            if self.coarse.fit(frame, self._trial, COARSE_ITERATIONS) and self._in_range(self._trial):
                misfit = self.coarse.misfit + self._surprise()
                if misfit < least:
                    least = misfit
                    self._best[:] = self._trial
        return least < math.inf

    def _confirmed(self, down_mm: float, right_mm: float) -> bool:
        """Return whether the first coarse fit is good, and the best match no more than a pixel of the search away."""
        found_mm, pixel_mm = _translation_mm(self._best), self.search.pixel_mm
        return (
            self.coarse.correlation >= GOOD_CORRELATION
            and abs(found_mm[0] - down_mm) <= pixel_mm[0]
            and abs(found_mm[1] - right_mm) <= pixel_mm[1]
        )

    def _in_range(self, params: NDArray[np.float32]) -> bool:
        """Return whether the translation in `params` lies in the search range."""
        down_mm, right_mm = _translation_mm(params)
        reach_si_mm, reach_ap_mm = self._range_mm
        return abs(down_mm) <= reach_si_mm + BEYOND_MM and abs(right_mm) <= reach_ap_mm + BEYOND_MM

    def _surprise(self) -> float:
        """Return minus twice the log probability of the trial's translation before the frame is seen."""
        down_mm, right_mm = _translation_mm(self._trial)
        last_down_mm, last_right_mm = _translation_mm(self._last)
        jump = ((down_mm - last_down_mm) / JUMP_SI_MM) ** 2 + ((right_mm - last_right_mm) / JUMP_AP_MM) ** 2
        return jump / (1.0 + self._frames_lost) + (right_mm / FAR_AP_MM) ** 2

    def _reach(self) -> tuple[slice, slice]:
        """Return the rows and columns of a frame that search and fits read at most."""
        # The outermost candidate of the search lies up to one and a half of its pixels beyond the range.
        row_mm, col_mm = (max(BEYOND_MM, 1.5 * pixel_mm) for pixel_mm in self.search.pixel_mm)
        range_mm = self._range_mm[0] + row_mm, self._range_mm[1] + col_mm
        reaches = [self.search.reach_px, self.coarse.reach_px(range_mm), self.fine.reach_px(range_mm)]
        first = np.min([low for low, _ in reaches], axis=0)
        last = np.max([high for _, high in reaches], axis=0)
        shape = self._image.shape
        # At least the frame's edge, which repeats beyond it.
        low = np.clip(first, 0, np.array(shape) - 1)
        high = np.clip(last, low, np.array(shape) - 1)
        return slice(int(low[0]), int(high[0]) + 1), slice(int(low[1]), int(high[1]) + 1)

    def _canonical(self, image: ArrayLike) -> NDArray[np.float32]:
        """Return the frame as C-contiguous float32, copied only when it is not, and only as far as it must be read."""
        frame = np.asarray(image)
        if frame.shape != self._image.shape or frame.dtype.kind not in "buif":
            raise InputError(
                f"frame: {frame.dtype} of shape {frame.shape}; it must be real numbers of the reference's shape "
                f"{self._image.shape}"
            )
        if frame.dtype == np.float32 and frame.flags.c_contiguous and frame.flags.aligned:
            return frame
        if frame.dtype.kind in "bui":
            # Beyond the reach the buffer keeps what it held; there it is not read.
            np.copyto(self._image[self._within], frame[self._within], casting="unsafe")
            return self._image
        with np.errstate(over="ignore"):
            np.copyto(self._image, frame, casting="unsafe")
        return self._image

    def _is_picture(self, frame: NDArray[Any], canonical: NDArray[np.float32]) -> bool:
        """Return whether the frame holds numbers only and is not constant.

        Whole numbers are never NaN; of such a frame only the part that can be reached is looked at.
        """
        if frame.dtype.kind == "f":
            return bool(is_finite_and_varied(canonical))
        seen = frame[self._within]
        # One row nearly always tells.
        row = seen[len(seen) // 2]
        return bool(row.min() != row.max() or seen.min() != seen.max())

    def _track(self, sure: float) -> Track:
        row_mm, col_mm = self._spacing_mm
        contour_px = np.empty_like(self._contour_px)
        warp_contour(self._contour_px, self._modes, self._best, 1.0 / row_mm, 1.0 / col_mm, contour_px)
        center_px = np.empty(2)
        centroid(contour_px, center_px)
        return Track(contour_px, (float(center_px[0]) * row_mm, float(center_px[1]) * col_mm), sure)


def _translation_mm(params: NDArray[np.float32]) -> tuple[float, float]:
    """Return the part of a displacement that all points share, along rows and columns."""
    return float(params[0]) * TRANSLATION_SD_MM, float(params[len(params) // 2]) * TRANSLATION_SD_MM


def _checked_spacing(spacing_mm: tuple[float, float]) -> tuple[float, float]:
    """Return the spacing as floats; raise TargetError when it cannot be tracked on."""
    steps = np.asarray(spacing_mm)
    if steps.shape != (2,) or steps.dtype.kind not in "iuf" or not FINEST_MM <= min(steps) <= max(steps) <= COARSEST_MM:
        raise TargetError(
            f"reference: pixel spacing {spacing_mm} mm; give two numbers from {FINEST_MM:g} to {COARSEST_MM:g}"
        )
    return float(steps[0]), float(steps[1])


def _checked_reference(reference: ArrayLike) -> NDArray[np.float32]:
    """Return the reference as C-contiguous float32; raise TargetError when it cannot be tracked on."""
    image = np.asarray(reference)
    if image.ndim != 2 or image.dtype.kind not in "buif":
        raise TargetError(f"reference: {image.dtype} of shape {image.shape}; it must be real numbers (rows, columns)")
    if not SMALLEST_PX <= min(image.shape) <= max(image.shape) <= LARGEST_PX:
        raise TargetError(
            f"reference: {image.shape[0]} x {image.shape[1]} pixels; each side must have {SMALLEST_PX} to {LARGEST_PX}"
        )
    with np.errstate(over="ignore"):
        single = np.array(image, dtype=np.float32, order="C")
    if not np.abs(single).max() <= LARGEST_VALUE:
        raise TargetError(f"reference: holds NaN or values beyond {LARGEST_VALUE:g}; choose another frame")
    return single
