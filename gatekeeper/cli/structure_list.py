"""List structures of a recording and of other files: the area on the first frame, or why one cannot be used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.cli.structures import named
from gatekeeper.cli.target import drawn_of, first_image, region_of
from gatekeeper.config import GateConfig
from gatekeeper.core.errors import InputError, TargetError
from gatekeeper.session.target import Reference
from gatekeeper.tracking.tracker import StructureTracker
from replay.formats.format import Choices, Use
from replay.formats.structure_set import is_structure_set, read_structure_set
from replay.recording import Recording


@dataclass(frozen=True, slots=True)
class Listed:
    """A structure that could be tracked, or why it could not.

    Attributes
    ----------
    name : str
        Its region, value or file.
    area_mm2 : float or None
        Its area on the first frame, in mm^2; None when it is not there.
    why : str
        Why it is not there, or cannot be tracked; empty when it can.
    """

    name: str
    area_mm2: float | None
    why: str = ""


def listed_structures(recording: Recording, path: Path, choices: Choices, files: Sequence[str]) -> tuple[Listed, ...]:
    """Return the structures of a recording of several, and all of given files.

    Parameters
    ----------
    recording : Recording
        The recording.
    path : Path
        Where it was opened.
    choices : Choices
        How it was opened.
    files : sequence of str
        Files of structures, each FILE or FILE:REGION.

    Raises
    ------
    InputError
        When a file is not there, or cannot be read at all.
    """
    reference = first_image(recording, path, choices)
    return *_own(recording, reference), *(one for text in files for one in _of_file(text, reference))


def as_table(structures: Sequence[Listed]) -> str:
    """Return a text table of structures: the area on the first frame, whether it meets the plane, and what is wrong."""
    lines = [("structure", "area", "on the first frame", "")]
    lines += [
        (
            one.name,
            "-" if one.area_mm2 is None else f"{one.area_mm2:.0f} mm2",
            "no" if one.area_mm2 is None else "yes",
            one.why if one.area_mm2 is None or not one.why else f"cannot be tracked: {one.why}",
        )
        for one in structures
    ]
    name, area, there = (max(map(len, column)) for column in list(zip(*lines, strict=True))[:3])
    return "\n".join(f"{a:<{name}}  {b:>{area}}  {c:<{there}}  {d}".rstrip() for a, b, c, d in lines)


def _own(recording: Recording, reference: Reference) -> Iterator[Listed]:
    for one in recording.named_structures:
        if one.first_mask is None:
            yield Listed(one.name, None, one.why or "is not drawn on the first frame")
        else:
            yield _tried(one.name, one.first_mask, reference)


def _of_file(text: str, reference: Reference) -> Iterator[Listed]:
    given = named(text, "target", False)
    assert given.file is not None  # noqa: S101  (it is not in the recording)
    regions: Sequence[str | None] = (given.region,)
    if given.region is None and is_structure_set(given.file):
        regions = read_structure_set(given.file).names
    for region in regions:
        name = region or given.name
        try:
            drawn = drawn_of(region_of(given.file, region), name, Use.AVOID)
            yield _tried(name, drawn.on(reference, GateConfig().plane_offset_mm), reference)
        except InputError as error:
            yield Listed(name, None, _shortened(str(error), given.file, name))


def _tried(name: str, mask: NDArray[np.bool_], reference: Reference) -> Listed:
    area_mm2 = float(mask.sum()) * reference.spacing_mm[0] * reference.spacing_mm[1]
    try:
        StructureTracker(reference.image, {name: mask}, reference.spacing_mm)
    except TargetError as error:
        return Listed(name, area_mm2, str(error).removeprefix("target: "))
    return Listed(name, area_mm2)


def _shortened(error: str, file: Path, name: str) -> str:
    """Return a message without the file and the name that stand before it."""
    return error.removeprefix(f"{file}: ").removeprefix(f"'{name}': ").removeprefix(f"{name}: ")
