"""Score folders of predictions against folders of cases, each case and all together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from replay.formats.format import Choices
from replay.formats.trackrad import is_case, labelled_structures, open_case
from replay.formats.trackrad_files import read_masks
from replay.formats.trackrad_predictions import OUTPUT, find_predictions, read_prediction
from replay.recording import Recording
from replay.scores.tracking import Score, score
from replay.scores.trackrad_official import OfficialScore, official_score

OnProgress = Callable[[str, int, int], None]
"""Called with the name of the work, how much of it is done and how much there is."""

COMPAT = tuple(OfficialScore.__slots__)
CORRECT = ("dsc", "hd95_mm", "masd_mm", "center_mm", "center_p95_mm", "d98_unbinarised")
OVER_FRAMES = CORRECT[:4]
COUNTS = ("frames_scored", "frames_not_tracked")
_NAMED_AT_MOST = 5

Values = dict[str, float]


@dataclass(frozen=True, slots=True)
class CaseScore:
    """Scores of one case.

    Attributes
    ----------
    case : str
        Name of the case.
    frames : int
        Number of frames.
    compat : OfficialScore
        Scores as the challenge computes them.
    correct : Score
        Scores in mm, without the limitations of the challenge's code.
    structures : tuple of CaseScore
        Where truth and prediction have several structures, each by itself; the scores of the case are their means.
    """

    case: str
    frames: int
    compat: OfficialScore
    correct: Score
    structures: tuple["CaseScore", ...] = ()

    def values(self) -> dict[str, Values]:
        """Return both kinds of scores by name."""
        return {"compat": asdict(self.compat), "correct": {name: getattr(self.correct, name) for name in CORRECT}}


@dataclass(frozen=True, slots=True)
class FolderScore:
    """Scores of several cases.

    Attributes
    ----------
    cases : tuple of CaseScore
        The scored cases, ordered by name.
    without_truth : tuple of str
        Names of cases without a label after the first frame.
    """

    cases: tuple[CaseScore, ...]
    without_truth: tuple[str, ...]

    @property
    def frames_scored(self) -> int:
        """Number of labelled frames except first frames."""
        return sum(case.correct.frames_scored for case in self.cases)

    def mean_of_cases(self) -> dict[str, Values]:
        """Return the scores pooled as in the challenge: every case has the same weight."""
        values = [case.values() for case in self.cases]
        return {
            kind: {name: float(np.mean([one[kind][name] for one in values])) for name in names}
            for kind, names in (("compat", COMPAT), ("correct", CORRECT))
        }

    def all_frames(self) -> Values:
        """Return the correct scores pooled over frames, each with the same weight; the dose score is per case only."""
        frames = [frame for case in self.cases for frame in case.correct.frames]
        values = {name: float(np.mean([getattr(frame, name) for frame in frames])) for name in OVER_FRAMES}
        return {**values, "center_p95_mm": float(np.quantile([frame.center_mm for frame in frames], 0.95))}


def score_folders(truth: Path, predictions: Path, on_progress: OnProgress) -> FolderScore:
    """Score predictions against the cases of the same names.

    Parameters
    ----------
    truth : Path
        A folder of cases, or one case, see :mod:`replay.formats.trackrad`.
    predictions : Path
        See :func:`replay.formats.trackrad_predictions.find_predictions`.
    on_progress : callable
        Called after every case.

    Returns
    -------
    FolderScore

    Raises
    ------
    RecordingError
        When there is no case with truth, when a prediction of one with truth is missing, or when a file is damaged or
        of another size.
    """
    try:
        return _score(truth, predictions, on_progress)
    except OSError as error:
        raise RecordingError(
            f"{error.filename or truth}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None


def score_case(case: Recording, path: Path, structures: Mapping[int, Recording] | None = None) -> CaseScore:
    """Score the prediction in a file against a case with labels after its first frame.

    Parameters
    ----------
    case : Recording
        The case.
    path : Path
        File of the prediction.
    structures : mapping of int to Recording, optional
        The case with each of several structures as the target, by their values in the labels. A prediction of 0 and 1
        alone is one of all of them as one target.

    Returns
    -------
    CaseScore

    Raises
    ------
    RecordingError
        When the file is damaged or of another size.
    """
    structures = {} if structures is None else structures
    assert case.labels is not None  # noqa: S101  (there are labels)
    count, rows, cols = case.labels.shape
    predicted = read_prediction(path, (count, rows, cols), sorted({1, *structures}))
    if len(structures) < 2 or predicted.max() <= 1:
        return _scored(case, predicted != 0)
    parts = [_scored(one, predicted == value) for value, one in structures.items() if _scorable(one)]
    return CaseScore(case.name, count, _mean_compat(parts), _mean_correct(parts), tuple(parts))


def _scored(case: Recording, predicted: NDArray[np.bool_]) -> CaseScore:
    labels = np.asarray(case.labels)
    correct = score(predicted, case)
    assert correct is not None  # noqa: S101  (there are labels)
    name = case.name if case.target_name is None else case.target_name
    return CaseScore(name, len(labels), official_score(predicted, labels, case.region), correct)


def _mean_compat(parts: Sequence[CaseScore]) -> OfficialScore:
    return OfficialScore(**{name: float(np.mean([getattr(one.compat, name) for one in parts])) for name in COMPAT})


def _mean_correct(parts: Sequence[CaseScore]) -> Score:
    means: dict[str, float] = {
        name: float(np.mean([getattr(one.correct, name) for one in parts]))
        for name in Score.__slots__
        if name not in (*COUNTS, "frames")
    }
    scored, not_tracked = (sum(getattr(one.correct, name) for one in parts) for name in COUNTS)
    frames = tuple(frame for one in parts for frame in one.correct.frames)
    return Score(frames_scored=scored, frames_not_tracked=not_tracked, frames=frames, **means)


def _score(truth: Path, predictions: Path, on_progress: OnProgress) -> FolderScore:
    cases = _cases(truth)
    found = find_predictions(predictions, list(cases), alone=list(cases.values()) == [truth])
    missing = [name for name in cases if name not in found and _scorable(_truth(cases[name]))]
    if missing:
        more = f" and {len(missing) - _NAMED_AT_MOST} more" if len(missing) > _NAMED_AT_MOST else ""
        raise RecordingError(
            f"{predictions}: holds no prediction of {', '.join(missing[:_NAMED_AT_MOST])}{more}; "
            f"put it there as {missing[0]}.mha or {missing[0]}/{OUTPUT}"
        )
    scored = []
    for done, (name, path) in enumerate(found.items(), start=1):
        case = _truth(cases[name])
        if _scorable(case):
            scored.append(score_case(case, path, _structures(cases[name])))
        on_progress("scoring", done, len(found))
    if not scored:
        raise RecordingError(f"{truth}: no case there has a label after its first frame; name cases with labels")
    names = {case.case for case in scored}
    return FolderScore(tuple(scored), tuple(name for name in cases if name not in names))


def _cases(truth: Path) -> dict[str, Path]:
    """Return the folders of cases by name: the cases in a folder, or the folder itself if it is a case."""
    if not truth.is_dir():
        raise RecordingError(f"{truth}: no such folder; name a folder of TrackRAD cases")
    folders = [truth] if is_case(truth) else [folder for folder in sorted(truth.iterdir()) if is_case(folder)]
    if not folders:
        raise RecordingError(f"{truth}: holds no TrackRAD case; name the folder of the cases, or one case")
    return {folder.resolve().name: folder for folder in folders}


def _truth(folder: Path) -> Recording:
    """Return a case; the consensus of several observers is its truth where there is one."""
    case = replace(open_case(folder), target_name=None)
    agreed = _agreed(folder)
    if not agreed:
        return case
    return replace(case, labels=read_masks(agreed[0], (*case.frames.shape[1:], len(case.frames))))


def _structures(folder: Path) -> dict[int, Recording]:
    """Return a case with each of several structures as the target, by their values; empty with one."""
    names = {} if _agreed(folder) else labelled_structures(folder)
    return {value: open_case(folder, Choices(roi=name)) for value, name in names.items() if len(names) > 1}


def _agreed(folder: Path) -> list[Path]:
    """Return the consensus of several observers, where there is one."""
    return sorted((folder / "targets").glob("*_staple_labels.mha"))


def _scorable(case: Recording) -> bool:
    return case.labels is not None and any(label.any() for label in case.labels[1:])
