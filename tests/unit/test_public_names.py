"""What others import stays where it is, and costs nothing before it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import gatekeeper
import kernels
import replay
from gatekeeper.core.clock import VirtualClock
from gatekeeper.linac.dry_run import DryRunLinac
from replay.player import Player
from tests.support.cases import breathing_case


@pytest.mark.parametrize("name", gatekeeper.__all__)
def test_stable_name_is_there(name):
    assert getattr(gatekeeper, name).__name__ == name
    assert name in dir(gatekeeper)


def test_every_stable_name_has_a_home():
    assert all(hasattr(gatekeeper, name) for name in gatekeeper.__all__)


@pytest.mark.parametrize(
    ("former", "present"),
    [("Avoid", "KeepOutZone"), ("Preview", "PreviewReport"), ("Session", "SessionRecorder"), ("Target", "TargetZone")],
)
def test_former_name_still_works_and_names_the_present_one(former, present):
    with pytest.warns(DeprecationWarning, match=f"gatekeeper.{former} is now gatekeeper.{present}"):
        assert getattr(gatekeeper, former) is getattr(gatekeeper, present)


def test_unknown_name_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="has no attribute 'Gatekeeper'"):
        _ = gatekeeper.Gatekeeper


def test_stable_names_are_enough_to_gate_a_source_of_frames(tmp_path):
    case, clock, linac = breathing_case(), VirtualClock(), DryRunLinac()
    config = gatekeeper.SessionConfig()
    tracker = gatekeeper.Tracker(case.frames[0], case.first_mask, case.spacing_mm)
    outline_px = tracker.track(case.frames[0]).contour_px
    envelope = gatekeeper.Envelope.around(outline_px, 5.0, case.spacing_mm, case.first_mask.shape)
    engine = gatekeeper.Engine(tracker, gatekeeper.Gate(envelope, config.gate))
    with gatekeeper.SessionRecorder(tmp_path / "s", config) as session:
        gatekeeper.run_loop(Player(case, clock), engine, linac, session, clock, config.gate.max_age_s)
        summary = session.summary()
    assert summary.frames == len(case.frames)
    assert 0.3 < summary.duty_cycle < 0.8
    assert not linac.beam_on


def test_all_three_packages_come_from_one_folder():
    assert len({Path(package.__file__).parents[1] for package in (gatekeeper, kernels, replay)}) == 1


def test_command_line_and_processes_beside_the_engine_start_without_kernels_and_pictures():
    heavy = ("numba", "matplotlib", "scipy", "SimpleITK", "kernels.jit")
    beside = "gatekeeper.linac.open, gatekeeper.linac.watchdog, gatekeeper.recording.writer_process"
    code = f"import sys, gatekeeper, gatekeeper.cli, {beside}; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_former_names_of_a_previews_ranges_tell_the_new_ones():
    known = gatekeeper.PreviewReport(
        frames=1,
        visible=1.0,
        contrast_to_noise=5.0,
        row_range_mm=(1.0, 2.0),
        col_range_mm=(3.0, 4.0),
        search_mm=(5.0, 6.0),
        go=True,
        reasons=(),
        stiff=False,
        evened=False,
        states_mm=(),
    )
    with pytest.warns(DeprecationWarning, match="row_range_mm"):
        assert known.si_range_mm == known.row_range_mm
    with pytest.warns(DeprecationWarning, match="col_range_mm"):
        assert known.ap_range_mm == known.col_range_mm
