"""What the console is shown of a running session: everything that was decided, and only what was really found."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import GateConfig, PredictionConfig, SessionConfig
from gatekeeper.core.contour import Role, Structure, center_mm
from gatekeeper.core.decision import Measure, Reason, StructureResult
from gatekeeper.core.frame import Frame, Plane
from gatekeeper.core.step import Step
from gatekeeper.display.terminal.plain_lines import line_of
from gatekeeper.display.terminal.publisher import snapshot_of
from gatekeeper.display.web.displacement_vectors import DisplacementVectors
from gatekeeper.display.web.live_message import LINES, RECENT, LiveMessage
from gatekeeper.display.web.message import unpacked
from gatekeeper.display.web.trace_row import BITS, COLUMNS, STRUCTURE_COLUMNS
from gatekeeper.session.arming import arm
from gatekeeper.session.contouring.state import ContouredStructure, ContouringStatus
from gatekeeper.session.phases import Phase
from gatekeeper.session.preview_learning import Learned
from gatekeeper.session.status import MOST_RECENT, SessionStatus
from gatekeeper.tracking.preview.report import PreviewReport
from replay.run import replay_input
from tests.support.cases import SPACING_MM, breathing_case
from tests.support.several_structures import LIMITS, several
from tests.support.steps import HOLD, ON, decision, frame, silent_step, step, track

OTHERS_PX = tuple(one.contour_px for one in several().setup.structures)


@pytest.fixture
def status():
    return SessionStatus()


def told(status, number, state=HOLD, *reasons, time_s=None):
    time_s = number / 8.0 if time_s is None else time_s
    reasons = reasons or (() if state is ON else (Reason.OUTSIDE,))
    status.update(step(state, *reasons, sequence=number, time_s=time_s), 1.0, True)


def read(shown, now_s=0.0, **extra):
    return unpacked(b"".join(shown.parts(now_s, extra)))


def rows(arrays):
    return [dict(zip(COLUMNS, row, strict=True)) for row in arrays["recent"]]


def test_before_the_first_frame_there_is_a_hold_that_was_not_armed(status):
    head, arrays = read(LiveMessage(status))
    assert (head["state"], head["reasons"], head["sequence"], head["age_s"]) == ("HOLD", ["not_armed"], None, None)
    assert arrays["recent"].shape == (0, len(COLUMNS))
    assert "image" not in arrays


def test_no_decision_is_missed_between_two_looks(status):
    shown = LiveMessage(status)
    for number in range(20):
        told(status, number)
    read(shown)
    for number in range(20, 50):
        told(status, number)
    assert [row["number"] for row in rows(read(shown)[1])] == list(range(50))


def test_only_the_last_decisions_go_along_but_all_are_counted(status):
    shown, decisions = LiveMessage(status), 2 * MOST_RECENT
    for number in range(decisions):
        told(status, number, ON if number % 4 else HOLD)
    head, arrays = read(shown)
    assert [row["number"] for row in rows(arrays)] == list(range(decisions - RECENT, decisions))
    assert head["holds"] == decisions // 4
    assert head["hold_reasons"] == {"outside": decisions // 4}


def test_a_decision_is_counted_once_however_often_one_looks(status):
    shown = LiveMessage(status)
    told(status, 0)
    for _ in range(3):
        head, arrays = read(shown)
    assert head["hold_reasons"] == {"outside": 1}
    assert len(arrays["recent"]) == 1


def test_the_newest_decision_and_the_age_of_its_frame_are_told(status):
    told(status, 4, ON, time_s=0.5)
    head, arrays = read(LiveMessage(status), now_s=0.75)
    assert (head["state"], head["reasons"], head["sequence"], head["silent"]) == ("ON", [], 4, False)
    assert head["age_s"] == pytest.approx(0.25)
    assert np.array_equal(arrays["image"], frame(4).image)
    assert np.allclose(arrays["target"], track().contour_px, atol=1e-5)


def test_on_silence_the_last_frame_stays_with_its_growing_age(status):
    told(status, 4, ON, time_s=0.5)
    status.update(silent_step(1.5), 0.1, True)
    head, arrays = read(LiveMessage(status), now_s=1.5)
    assert (head["state"], head["reasons"], head["silent"], head["sequence"]) == ("HOLD", ["no_frame"], True, 4)
    assert head["age_s"] == pytest.approx(1.0)
    assert "image" in arrays
    assert [row["sequence"] for row in rows(arrays)] == [4.0, -1.0]


def test_a_lost_target_has_no_outline_and_no_place(status):
    lost = Step(decision(HOLD, Reason.LOW_CONFIDENCE), frame(), track(confidence=0.0))
    status.update(lost, 1.0, True)
    _, arrays = read(LiveMessage(status))
    assert "target" not in arrays
    assert np.isnan(rows(arrays)[0]["si"])


def test_axes_and_columns_are_those_of_the_images(status):
    axial = Plane((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    setup = replace(replay_input(breathing_case()).setup, plane=axial)
    armed = arm(setup, SessionConfig())
    status.begin(setup, armed)
    down_px, right_px = armed.target_px.mean(axis=0)
    status.update(Step(decision(ON), frame(), track(row=down_px + 2.0, col=right_px - 1.0)), 1.0, True)
    head, arrays = read(LiveMessage(status))
    assert [(axis["name"], axis["ends"]) for axis in head["axes"]] == [("AP", ["A", "P"]), ("RL", ["R", "L"])]
    row = dict(zip(head["columns"], arrays["recent"][0], strict=True))
    assert (row["ap"], row["rl"]) == (pytest.approx(4.0, abs=0.2), pytest.approx(-2.0, abs=0.2))


@pytest.fixture
def begun(status):
    setup = replay_input(breathing_case()).setup
    avoid = Structure("duodenum", Role.AVOID, np.array([[50.0, 20.0], [60.0, 20.0], [60.0, 30.0]]))
    setup = replace(setup, structures=(avoid,))
    armed = arm(setup, SessionConfig())
    status.begin(setup, armed)
    return setup, armed


def test_envelope_organs_and_prediction_are_drawn(status, begun):
    _, armed = begun
    found = track()
    other = track(row=50.0)
    ahead_mm = (found.center_mm[0] + 4.0, found.center_mm[1])
    status.update(Step(decision(ON), frame(), found, others=(other,), ahead_mm=ahead_mm), 1.0, True)
    head, arrays = read(LiveMessage(status))
    assert [(one["name"], one["target"]) for one in head["structures"]] == [("target", True), ("duodenum", False)]
    assert np.allclose(arrays["envelope"], armed.gate.envelope.contour_px, atol=1e-4)
    assert np.allclose(arrays["other0"], other.contour_px, atol=1e-4)
    assert np.allclose(arrays["predicted"] - arrays["target"], [4.0 / SPACING_MM[0], 0.0], atol=1e-4)


def test_movement_is_towards_head_and_back_from_the_reference(status, begun):
    _, armed = begun
    down_px, back_px = armed.target_px.mean(axis=0)
    status.update(Step(decision(ON), frame(), track(row=down_px + 2.0, col=back_px + 1.0)), 1.0, True)
    row = rows(read(LiveMessage(status))[1])[0]
    assert row["si"] == pytest.approx(-4.0, abs=0.2)
    assert row["ap"] == pytest.approx(2.0, abs=0.2)


def test_the_envelope_is_where_the_operator_has_moved_it(status, begun):
    _, armed = begun
    before = read(LiveMessage(status))[1]["envelope"]
    armed.gate._envelope_shift.move((2.0, 0.0))
    assert np.allclose(read(LiveMessage(status))[1]["envelope"] - before, [1.0, 0.0], atol=1e-4)


def test_only_the_last_lines_go_along(status):
    for number in range(2 * LINES):
        status.add_line(float(number), f"line {number}")
    assert [text for _, text in read(LiveMessage(status))[0]["lines"]] == [f"line {n}" for n in range(LINES, 2 * LINES)]


def test_arrows_say_how_the_tissue_has_moved_and_only_on_demand(status):
    case = breathing_case()
    setup = replay_input(case).setup
    armed = arm(setup, SessionConfig())
    status.begin(setup, armed)
    arrows = DisplacementVectors()
    furthest = int(np.argmax(case.labels.any(axis=2).argmax(axis=1)))
    found = armed.engine.step(replace(frame(1, image=np.float32(case.frames[furthest])), plane=case.plane), 0.0)
    status.update(found, 1.0, True)
    assert arrows.of(status) == {}
    arrows.wanted = True
    ends = arrows.of(status)["arrows"]
    moved_px = found.track.contour_px.mean(axis=0) - armed.target_px.mean(axis=0)
    assert moved_px[0] > 3.0
    assert np.allclose(np.mean(ends[:, 2:] - ends[:, :2], axis=0), moved_px, atol=0.5)
    status.update(Step(decision(HOLD), frame(2), track(confidence=0.0)), 1.0, True)
    assert arrows.of(status) == {}


def test_what_the_target_is_drawn_on_is_shown_until_the_session_begins(status):
    bowel = Structure("bowel", Role.AVOID, np.array([[3.0, 3.0], [3.0, 9.0], [9.0, 9.0]]))
    offered = np.array([[20.0, 20.5], [20.25, 30.0], [30.0, 30.0]])
    status.enter(Phase.DRAWING, 1.0)
    drawn = ContouredStructure("target", Role.TARGET, "#F0E442", margin_mm=4.0)
    status.show_contouring(ContouringStatus(None, False, False, (drawn,)), 1.0)
    head, arrays = read(LiveMessage(status))
    part = {"by_hand": True, "required": True, "confirmed": False, "margin_mm": 4.0}
    assert head["draw"] == {"taken": False, "fixed": False, "sequence": -1, "structures": [part]}
    assert (head["phase"], head["sequence"], head["age_s"]) == ("drawing", None, None)
    assert "image" not in arrays
    known = ContouredStructure("bowel", Role.AVOID, "#D55E00", by_hand=False, outline_px=bowel.contour_px)
    offers = (replace(drawn, proposal_px=offered), known)
    status.show_contouring(ContouringStatus(frame(17, 2.0), True, False, offers), 2.0)
    head, arrays = read(LiveMessage(status), now_s=2.5)
    assert head["draw"]["structures"] == [part, {**part, "by_hand": False, "margin_mm": None}]
    assert (head["draw"]["taken"], head["sequence"], head["age_s"]) == (True, 17, 0.5)
    assert [(one["name"], one["target"], one["color"]) for one in head["structures"]] == [
        ("target", True, "#F0E442"),
        ("bowel", False, "#D55E00"),
    ]
    assert np.array_equal(arrays["image"], frame(17).image)
    assert arrays["proposal0"].dtype == np.float32
    assert np.array_equal(arrays["proposal0"], offered)
    assert np.array_equal(arrays["other0"], bowel.contour_px)
    status.enter(Phase.CONNECT, 3.0)
    head, arrays = read(LiveMessage(status))
    assert "draw" not in head
    assert {"proposal0", "image"}.isdisjoint(arrays)


def test_an_image_from_a_file_has_no_age(status):
    status.show_contouring(ContouringStatus(replace(frame(-1), acquired_s=math.nan), True, True), 1.0)
    head, _ = read(LiveMessage(status), now_s=9.0)
    assert (head["sequence"], head["age_s"], head["draw"]["fixed"]) == (-1, None, True)


def test_the_margin_is_the_one_that_the_session_began_with(status, begun):
    assert "structures" not in read(LiveMessage(SessionStatus()))[0]
    assert read(LiveMessage(status))[0]["structures"][0]["margin_mm"] == begun[1].config.envelope.margin_mm == 5.0


def test_each_of_several_structures_is_told_with_its_limits_and_what_it_measures(status):
    setup, config = several().setup, SessionConfig(structures=LIMITS)
    armed = arm(setup, config)
    status.begin(setup, armed)
    shown = LiveMessage(status)
    told(status, 0)
    tracks = [track(row=one.mean(axis=0)[0] + 1.0, col=one.mean(axis=0)[1]) for one in (armed.target_px, *OTHERS_PX)]
    parts = (
        StructureResult(Measure.OUTSIDE_PERCENT, 1.0),
        StructureResult(Measure.OUTSIDE_PERCENT, 9.0, (Reason.OUTSIDE,)),
        StructureResult(Measure.OVERLAP_MM2, 40.0, (Reason.LOW_CONFIDENCE, Reason.AVOID_IN_ZONE)),
    )
    judged = replace(decision(HOLD, Reason.LOW_CONFIDENCE, Reason.OUTSIDE, sequence=1), structures=parts)
    status.update(Step(judged, frame(1), tracks[0], others=tuple(tracks[1:])), 1.0, True)
    head, arrays = read(shown)
    names = ("name", "measure", "unit", "limit", "confidence")
    assert [tuple(one[name] for name in names) for one in head["structures"]] == [
        ("GTV", "outside", "%", 5.0, 0.5),
        ("node", "outside", "%", 2.0, 0.5),
        ("bowel", "overlap", "mm²", 30.0, 0.5),
    ]
    assert len({one["color"] for one in head["structures"]}) == 3
    assert arrays["structures"].shape == (2, 3, len(STRUCTURE_COLUMNS))
    before, now = arrays["structures"]
    assert np.isnan(before[:, :4]).all()
    assert now[:, 0] == pytest.approx(-SPACING_MM[0], abs=0.3)
    assert now[:, 2].tolist() == [1.0, 9.0, 40.0]
    assert now[:, 4].tolist() == [sum(BITS[reason] for reason in one.reasons) for one in parts]
    # The organ is kept out of the envelopes, which are drawn already.
    assert {"envelope", "zone0"} <= arrays.keys()
    assert "zone1" not in arrays


def test_one_structure_is_told_without_a_list_of_several(status):
    setup = replay_input(breathing_case()).setup
    status.begin(setup, arm(setup, SessionConfig()))
    told(status, 0)
    head, arrays = read(LiveMessage(status))
    assert len(head["structures"]) == 1
    assert "structures" not in arrays


def test_what_the_preview_has_taught_is_told_from_then_on(status):
    preview = PreviewReport(40, 0.98, 12.5, (-8.0, 1.0), (-1.0, 1.0), (20.0, 8.0), True, (), False, False, (0.0,))
    learned = Learned(None, None, preview, 0.4, 0.01)
    assert "preview" not in read(LiveMessage(status))[0]
    status.learned = learned
    told(status, 1)
    head, _ = read(LiveMessage(status))
    assert head["preview"] == {"go": False, "lines": learned.as_lines()}
    assert "comes within 0.4 mm of where it was drawn, inside its envelope on 1 % of" in head["preview"]["lines"][-1]
    assert head["preview"]["lines"][-1].endswith("too few for gating on it")


def test_a_risk_limit_and_where_the_target_is_expected_are_shown(status):
    case = breathing_case(frames=120)
    config = SessionConfig(gate=GateConfig(risk_percent=2.0), prediction=PredictionConfig(mode="full", burn_in_s=5.0))
    setup = replay_input(case).setup
    armed = arm(setup, config)
    status.begin(setup, armed)
    for number, image in enumerate(case.frames):
        one = Frame(image.astype(np.float32), case.spacing_mm, number, case.times_s[number], case.times_s[number])
        status.update(armed.engine.step(one, case.times_s[number]), 1.0, True)
    head, arrays = read(LiveMessage(status))
    assert head["risk"] == [2.0, *map(pytest.approx, armed.gate.exposure[1:])]
    ahead = arrays["ahead"]
    assert ahead.shape == (3, 5)
    assert (ahead[:, 0] > case.times_s[119]).all()
    first = armed.gate.interval[0]
    row_mm, _ = first.center_mm
    assert ahead[0, 3:] == pytest.approx(first.spread_mm)
    # Rows run towards inferior, and superior is positive on the page.
    assert ahead[0, 1] == pytest.approx(-(row_mm - center_mm(armed.target_px, case.spacing_mm)[0]))
    shown = snapshot_of(status.current, 0.0)
    assert (shown.risk_limit, shown.risk_percent) == (2.0, pytest.approx(armed.gate.exposure[1]))
    assert f"risk {shown.risk_percent:.2f} of 2 %" in line_of(shown)
