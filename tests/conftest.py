"""What several rooms of the tests share."""

from pathlib import Path

import pytest

from tests.support.browser import chromium

CINE = Path(__file__).resolve().parents[2] / "shared" / "cine"


@pytest.fixture(scope="session")
def cine() -> Path:
    """The folder of real cine-MR sequences that lies beside the project; they are not ours to ship."""
    if not CINE.is_dir():
        pytest.skip("real cine-MR sequences are absent: they are expected in ../shared/cine")
    return CINE


@pytest.fixture(scope="module")
def browser():
    """Return Chromium, started once for each module."""
    with chromium() as opened:
        yield opened
