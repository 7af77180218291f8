"""Read where structures were in truth, as a command names it, for the scores of a replay."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.cli.structures import by_name
from gatekeeper.cli.target import LARGEST_LABEL
from gatekeeper.core.errors import ConfigError, InputError, RecordingError
from gatekeeper.core.frame import FrameStack
from gatekeeper.core.json_values import parsed
from kernels.polygon import fill
from replay.formats.format import Choices
from replay.formats.open import open_recording
from replay.formats.stack import convert_frames, pick_value
from replay.formats.trackrad_files import listed_values
from replay.recording import LazyFrames, RecordedStructure, Recording


def with_truth(recording: Recording, names: Sequence[str], texts: Sequence[str]) -> Recording:
    """Return a recording with where its structures were on each frame.

    Parameters
    ----------
    recording : Recording
        The recording.
    names : sequence of str
        The structures of the session, the primary target first.
    texts : sequence of str
        NAME=FILE[:VALUE] for a label image of all frames, NAME=truth.json[:STRUCTURE] for what a phantom wrote, or
        truth.json alone for all structures that it has by their names.

    Raises
    ------
    ConfigError
        When a structure or a file is not there, or is named twice.
    RecordingError
        When a file cannot be read, or is of another size than the frames.
    """
    found: dict[str, RecordedStructure] = {}
    for text in texts:
        for name, one in _read(text, names, recording).items():
            if name in found:
                raise ConfigError(f"command line: truth = {text!r:.80}: is a second truth of {name!r:.80}; give one")
            found[name] = one
    primary, kept = found.pop(names[0], None), [one for one in recording.structures if one.name not in found]
    if primary is not None:
        recording = replace(recording, labels=primary.labels, outlines_px=primary.outlines_px)
    return replace(recording, structures=(*kept, *found.values()))


def _read(text: str, names: Sequence[str], recording: Recording) -> dict[str, RecordedStructure]:
    """Return the truth of each structure that an option names."""
    if Path(text).is_file():
        if _is_phantom(Path(text)):
            structures = _phantom(Path(text))
            if chosen := [name for name in names if name in structures]:
                return {name: _of_phantom(name, structures[name], recording, text) for name in chosen}
            raise ConfigError(
                f"command line: truth = {text!r:.200}: holds {', '.join(structures)[:200] or 'no structures'}, and the "
                f"session has {', '.join(names)[:200]}; give NAME={Path(text).name}:STRUCTURE"
            )
        if len(names) > 1:
            raise ConfigError(
                f"command line: truth = {text!r:.200}: does not say of which structure; give NAME={text:.80}, with one "
                f"of {', '.join(names)[:200]}"
            )
        text = f"{names[0]}={text}"
    ((name, rest),) = by_name([text], "truth", names)
    file, value = _file_of(rest, text)
    if _is_phantom(file):
        structures = _phantom(file)
        if (value or name) not in structures:
            raise ConfigError(
                f"command line: truth = {text!r:.200}: has no structure {value or name!r:.80}; it holds "
                f"{', '.join(structures)[:200] or 'none'}"
            )
        return {name: _of_phantom(name, structures[value or name], recording, str(file))}
    return {name: RecordedStructure(name, labels=_labels(file, value, recording, text))}


def _file_of(rest: str, text: str) -> tuple[Path, str | None]:
    """Return the file of FILE[:VALUE], and the value."""
    if (file := Path(rest)).is_file():
        return file, None
    before, colon, value = rest.rpartition(":")
    if colon and value and Path(before).is_file():
        return Path(before), value
    raise ConfigError(f"command line: truth = {text!r:.200}: there is no such file; give NAME=FILE[:VALUE]")


def _is_phantom(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _phantom(path: Path) -> dict[str, dict[str, object]]:
    """Return the structures in the truth of a phantom by name; that of one target has the name of no structure."""
    try:
        values = parsed(path.read_bytes())
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except ValueError as error:
        raise RecordingError(f"{path}: is not JSON ({error!s:.80}); give the truth.json of a phantom") from None
    structures = values.get("structures") if isinstance(values, dict) else None
    if not isinstance(structures, dict):
        raise RecordingError(
            f"{path}: holds no structures; give the truth.json of a phantom with organs.shown, or a label image"
        )
    return structures


def _of_phantom(name: str, told: object, recording: Recording, where: str) -> RecordedStructure:
    """Return a structure of a phantom with its exact outlines."""
    shape = recording.frames.shape
    try:
        assert isinstance(told, dict)  # noqa: S101  (caught)
        outlines_px = tuple(np.array(outline, dtype=np.float64, order="C") for outline in told["contours_rc"])
        visible = [bool(one) for one in told["visible"]]
        sound = all(one.ndim == 2 and one.shape[1] == 2 and np.isfinite(one).all() for one in outlines_px)
        if not sound or len(visible) != len(outlines_px):
            raise ValueError("outlines are not (N, 2), or not as many as visible")
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{where}: {name!r:.80} is damaged ({error!r:.80}); write the phantom again") from None
    if len(outlines_px) != shape[0]:
        raise RecordingError(
            f"{where}: tells of {len(outlines_px)} frames, the recording has {shape[0]}; is it its own?"
        )

    def mask(index: int) -> NDArray[np.bool_]:
        label = np.zeros(shape[1:], dtype=np.bool_)
        if visible[index]:
            fill(outlines_px[index], label)
        return label

    labels = LazyFrames(mask, len(visible), (shape[1], shape[2]), np.dtype(np.bool_))
    return RecordedStructure(name, labels=labels, outlines_px=outlines_px)


def _labels(file: Path, value: str | None, recording: Recording, text: str) -> FrameStack:
    """Return the masks of a label image with the size of the frames, whichever axis of it is time."""
    wanted = tuple(recording.frames.shape)
    told = Choices(rate_hz=1.0, spacing_mm=recording.spacing_mm)
    why: InputError | None = None
    shapes = []
    for time_axis in (None, "first", "last"):
        try:
            labels = open_recording(file, replace(told, time_axis=time_axis)).frames
        except InputError as error:
            why = why or error
            continue
        if tuple(labels.shape) == wanted:
            return _picked(labels, value, file, text)
        shapes.append(tuple(labels.shape))
    if not shapes and why is not None:
        raise why
    raise RecordingError(
        f"{file}: holds {shapes[0]} frames, rows and columns of labels, the recording {wanted}; give labels of all "
        "frames"
    )


def _picked(labels: FrameStack, value: str | None, file: Path, text: str) -> FrameStack:
    if value is None:
        return convert_frames(labels, np.dtype(np.bool_))
    if not value.isdecimal() or not 1 <= int(value) <= LARGEST_LABEL:
        raise ConfigError(
            f"command line: truth = {text!r:.200}: {value!r:.40} is no value of a label, 1 to {LARGEST_LABEL}"
        )
    picked = pick_value(labels, int(value))
    if not any(np.asarray(label).any() for label in picked):
        raise RecordingError(
            f"{file}: no pixel is {value}; its first frame holds {listed_values(np.asarray(labels[0]))}"
        )
    return picked
