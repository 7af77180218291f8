"""Find the predictions of TrackRAD cases in a folder, and read them."""

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.metaimage import read_metaimage
from replay.formats.pixel_file import to_time_first

OUTPUT = Path("images") / "mri-linac-series-targets" / "output.mha"
"""Path of the masks in the output of an algorithm of the challenge."""
JOBS = "predictions.json"
_SERIES, _TARGETS = "mri-linac-series", "mri-linac-series-targets"


def find_predictions(folder: Path, cases: Sequence[str], alone: bool = False) -> dict[str, Path]:
    """Find the prediction of each case.

    A prediction is `<case>.mha`, or `<case>/` as `gatekeeper trackrad run` writes it, or `<case>/output/` as the
    challenge's platform stores it. When the folder has the platform's `predictions.json`, only that is used.

    Parameters
    ----------
    folder : Path
        The folder to search.
    cases : sequence of str
        Names of the cases.
    alone : bool
        Whether there is a single case, so that the folder itself may be the output of `gatekeeper trackrad run`.

    Returns
    -------
    dict of str to Path
        The file of each case; cases without a prediction are left out.

    Raises
    ------
    RecordingError
        When there is no such folder, a case has several predictions, or `predictions.json` cannot be parsed.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder}: no such folder; name the folder of the predictions")
    if (folder / JOBS).is_file():
        jobs = _jobs(folder / JOBS)
        return {name: jobs[name] for name in cases if name in jobs}
    found = {}
    for name in cases:
        places = [folder / f"{name}.mha", folder / name / OUTPUT, folder / name / "output" / OUTPUT]
        places += [folder / OUTPUT] if alone else []
        there = [place for place in places if place.is_file()]
        if len(there) > 1:
            raise RecordingError(f"{there[0]}: is one of {len(there)} predictions of {name}; leave the one that counts")
        if there:
            found[name] = there[0]
    return found


def read_prediction(path: Path, shape: tuple[int, int, int], values: Collection[int] = (1,)) -> NDArray[np.uint8]:
    """Read the labels of a prediction.

    Parameters
    ----------
    path : Path
        The file, with the axes (rows, columns, time) of the images.
    shape : tuple of int
        Its required size (T, H, W).
    values : collection of int
        Values that it may have where a structure is.

    Returns
    -------
    ndarray of uint8, shape (T, H, W)
        The value of the structure at each pixel, 0 outside.

    Raises
    ------
    RecordingError
        When the file is cut short or damaged, of another size, or holds other values.
    """
    pixels, _ = read_metaimage(path)
    frames, rows, cols = shape
    if pixels.shape != (rows, cols, frames):
        raise RecordingError(
            f"{path}: is {pixels.shape} rows, columns and frames, the truth {(rows, cols, frames)}; "
            "predict every frame in its own size"
        )
    if not np.isin(pixels, (0, *values)).all():
        if len(values) == 1:
            raise RecordingError(f"{path}: holds other values than 0 and 1; write 1 where the target is")
        raise RecordingError(
            f"{path}: holds other values than 0 and those of the truth, {', '.join(map(str, values))}; write the value "
            "of each structure where it is"
        )
    return to_time_first(pixels.astype(np.uint8))


def _jobs(path: Path) -> dict[str, Path]:
    """Return the file of each case from the platform's list of jobs."""
    try:
        jobs = list(_described(path.parent, json.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from None
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise RecordingError(f"{path}: is not a list of jobs as the platform writes it ({error!r:.60})") from None
    if len(dict(jobs)) != len(jobs):
        raise RecordingError(f"{path}: lists several jobs for one case; leave the one that counts")
    if (absent := next((masks for _, masks in jobs if not masks.is_file()), None)) is not None:
        raise RecordingError(f"{absent}: is missing, though {JOBS} lists its job; copy the job's output")
    return dict(jobs)


def _described(folder: Path, jobs: Any) -> Iterator[tuple[str, Path]]:
    for job in jobs:
        series, targets = _of(job["inputs"], _SERIES), _of(job["outputs"], _TARGETS)
        name = Path(series["image"]["name"]).name.removesuffix(".mha").removesuffix("_frames")
        place = folder / str(job["pk"]) / "output" / targets["interface"]["relative_path"]
        yield name, next(iter(sorted(place.glob("*.mha"))), place / OUTPUT.name)


def _of(values: Any, slug: str) -> Any:
    return [value for value in values if value["interface"]["slug"] == slug][0]  # noqa: RUF015  (IndexError is caught)
