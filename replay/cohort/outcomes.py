"""Read the outcomes of patients from a CSV, in which nothing may name a person.

One row for each label. `<endpoint>_days` and `<endpoint>_event` are the time to the event or to the last follow-up, and
whether it was the event (1) or not (0); columns that end in `_grade` are grades of toxicity, 0 to 5.
"""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.analysis.extra import needed
from gatekeeper.core.errors import InputError
from gatekeeper.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd

LABEL = "label"
DAYS, EVENT, GRADE = "_days", "_event", "_grade"
ENDPOINTS = {
    "os": "overall survival",
    "overall": "overall survival",
    "intrahepatic": "intrahepatic progression-free survival",
    "extrahepatic": "extrahepatic progression-free survival",
}
"""Words of the endpoints that have some; any other one stands for itself."""
PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
LARGEST_FILE = 64 * 2**20
LONGEST_DAYS = 60_000.0
WORST_GRADE = 5


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Outcomes of patients.

    Attributes
    ----------
    table : DataFrame
        By label: days and events of each endpoint, and grades; NaN where they are not known.
    endpoints : tuple of str
        Names of the endpoints.
    grades : tuple of str
        Columns of grades.
    """

    table: "pd.DataFrame"
    endpoints: tuple[str, ...]
    grades: tuple[str, ...]


def read_outcomes(path: Path, label_column: str | None, known: Collection[str]) -> Outcomes:
    """Read outcomes.

    Without `label_column` the file may hold nothing but the label, endpoints and grades. With it these alone are used,
    whatever other columns there are.

    Parameters
    ----------
    path : Path
        The CSV.
    label_column : str or None
        Column with the labels; by default `label`.
    known : collection of str
        Labels of the cohort, which are pseudonyms.

    Returns
    -------
    Outcomes

    Raises
    ------
    InputError
        When the file cannot be read, may name persons, or holds a value that is no outcome. The message quotes none.
    """
    pandas = needed("pandas")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: is larger than {LARGEST_FILE} bytes; name a table of outcomes")
        table = pandas.read_csv(path, dtype=str, skipinitialspace=True, encoding="utf-8-sig", index_col=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except (ValueError, UnicodeDecodeError):
        raise InputError(f"{path}: cannot be read as CSV in UTF-8 with one row of column names") from None
    column = label_column or LABEL
    endpoints = tuple(
        name[: -len(DAYS)] for name in table.columns if name.endswith(DAYS) and f"{name[: -len(DAYS)]}{EVENT}" in table
    )
    grades = tuple(name for name in table.columns if name.endswith(GRADE))
    used = [f"{one}{end}" for one in endpoints for end in (DAYS, EVENT)] + [*grades]
    if column not in table:
        raise InputError(
            f"{path}: has no column {column!r:.80}; name the one that holds the pseudonyms with --label-column"
        )
    others = [name for name in table.columns if name not in (column, *used)]
    if others and label_column is None:
        raise InputError(
            f"{path}: has {len(others)} columns besides label, *{DAYS}, *{EVENT} and *{GRADE}, which may name persons: "
            f"{printable(', '.join(others)):.200}; remove them, or name the column of pseudonyms with --label-column"
        )
    if not endpoints and not grades:
        raise InputError(f"{path}: has no endpoint (such as overall{DAYS} and overall{EVENT}) and no column *{GRADE}")
    labels = _labels(path, table[column], known)
    values = pandas.DataFrame({name: _numbers(path, name, table[name]) for name in used})
    values.index = pandas.Index(labels, name=LABEL)
    return Outcomes(values, endpoints, grades)


def _labels(path: Path, column: "pd.Series", known: Collection[str]) -> list[str]:
    labels = ["" if one is None else str(one).strip() for one in column.where(column.notna(), None)]
    for row, label in enumerate(labels, start=2):
        # A word of letters alone is a name until a session has it as its label.
        named = label not in known and not any(one.isdigit() for one in label)
        if not PSEUDONYM.fullmatch(label) or named:
            raise InputError(
                f"{path}: row {row} has a label that may be a name; pseudonyms are 1 to 32 letters, digits, - and _, "
                "with a digit in it unless a session has the same; name their column with --label-column"
            )
    if len(set(labels)) < len(labels):
        twice = next(row for row, label in enumerate(labels, start=2) if label in labels[: row - 2])
        raise InputError(f"{path}: row {twice} has the label of an earlier row; give one row for each patient")
    return labels


def _numbers(path: Path, name: str, column: "pd.Series") -> list[float]:
    """Return the values of a column; NaN where there is none."""
    found = []
    for row, text in enumerate(column.where(column.notna(), None), start=2):
        try:
            value = math.nan if text is None or not str(text).strip() else float(text)
        except ValueError:
            value = math.inf
        if not math.isnan(value) and not _is_allowed(name, value):
            wanted = {DAYS: f"days, 0 to {LONGEST_DAYS:g}", EVENT: "0 or 1"}
            told = next((text for end, text in wanted.items() if name.endswith(end)), f"a grade, 0 to {WORST_GRADE}")
            raise InputError(f"{path}: row {row}, column {name}: is not {told}; correct it, or leave it empty")
        found.append(value)
    return found


def _is_allowed(name: str, value: float) -> bool:
    if name.endswith(DAYS):
        return 0.0 <= value <= LONGEST_DAYS
    if name.endswith(EVENT):
        return value in (0.0, 1.0)
    return 0.0 <= value <= WORST_GRADE and value == int(value)
