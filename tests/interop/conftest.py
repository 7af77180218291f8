"""What the tests beside programs of others share."""

import pytest

from tests.support.browser import chromium


@pytest.fixture(scope="module")
def browser():
    """Chromium, once for each module."""
    with chromium() as opened:
        yield opened
