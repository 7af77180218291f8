"""Read the outlines and images that a SESSION.toml names."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import (
    DrawnConfig,
    GateConfig,
    LiveConfig,
    MaskRegion,
    OarConfig,
    OarDrawnConfig,
    PointsRegion,
    Region,
    RtStructRegion,
    TrackradLabelConfig,
    TrackradRegion,
    build,
)
from gatekeeper.core.contour import Role
from gatekeeper.core.errors import ConfigError, InputError, TargetError
from gatekeeper.recording.session_setup import TARGET
from gatekeeper.session.planned import NotDrawn, Planned, without
from gatekeeper.session.target import Drawn, Outlined, Reference
from kernels.polygon import fill
from replay.formats.format import DICOM, Choices, Use
from replay.formats.open import format_of, open_recording
from replay.formats.trackrad import open_case
from replay.formats.trackrad_files import listed_values
from replay.recording import Recording

if TYPE_CHECKING:
    from replay.formats.structure_set import Region as PlanRegion

LARGEST_LABEL = 65535
"""Largest value of a structure in a mask image."""


def reference_of(config: LiveConfig) -> Reference | None:
    """Return the image on which the structures were drawn; None when that is the first frame.

    Raises
    ------
    RecordingError, GeometryError
        When the image cannot be read.
    """
    target = config.target[0]
    if isinstance(target, TrackradLabelConfig):
        return _image(Path(target.case))
    return None if target.reference is None else _image(Path(target.reference))


def target_of(region: Region, called: str) -> Outlined:
    """Return a target from its file; it must be whole on the image. See `drawn_of`."""
    return drawn_of(region, called, Use.TARGET)


def zone_of(region: Region | None, called: str, whole: bool) -> Outlined | None:
    """Return an envelope, which must be whole on the image, or a keep-out zone, if there is one. See `drawn_of`."""
    return None if region is None else drawn_of(region, called, Use.ENVELOPE if whole else Use.AVOID)


def planned_of(config: LiveConfig) -> tuple[tuple[Planned, ...], tuple[str, ...]]:
    """Return further targets and organs at risk, and a line on each that cannot be read and is not required.

    Raises
    ------
    InputError
        When one that is required cannot be read.
    """
    found, left_out = [], []
    for one in (*config.target[1:], *config.organs):
        try:
            if isinstance(one, OarConfig):
                zone, role, use = zone_of(one.zone, f"zone of {one.called}", whole=False), Role.AVOID, Use.AVOID
            else:
                zone = zone_of(one.envelope, f"envelope of {one.called}", whole=True)
                role, use = Role.TARGET, Use.TARGET
            outlined: Outlined
            if isinstance(one, DrawnConfig | OarDrawnConfig):
                outlined = NotDrawn(one.called)
            else:
                outlined = drawn_of(one, one.called, use)
            found.append(Planned(outlined, role, zone, one.required, one.by_hand))
        except InputError as error:
            if one.required:
                raise
            left_out.append(without(one.called, error))
    return tuple(found), tuple(left_out)


def drawn_of(region: Region, called: str, use: Use) -> Outlined:
    """Return a structure from its file.

    Parameters
    ----------
    region : Region
        Where it is.
    called : str
        What it is called.
    use : Use
        What it is for; only an organ at risk may reach beyond the image.

    Raises
    ------
    RecordingError, GeometryError
        When its file cannot be read.
    TargetError
        When there is nothing in it.
    """
    if isinstance(region, PointsRegion):
        return Drawn(called, (np.array(region.points_mm, dtype=np.float64),))
    from replay.formats.structure_set import read_structure_set
    from replay.formats.volume_mask import read_volume_mask

    if isinstance(region, MaskRegion):
        value = None if region.label is None else str(region.label)
        if (volume := read_volume_mask(called, Path(region.file), value)) is not None:
            return volume
        _check_no_structure_set(Path(region.file))
        grid = _image(Path(region.file))
        return Drawn.of_mask(called, _labelled(np.asarray(grid.image), region.label, called, region.file), grid)
    if isinstance(region, TrackradRegion):
        choices = Choices(roi=None if region.label is None else str(region.label))
        mask = open_case(Path(region.case), choices).first_mask
        if mask is None:
            raise TargetError(f"{region.case}: no target is drawn on its first frame; add targets/*_first_label.mha")
        return Drawn.of_mask(called, mask, _image(Path(region.case)))
    if (segment := read_volume_mask(called, Path(region.file), region.roi)) is not None:
        return segment
    return PlanContours(called, Path(region.file), read_structure_set(Path(region.file)).region(region.roi), use)


def _labelled(image: NDArray[np.generic], label: int | None, called: str, where: str) -> NDArray[np.bool_]:
    """Return the pixels of a structure in an image of one or several."""
    if label is None:
        return np.asarray(np.greater(image, 0))
    mask = np.asarray(image == label)
    if not mask.any():
        raise TargetError(f"{called}: no pixel of {where} is {label}; it holds {listed_values(image)}")
    return mask


def with_target(recording: Recording, path: Path, choices: Choices, file: Path, roi: str | None) -> Recording:
    """Return a recording with the target of another file, without labels of another target.

    Parameters
    ----------
    recording : Recording
        What was opened.
    path : Path
        From where.
    choices : Choices
        With what.
    file : Path
        A mask image, or an RT Structure Set.
    roi : str or None
        The region of the structure set; None: the file is a mask image.

    Returns
    -------
    Recording
        With a note on what was left out of the region.

    Raises
    ------
    ConfigError
        When the file is a structure set and no region is named; the message lists them.
    RecordingError, GeometryError
        When the file cannot be read.
    TargetError
        When the target is not on the first frame.
    """
    reference = first_image(recording, path, choices)
    drawn = target_of(region_of(file, roi), TARGET)
    mask = drawn.on(reference, GateConfig().plane_offset_mm)
    notes = drawn.notes
    if roi is not None and reference.frame_of_reference is None:
        notes = (*notes, f"{file}: the images have no frame of reference that could be compared with that of {roi!r}")
    return replace(recording, first_mask=mask, labels=None, notes=(*recording.notes, *notes))


def first_image(recording: Recording, path: Path, choices: Choices) -> Reference:
    """Return the first frame of a recording, opened from a path with choices, as a reference."""
    uid = _frame_of_reference(path, choices)
    where = f"{path}, first frame"
    return Reference(np.array(recording.frames[0]), recording.spacing_mm, recording.plane, where, uid)


def region_of(file: Path, roi: str | None) -> Region:
    """Return where an outline is that a command names: a region of a structure set, or a mask image or its value."""
    from replay.formats.structure_set import is_structure_set

    if roi is None:
        return MaskRegion(kind="mask", file=str(file))
    if roi.isdecimal() and 1 <= int(roi) <= LARGEST_LABEL and not is_structure_set(file):
        return MaskRegion(kind="mask", file=str(file), label=int(roi))
    return build(RtStructRegion, {"kind": "rtstruct", "file": str(file), "roi": roi}, "command line")


def _check_no_structure_set(file: Path) -> None:
    """Raise ConfigError with a list of the regions for a structure set of which no region was named."""
    from replay.formats.structure_set import is_structure_set, read_structure_set

    if is_structure_set(file):
        listed = read_structure_set(file).listing()
        raise ConfigError(
            f"{file}: is an RT Structure Set; name a region (--roi, or kind = rtstruct and roi): {listed}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class PlanContours:
    """A region of a structure set in slices of any orientation, cut by the plane of the image.

    Attributes
    ----------
    name : str
        What it is called.
    path : Path
        The structure set.
    region : PlanRegion
        The region in it.
    use : Use
        What it is for.
    """

    name: str
    path: Path
    region: "PlanRegion"
    use: Use

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the region, and what is not known of it."""
        return self.region.notes

    def on(self, reference: Reference, _beside_mm: float) -> NDArray[np.bool_]:
        """Return the mask (H, W) on an image.

        Raises
        ------
        RecordingError
            When the region is not whole on it, or was outlined in another frame of reference.
        """
        mask = np.empty(reference.image.shape, dtype=np.bool_)
        fill(self.outline_px(reference), mask)
        return mask

    def outline_px(self, reference: Reference) -> NDArray[np.float64]:
        """Return the outline (N, 2) on an image as (row, col); see `on` for errors."""
        from replay.formats.rtstruct import ImageGrid, outline

        rows, cols = reference.image.shape
        view = ImageGrid(reference.plane, reference.spacing_mm, (rows, cols), reference.frame_of_reference)
        found, _ = outline(self.region, self.use, view, f"{self.path}: '{self.region.name}'")
        return found


def _image(path: Path) -> Reference:
    """Return the image at `path`, or the first one of a sequence."""
    recording, uid = open_recording(path), _frame_of_reference(path, Choices())
    return Reference(np.array(recording.frames[0]), recording.spacing_mm, recording.plane, str(path), uid)


def _frame_of_reference(path: Path, choices: Choices) -> str | None:
    """Return the UID of the frame of reference of a recording; None where its format has none."""
    if format_of(path).name != DICOM:
        return None
    from replay.formats.dicom import frame_of_reference

    return frame_of_reference(path, choices)
