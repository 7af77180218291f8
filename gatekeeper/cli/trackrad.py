"""Implement `gatekeeper trackrad`: the algorithm contract and the scores of the TrackRAD2025 challenge."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.compilation import compiles_kernels
from gatekeeper.cli.options import JsonOption
from gatekeeper.cli.output import say

trackrad = typer.Typer(no_args_is_help=True, help="Run as an algorithm of the TrackRAD2025 challenge, and score.")

InputOption = Annotated[
    Path, typer.Option("--input", help="A case in the layout of the challenge platform.", metavar="DIR")
]
OutputOption = Annotated[Path, typer.Option("--output", help="Folder for the masks.", metavar="DIR")]
TruthOption = Annotated[Path, typer.Option("--truth", help="A folder of TrackRAD cases, or one case.", metavar="DIR")]
PredictionsOption = Annotated[
    Path,
    typer.Option("--predictions", help="Folder of CASE.mha, or of CASE/ as `trackrad run` writes it.", metavar="DIR"),
]
CsvOption = Annotated[Path | None, typer.Option("--csv", help="File for the table, replaced if there.", metavar="F")]


@trackrad.command("run")
@compiles_kernels
def run(input_dir: InputOption, output_dir: OutputOption, as_json: JsonOption = False) -> None:
    """Track the target of one case, frame by frame, and write its masks."""
    from replay.progress import ProgressBars
    from replay.trackrad import run as run_case

    with ProgressBars() as bars:
        result = run_case(input_dir, output_dir, bars)
    say(result.as_line(), err=as_json)
    if as_json:
        typer.echo(json.dumps(result.as_json(), allow_nan=False))


@trackrad.command("score")
def score(
    truth: TruthOption, predictions: PredictionsOption, as_json: JsonOption = False, csv: CsvOption = None
) -> None:
    """Score masks as the code of the challenge does, with corrected scores beside them."""
    from gatekeeper.core.atomic_write import write_atomically
    from replay.progress import ProgressBars
    from replay.scores.trackrad_cases import score_folders
    from replay.scores.trackrad_table import as_csv, as_table
    from replay.scores.trackrad_table import as_json as plain

    with ProgressBars() as bars:
        result = score_folders(truth, predictions, bars)
    if csv is not None:
        write_atomically(csv, as_csv(result).encode())
    say(as_table(result), err=as_json)
    if as_json:
        typer.echo(json.dumps(plain(result), allow_nan=False))
