"""A few faults of the matrix against real processes; a busy machine may take longer than stated, not for ever."""

from types import SimpleNamespace

import pytest

from benchmarks.fault_matrix import run
from benchmarks.fault_matrix.__main__ import measure, table, write
from benchmarks.fault_matrix.cell import Cell, Trial, overlap_s
from benchmarks.fault_matrix.faults import FAULTS, IMAGING_S, LINAC_S
from benchmarks.fault_matrix.faults import SLACK_S as SEND_S
from benchmarks.fault_matrix.run import now_s
from benchmarks.fault_matrix.scene import FAULT_FRAME, make_scene
from benchmarks.fault_matrix.stalls import Stalls
from replay.faults.processes import stopped
from tests.support.waiting import until

NAMED = {fault.name: fault for fault in FAULTS}
SLACK_S = 0.25


@pytest.mark.slow
@pytest.mark.parametrize("name", ["none", "silent source", "engine kill -9", "link loss", "writer death"])
def test_beam_is_held_at_the_interlock(name, tmp_path):
    [[found]] = measure([NAMED[name]], rates_hz=(8.0,), trials=2)
    assert len(found.trials) == 2, "or else the beam was not on before, and nothing is shown"
    assert found.worst_s <= found.limit_s + SLACK_S
    assert found.missed == 0


@pytest.mark.parametrize("leaves", [True, False])
def test_target_leaves_with_the_first_faulty_frame_or_not_at_all(leaves):
    scene = make_scene(4.0, leaves)
    assert scene.recording.times_s[FAULT_FRAME] == FAULT_FRAME * scene.period_s == FAULT_FRAME * 0.25


def cell(*exposures_s, name="none", reasons=("outside",)):
    return Cell(NAMED[name], 0.25, tuple(Trial(True, one_s, frozenset(reasons)) for one_s in exposures_s), 0)


def test_cell_is_as_stated_when_its_worst_trial_is():
    assert cell(0.30, 0.40).good
    assert cell(0.30, 0.40).mean_s == pytest.approx(0.35)
    assert not cell(0.30, 0.43).good
    assert not cell(0.30, 0.40, reasons=()).good
    assert not cell().good, "without trials nothing is shown"


def test_stated_exposure_is_a_period_and_the_latencies_or_says_why_it_is_more():
    for fault in FAULTS:
        healthy_s = 0.25 + SEND_S + (IMAGING_S + LINAC_S if fault.leaves else 0.0)
        assert fault.limit_s(0.25) == pytest.approx(healthy_s) or fault.why


def test_beam_that_stays_on_is_seen():
    assert overlap_s([(0.0, 2.0), (5.0, 9.0)], 1.0, 6.0) == 2.0
    assert overlap_s([(0.0, 2.0)], 3.0, 6.0) == 0.0


def test_trial_during_which_the_machine_stood_still_is_void():
    stalls = Stalls()
    stalls.found = [(2.0, 2.1)]
    assert stalls.any_between(2.05, 3.0)
    assert stalls.any_between(1.0, 2.05)
    assert not stalls.any_between(1.0, 2.0)
    assert not stalls.any_between(2.1, 3.0)


def test_trials_that_show_the_machine_are_repeated(tmp_path, monkeypatch):
    trials = iter([Trial(True, 9.0, frozenset(), stalled=True), Trial(False, 0.0, frozenset()), *cell(0.3, 0.4).trials])
    monkeypatch.setattr(
        run, "Interlock", lambda key, port=0: SimpleNamespace(port=1, process=SimpleNamespace(poll=lambda: 0))
    )
    monkeypatch.setattr(run, "Engine", lambda values, folder: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(run, "_run_trial", lambda *_: next(trials))
    found = run.run_cell(NAMED["none"], make_scene(4.0), tmp_path, tmp_path, 2, Stalls())
    assert (found.worst_s, found.void) == (0.4, 2)


def test_processor_that_stands_still_is_seen():
    with Stalls() as stalls:
        if not stalls.watching:
            pytest.skip("real-time priority is not granted")
        began_s = now_s()
        with stopped(stalls.pids[0]):
            until(lambda: now_s() > began_s + 0.1)
        until(lambda: any(ended_s - since_s > 0.05 for since_s, ended_s in stalls.found))
    assert stalls.any_between(began_s, began_s + 0.1)


def test_every_fault_of_the_document_is_in_the_matrix_and_the_table_is_put_between_its_marks(tmp_path):
    assert len(NAMED) == len(FAULTS) == 30
    path = tmp_path / "doc.md"
    path.write_text("a\n<!-- fault matrix: make fault-matrix -->\nold\n<!-- end of fault matrix -->\nb\n")
    write(table([]), path)
    text = path.read_text()
    assert text.startswith("a\n")
    assert text.endswith("-->\nb\n")
    assert "old" not in text
    assert "| fault | noticed by |" in text
