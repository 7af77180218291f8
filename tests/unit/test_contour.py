import numpy as np
import pytest
import shapely

from gatekeeper.core.contour import Role, Structure, checked_outline, grow, mask_to_contour
from gatekeeper.core.errors import TargetError
from kernels.polygon import area, fill
from tests.support.polygons import circle, rectangle


def filled(contour, shape):
    out = np.empty(shape, dtype=bool)
    fill(contour, out)
    return out


def mask_of(*rows):
    return np.array([[letter == "X" for letter in row] for row in rows])


@pytest.mark.parametrize(
    "mask",
    [
        pytest.param(mask_of("   ", " X ", "   "), id="one pixel"),
        pytest.param(mask_of("X"), id="the only pixel there is"),
        pytest.param(mask_of("XXXX", "XXXX"), id="the whole image"),
        pytest.param(mask_of("XX  ", "XXX ", "    "), id="at the corner of the image"),
        pytest.param(mask_of("      ", " XXXXX", "      "), id="a line up to the edge"),
        pytest.param(mask_of("X   ", " X  ", "  X ", "   X"), id="pixels that touch at corners"),
        pytest.param(mask_of("XX   XX", "X     X", "X     X", "XXXXXXX"), id="a horseshoe"),
        pytest.param(mask_of("X X X X", "XXXXXXX", " X X X "), id="a comb"),
    ],
)
def test_filling_the_outline_gives_the_mask_back(mask):
    contour = mask_to_contour(mask)
    np.testing.assert_array_equal(filled(contour, mask.shape), mask)
    assert shapely.Polygon(contour).is_valid


def test_any_blob_is_given_back_without_its_holes_and_crumbs():
    rng = np.random.default_rng(7)
    for size in (9, 20, 60, 140):
        for _ in range(5):
            rough = rng.random((size, size))
            soft = sum(np.roll(rough, (i, j), (0, 1)) for i in range(-2, 3) for j in range(-2, 3))
            mask = soft > np.quantile(soft, 0.6)
            contour = mask_to_contour(mask)
            back = filled(contour, mask.shape)
            np.testing.assert_array_equal(mask_to_contour(back), contour)
            assert (back & mask).sum() > 0
            assert shapely.Polygon(contour).is_valid


def test_only_the_largest_part_counts_and_its_holes_are_filled():
    mask = mask_of("XX      ", "    XXX ", "    X X ", "    XXX ")
    expected = mask_of("        ", "    XXX ", "    XXX ", "    XXX ")
    np.testing.assert_array_equal(filled(mask_to_contour(mask), mask.shape), expected)


@pytest.mark.parametrize(("radius_px", "most_points"), [(5.0, 40), (15.0, 110), (40.0, 256)])
def test_the_outline_of_a_disc_is_close_to_its_circle(radius_px, most_points):
    mask = filled(circle(radius_px, (50.2, 49.7)), (100, 100))
    contour = mask_to_contour(mask)
    off_px = np.hypot(*(contour - (50.2, 49.7)).T) - radius_px
    steps_px = np.hypot(*(contour - np.roll(contour, 1, axis=0)).T)
    assert len(contour) <= most_points
    assert np.abs(off_px).max() < 0.6
    assert np.sqrt(np.mean(off_px**2)) < 0.25
    assert steps_px.max() < 1.5 * steps_px.mean()
    assert area(contour) == pytest.approx(mask.sum(), rel=0.03)


def test_a_target_of_a_few_pixels_is_not_smoothed_away():
    plus = mask_of("     ", "  X  ", " XXX ", "  X  ", "     ")
    assert area(mask_to_contour(plus)) == pytest.approx(4.5, abs=0.1)


def test_a_large_target_keeps_its_mask_even_if_that_takes_more_points():
    rows, cols = np.mgrid[:300, :300]
    angle = np.arctan2(rows - 150, cols - 150)
    mask = np.hypot(rows - 150, cols - 150) < 110 + 25 * np.sin(9 * angle)
    contour = mask_to_contour(mask)
    assert len(contour) > 256
    np.testing.assert_array_equal(filled(contour, mask.shape), mask)


def test_an_empty_mask_is_refused():
    with pytest.raises(TargetError, match="empty"):
        mask_to_contour(np.zeros((5, 5), dtype=bool))


@pytest.mark.parametrize("mask", [np.ones((5, 5)), np.ones((1, 5, 5), dtype=bool), np.full((5, 5), np.nan)])
def test_a_mask_that_is_no_plane_of_bool_is_refused(mask):
    with pytest.raises(TargetError, match="target mask"):
        mask_to_contour(mask)


@pytest.mark.parametrize("margin_mm", [0.001, 1.0, 5.0, 8.0, 50.0])
@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (3.5, 3.5), (0.8, 2.5)])
def test_a_grown_circle_is_the_larger_circle_in_mm_on_any_grid(margin_mm, spacing_mm):
    contour = circle(12.0, (90.0, 70.0), n=256) / spacing_mm
    grown_mm = grow(contour, margin_mm, spacing_mm) * spacing_mm
    radii_mm = np.hypot(*(grown_mm - (90.0, 70.0)).T)
    np.testing.assert_allclose(radii_mm, 12.0 + margin_mm, rtol=0, atol=0.012)
    assert area(np.ascontiguousarray(grown_mm)) == pytest.approx(np.pi * (12.0 + margin_mm) ** 2, rel=2e-3)
    assert len(grown_mm) <= 512


def test_a_grown_square_has_round_corners():
    grown = grow(rectangle(10, 10, 20, 30), 4.0, (1.0, 1.0))
    assert area(grown) == pytest.approx(600 + 4.0 * 100 + np.pi * 16, rel=1e-3)


def test_margin_zero_is_the_outline_itself():
    contour = circle(9.0, (30.0, 30.0), n=700)
    np.testing.assert_array_equal(grow(contour, 0.0, (0.7, 1.3)), contour)


def test_a_ragged_outline_stays_within_512_points():
    angle = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
    radius = 60.0 + 6.0 * np.sin(150 * angle)
    contour = 100.0 + np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    assert len(grow(contour, 0.4, (1.0, 1.0))) <= 512


@pytest.mark.parametrize("margin_mm", [-1.0, np.nan, np.inf])
def test_a_margin_that_is_no_distance_is_refused(margin_mm):
    with pytest.raises(TargetError, match="margin"):
        grow(circle(9.0), margin_mm, (1.0, 1.0))


@pytest.mark.parametrize("spacing_mm", [(0.0, 1.0), (1.0, -1.0), (np.nan, 1.0), (np.inf, 1.0), (1.0,)])
def test_a_spacing_that_is_no_pair_of_distances_is_refused(spacing_mm):
    with pytest.raises(TargetError, match="spacing"):
        grow(circle(9.0), 5.0, spacing_mm)


@pytest.mark.parametrize(
    "outline",
    [
        pytest.param(np.array([[0, 0], [4, 4], [4, 0], [0, 4.0]]), id="a figure of eight"),
        pytest.param(np.array([[0, 0], [9, 9], [9, 1], [0, 4.0]]), id="a figure of eight, one end larger"),
        pytest.param(np.array([[0, 0], [1, 1], [2, 2.0]]), id="a line"),
        pytest.param(rectangle(0, 0, 3, 3)[:2], id="two points"),
        pytest.param(np.zeros((0, 2)), id="nothing"),
        pytest.param(np.zeros((5, 3)), id="three coordinates"),
        pytest.param(np.array([[0, 0], [0, 4], [np.nan, 4.0]]), id="NaN"),
        pytest.param(np.array([[0, 0], [0, 4], [np.inf, 4.0]]), id="infinity"),
    ],
)
def test_an_outline_that_encloses_nothing_or_crosses_itself_is_refused(outline):
    with pytest.raises(TargetError, match="GTV"):
        Structure("GTV", Role.TARGET, outline)


def test_a_structure_keeps_its_own_outline():
    mine = rectangle(1, 2, 3, 4)
    structure = Structure("duodenum", Role.AVOID, mine)
    mine[0, 0] = np.nan
    np.testing.assert_array_equal(structure.contour_px, rectangle(1, 2, 3, 4))
    with pytest.raises(ValueError, match="read-only"):
        structure.contour_px[0, 0] = 0.0


def test_integer_points_make_an_outline_too():
    assert checked_outline([[0, 0], [0, 4], [4, 0]], "GTV").dtype == np.float64
