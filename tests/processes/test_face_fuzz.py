"""A share of `python -m benchmarks.face_fuzz`, of which the full number is run by hand."""

import pytest

from benchmarks.face_fuzz import FACES, faults, measure


@pytest.mark.parametrize("name", FACES)
def test_bad_messages_become_no_request_and_end_no_face(name):
    found = measure(name, 200, seed=1)
    assert faults(found) == []
    assert sum(found["ended"].values()) >= 150, "most are answered or end their connection"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"requests": 1}, "a bad message became a request"),
        ({"ended": {"accepted": 1}}, "a bad message became a request"),
        ({"ended": {"hung": 1}}, "a connection hung"),
        ({"good_client_after": False}, "a good client is not served after"),
        ({"grown_kib": 10_000}, "memory grew"),
    ],
)
def test_what_must_not_be_is_found(change, fault):
    fine = {"ended": {}, "requests": 0, "good_client_before": True, "good_client_after": True, "grown_kib": 0}
    assert faults(fine) == []
    assert faults({**fine, **change}) == [fault]
