"""Show the latency of the chain of a live session, as it was measured last."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.decision import BeamState
from gatekeeper.report.charts import as_svg, new_figure
from gatekeeper.report.session_data import SessionData
from gatekeeper.session.chain_latency import LATENCY
from gatekeeper.style.colors import BEAM_COLOR, LIMIT_COLOR

PARTS = {
    "imaging": "imaging, by the time in the header",
    "compute": "arrival to decision sent",
    "link": "link to the interlock, one way",
    "beam_on": "request to beam on",
    "beam_off": "hold to beam off",
}
"""Parts of the chain, in its order, in words."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The latency of the chain.

    Attributes
    ----------
    rows : list of tuple of str and mapping
        Each part that was measured, in words, with `n`, `p25_ms`, `p50_ms` and `p75_ms`.
    used_ms : float
        Latency that the prediction used last, in ms.
    changes : int
        How often that was changed or noted.
    chart : str
        The quartiles as an SVG element; empty without a part.
    """

    rows: list[tuple[str, Mapping[str, Any]]]
    used_ms: float
    changes: int
    chart: str


def chain_of(session: SessionData) -> Chain | None:
    """Return the latency of a session's chain; None where none was journalled."""
    told = [event["values"] for event in session.events if event["event"] == LATENCY]
    if not told:
        return None
    rows = [(words, told[-1][part]) for part, words in PARTS.items() if part in told[-1]]
    return Chain(rows, 1e3 * float(told[-1]["used_s"]), len(told), _chart(rows) if rows else "")


def _chart(rows: list[tuple[str, Mapping[str, Any]]]) -> str:
    """Return bars from the lower to the upper quartile, with a line at the median."""
    figure, (axes,) = new_figure(10.6, 0.9 + 0.35 * len(rows))
    for place, (_, one) in enumerate(rows):
        width_ms = max(one["p75_ms"] - one["p25_ms"], 0.05)
        axes.barh(place, width_ms, left=one["p25_ms"], height=0.55, color=BEAM_COLOR[BeamState.ON])
        axes.plot([one["p50_ms"]] * 2, [place - 0.35, place + 0.35], color=LIMIT_COLOR, lw=1.5)
    axes.set_yticks(range(len(rows)), [words for words, _ in rows])
    axes.invert_yaxis()
    axes.set(xlabel="ms, quartiles and median", xlim=(0.0, None))
    return as_svg(figure, "Latency of each part of the chain")
