"""Write the forecast of a fraction as one self-contained HTML page, and as a picture."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.forecast.came import Came
from gatekeeper.forecast.fraction import LONGEST_MIN, FractionForecast, StrategyForecast
from gatekeeper.forecast.strategies import TITLES
from gatekeeper.report.charts import as_svg, new_figure
from gatekeeper.style.colors import LIMIT_COLOR, SI_COLOR, css

PANEL_IN, HEIGHT_IN, COLUMNS = 4.0, 2.9, 3
SHOWN_MIN = 20.0, 90.0
"""Minutes at the ends of the scale of colours."""
DPI = 110


def forecast_html(forecast: FractionForecast, came: Came | None = None) -> str:
    """Return the page of a forecast.

    Parameters
    ----------
    forecast : FractionForecast
        The forecast.
    came : Came, optional
        What came afterwards.
    """
    environment = Environment(
        loader=PackageLoader("gatekeeper.report", "page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("forecast.html").render(
        forecast=forecast,
        came=came,
        colors=css(),
        titles=TITLES,
        chart=as_svg(forecast_figure(forecast), "Minutes with each strategy, margin and limit"),
        rows=[_row(forecast, one) for one in forecast.strategies],
    )


def forecast_png(forecast: FractionForecast) -> bytes:
    """Return the maps of all strategies as a PNG picture."""
    figure, image = forecast_figure(forecast), io.BytesIO()
    figure.set_facecolor("white")
    FigureCanvasAgg(figure)
    figure.savefig(image, format="png", dpi=DPI)
    return image.getvalue()


def write_forecast(folder: Path, forecast: FractionForecast, came: Came | None = None) -> None:
    """Write `forecast.html` and `forecast.png` into a folder."""
    write_atomically(folder / "forecast.html", forecast_html(forecast, came).encode())
    write_atomically(folder / "forecast.png", forecast_png(forecast))


def forecast_lines(forecast: FractionForecast, came: Came | None = None) -> list[str]:
    """Return a forecast as lines of text, with the margin and the limit of the plan."""
    lines = [f"note    {note}" for note in forecast.notes]
    lines.append(
        f"margin {forecast.plan_margin_mm:g} mm, limit {forecast.plan_percent:g} %: median and 80 % interval of "
        f"{forecast.settings.futures} futures, seed {forecast.settings.seed}"
    )
    heads = ("strategy", "duty %", "minutes", "on while out %", "p95 mm", "holds")
    lines.append(f"{heads[0]:<32}" + "".join(f"{head:>20}" for head in heads[1:]))
    for row in (_row(forecast, one) for one in forecast.strategies):
        lines.append(f"{row['title']:<32}" + "".join(f"{cell:>20}" for cell in row["cells"]))
        lines += [f"  {note}" for note in row["notes"]]
    best = forecast.recommended
    if best is None:
        lines.append(f"no strategy keeps on while out to {forecast.settings.most_out_percent:g} % with this margin")
    else:
        lines.append(
            f"least time by the rule: {TITLES[best.strategy]}, limit {best.percent:g} %: {best.minutes:.0f} minutes, "
            f"on while out {best.out_percent:.1f} %; nothing is applied by itself"
        )
    if came is not None:
        lines.append(
            f"came    {TITLES[came.strategy]}: duty cycle {came.duty_percent:.0f} %; forecast "
            f"{came.forecast_percent:.0f} % ({came.low_percent:.0f}-{came.high_percent:.0f}), an error of "
            f"{came.error_points:+.0f} points"
        )
    return lines


def forecast_figure(forecast: FractionForecast) -> Figure:
    """Return a map for each strategy: minutes in each cell, hatched where the share outside is beyond the limit."""
    count = len(forecast.strategies)
    columns = min(count, COLUMNS)
    figure, _ = new_figure(PANEL_IN * columns, HEIGHT_IN * -(-count // columns), 0)
    for place, one in enumerate(forecast.strategies):
        axes = figure.add_subplot(-(-count // columns), columns, place + 1)
        minutes = one.minutes[:, :, 1]
        axes.imshow(minutes, origin="lower", aspect="auto", cmap="cividis_r", vmin=SHOWN_MIN[0], vmax=SHOWN_MIN[1])
        for row, col in np.ndindex(minutes.shape):
            value = float(minutes[row, col])
            text = "–" if value >= LONGEST_MIN else f"{value:.0f}"
            beyond = not one.out_percent[row, col, 1] <= forecast.settings.most_out_percent
            color = "white" if value > 0.5 * sum(SHOWN_MIN) else "black"
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.75} if beyond else None
            axes.text(
                col, row, text, ha="center", va="center", fontsize=8, color="black" if beyond else color, bbox=box
            )
            if beyond:
                corner = (col - 0.5, row - 0.5)
                axes.add_patch(Rectangle(corner, 1.0, 1.0, fill=False, hatch="////", linewidth=0.0, edgecolor=SI_COLOR))
        axes.set_xticks(range(len(forecast.percents)), [f"{percent:g}" for percent in forecast.percents], fontsize=8)
        axes.set_yticks(range(len(forecast.margins_mm)), [f"{margin:g}" for margin in forecast.margins_mm], fontsize=8)
        axes.set(xlabel="limit (% outside)", ylabel="margin (mm)")
        axes.set_title(TITLES[one.strategy], fontsize=10, loc="left")
        best = forecast.recommended
        if best is not None and best.strategy == one.strategy:
            corner = forecast.percents.index(best.percent) - 0.5, forecast.margins_mm.index(best.margin_mm) - 0.5
            axes.add_patch(Rectangle(corner, 1.0, 1.0, fill=False, edgecolor=LIMIT_COLOR, linewidth=2.5))
    return figure


def _row(forecast: FractionForecast, one: StrategyForecast) -> dict[str, Any]:
    """Return the figures of a strategy with margin and limit of the plan."""
    row = forecast.margins_mm.index(forecast.plan_margin_mm)
    col = forecast.percents.index(forecast.plan_percent)
    return {
        "title": TITLES[one.strategy],
        "cells": [
            in_words(one.duty_percent[row, col], 0),
            in_words(one.minutes[row, col], 0, LONGEST_MIN),
            in_words(one.out_percent[row, col], 1),
            in_words(one.residual_mm[row, col], 1),
            in_words(one.holds[row, col], 0),
        ],
        "notes": one.notes,
    }


def in_words(values: Any, digits: int, most: float = np.inf) -> str:
    """Return a median with its interval as text, such as ``52 (17-74)``.

    Examples
    --------
    >>> in_words([17.2, 52.4, 74.0], 0)
    '52 (17-74)'
    """
    low, middle, high = (float(one) for one in values)
    if not np.isfinite(middle):
        return "–"
    texts = [f"{one:.{digits}f}" if one < most else f"over {most:g}" for one in (low, middle, high)]
    return f"{texts[1]} ({texts[0]}-{texts[2]})"
