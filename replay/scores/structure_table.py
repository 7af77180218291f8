"""Write the scores of several structures as a text table."""

import math
from collections.abc import Mapping

from gatekeeper.core.contour import Role
from replay.scores.structures import StructureScore

HEADER = (
    *("structure", "role", "scored", "DSC", "centre", "p95", "HD95"),
    *("beyond", "found", "missed", "false", "in time", "distance", "nearest", "in truth"),
)
LEGEND = """\
Lengths in mm. Beyond: frames on which the label is beyond the limit of its zone; found and missed: on these it held the
beam, or not; false: it held within the limit; in time: entries that it held by the next frame; distance: mean error of
the distance from the zone; nearest: least distance as found, and in truth."""
LABELS = {Role.TARGET: "target", Role.AVOID: "OAR"}


def as_table(scores: Mapping[str, StructureScore]) -> str:
    """Return a text table with a line for each structure, and what its columns mean."""
    lines = [list(HEADER), *(_words(name, one) for name, one in scores.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    left = 2
    text = [
        "  ".join(
            word.ljust(width) if column < left else word.rjust(width)
            for column, (word, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([*text, LEGEND])


def _words(name: str, one: StructureScore) -> list[str]:
    tracking, zone = one.tracking, one.zone
    return [
        name,
        LABELS[one.role],
        str(tracking.frames_scored),
        f"{tracking.dsc:.3f}",
        *map(_mm, (tracking.center_mm, tracking.center_p95_mm, tracking.hd95_mm)),
        *map(str, (zone.beyond, zone.found, zone.missed, zone.false_holds)),
        f"{zone.entries_in_time}/{zone.entries}",
        *map(_mm, (zone.distance_mm, zone.nearest_mm, zone.true_nearest_mm)),
    ]


def _mm(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
