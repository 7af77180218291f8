"""Choose the colour of each structure."""

import colorsys
import itertools
from collections.abc import Iterator, Mapping

from gatekeeper.config.structures import StructureLimits, StructuresConfig
from gatekeeper.core.contour import Role
from gatekeeper.style.colors import AVOID_COLOR, TARGET_COLOR

STRUCTURE_COLORS = {
    Role.TARGET: (TARGET_COLOR, "#56B4E9", "#00D6A0", "#F7B6D2"),
    Role.AVOID: (AVOID_COLOR, "#D98CFF", "#E69F00", "#B8C4CE"),
}
"""Default colours of targets and organs at risk, in their order, for outlines on a dark image."""
GOLDEN = 0.618034
"""Step of the hue, as a share of the circle, by which further colours stay apart."""


def structure_colors(roles: Mapping[str, Role], limits: StructuresConfig) -> dict[str, str]:
    """Return a colour for each structure: its own setting, otherwise one that no other structure has.

    Parameters
    ----------
    roles : mapping of str to Role
        The structures by their names, in order.
    limits : StructuresConfig
        Their settings.

    Returns
    -------
    dict of str to str
        Colours as #rrggbb, by the names.

    Examples
    --------
    >>> from gatekeeper.config import StructuresConfig, TargetLimits
    >>> limits = StructuresConfig(target={"GTV2": TargetLimits(colour="#ff0000")})
    >>> structure_colors({"GTV1": Role.TARGET, "GTV2": Role.TARGET, "Duodenum": Role.AVOID}, limits)
    {'GTV1': '#F0E442', 'GTV2': '#FF0000', 'Duodenum': '#D55E00'}
    """
    own: dict[Role, Mapping[str, StructureLimits]] = {Role.TARGET: limits.target, Role.AVOID: limits.oar}
    given = {name: own[role].get(name, StructureLimits()).colour for name, role in roles.items()}
    found: dict[str, str] = {name: color.upper() for name, color in given.items() if color is not None}
    unused = {role: itertools.chain(colors, _further(role)) for role, colors in STRUCTURE_COLORS.items()}
    for name, role in roles.items():
        if name not in found:
            found[name] = next(color for color in unused[role] if color not in found.values())
    return {name: found[name] for name in roles}


def _further(role: Role) -> Iterator[str]:
    """Yield bright colours without end, others for targets than for organs at risk."""
    for number in itertools.count(1):
        hue = (number * GOLDEN + (0.0 if role is Role.TARGET else 0.5)) % 1.0
        rgb = colorsys.hls_to_rgb(hue, 0.7, 0.8)
        yield "#" + "".join(f"{round(255 * part):02X}" for part in rgb)
