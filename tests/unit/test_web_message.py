"""A message keeps what it is given, in a form that a browser can look at in place."""

import math

import numpy as np
import pytest

from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.display.web.message import WHITE, for_page, packed, scaled, unpacked
from gatekeeper.display.web.trace_row import COLUMNS, row_of

IMAGE = np.arange(35, dtype=np.float32).reshape(5, 7)


def test_what_is_packed_is_unpacked():
    arrays = {"image": IMAGE, "odd": np.arange(3, dtype=np.uint16), "none": np.empty((0, 2), np.float32)}
    head, found = unpacked(packed({"state": "ON", "age_s": None}, arrays))
    assert head == {"state": "ON", "age_s": None}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_arrays_begin_where_browsers_can_look_at_them_in_place():
    message = packed({"a": 1}, {"odd": np.arange(3, dtype=np.uint16), "wide": np.arange(2, dtype=np.float64)})
    at = message.index(np.arange(2, dtype=np.float64).tobytes())
    assert at % 8 == 0


def test_strided_arrays_are_packed_as_they_look():
    _, found = unpacked(packed({}, {"image": IMAGE[:, ::2]}))
    assert np.array_equal(found["image"], IMAGE[:, ::2])


def test_what_is_not_finite_is_no_json():
    with pytest.raises(ValueError, match="JSON"):
        packed({"age_s": math.nan}, {})


def test_a_page_gets_the_image_in_16_bits_and_what_they_mean():
    head, found = unpacked(for_page(packed({"x": 1}, {"image": IMAGE, "target": np.ones((3, 2), np.float32)}), 8))
    assert (head["x"], head["count"], head["low"], head["high"]) == (1, 8, 0.0, 34.0)
    assert found["image"].dtype == np.uint16
    back = head["low"] + found["image"] * (head["high"] - head["low"]) / WHITE
    assert np.abs(back - IMAGE).max() <= 34.0 / WHITE
    assert np.array_equal(found["target"], np.ones((3, 2)))


def test_a_page_that_wants_no_picture_gets_everything_else():
    head, found = unpacked(for_page(packed({"x": 1}, {"image": IMAGE, "target": np.ones((3, 2))}), 8, picture=False))
    assert head["x"] == 1
    assert list(found) == ["target"]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_pixels_that_are_no_numbers_are_black(bad):
    image = IMAGE.copy()
    image[2, 3] = bad
    pixels, low, high = scaled(image)
    assert pixels[2, 3] == 0
    assert (low, high) == (0.0, 34.0)
    assert pixels[4, 6] == WHITE


@pytest.mark.parametrize("value", [7.0, math.nan])
def test_a_constant_image_is_black(value):
    pixels, low, high = scaled(np.full((4, 4), value))
    assert not pixels.any()
    assert low == high


def test_integers_are_scaled_too():
    pixels, low, high = scaled(np.array([[-5, 0], [10, 95]], np.int16))
    assert (low, high) == (-5.0, 95.0)
    assert pixels.tolist() == [[0, round(0.05 * WHITE)], [round(0.15 * WHITE), WHITE]]


def test_a_decision_is_ten_numbers():
    row = row_of(4, 7, 1.5, BeamState.HOLD, (Reason.OUTSIDE, Reason.NOT_ARMED), 6.0, math.nan, (1.0, -2.0), 0.9)
    values = dict(zip(COLUMNS, row, strict=True))
    assert (values["number"], values["sequence"], values["t"], values["on"]) == (4.0, 7.0, 1.5, 0.0)
    assert (values["si"], values["ap"], values["confidence"]) == (1.0, -2.0, 0.9)
    assert int(values["reasons"]) == 1 << list(Reason).index(Reason.OUTSIDE) | 1 << list(Reason).index(Reason.NOT_ARMED)


@pytest.mark.parametrize("confidence", [0.0, math.nan])
def test_a_lost_target_has_no_place(confidence):
    row = row_of(0, 0, 0.0, BeamState.HOLD, (), 0.0, math.nan, (1.0, 2.0), confidence)
    assert math.isnan(row[COLUMNS.index("si")])
    assert math.isnan(row[COLUMNS.index("ap")])


def test_every_reason_fits_into_one_number():
    bits = row_of(0, 0, 0.0, BeamState.HOLD, tuple(Reason), 0.0, 0.0, (0.0, 0.0), 1.0)[COLUMNS.index("reasons")]
    assert int(bits) == (1 << len(Reason)) - 1
    assert bits < 2**53
