import numpy as np
import pytest

from gatekeeper.config import GateConfig
from gatekeeper.decision import Reason
from gatekeeper.frame import Frame
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.findings import TABLE, is_valid, measure
from gatekeeper.track import Track
from tests.polygons import circle, rectangle

PICTURE = np.arange(48, dtype=np.float32).reshape(6, 8)
ENVELOPE = Envelope(rectangle(1, 1, 4, 4), (1.5, 2.0), (6, 8))


def frame(image=PICTURE, spacing_mm=(1.5, 2.0), acquired_s=10.0):
    return Frame(image, spacing_mm, 3, acquired_s, acquired_s + 0.1)


def with_pixel(value):
    image = PICTURE.copy()
    image[2, 3] = value
    return image


def test_the_table_lists_every_reason_once_in_the_order_of_the_words():
    assert [row.reason for row in TABLE] == list(Reason)


def test_every_limit_in_the_table_is_a_setting_and_every_setting_is_a_limit():
    assert {row.limited_by for row in TABLE} - {None} == set(GateConfig.model_fields)
    for row in TABLE:
        assert (row.limited_by is None) == (row.unit is None)


@pytest.mark.parametrize("image", [PICTURE, PICTURE - 1e6, with_pixel(-1.0), with_pixel(3e38)])
def test_a_picture_on_the_grid_of_the_envelope_is_valid(image):
    assert is_valid(frame(image), ENVELOPE)


def test_a_picture_that_nobody_may_write_to_is_valid():
    locked = PICTURE.copy()
    locked.flags.writeable = False
    assert is_valid(frame(locked), ENVELOPE)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(with_pixel(np.nan), id="NaN"),
        pytest.param(with_pixel(np.inf), id="infinity"),
        pytest.param(with_pixel(-np.inf), id="minus infinity"),
        pytest.param(np.zeros((6, 8), dtype=np.float32), id="black"),
        pytest.param(np.full((6, 8), np.nan, dtype=np.float32), id="nothing but NaN"),
        pytest.param(PICTURE.T.copy(), id="transposed"),
        pytest.param(PICTURE[:5].copy(), id="a row short"),
        pytest.param(PICTURE[None], id="a stack"),
        pytest.param(np.float32(1.0).reshape(()), id="a number"),
        pytest.param(PICTURE.astype(np.float64), id="float64"),
        pytest.param(PICTURE.astype(">f4"), id="big-endian"),
        pytest.param(np.asfortranarray(PICTURE), id="column by column"),
        pytest.param(np.zeros((6, 16), dtype=np.float32)[:, ::2], id="every other column"),
        pytest.param(np.frombuffer(b"\0" + PICTURE.tobytes(), np.float32, 48, 1).reshape(6, 8), id="unaligned"),
        pytest.param(np.zeros((0, 0), dtype=np.float32), id="empty"),
    ],
)
def test_what_is_no_picture_on_the_grid_is_invalid(image):
    assert not is_valid(frame(image), ENVELOPE)


@pytest.mark.parametrize(
    "spacing_mm",
    [(1.51, 2.0), (1.5, 1.99), (2.0, 1.5), (-1.5, 2.0), (np.nan, 2.0), (1.5, np.inf), (1.5,), (1.5, 2.0, 1.0)],
)
def test_another_spacing_makes_a_frame_invalid(spacing_mm):
    assert not is_valid(frame(spacing_mm=spacing_mm), ENVELOPE)


def test_the_rounding_of_a_header_does_not():
    assert is_valid(frame(spacing_mm=(1.50001, 1.99999)), ENVELOPE)


def test_an_envelope_without_a_shape_takes_any():
    anywhere = Envelope(rectangle(1, 1, 4, 4), (1.5, 2.0))
    assert is_valid(frame(PICTURE[:5].copy()), anywhere)


def test_all_four_are_measured():
    found = measure(Track(rectangle(1, 3, 4, 4), (0.0, 0.0), 0.75), frame(), 10.3, ENVELOPE)
    assert found.frame_valid
    assert found.age_s == pytest.approx(0.3)
    assert found.confidence == 0.75
    assert found.outside_percent == pytest.approx(50.0)


def test_without_a_track_nothing_is_known_of_the_target():
    found = measure(None, frame(), 10.0, ENVELOPE)
    assert np.isnan(found.confidence)
    assert np.isnan(found.outside_percent)


def test_a_broken_contour_is_measured_as_not_measurable():
    contour = circle(1.0, (3.0, 3.0), n=20)
    contour[7, 1] = np.nan
    assert np.isnan(measure(Track(contour, (0.0, 0.0), 1.0), frame(), 10.0, ENVELOPE).outside_percent)
