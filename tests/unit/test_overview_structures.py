"""The overview of several structures shows each with its colour, its letter, its zone and its own curves."""

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from gatekeeper.config import OarLimits, SessionConfig, StructuresConfig
from gatekeeper.core.contour import center_mm
from gatekeeper.core.decision import Measure, Reason, StructureResult
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.core.step import Step
from gatekeeper.report.frames import AROUND_MM, box_around_mm
from gatekeeper.report.legend import MOST_NAME, shortened
from gatekeeper.report.overview import overview_png
from gatekeeper.report.session_data import OverviewData
from gatekeeper.report.structure_data import structures_in, tag_of
from gatekeeper.session.arming import zones_of
from gatekeeper.session.primary_limits import PrimaryLimits
from gatekeeper.session.structure_info import structure_infos
from tests.support.several_structures import LIMITS, several
from tests.support.steps import HOLD, ON, decision, track

PLACES = ((30.0, 30.0, 8.0), (30.0, 12.0, 5.0), (16.0, 31.0, 4.0))
"""Row, column and radius of each structure, in px."""


def seen(structures=LIMITS, names=("GTV", "node", "bowel"), frames=12):
    """A session in which the second structure holds on every third frame, and is lost on the fifth."""
    setup, config = several().setup, SessionConfig(structures=structures)
    others = tuple(replace(one, name=name) for one, name in zip(setup.structures, names[1:], strict=True))
    setup = replace(setup, structures=others, target_name=names[0])
    measures = [info.measure for info in structure_infos(setup, config)]
    decisions, tracks, left = [], [], []
    for k in range(frames):
        held = (Reason.OUTSIDE,) if k % 3 == 0 else ()
        results = [
            StructureResult(what, 9.0 * bool(held) * (n == 1), held * (n == 1)) for n, what in enumerate(measures)
        ]
        state = HOLD if held else ON
        decisions.append(replace(decision(state, *held, sequence=k, time_s=0.25 * k), structures=tuple(results)))
        all_tracks = [
            track(row + (k if n == 2 else 0), col, 0.0 if (n, k) == (1, 5) else 0.9, radius)
            for n, (row, col, radius) in enumerate(PLACES)
        ]
        tracks.append(all_tracks[0])
        left.append(tuple(all_tracks[1:]))
    counts = SessionCounts()
    for one in decisions:
        counts = counts.with_step(Step(one))
    zones = zones_of(setup, config)
    return OverviewData(
        name="P_001",
        images=np.full((frames, 72, 60), 7.0),
        spacing_mm=(2.0, 2.0),
        decisions=decisions,
        tracks=tracks,
        counts=counts,
        envelope_px=zones[0].envelope.contour_px,
        reference_mm=center_mm(tracks[0].contour_px, (2.0, 2.0)),
        limits=PrimaryLimits.of(setup, config),
        structures=structures_in(setup, config, zones, [one.structures for one in decisions], tracks, left),
    )


def test_each_structure_has_its_tracks_results_and_zones():
    gtv, node, bowel = seen().structures
    assert [one.title for one in (gtv, node, bowel)] == ["A GTV", "B node", "C bowel"]
    assert node.held().tolist() == [k % 3 == 0 for k in range(12)]
    assert node.values()[3] == 9.0
    assert node.reasons_at(3) == (Reason.OUTSIDE,)
    assert not gtv.held().any()
    assert bowel.moved_mm()[:, 0] == pytest.approx(-2.0 * np.arange(12.0), abs=0.1), "inferior, along rows"
    assert np.isnan(node.moved_mm()[5]).all()
    assert [one.kind for one in node.outlines(4)] == ["envelope", "structure"]
    assert [one.kind for one in node.outlines(5)] == ["envelope"], "a lost structure is not shown"
    assert [one.kind for one in bowel.outlines(4)] == ["structure"], "its zone is the envelopes of the targets"
    margin = StructuresConfig(oar={"bowel": OarLimits(zone_margin_mm=4.0)})
    assert [one.kind for one in seen(margin).structures[2].outlines(4)] == ["zone", "structure"]
    assert tag_of(25) + tag_of(26) == "Z27"


def test_the_box_holds_all_structures():
    session = seen()
    top, _, left, _ = box_around_mm(session)
    lone = replace(session, structures=())
    assert top == pytest.approx(2.0 * (16.0 - 4.0) - AROUND_MM, abs=0.2)
    assert left == -1.0 < box_around_mm(lone)[2]


def pixels(session):
    return (255.0 * imread(io.BytesIO(overview_png(session)))[..., :3]).round().astype(int)


@pytest.mark.slow
def test_each_is_drawn_in_its_colour_with_the_one_that_held():
    session = seen()
    picture = pixels(session)
    for one in session.structures:
        color = [int(one.info.color[place : place + 2], 16) for place in (1, 3, 5)]
        assert (picture == color).all(axis=2).sum() > 200, one.title
    quiet = [replace(one, results=[StructureResult(Measure.OUTSIDE_PERCENT, 0.0)] * 12) for one in session.structures]
    assert (pixels(replace(session, structures=quiet)) != picture).any()


@pytest.mark.slow
def test_names_of_any_kind_and_missing_tracks_are_drawn():
    session = seen(StructuresConfig(), ("x" * 64, r"$\frac$", "a_b$c"))
    pixels(session)
    lost = [replace(one, tracks=[None] * 12, results=[None] * 12) for one in session.structures]
    assert pixels(replace(session, structures=lost, tracks=[None] * 12)).shape[1] == 1400
    assert len(shortened("x" * 64)) == MOST_NAME
