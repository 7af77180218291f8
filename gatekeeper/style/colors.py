"""Colours that mean the same on every picture and page.

Okabe and Ito's palette, told apart with every kind of colour vision; a held beam is hatched or named besides.
"""

from gatekeeper.core.decision import BeamState

BEAM_COLOR = {BeamState.ON: "#0072B2", BeamState.HOLD: "#E69F00"}
TARGET_COLOR = "#F0E442"
ENVELOPE_COLOR = "#56B4E9"
AVOID_COLOR = "#D55E00"
SI_COLOR = "#222222"
AP_COLOR = "#CC79A7"
LIMIT_COLOR = "#D55E00"
MUTED_COLOR = "#666666"
ENVELOPE_DASHES = (0, (4, 2))
