"""Where predictions lie in a folder, and what one of them holds."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.metaimage import read_metaimage
from replay.formats.pixel_file import to_time_first

OUTPUT = Path("images") / "mri-linac-series-targets" / "output.mha"
"""Where the challenge's algorithms put their masks."""
JOBS = "predictions.json"
_SERIES, _TARGETS = "mri-linac-series", "mri-linac-series-targets"


def find_predictions(folder: Path, cases: Sequence[str], alone: bool = False) -> dict[str, Path]:
    """Return where the prediction of each case is; cases without one are left out.

    A prediction is `<case>.mha`, or `<case>/` as `gatekeeper trackrad run` writes it, or `<case>/output/` as the
    challenge's platform keeps it. Where there is the platform's `predictions.json`, that alone counts.

    Parameters
    ----------
    folder : Path
        Where to look.
    cases : sequence of str
        Names of the cases.
    alone : bool
        The one case is all there is: the folder itself may be the output of `gatekeeper trackrad run`.

    Raises
    ------
    RecordingError
        When the folder is none, a case has several predictions, or `predictions.json` cannot be understood.
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


def read_prediction(path: Path, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Return the masks (T, H, W) of a prediction.

    Parameters
    ----------
    path : Path
        The file, with the axes (rows, columns, time) as the images have them.
    shape : tuple of int
        (T, H, W) that it must have.

    Raises
    ------
    RecordingError
        When the file is cut short or damaged, of another size, or holds anything but 0 and 1.
    """
    pixels, _ = read_metaimage(path)
    frames, rows, cols = shape
    if pixels.shape != (rows, cols, frames):
        raise RecordingError(
            f"{path}: is {pixels.shape} rows, columns and frames, the truth {(rows, cols, frames)}; "
            "predict every frame in its own size"
        )
    if not ((pixels == 0) | (pixels == 1)).all():
        raise RecordingError(f"{path}: holds other values than 0 and 1; write 1 where the target is")
    return to_time_first(pixels != 0)


def _jobs(path: Path) -> dict[str, Path]:
    """Return the masks of each case by the platform's list of jobs."""
    try:
        jobs = list(_described(path.parent, json.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from None
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise RecordingError(f"{path}: is no list of jobs as the platform writes it ({error!r:.60})") from None
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
