"""Define the colours of every picture and page.

They are Okabe and Ito's palette, which people with any colour vision can tell apart; a held beam is also hatched or
named.
"""

from gatekeeper.core.decision import BeamState
from gatekeeper.core.reasons import Category

BEAM_COLOR = {BeamState.ON: "#0072B2", BeamState.HOLD: "#E69F00"}
CATEGORY_COLOR = {
    Category.MOTION: BEAM_COLOR[BeamState.HOLD],
    Category.WAITING: "#F0E442",
    Category.TRACKING: "#CC79A7",
    Category.TECHNICAL: "#D55E00",
    Category.OPERATOR: "#999999",
}
"""Colours of a hold by the category of its first reason."""
TARGET_COLOR = "#F0E442"
ENVELOPE_COLOR = "#56B4E9"
AVOID_COLOR = "#D55E00"
SI_COLOR = "#222222"
AP_COLOR = "#CC79A7"
LIMIT_COLOR = "#D55E00"
MUTED_COLOR = "#666666"
ALARM_COLOR = "#8B0000"
ENVELOPE_DASHES = (0, (4, 2))


def css() -> str:
    """Return the colours as CSS custom properties, for pages.

    Examples
    --------
    >>> css().split("; ")[0]
    ':root { --on: #0072B2'
    """
    colors = {
        "on": BEAM_COLOR[BeamState.ON],
        "hold": BEAM_COLOR[BeamState.HOLD],
        "target": TARGET_COLOR,
        "envelope": ENVELOPE_COLOR,
        "avoid": AVOID_COLOR,
        "si": SI_COLOR,
        "ap": AP_COLOR,
        "limit": LIMIT_COLOR,
    }
    return f":root {{ {'; '.join(f'--{name}: {color}' for name, color in colors.items())} }}\n"
