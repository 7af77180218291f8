"""Live sessions on coronal and axial images, from a device that images several planes in turn."""

from dataclasses import replace

import pytest

from gatekeeper.config import GateConfig
from gatekeeper.core.axes import AXIAL, CORONAL, SAGITTAL
from gatekeeper.core.contour import center_mm, mask_to_contour
from gatekeeper.core.frame import Plane
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.envelope_shift import EnvelopeShift
from gatekeeper.gating.zones import TargetZone
from tests.support.cases import breathing_case
from tests.support.live_sessions import Scanner, drawn_plan_of, journal, plan_of, run_live
from tests.support.matrices import mostly_slow
from tests.support.sessions import checked


def plane_of(orientation):
    return Plane((5.0, -20.0, 30.0), orientation.rows.step, orientation.cols.step)


class InTurn(Scanner):
    """A scanner that images a sagittal plane between the frames of its case, numbered in one sequence."""

    def __init__(self, case, clock, script=()):
        super().__init__(case, clock, script)
        self._waiting = None

    def next_frame(self, timeout_s):
        if self._waiting is not None:
            own, self._waiting = self._waiting, None
            return own
        frame = super().next_frame(timeout_s)
        if frame is None:
            return None
        number = 2 * frame.sequence
        self._waiting = replace(frame, sequence=number + 1)
        return replace(frame, plane=plane_of(SAGITTAL), sequence=number)


@pytest.mark.parametrize("orientation", mostly_slow([AXIAL, CORONAL]), ids=lambda one: one.name)
def test_a_session_decides_on_the_frames_of_its_own_plane(orientation, tmp_path):
    case = replace(breathing_case(), plane=plane_of(orientation))
    outcome, scanner, _ = run_live(tmp_path / "turn", case, scanner=InTurn)
    alone, _, _ = run_live(tmp_path / "alone", case)
    frames = [entry for entry in journal(tmp_path / "turn") if entry["kind"] == "frame"]
    assert len(frames) == len(case.frames) == outcome.summary.frames
    assert not any("wrong_plane" in entry["reasons"] or "missing_frames" in entry["reasons"] for entry in frames)
    assert alone.summary.beam_on_s > 0.0
    assert outcome.summary.beam_on_s == pytest.approx(alone.summary.beam_on_s)
    assert checked(tmp_path / "turn").findings == []
    # Words of an operator are read along these axes.
    assert scanner.session.requests.orientation is orientation


@pytest.mark.parametrize(
    ("orientation", "words"), [(CORONAL, "0.5 mm inferior, 0.2 mm left"), (AXIAL, "0.5 mm posterior, 0.2 mm left")]
)
def test_a_shift_of_the_envelope_is_told_in_the_words_of_the_axes(orientation, words):
    envelope = Envelope(mask_to_contour(breathing_case().first_mask), (2.0, 2.0), plane=plane_of(orientation))
    shift = EnvelopeShift((TargetZone(envelope),), GateConfig())
    assert shift.as_words((0.5, 0.25)).startswith(f"moves the envelope {words}, ")


class Alternating(Scanner):
    """A scanner whose every other frame is sagittal; it keeps the planes of the images that are shown to draw on."""

    def __init__(self, case, clock, script=()):
        super().__init__(case, clock, script)
        self.shown = []

    def next_frame(self, timeout_s):
        contouring = self.session.status.current.contouring
        if contouring is not None and contouring.frame is not None:
            self.shown.append(contouring.frame.plane)
        frame = super().next_frame(timeout_s)
        return replace(frame, plane=plane_of(SAGITTAL)) if frame is not None and frame.sequence % 2 else frame


def test_images_of_the_first_plane_are_shown_to_draw_on(tmp_path):
    case = replace(breathing_case(), plane=plane_of(CORONAL))
    _, scanner, _ = run_live(tmp_path / "session", case, drawn_plan_of(case, seconds=3.0), scanner=Alternating)
    assert len(scanner.shown) > 4
    assert set(scanner.shown) == {case.plane}
    lines = [line.text for line in scanner.session.status.lines]
    assert sum("sagittal images come in turn with coronal ones" in line for line in lines) == 1


def test_a_target_of_another_plane_is_not_put_on_frames_that_do_not_show_it(tmp_path):
    case = replace(breathing_case(), plane=plane_of(CORONAL))
    outcome, _, _ = run_live(tmp_path / "session", case, plan_of(case, reference=None), scanner=InTurn)
    assert outcome.summary.frames > 0
    reference = journal(tmp_path / "session")[0]["setup"]["plane"]
    assert tuple(reference[6:]) == case.plane.col_step
    middle_mm = center_mm(mask_to_contour(case.first_mask), case.spacing_mm)
    first = next(entry for entry in journal(tmp_path / "session") if entry.get("center_mm"))
    assert first["center_mm"] == pytest.approx(middle_mm, abs=3.0)
