"""Score folders of predictions against folders of cases, each case and all together."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from gatekeeper.core.errors import RecordingError
from replay.formats.trackrad import is_case, open_case
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
    """

    case: str
    frames: int
    compat: OfficialScore
    correct: Score

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


def score_case(case: Recording, path: Path) -> CaseScore:
    """Score the prediction in a file against a case with labels after its first frame.

    Parameters
    ----------
    case : Recording
        The case.
    path : Path
        File of the prediction.

    Returns
    -------
    CaseScore

    Raises
    ------
    RecordingError
        When the file is damaged or of another size.
    """
    labels = np.asarray(case.labels)
    predicted = read_prediction(path, labels.shape)
    correct = score(predicted, case)
    assert correct is not None  # noqa: S101  (there are labels)
    return CaseScore(case.name, len(labels), official_score(predicted, labels, case.region), correct)


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
            scored.append(score_case(case, path))
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
    case = open_case(folder)
    agreed = sorted((folder / "targets").glob("*_staple_labels.mha"))
    if not agreed:
        return case
    return replace(case, labels=read_masks(agreed[0], (*case.frames.shape[1:], len(case.frames))))


def _scorable(case: Recording) -> bool:
    return case.labels is not None and any(label.any() for label in case.labels[1:])
