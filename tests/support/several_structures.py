"""Make sessions of two targets and an organ at risk."""

from dataclasses import replace

from gatekeeper.config import OarLimits, SessionConfig, StructuresConfig, TargetLimits
from gatekeeper.core.contour import Role, Structure, mask_to_contour
from gatekeeper.core.errors import TargetError
from gatekeeper.session.planned import Planned, without
from gatekeeper.session.target import Drawn
from replay.run import replay_input
from tests.support.cases import SHAPE, breathing_case
from tests.support.live_sessions import live_config, plan_of, reference_of
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


def several_plan_of(case, **values):
    """Return the plan of a live session of them, with a margin of 6 mm and without a spleen that is optional."""
    unused = {"kind": "trackrad", "case": "unused"}
    names = [{**unused, "name": "GTV", "margin_mm": 6.0}, {**unused, "name": "node", "margin_mm": 3.0}]
    config = live_config(target=names, oar=[{**unused, "name": "bowel", "overlap_mm2": 30.0}])
    grid = reference_of(case)
    planned = tuple(
        Planned(Drawn.of_mask(name, disc(SHAPE, center, radius_px), grid), role)
        for name, role, center, radius_px in (
            ("node", Role.TARGET, (30.0, 12.0), 5.0),
            ("bowel", Role.AVOID, (16.0, 31.0), 4.0),
        )
    )
    target = Drawn.of_mask("GTV", case.first_mask, grid)
    left_out = (without("spleen", TargetError("spleen: is not there")),)
    return plan_of(case, config, target=target, structures=planned, left_out=left_out, **values)
