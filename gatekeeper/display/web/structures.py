"""Show the structures of a session on the page: what does not change of them, and their zones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.axes import Orientation, orientation_of
from gatekeeper.core.contour import center_mm, mask_to_contour
from gatekeeper.core.json_values import number
from gatekeeper.display.web.trace_row import STRUCTURE_COLUMNS, Row, structure_row
from gatekeeper.gating.zones import Zone
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.structure_info import MEASURE_TEXT, StructureInfo, shown_zone_px, structure_infos

NOT_TRACKED = structure_row((math.nan, math.nan), math.nan, math.nan, ())
"""A structure in a decision without tracks."""


@dataclass(frozen=True, slots=True, eq=False)
class ShownStructures:
    """What does not change of the structures of a session.

    Attributes
    ----------
    infos : tuple of StructureInfo
        The structures, the primary target first.
    for_page : list of dict
        The same as plain values.
    reference_mm : tuple of tuple of float
        Centre of each on the reference, as (row, col) in mm.
    orientation : Orientation
        That of the images.
    """

    infos: tuple[StructureInfo, ...]
    for_page: list[dict[str, object]]
    reference_mm: tuple[tuple[float, float], ...]
    orientation: Orientation

    @classmethod
    def of(cls, setup: SessionSetup, config: SessionConfig) -> "ShownStructures":
        """Return the structures of a setup with given settings."""
        infos = structure_infos(setup, config)
        outlines_px = [mask_to_contour(setup.target_mask), *(one.contour_px for one in setup.structures)]
        reference_mm = tuple(center_mm(outline_px, setup.spacing_mm) for outline_px in outlines_px)
        return cls(infos, structures_for_page(infos), reference_mm, orientation_of(setup.plane))

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.infos) > 1

    def moved_mm(self, place: int, at_mm: tuple[float, float]) -> tuple[float, float]:
        """Return the displacement of a structure from the reference along the patient's axes.

        Parameters
        ----------
        place : int
            Its place among the structures, from 0.
        at_mm : tuple of float
            Its centre as (row, col) in mm.
        """
        return self.orientation.between(self.reference_mm[place], at_mm)

    def array(self, parts: Sequence[Sequence[Row]]) -> NDArray[np.float64]:
        """Return the rows of all structures in some decisions as an array (T, N, columns)."""
        return np.array(parts, dtype=np.float64).reshape(-1, len(self.infos), len(STRUCTURE_COLUMNS))

    def zones(
        self, zones: Sequence[Zone], shift_px: NDArray[np.float64] | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """Return the outlines of the zones that are shown, as (row, col) in px.

        Parameters
        ----------
        zones : sequence of TargetZone and KeepOutZone
            The zone of each structure.
        shift_px : ndarray of float64, shape (2,), optional
            Shift of the zones.

        Returns
        -------
        dict
            `envelope` of the primary target, and `zone<n>` of the further structures, which are counted from 0.
        """
        arrays: dict[str, NDArray[np.generic]] = {}
        for place, (info, zone) in enumerate(zip(self.infos, zones, strict=True)):
            if (zone_px := shown_zone_px(info, zone)) is not None:
                shifted_px = zone_px if shift_px is None else zone_px + shift_px
                arrays["envelope" if place == 0 else f"zone{place - 1}"] = shifted_px.astype(np.float32)
        return arrays


def structures_for_page(infos: Sequence[StructureInfo]) -> list[dict[str, object]]:
    """Return what the page needs to know of each structure as plain values.

    Parameters
    ----------
    infos : sequence of StructureInfo
        The structures.
    """
    return [
        {
            "name": one.name,
            "target": one.is_target,
            "color": one.color,
            "measure": MEASURE_TEXT[one.measure][0],
            "unit": MEASURE_TEXT[one.measure][1],
            "limit": one.limit,
            "resume": one.resume_limit,
            "confidence": one.min_confidence,
            "margin_mm": number(one.margin_mm),
        }
        for one in infos
    ]
