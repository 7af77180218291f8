"""A session counts on over whatever its device counts; where the device's row ends there is a gap that is found."""

from gatekeeper.config import GateConfig
from gatekeeper.core.frame import SEQUENCE_BREAK
from gatekeeper.sources.sequence_numbers import SequenceNumbers


def numbered(devices, modulus=None):
    numbers = SequenceNumbers(modulus)
    return [numbers.number(device) for device in devices]


def test_a_session_counts_from_0_whatever_the_device_begins_with():
    assert numbered([17, 18, 19]) == [0, 1, 2]


def test_gaps_repeats_and_small_steps_back_of_the_device_are_kept():
    assert numbered([5, 8, 8, 7, 9]) == [0, 3, 3, 2, 4]


def test_a_count_that_runs_over_its_end_goes_on():
    assert numbered([65_534, 65_535, 0, 2], 65_536) == [0, 1, 2, 4]


def test_a_frame_from_before_the_first_one_has_no_number_below_0():
    assert numbered([5, 3, 4]) == [0, 1 + SEQUENCE_BREAK, 2 + SEQUENCE_BREAK]


def test_a_count_that_starts_again_leaves_a_gap_that_no_setting_allows():
    numbers = numbered([500, 501, 1, 2])
    assert numbers == [0, 1, 2 + SEQUENCE_BREAK, 3 + SEQUENCE_BREAK]
    largest = GateConfig.model_json_schema()["properties"]["missing_frames"]["maximum"]
    assert largest < SEQUENCE_BREAK


def test_the_first_frame_of_the_next_connection_leaves_that_gap_even_where_the_device_counts_on():
    numbers = SequenceNumbers()
    assert numbers.number(7) == 0
    numbers.broken()
    assert [numbers.number(device) for device in (8, 9)] == [1 + SEQUENCE_BREAK, 2 + SEQUENCE_BREAK]


def test_a_connection_without_a_frame_is_no_break():
    numbers = SequenceNumbers()
    numbers.broken()
    assert numbers.number(8) == 0


def test_frames_without_a_number_are_counted_as_they_come():
    assert numbered([None, None, 4, 6]) == [0, 1, 2, 4]
