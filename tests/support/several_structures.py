"""Make sessions of two targets and an organ at risk."""

from dataclasses import replace

from gatekeeper.config import OarLimits, SessionConfig, StructuresConfig, TargetLimits
from gatekeeper.core.contour import Role, Structure, mask_to_contour
from replay.run import replay_input
from tests.support.cases import SHAPE, breathing_case
from tests.support.recordings import disc
from tests.support.sessions import recorded

CASE = breathing_case(frames=40)
LIMITS = StructuresConfig(
    target={"node": TargetLimits(margin_mm=3.0, outside_percent=2.0)}, oar={"bowel": OarLimits(overlap_mm2=30.0)}
)


def several(case=CASE, preview_s=0.0):
    """Return the input of a replay with a second target and an organ at risk, not in the order of their names."""
    material = replay_input(case, preview_s)
    node = Structure("node", Role.TARGET, mask_to_contour(disc(SHAPE, (30.0, 12.0), 5.0)))
    bowel = Structure("bowel", Role.AVOID, mask_to_contour(disc(SHAPE, (16.0, 31.0), 4.0)))
    ptv_px = mask_to_contour(disc(SHAPE, (30.0, 30.0), 11.0))
    setup = replace(material.setup, structures=(node, bowel), target_name="GTV", target_zone_px=ptv_px)
    return replace(material, setup=setup)


def several_session(folder):
    """Record a session of them with a preview, and return its folder."""
    material = several(breathing_case(frames=64), preview_s=8.0)
    return recorded(folder, config=SessionConfig(structures=LIMITS), material=material)
