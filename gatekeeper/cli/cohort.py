"""Implement `gatekeeper cohort`: tables over all sessions below a folder."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import JsonOption, MarksOption
from gatekeeper.cli.output import say

FolderArg = Annotated[
    Path, typer.Argument(help="Folder with sessions at any depth.", metavar="FOLDER", show_default=False)
]
CohortOutOption = Annotated[
    Path, typer.Option("--out", help="Folder of the cohort; what it knows already is not read again.", metavar="OUT")
]
OutcomesOption = Annotated[
    Path | None,
    typer.Option(
        help="CSV of outcomes: label, <endpoint>_days, <endpoint>_event, <toxicity>_grade.", metavar="OUTCOMES.csv"
    ),
]
LabelColumnOption = Annotated[
    str | None,
    typer.Option(
        help="Its column with the labels, which are pseudonyms; columns that are no outcome are then left out.",
        metavar="NAME",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(help="Number of processes.", metavar="N", min=1, max=256, show_default="one for each core"),
]
MOST_LISTED = 20


def cohort(
    folder: FolderArg,
    out: CohortOutOption,
    outcomes: OutcomesOption = None,
    label_column: LabelColumnOption = None,
    marks: MarksOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write tables, figures and survival curves over all sessions below a folder; only new sessions are read.

    The exit code is 1 when a session is damaged or a folder could not be looked into; all others are there.
    """
    from replay.cohort.run import make_cohort
    from replay.progress import ProgressBars

    with ProgressBars() as bars:
        made = make_cohort(folder, out, outcomes, label_column, marks, workers, bars)
    say(made.as_table(), err=as_json)
    for line in made.damaged[:MOST_LISTED]:
        say(f"gatekeeper: {line}", err=True)
    if len(made.damaged) > MOST_LISTED:
        say(f"gatekeeper: and {len(made.damaged) - MOST_LISTED} more, see {out / 'problems.csv'}", err=True)
    if as_json:
        typer.echo(json.dumps(made.as_json(), allow_nan=False))
    if made.damaged:
        raise typer.Exit(1)
