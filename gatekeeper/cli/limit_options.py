"""Define the options that set limits, whose defaults are those of the settings."""

from typing import Annotated

import typer

from gatekeeper.config import SessionConfig

DEFAULTS = SessionConfig()

MarginOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Growth of the targets to their envelopes, in mm; NAME=MM for one of them, may be repeated.",
        metavar="[NAME=]MM",
        show_default=f"{DEFAULTS.envelope.margin_mm:g}",
    ),
]
OutsideOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Share of a target that may be outside, in percent; NAME=% for one of them, may be repeated.",
        metavar="[NAME=]%",
        show_default=f"{DEFAULTS.gate.outside_percent:g}",
    ),
]
ConfidenceOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Least tracking confidence, 0-1; NAME=NUMBER for one structure, may be repeated.",
        metavar="[NAME=]NUMBER",
        show_default=f"{DEFAULTS.gate.min_confidence:g}",
    ),
]
