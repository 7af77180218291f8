"""Write the scores of folders as a text table, as plain values for JSON, and as CSV."""

import csv
import io
import math
from collections.abc import Iterator, Mapping

from gatekeeper.core.json_values import number
from replay.scores.trackrad_cases import COMPAT, CORRECT, CaseScore, FolderScore, Values

MEAN, ALL = "mean of cases", "all frames"

_SHOWN = {
    "compat": dict(zip(COMPAT, ("DSC", "HD95", "MASD", "CD", "D98"), strict=True)),
    "correct": dict(zip(CORRECT[1:], ("HD95", "MASD", "centre", "p95", "D98"), strict=True)),
}
_DECIMALS = {"DSC": 4, "D98": 4}


def as_table(result: FolderScore) -> str:
    """Return a text table: every case, the mean of the cases, and all frames together."""
    lines = [["case", "scored", *(short for shown in _SHOWN.values() for short in shown.values())]]
    for name, _, scored, values in _rows(result, None):
        numbers = [
            _word(values.get(kind, {}).get(key), _DECIMALS.get(short, 2))
            for kind, shown in _SHOWN.items()
            for key, short in shown.items()
        ]
        lines.append([name, str(scored), *numbers])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    begin = [sum(widths[:column]) + 2 * column for column in (2, 2 + len(_SHOWN["compat"]))]
    text = [f"{'':<{begin[0]}}{'compat, in pixels':<{begin[1] - begin[0]}}correct, in mm"]
    for name, *words in lines:
        text.append("  ".join([name.ljust(widths[0]), *map(str.rjust, words, widths[1:])]))
    if result.without_truth:
        text += ["", f"without truth, not scored: {', '.join(result.without_truth)}"]
    return "\n".join(text)


def as_json(result: FolderScore) -> dict[str, object]:
    """Return plain values for JSON; None for what could not be measured."""
    return {
        "cases": {
            case.case: {
                "frames": case.frames,
                "frames_scored": case.correct.frames_scored,
                **_finite(case.values()),
                **({"structures": _structures(case)} if case.structures else {}),
            }
            for case in result.cases
        },
        "pooled": {
            "cases": len(result.cases),
            "frames_scored": result.frames_scored,
            **_finite(result.mean_of_cases()),
            "correct_all_frames": _finite({"": result.all_frames()})[""],
        },
        "without_truth": list(result.without_truth),
    }


def _structures(case: CaseScore) -> dict[str, object]:
    return {one.case: {"frames_scored": one.correct.frames_scored, **_finite(one.values())} for one in case.structures}


def as_csv(result: FolderScore) -> str:
    """Return CSV with a row per case and two pooled rows; what could not be measured is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["case", "frames", "frames_scored", *(f"compat_{name}" for name in COMPAT), *(f"correct_{n}" for n in CORRECT)]
    )
    for name, frames, scored, values in _rows(result, ":"):
        numbers = [
            number(values.get(kind, {}).get(key))
            for kind, keys in (("compat", COMPAT), ("correct", CORRECT))
            for key in keys
        ]
        writer.writerow([name, frames, scored, *("" if number is None else repr(number) for number in numbers)])
    return out.getvalue()


def _rows(result: FolderScore, between: str | None) -> Iterator[tuple[str, int, int, Mapping[str, Values]]]:
    """Yield the rows; a structure has the name of its case before it, or is set in below it."""
    for case in result.cases:
        yield case.case, case.frames, case.correct.frames_scored, case.values()
        for one in case.structures:
            name = f"  {one.case}" if between is None else f"{case.case}{between}{one.case}"
            yield name, one.frames, one.correct.frames_scored, one.values()
    frames = sum(case.frames for case in result.cases)
    yield MEAN, frames, result.frames_scored, result.mean_of_cases()
    yield ALL, frames, result.frames_scored, {"correct": result.all_frames()}


def _finite(values: Mapping[str, Values]) -> dict[str, dict[str, float | None]]:
    return {kind: {name: number(value) for name, value in one.items()} for kind, one in values.items()}


def _word(value: float | None, decimals: int) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.{decimals}f}"
