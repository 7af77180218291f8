"""The labels of a TrackRAD case: of one target, or of several structures, each with a value and perhaps a name."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack
from replay.formats.format import Choices
from replay.formats.metaimage import read_plain
from replay.formats.trackrad_files import read_json, read_masks
from replay.recording import LazyFrames, RecordedStructure

FIRST = "1"
"""Name of the scan, and of the observer, whose files have no number."""
NAMES = Path("targets") / "structures.json"
"""Names of the structures in labels of several, by their values."""
MOST_STRUCTURES = 255
_LONGEST_NAME = 64


class Labels(NamedTuple):
    """The target of a case, the other structures, and notes."""

    name: str | None = None
    first_mask: NDArray[np.bool_] | None = None
    labels: FrameStack | None = None
    others: tuple[RecordedStructure, ...] = ()
    notes: tuple[str, ...] = ()


NO_TARGET = Labels()


def read_target(targets: Path, stem: str, shape: tuple[int, ...], choices: Choices) -> Labels:
    """Return the target on the first frame and on all (T, H, W), other structures, and a note on other observers."""
    pattern = re.compile(re.escape(stem) + r"_(?:first_label|labels)(?P<observer>\w*)\.mha")
    files = targets.iterdir() if targets.is_dir() else ()
    found = {match["observer"] or FIRST for file in files if (match := pattern.fullmatch(file.name))}
    if not found and choices.observer is None:
        return NO_TARGET
    observer, notes = one_of(targets, "observer", sorted(found, key=lambda name: (len(name), name)), choices.observer)
    of_observer = "" if observer == FIRST else observer
    of_first, of_all = (targets / f"{stem}_{what}{of_observer}.mha" for what in ("first_label", "labels"))
    called = structures_in(targets, stem, of_observer)
    values, names = list(called), read_names(targets.parent)

    def of_value(value: int | None) -> tuple[NDArray[np.bool_] | None, FrameStack | None]:
        labels = read_masks(of_all, (*shape[1:], shape[0]), value)
        first_masks = read_masks(of_first, (*shape[1:], 1), value)
        first_mask = None if first_masks is None else np.array(first_masks[0])
        if first_mask is None and labels is not None and (drawn := np.array(labels[0])).any():
            first_mask = drawn
        return first_mask, labels

    several = len(values) > 1
    chosen = None if choices.roi is None else _value(choices.roi, called, targets.parent)
    first_mask, labels = of_value(chosen)
    if first_mask is not None and not first_mask.any():
        raise RecordingError(f"{of_first}: is empty; draw the target on the first frame")
    others = tuple(
        RecordedStructure(called[value], *of_value(value)) for value in values if several and value != chosen
    )
    alone = values[0] if chosen is None and len(values) == 1 and names else chosen
    if several and chosen is None:
        listed = ", ".join(called.values())
        notes = (*notes, f"{targets.parent.name}: holds labels {listed}; all are one target, --roi names single ones")
    return Labels(None if alone is None else called[alone], first_mask, labels, others, notes)


def structures_in(targets: Path, stem: str, observer: str = "") -> dict[int, str]:
    """Return the names of the structures on the first labelled frame by their values, those without one by the value.

    Parameters
    ----------
    targets : Path
        Folder of the labels.
    stem : str
        First part of the names of the files.
    observer : str
        Number of the observer, empty for the first.
    """
    files = [targets / f"{stem}_{what}{observer}.mha" for what in ("first_label", "labels")]
    names = read_names(targets.parent)
    return {value: names.get(value, str(value)) for value in _first_values(files)}


def _first_values(files: Sequence[Path]) -> list[int]:
    """Return the values above 0 on the first frame that is labelled in any of some files."""
    for path in files:
        if path.exists():
            pixels = read_plain(path).pixels
            first = pixels.read_all() if len(pixels.shape) == 2 else np.array(pixels.frames(2)[0])
            if values := [int(value) for value in np.unique(first).tolist() if value > 0]:
                return values
    return []


def _value(roi: str, called: Mapping[int, str], path: Path) -> int:
    """Return the value of a structure in labels of several, or raise RecordingError with those that there are."""
    by_name = {**{str(value): value for value in called}, **{name: value for value, name in called.items()}}
    if roi not in by_name:
        listed = ", ".join(called.values()) or "none"
        raise RecordingError(f"{path}: has no label {roi!r:.40} on its first frame; it has {listed}")
    return by_name[roi]


def read_names(path: Path) -> dict[int, str]:
    """Return the names of the structures in the labels of a case by their values; empty where they have none.

    Parameters
    ----------
    path : Path
        Folder of the case.

    Raises
    ------
    RecordingError
        When the file does not hold a name for each value.
    """
    file = path / NAMES
    if not file.exists():
        return {}
    values = read_json(file, '{"1": "GTV", "2": "bowel"}')
    if not isinstance(values, dict) or not all(
        value.isdecimal() and isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST_NAME
        for value, name in values.items()
    ):
        raise RecordingError(f'{file}: must hold a short name for each value, such as {{"1": "GTV", "2": "bowel"}}')
    if len(set(values.values())) < len(values):
        raise RecordingError(f"{file}: gives one name to several values; give each its own")
    return {int(value): name for value, name in values.items()}


def first_labels(structures: Sequence[RecordedStructure]) -> NDArray[np.uint8] | None:
    """Return the labels (1, H, W) of structures on the first frame, None where there are none.

    Each has the value that `values_of` gives. Where several overlap, a pixel is that of the first.
    """
    masks = [one.first_mask for one in structures]
    return None if all(mask is None for mask in masks) else joined(masks, values_of(structures))[None]


def all_labels(structures: Sequence[RecordedStructure]) -> FrameStack | None:
    """Return the labels (T, H, W) of structures on all frames as `first_labels` does."""
    stacks = [one.labels for one in structures]
    known = next((stack for stack in stacks if stack is not None), None)
    if known is None:
        return None

    values = values_of(structures)

    def label(index: int) -> NDArray[np.uint8]:
        return joined([None if stack is None else np.asarray(stack[index]) for stack in stacks], values)

    return LazyFrames(label, len(known), (known.shape[1], known.shape[2]), np.dtype(np.uint8))


def overlap_notes(structures: Sequence[RecordedStructure]) -> list[str]:
    """Return a note where labels with one value for each pixel do not keep all pixels of all structures."""
    masks = [[one.first_mask for one in structures if one.first_mask is not None]]
    stacks = [one.labels for one in structures if one.labels is not None]
    masks += [[np.asarray(stack[index]) for stack in stacks] for index in range(len(stacks[0]) if stacks else 0)]
    several = [int((np.sum(drawn, axis=0) > 1).sum()) for drawn in masks if len(drawn) > 1]
    if not any(several):
        return []
    return [
        f"structures overlap in {sum(several)} pixels on {np.count_nonzero(several)} label images; each of these is "
        "written as the first of them only"
    ]


def values_of(structures: Sequence[RecordedStructure]) -> list[int]:
    """Return the values of structures in labels: their names where these are values, else 1, 2 and so on."""
    names = [one.name for one in structures]
    if all(name.isdecimal() and 1 <= int(name) <= MOST_STRUCTURES and str(int(name)) == name for name in names):
        return [int(name) for name in names]
    return list(range(1, len(names) + 1))


def names_of(structures: Sequence[RecordedStructure]) -> dict[str, str]:
    """Return the names of several structures by their values as `read_names` takes them; empty where they are equal."""
    names = {str(value): one.name for value, one in zip(values_of(structures), structures, strict=True)}
    return {} if len(names) < 2 or all(value == name for value, name in names.items()) else names


def joined(masks: Sequence[NDArray[np.bool_] | None], values: Sequence[int]) -> NDArray[np.uint8]:
    """Return masks (H, W) as one label with a value for each; where several overlap, a pixel is that of the first."""
    shape = next(mask.shape for mask in masks if mask is not None)
    label = np.zeros(shape, np.uint8)
    for value, mask in reversed(list(zip(values, masks, strict=True))):
        if mask is not None:
            label[mask] = value
    return label


def one_of(path: Path, what: str, names: list[str], wanted: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the scan or observer that is wanted, by default the first, and a note where there are others."""
    if wanted is None:
        others = f"{path.name}: holds {what}s {', '.join(names)}; {what} {names[0]} is read, --{what} names another"
        return names[0], (others,) if len(names) > 1 else ()
    if wanted not in names:
        raise RecordingError(f"{path}: has no {what} {wanted!r:.40}; it holds {what}s {', '.join(names) or 'none'}")
    return wanted, ()
