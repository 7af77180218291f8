"""A command imports what it needs and nothing else: what it takes to start is the packages it imports."""

import subprocess
import sys

import pytest

from replay.formats.trackrad import write_case
from replay.phantom import PhantomConfig, write_phantom
from replay.phantom.config import AcquisitionConfig
from tests.support.recordings import recording

LARGE = {"matplotlib", "pydicom", "pynetdicom", "starlette", "uvicorn", "cv2", "SimpleITK", "skimage", "scipy.ndimage"}
OTHERS = {"gatekeeper.config.live", "numba", "h5py", "shapely", "dask", "lifelines", "pyarrow"}


def imported(*words):
    """The packages that a command imports, of those that take long."""
    program = (
        "import sys\n"
        "from gatekeeper.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as ended:\n"
        "    assert not ended.code, ended.code\n"
        "print('IMPORTED', *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "IMPORTED"
    return (LARGE | OTHERS) & set(last)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A small case in the layout of TrackRAD."""
    return str(write_case(recording(), tmp_path_factory.mktemp("case") / "small"))


def test_what_a_recording_holds_is_told_without_what_tracking_and_pictures_need(case):
    assert imported("info", case) == set()


def test_the_version_is_told_at_once():
    assert imported("--version") == set()


@pytest.mark.slow
def test_a_replay_imports_nothing_for_other_formats_pages_and_pictures(tmp_path):
    acquisition = AcquisitionConfig(duration_s=2.0)
    phantom = str(write_phantom(PhantomConfig(acquisition=acquisition), tmp_path / "phantom"))
    found = imported("replay", phantom, "--no-picture", "--out", str(tmp_path / "session"))
    assert found & LARGE == {"scipy.ndimage", "skimage"}
    assert not (tmp_path / "session" / "overview.png").exists()
