import numpy as np
import pytest

from gatekeeper.core.errors import TargetError
from gatekeeper.gating.envelope import ROOM, Envelope
from tests.support.polygons import circle, lens, rectangle

SPACING = (1.0, 1.0)


def test_a_target_at_its_reference_is_inside():
    contour = circle(9.0, (40.0, 50.0), n=90)
    for margin_mm in (0.0, 3.0, 5.0):
        assert Envelope.around(contour, margin_mm, SPACING).outside_percent(contour) == 0.0


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (3.5, 3.5), (2.0, 1.0), (0.7, 1.6)])
def test_the_margin_is_kept_in_mm_along_rows_and_columns(spacing_mm):
    contour = circle(12.0, (90.0, 80.0), n=256) / spacing_mm
    envelope = Envelope.around(contour, 5.0, spacing_mm)
    for direction in ((1, 0), (0, 1), (-1, 0), (0, -1), (0.6, 0.8)):
        step_px = np.array(direction) / spacing_mm
        assert envelope.outside_percent(contour + 4.9 * step_px) == 0.0
        assert 0.0 < envelope.outside_percent(contour + 5.2 * step_px) < 1.0
        expected = 100.0 * (1.0 - lens(12.0, 17.0, 9.0) / (np.pi * 144.0))
        assert envelope.outside_percent(contour + 9.0 * step_px) == pytest.approx(expected, abs=0.1)
        assert envelope.outside_percent(contour + 40.0 * step_px) == pytest.approx(100.0)


def test_percent_is_of_the_target_as_it_is_now():
    envelope = Envelope(rectangle(0, 0, 20, 20), SPACING)
    assert envelope.outside_percent(rectangle(5, 15, 4, 10)) == pytest.approx(50.0, abs=1e-9)
    assert envelope.outside_percent(rectangle(-20, -20, 60, 60)) == pytest.approx(100 * (1 - 400 / 3600), abs=1e-9)
    assert envelope.outside_percent(rectangle(19.999, 5, 1, 4)) == pytest.approx(99.9, abs=1e-9)


def test_rounding_is_not_outside_but_a_thousandth_of_a_percent_is():
    envelope = Envelope(rectangle(0.1, 0.2, 10, 10), SPACING)
    assert envelope.outside_percent(rectangle(0.1 - 1e-13, 0.2, 10, 10)) == 0.0
    assert envelope.outside_percent(rectangle(0.1 - 1e-4, 0.2, 10, 10)) == pytest.approx(1e-3, rel=1e-6)


@pytest.mark.parametrize(
    "contour",
    [
        pytest.param(np.array([[1, 1], [1, np.nan], [3, 3.0]]), id="NaN"),
        pytest.param(np.array([[1, 1], [np.inf, 4], [3, 3.0]]), id="infinity"),
        pytest.param(np.array([[1, 1], [2, 2], [3, 3.0]]), id="no area"),
        pytest.param(circle(0.01, (5, 5)), id="shrunk to a point"),
        pytest.param(rectangle(1, 1, 2, 2)[:2], id="two points"),
        pytest.param(np.empty((0, 2)), id="no points"),
        pytest.param(np.ones((4, 3)), id="three coordinates"),
        pytest.param(np.ones(4), id="one dimension"),
    ],
)
def test_what_cannot_be_measured_is_nan(contour):
    assert np.isnan(Envelope(rectangle(0, 0, 20, 20), SPACING).outside_percent(contour))


def test_any_memory_layout_and_number_of_points_is_measured():
    envelope = Envelope(rectangle(0, 0, 20, 20), SPACING)
    contour = circle(5.0, (20.0, 10.0), n=2 * ROOM)
    expected = pytest.approx(50.0, abs=0.01)
    locked = contour.copy()
    locked.flags.writeable = False
    for same in (contour, locked, np.asfortranarray(contour), contour[::-1], contour.astype(np.float32)):
        assert envelope.outside_percent(same) == expected


def test_an_envelope_cannot_be_changed_under_the_gate():
    mine = rectangle(0, 0, 20, 20)
    envelope = Envelope(mine, SPACING)
    mine += 100.0
    assert envelope.outside_percent(rectangle(1, 1, 3, 3)) == 0.0
    with pytest.raises(ValueError, match="read-only"):
        envelope.contour_px[:] = 0.0


def test_an_envelope_that_crosses_itself_is_refused():
    with pytest.raises(TargetError, match="envelope"):
        Envelope(np.array([[0, 0], [4, 4], [4, 0], [0, 4.0]]), SPACING)


def test_the_largest_share_of_several_shifts_is_that_of_the_shifted_target():
    target = rectangle(10.0, 10.0, 20.0, 40.0)
    envelope = Envelope.around(target, 4.0, (2.0, 1.0))
    shifts_mm = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, -6.0]])
    each = [envelope.outside_percent(target + shift / (2.0, 1.0)) for shift in shifts_mm]
    assert envelope.largest_outside_percent(target, shifts_mm) == pytest.approx(max(each))
    assert max(each) > 1.0
    assert envelope.largest_outside_percent(target, shifts_mm[:1]) == 0.0
    assert np.isnan(envelope.largest_outside_percent(target, shifts_mm * np.nan))
    assert np.isnan(envelope.largest_outside_percent(target[:1], shifts_mm))
