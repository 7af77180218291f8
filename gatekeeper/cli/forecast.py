"""Implement `gatekeeper forecast`: a fraction simulated from its preview."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.limit_options import DEFAULTS, MarginOption, OutsideOption
from gatekeeper.cli.options import (
    CaseArg,
    ConfigOption,
    JsonOption,
    PlaneOption,
    RateOption,
    RoiOption,
    SpacingOption,
    TargetOption,
)
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import choices_of, settings_of
from gatekeeper.config.forecast import ForecastConfig
from gatekeeper.core.clock import utc_stamp

SETTINGS = ForecastConfig()
PreviewLengthOption = Annotated[
    float, typer.Option("--preview-s", help="Length of the preview, in seconds.", metavar="S", min=5.0, max=600.0)
]
BeamOption = Annotated[
    float | None,
    typer.Option(
        "--beam-s",
        help="Prescribed beam-on time, in seconds.",
        metavar="S",
        min=1.0,
        max=36000.0,
        show_default=f"that of the course, else {SETTINGS.beam_s:g}",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Seed of the random numbers.", metavar="N", min=0, max=2**32 - 1)]
FuturesOption = Annotated[int, typer.Option(help="Number of futures.", metavar="N", min=20, max=100000)]
RuleOption = Annotated[
    float,
    typer.Option(
        "--most-out-percent",
        help="Recommend the least time with the beam on while out for at most this share of the time.",
        metavar="%",
        min=0.0,
        max=100.0,
    ),
]
ForecastOutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Folder for page and picture, new or empty.", metavar="DIR", show_default="forecasts/NAME-<UTC>"
    ),
]


def forecast(
    case: CaseArg,
    preview_s: PreviewLengthOption = 20.0,
    beam_s: BeamOption = None,
    margin_mm: MarginOption = None,
    outside_percent: OutsideOption = None,
    config: ConfigOption = None,
    seed: SeedOption = SETTINGS.seed,
    futures: FuturesOption = SETTINGS.futures,
    most_out_percent: RuleOption = SETTINGS.most_out_percent,
    target: TargetOption = None,
    roi: RoiOption = None,
    rate_hz: RateOption = None,
    spacing_mm: SpacingOption = None,
    plane: PlaneOption = None,
    out: ForecastOutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a fraction from the first seconds of a recording, a trace or a session.

    A thousand futures go through the rules of the gate with each strategy, margin and limit. Written are a table, a
    page and a picture. What is recommended is never applied by itself.
    """
    from gatekeeper.cli.structures import structures_of
    from gatekeeper.forecast.came import compare
    from gatekeeper.forecast.fraction import forecast_fraction
    from gatekeeper.recording.session_folder import make_session_folder
    from gatekeeper.report.forecast import forecast_lines, write_forecast
    from replay.forecast.preview import is_trace, of_recording, of_session, of_trace
    from replay.formats.session import is_session

    limits = margin_mm or (), outside_percent or (), ()
    settings = settings_of(DEFAULTS, config, *limits)
    if is_session(case):
        given = of_session(case, preview_s)
        assert given.config is not None  # noqa: S101  (of every session)
        settings = settings_of(given.config, config, *limits)
    elif is_trace(case):
        given = of_trace(case, preview_s)
    else:
        choices = choices_of(None, None, None, False, rate_hz, spacing_mm, plane, None, None)
        found = structures_of(case, choices, target or (), (), roi or (), (), ())
        given = of_recording(found.recording, preview_s, settings)
    prescribed_s = None if settings.course is None else settings.course.beam_on_s
    asked = ForecastConfig(
        beam_s=beam_s or prescribed_s or SETTINGS.beam_s, futures=futures, seed=seed, most_out_percent=most_out_percent
    )
    outcome = forecast_fraction(given.name, given.preview, settings, asked)
    outcome = replace(outcome, notes=(*outcome.notes, *given.notes))
    came = None
    if given.duty_percent is not None:
        strategy = settings.gate.strategy or (None if settings.course is None else settings.course.strategy)
        came = compare(outcome, strategy or "exhale", given.duty_percent)
    folder = Path("forecasts") / f"{given.name}-{utc_stamp()}" if out is None else out
    make_session_folder(folder)
    write_forecast(folder, outcome, came)
    for line in forecast_lines(outcome, came):
        say(line, err=as_json)
    say(f"page    {folder / 'forecast.html'}", err=as_json)
    if as_json:
        values = {**outcome.as_json(), "came": None if came is None else came.as_json(), "out": str(folder)}
        typer.echo(json.dumps(values, allow_nan=False))
