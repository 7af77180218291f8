"""Copies of a tracker that is a plug-in are guarded as it is."""

import numpy as np
import pytest

from gatekeeper.core.errors import TrackerError
from gatekeeper.core.protocols import TwinTracker
from gatekeeper.session.tracker_guard import GuardedTracker
from tests.support.steps import track

IMAGE = np.zeros((64, 48), np.float32)


class Plain:
    def track(self, image):
        return track()


class Copied(Plain):
    def __init__(self, made=None):
        self.made = Plain() if made is None else made

    def twin(self):
        if isinstance(self.made, Exception):
            raise self.made
        return self if self.made == "itself" else self.made


def guarded(tracker):
    return GuardedTracker(tracker, "plug-in", 1, IMAGE.shape, (2.0, 2.0))


def test_copy_is_guarded_as_well():
    twin = guarded(Copied()).twin()
    assert isinstance(twin, GuardedTracker)
    assert twin.track(IMAGE)[0].center_mm == track().center_mm


def test_tracker_without_a_copy_has_none():
    assert not isinstance(guarded(Plain()), TwinTracker)


@pytest.mark.parametrize("made", [ZeroDivisionError(), "itself", "text"])
def test_what_is_no_copy_is_an_error(made):
    with pytest.raises(TrackerError, match=r"twin\(\)"):
        guarded(Copied(made)).twin()
