"""The mask and the envelope of an outline that is drawn are those by which the session is gated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.config import SessionConfig, with_limits
from gatekeeper.core.errors import TargetError
from gatekeeper.session.arming import arm
from gatekeeper.session.contouring.outline import DECIMALS, MOST_POINTS, outline_to_adjust, points_of, region_of
from gatekeeper.session.planned import setup_of
from gatekeeper.session.target import Drawn, Reference
from kernels.polygon import fill
from tests.support.cases import breathing_case
from tests.support.contours import ellipse_px

CASE = breathing_case(frames=1)
SHAPE, SPACING_MM = CASE.frames.shape[1:], CASE.spacing_mm


def filled(points_px, shape=SHAPE):
    mask = np.empty(shape, np.bool_)
    fill(np.ascontiguousarray(points_px), mask)
    return mask


@pytest.mark.parametrize("margin_mm", [0.0, 0.5, 5.0, 50.0])
def test_mask_and_envelope_are_those_of_the_engine_to_the_last_bit(margin_mm):
    region = region_of(points_of(ellipse_px(CASE.first_mask)), margin_mm, SHAPE, SPACING_MM)
    reference = Reference(CASE.frames[0], SPACING_MM, CASE.plane, "frame 0")
    setup = setup_of("s", Drawn.of_mask("target", region.mask, reference), (), reference, 1.0)
    armed = arm(setup, with_limits(SessionConfig(), margin_mm, None, "test"))
    assert np.array_equal(armed.envelope.contour_px, region.envelope_px)
    assert np.array_equal(setup.target_mask, region.mask)
    assert np.array_equal(region.mask, filled(region.points_px))


def test_points_are_taken_to_the_decimals_with_which_they_are_kept():
    points_px = np.array(ellipse_px(CASE.first_mask)) + 0.004
    region = region_of(points_px, 5.0, SHAPE, SPACING_MM)
    assert np.array_equal(region.points_px, np.round(points_px, DECIMALS))


def test_the_area_is_that_of_the_mask():
    region = region_of(np.array([[9.5, 9.5], [9.5, 19.5], [19.5, 19.5], [19.5, 9.5]]), 5.0, SHAPE, (2.0, 1.5))
    assert region.mask.sum() == 100
    assert region.area_mm2 == 300.0


def test_the_whole_image_can_be_outlined_and_nothing_beyond():
    bottom, right = SHAPE[0] - 0.5, SHAPE[1] - 0.5
    corners_px = np.array([[-0.5, -0.5], [-0.5, right], [bottom, right], [bottom, -0.5]])
    assert region_of(corners_px, 5.0, SHAPE, SPACING_MM).mask.all()
    corners_px[2, 0] += 0.01
    with pytest.raises(TargetError, match=r"point 3 at row 71\.51, column 59\.5 is not on the image of 72 x 60 px"):
        region_of(corners_px, 5.0, SHAPE, SPACING_MM)


@st.composite
def blobs(draw):
    """Masks of one part without holes, as outlines of any kind make them."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    turns = np.linspace(0.0, 2.0 * np.pi, 60, endpoint=False)
    radius = 12.0 * draw(st.floats(0.15, 1.0))
    wobble = sum(rng.normal(0.0, 0.25 / order) * np.cos(order * turns + rng.uniform(0.0, 6.3)) for order in (2, 3, 5))
    reach = radius * np.maximum(1.0 + wobble, 0.2)
    center = rng.uniform(13.0, 27.0, 2)
    return np.clip(center + reach[:, None] * np.stack([np.sin(turns), np.cos(turns)], axis=1), -0.5, 39.5)


@settings(max_examples=150, deadline=None)
@given(blobs())
def test_an_outline_to_be_adjusted_gives_its_mask_back_with_fewer_points(outline_px):
    mask = filled(outline_px, (40, 40))
    try:
        mask = region_of(outline_px, 5.0, (40, 40), (1.0, 1.0)).mask
    except TargetError:
        return
    offered = outline_to_adjust(mask)
    assert len(offered) <= 100
    # As a browser gets it, and sends it back.
    sent = np.round(offered.astype(np.float32).astype(np.float64), DECIMALS).tolist()
    assert np.array_equal(region_of(points_of(sent), 5.0, (40, 40), (1.0, 1.0)).mask, mask)


def test_an_outline_to_be_adjusted_never_has_more_points_than_can_be_drawn():
    rng = np.random.default_rng(3)
    comb = np.zeros((400, 400), np.bool_)
    comb[20:40, 10:390] = True
    for col in range(10, 390, 2):
        comb[40 : 40 + rng.integers(5, 300), col] = True
    offered = outline_to_adjust(comb)
    assert 3 <= len(offered) <= MOST_POINTS
