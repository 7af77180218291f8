"""Read the outlines and images that a SESSION.toml names."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import (
    GateConfig,
    LiveConfig,
    MaskConfig,
    Outline,
    PointsConfig,
    RtStructConfig,
    TrackradLabelConfig,
    build,
)
from gatekeeper.core.errors import ConfigError, TargetError
from gatekeeper.session.target import Drawn, Outlined, Reference
from kernels.polygon import fill
from replay.formats.dicom import frame_of_reference, open_dicom
from replay.formats.format import Choices
from replay.formats.open import format_of, open_recording
from replay.formats.rtstruct import ImageGrid, Use, outline
from replay.formats.structure_set import Region, is_structure_set, read_structure_set
from replay.formats.trackrad import open_case
from replay.formats.volume_mask import read_volume_mask
from replay.recording import Recording

TARGET = "target"
"""What the target is called; a plan's region under this name must be whole on the image."""


def reference_of(config: LiveConfig) -> Reference | None:
    """Return the image on which the target was drawn; None when that is the first frame.

    Raises
    ------
    RecordingError, GeometryError
        When the image cannot be read.
    """
    target = config.target
    if isinstance(target, TrackradLabelConfig):
        return _image(Path(target.case))
    return None if target.reference is None else _image(Path(target.reference))


def drawn_of(drawn: Outline, called: str) -> Outlined:
    """Return a structure from its file.

    Parameters
    ----------
    drawn : Outline
        Where it is.
    called : str
        What it is called.

    Raises
    ------
    RecordingError, GeometryError
        When its file cannot be read.
    TargetError
        When there is nothing in it.
    """
    if isinstance(drawn, PointsConfig):
        return Drawn(called, (np.array(drawn.points_mm, dtype=np.float64),))
    if isinstance(drawn, MaskConfig):
        if (volume := read_volume_mask(called, Path(drawn.file), None)) is not None:
            return volume
        _check_no_structure_set(Path(drawn.file))
        grid = _image(Path(drawn.file))
        return Drawn.of_mask(called, np.asarray(grid.image) > 0, grid)
    if isinstance(drawn, TrackradLabelConfig):
        case = open_case(Path(drawn.case))
        if case.first_mask is None:
            raise TargetError(f"{drawn.case}: no target is drawn on its first frame; add targets/*_first_label.mha")
        return Drawn.of_mask(called, case.first_mask, _image(Path(drawn.case)))
    if (segment := read_volume_mask(called, Path(drawn.file), drawn.roi)) is not None:
        return segment
    return PlanContours(called, Path(drawn.file), read_structure_set(Path(drawn.file)).region(drawn.roi))


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
    outline = MaskConfig(kind="mask", file=str(file)) if roi is None else _roi(file, roi)
    uid = frame_of_reference(path, choices) if format_of(path).open is open_dicom else None
    reference = Reference(
        np.array(recording.frames[0]), recording.spacing_mm, recording.plane, f"{path}, first frame", uid
    )
    drawn = drawn_of(outline, TARGET)
    mask = drawn.on(reference, GateConfig().plane_offset_mm)
    notes = drawn.notes
    if roi is not None and uid is None:
        notes = (*notes, f"{file}: the images have no frame of reference that could be compared with that of {roi!r}")
    return replace(recording, first_mask=mask, labels=None, notes=(*recording.notes, *notes))


def _check_no_structure_set(file: Path) -> None:
    """Raise ConfigError with a list of the regions for a structure set of which no region was named."""
    if is_structure_set(file):
        listed = read_structure_set(file).listing()
        raise ConfigError(
            f"{file}: is an RT Structure Set; name a region (--roi, or kind = rtstruct and roi): {listed}"
        )


def _roi(file: Path, roi: str) -> RtStructConfig:
    return build(RtStructConfig, {"kind": "rtstruct", "file": str(file), "roi": roi}, "command line")


@dataclass(frozen=True, slots=True, eq=False)
class PlanContours:
    """A region of a structure set in slices of any orientation, cut by the plane of the image.

    Attributes
    ----------
    name : str
        What it is called.
    path : Path
        The structure set.
    region : Region
        The region in it.
    """

    name: str
    path: Path
    region: Region

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
        rows, cols = reference.image.shape
        view = ImageGrid(reference.plane, reference.spacing_mm, (rows, cols), reference.frame_of_reference)
        use = Use.TARGET if self.name == TARGET else Use.AVOID
        outline_px, _ = outline(self.region, use, view, f"{self.path}: '{self.region.name}'")
        mask = np.empty((rows, cols), dtype=np.bool_)
        fill(outline_px, mask)
        return mask


def _image(path: Path) -> Reference:
    """Return the image at `path`, or the first one of a sequence."""
    recording, uid = open_recording(path), None
    if format_of(path).open is open_dicom:
        uid = frame_of_reference(path, Choices())
    return Reference(np.array(recording.frames[0]), recording.spacing_mm, recording.plane, str(path), uid)
