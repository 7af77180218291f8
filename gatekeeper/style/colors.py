"""Define the colours of charts, pages and the terminal.

They are Okabe and Ito's palette, which is safe for colour-blind readers [1]_. A held beam is also hatched or labelled,
so that it can be recognised without colour.

References
----------
.. [1] M. Okabe and K. Ito, "Color universal design: how to make figures and presentations that are friendly to
       colorblind people", University of Tokyo, 2008.
"""

from gatekeeper.core.decision import BeamState
from gatekeeper.core.reason_row import Category, Tier

BEAM_COLOR = {BeamState.ON: "#0072B2", BeamState.HOLD: "#E69F00"}
CATEGORY_COLOR = {
    Category.MOTION: BEAM_COLOR[BeamState.HOLD],
    Category.WAITING: "#F0E442",
    Category.TRACKING: "#CC79A7",
    Category.TECHNICAL: "#D55E00",
    Category.OPERATOR: "#999999",
}
"""Colour of a hold, by the category of its first reason."""
TIER_COLOR = {
    Tier.INFORMATION: ("#E4E8EC", "#222222"),
    Tier.LOW: ("#56B4E9", "#000000"),
    Tier.MEDIUM: ("#F0E442", "#000000"),
    Tier.HIGH: ("#B3121D", "#FFFFFF"),
}
"""Colours of an alarm's mark, behind and of the text, by its tier; the mark tells tiers apart without them."""
TARGET_COLOR = "#F0E442"
ENVELOPE_COLOR = "#56B4E9"
AVOID_COLOR = "#D55E00"
SI_COLOR = "#222222"
AP_COLOR = "#CC79A7"
LIMIT_COLOR = "#D55E00"
MUTED_COLOR = "#666666"
ALARM_COLOR = "#8B0000"
ENVELOPE_DASHES = (0, (4, 2))
ZONE_DASHES = (0, (1, 2))
"""Dashes of envelopes, and of keep-out zones, so that they are told apart without their colours."""


def css() -> str:
    """Return the colours as CSS custom properties.

    Returns
    -------
    str
        One CSS rule for ``:root``.

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
