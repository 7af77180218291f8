"""Each reason by itself: what gives it at the edge of its limit, what does not, and when it is over."""

import math

import numpy as np
import pytest

from gatekeeper.config import GateConfig, PredictionConfig
from gatekeeper.core.decision import Reason
from gatekeeper.core.frame import Plane
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.gating.zones import KeepOutZone, TargetZone
from tests.support.gates import ENVELOPE, HOLD, IMAGE, ON, PLANE, SHAPE, SPACING_MM, frame, gate, gate_on, track

UNTRACKED = (Reason.LOW_CONFIDENCE, Reason.OUTSIDE)


def test_link_lost():
    judge = gate_on()
    assert judge.decide(track(), frame(1), link_alive=False).reasons == (Reason.LINK_LOST,)
    assert judge.silence(0.5, link_alive=False).reasons == (Reason.LINK_LOST, Reason.NO_FRAME)
    assert judge.decide(track(), frame(2)).state is ON


def test_prescribed_delivered():
    judge = gate_on()
    assert judge.decide(track(), frame(1), left_s=0.001).state is ON
    for sequence, left_s in enumerate((0.0, -1.0, math.nan), start=2):
        assert judge.decide(track(), frame(sequence), left_s=left_s).reasons == (Reason.PRESCRIBED_DELIVERED,)
    assert judge.decide(track(), frame(5), left_s=1.0).state is ON


def test_no_frame():
    judge = gate_on()
    assert judge.silence(0.5).reasons == (Reason.NO_FRAME,)
    assert judge.decide(track(), frame(1), now_s=0.6).state is ON


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.float32(1.0).reshape(()), id="a number"),
        pytest.param(IMAGE[None], id="a stack"),
        pytest.param(IMAGE.astype(np.float64), id="float64"),
        pytest.param(IMAGE.astype(">f4"), id="big-endian"),
        pytest.param(np.asfortranarray(IMAGE), id="column by column"),
        pytest.param(np.zeros((40, 72), dtype=np.float32)[:, ::2], id="every other column"),
        pytest.param(np.frombuffer(b"\0" + IMAGE.tobytes(), np.float32, IMAGE.size, 1).reshape(SHAPE), id="unaligned"),
    ],
)
def test_invalid_frame(image):
    judge = gate_on()
    assert Reason.INVALID_FRAME in judge.decide(None, frame(1, image)).reasons
    assert judge.decide(track(), frame(2)).state is ON


def test_an_empty_image_is_invalid():
    anywhere = Envelope(ENVELOPE.contour_px, SPACING_MM)
    reasons = gate(anywhere).decide(None, frame(1, np.zeros((0, 0), np.float32))).reasons
    assert reasons == (Reason.INVALID_FRAME, *UNTRACKED)


@pytest.mark.parametrize("image", [IMAGE[:-1].copy(), IMAGE.T.copy(), np.pad(IMAGE, 1)])
def test_wrong_shape(image):
    judge = gate_on()
    assert judge.decide(track(), frame(1, image)).reasons == (Reason.WRONG_SHAPE,)
    assert judge.decide(track(), frame(2)).state is ON


def test_an_envelope_without_a_shape_or_plane_takes_any():
    judge = gate(Envelope(ENVELOPE.contour_px, SPACING_MM))
    assert judge.decide(track(), frame(0, IMAGE[:-1].copy(), plane=Plane((9.0, 9.0, 9.0)))).state is ON


@pytest.mark.parametrize(
    "spacing_mm",
    [(1.01, 1.0), (1.0, 0.99), (-1.0, 1.0), (np.nan, 1.0), (1.0, np.inf), (1.0,), (1.0, 1.0, 1.0)],
)
def test_wrong_spacing(spacing_mm):
    judge = gate_on()
    assert judge.decide(track(), frame(1, spacing_mm=spacing_mm)).reasons == (Reason.WRONG_SPACING,)
    assert judge.decide(track(), frame(2, spacing_mm=(1.00005, 0.99995))).state is ON


def turned(degrees, about="rows"):
    """The plane turned about one of its own directions."""
    turn = math.radians(degrees)
    if about == "rows":
        return Plane(PLANE.origin_mm, PLANE.row_step, (math.sin(turn), math.cos(turn), 0.0))
    return Plane(PLANE.origin_mm, (math.sin(turn), 0.0, -math.cos(turn)), PLANE.col_step)


@pytest.mark.parametrize("about", ["rows", "columns"])
def test_wrong_plane(about):
    judge = gate_on()
    assert judge.decide(track(), frame(1, plane=turned(0.99, about))).state is ON
    for sequence, degrees in ((2, 1.01), (4, -1.01), (6, 90.0), (8, 180.0), (10, np.nan), (12, np.inf)):
        if sequence > 2:
            judge.decide(track(), frame(sequence - 1))
        assert judge.decide(track(), frame(sequence, plane=broken_or_turned(degrees, about))).reasons == (
            Reason.WRONG_PLANE,
        )
    assert judge.decide(track(), frame(13)).state is ON


def broken_or_turned(degrees, about):
    return turned(degrees, about) if math.isfinite(degrees) else Plane(PLANE.origin_mm, (0.0, 0.0, degrees))


@pytest.mark.parametrize(
    ("offset_mm", "good"),
    [((0.0, 0.0, 0.99), True), ((1.01, 0.0, 0.0), False), ((0.0, 0.8, -0.8), False), ((np.nan, 0.0, 0.0), False)],
)
def test_wrong_plane_by_its_offset(offset_mm, good):
    moved = Plane(tuple(np.add(PLANE.origin_mm, offset_mm).tolist()))
    assert (gate_on().decide(track(), frame(1, plane=moved)).state is ON) == good


def test_wrong_plane_without_directions():
    assert gate().decide(track(), frame(0, plane=Plane(PLANE.origin_mm, (0.0, 0.0, 0.0)))).state is HOLD


def test_geometry_changed():
    judge = gate_on(geometry_frames=3)
    off_grid_frames = [
        frame(1, IMAGE[:-1].copy()),
        frame(2, spacing_mm=(2.0, 2.0)),
        frame(3),
        frame(4, plane=turned(5.0)),
        frame(5, IMAGE[1:].copy()),
    ]
    for off_grid in off_grid_frames:
        assert Reason.GEOMETRY_CHANGED not in judge.decide(track(), off_grid).reasons
    assert judge.decide(track(), frame(6, spacing_mm=(2.0, 2.0))).reasons == (
        Reason.WRONG_SPACING,
        Reason.GEOMETRY_CHANGED,
    )
    assert judge.decide(track(), frame(7)).reasons == (Reason.GEOMETRY_CHANGED,)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 1, 700, 1439])
def test_not_finite(value, at):
    judge, image = gate_on(), IMAGE.copy()
    image.flat[at] = value
    assert judge.decide(track(), frame(1, image)).reasons == (Reason.NOT_FINITE,)
    assert judge.decide(None, frame(2, np.full(SHAPE, value, np.float32))).reasons == (Reason.NOT_FINITE, *UNTRACKED)
    assert judge.decide(track(), frame(3)).state is ON


@pytest.mark.parametrize("value", [0.0, -3.5, 3e38])
def test_constant(value):
    judge = gate_on()
    assert judge.decide(track(), frame(1, np.full(SHAPE, value, np.float32))).reasons == (Reason.CONSTANT,)
    assert judge.decide(track(), frame(2)).state is ON


@pytest.mark.parametrize("largest", [4095.0, 65535.0])
def test_saturated(largest):
    def clipped(pixels):
        image = IMAGE.copy()
        image.flat[:pixels] = largest
        return image

    judge = gate_on(saturated_percent=5.0)
    assert judge.decide(track(), frame(1, clipped(72))).state is ON
    assert judge.decide(track(), frame(2, clipped(73))).reasons == (Reason.SATURATED,)
    assert judge.decide(track(), frame(3)).state is ON


def test_frozen():
    judge, same = gate_on(), frame(1).image
    assert judge.decide(track(), frame(1)).state is ON
    assert judge.decide(track(), frame(2, same)).reasons == (Reason.FROZEN,)
    assert judge.decide(track(), frame(3, same)).reasons == (Reason.FROZEN,)
    assert judge.decide(track(), frame(4, same.copy())).reasons == (Reason.FROZEN,)
    assert judge.decide(track(), frame(5)).state is ON
    tolerant = gate_on(identical_frames=1)
    assert tolerant.decide(track(), frame(1)).state is ON
    assert tolerant.decide(track(), frame(2, frame(1).image)).state is ON
    assert tolerant.decide(track(), frame(3, frame(1).image)).reasons == (Reason.FROZEN,)


def test_frozen_is_told_from_a_buffer_that_is_written_anew():
    judge, buffer = gate_on(), IMAGE + 100.0
    for sequence in range(1, 5):
        buffer[3, 3] += 1.0
        assert judge.decide(track(), frame(sequence, buffer)).state is ON


def test_not_live():
    for frames in (0, 1):
        judge = gate_on(identical_frames=frames)
        for sequence, shown in enumerate((1, 2, 1, 2)[: 2 + frames], start=1):
            assert judge.decide(track(), frame(sequence, frame(shown).image)).state is ON
        again = frame(3 + frames, frame(1 + frames).image)
        assert judge.decide(track(), again).reasons == (Reason.NOT_LIVE,)
        assert judge.decide(track(), frame(4 + frames)).state is ON


def test_not_live_is_left_out_for_recordings_sorted_in_retrospect():
    judge = gate_on(retrospective=True)
    for sequence, shown in enumerate((1, 2, 1, 2, 1, 2), start=1):
        assert judge.decide(track(), frame(sequence, frame(shown).image)).state is ON


def test_sequence_gap():
    judge = gate_on()
    assert judge.decide(track(), frame(2)).reasons == (Reason.SEQUENCE_GAP,)
    assert judge.decide(track(), frame(3)).state is ON
    tolerant = gate_on(missing_frames=2)
    assert tolerant.decide(track(), frame(3)).state is ON
    assert tolerant.decide(track(), frame(7)).reasons == (Reason.SEQUENCE_GAP,)


def test_a_session_may_begin_with_any_number():
    assert gate().decide(track(), frame(812)).state is ON


def test_sequence_not_rising():
    judge = gate_on()
    assert judge.decide(track(), frame(1)).state is ON
    copied = judge.decide(track(), frame(1), now_s=0.4)
    assert copied.reasons == (Reason.FROZEN, Reason.SEQUENCE_NOT_RISING)
    assert judge.decide(track(), frame(0), now_s=0.45).reasons == (Reason.SEQUENCE_NOT_RISING,)
    assert judge.decide(track(), frame(1, IMAGE + 7.0, acquired_s=0.5), now_s=0.5).state is ON


def test_clock_backwards():
    judge = gate_on()
    judge.decide(track(), frame(1))
    assert judge.decide(track(), frame(2, acquired_s=0.25), now_s=0.29).reasons == (Reason.CLOCK_BACKWARDS,)
    assert judge.decide(track(), frame(3)).reasons == (Reason.CLOCK_BACKWARDS,)


def test_clock_backwards_by_the_time_of_acquisition():
    judge = gate_on()
    judge.decide(track(), frame(1))
    assert judge.decide(track(), frame(2, acquired_s=0.25)).state is ON
    assert judge.decide(track(), frame(3, acquired_s=0.249), now_s=0.7).reasons == (Reason.CLOCK_BACKWARDS,)


def test_clock_backwards_in_silence():
    judge = gate_on()
    assert judge.silence(0.05).reasons == (Reason.NO_FRAME,)
    assert judge.silence(0.04).reasons == (Reason.NO_FRAME, Reason.CLOCK_BACKWARDS)
    assert judge.decide(track(), frame(1)).reasons == (Reason.CLOCK_BACKWARDS,)


def test_a_frame_with_a_time_that_cannot_be_believed_makes_no_clock_go_backwards():
    judge = gate_on()
    for sequence, acquired_s in enumerate((np.nan, np.inf, -np.inf, 99.0), start=1):
        found = judge.decide(track(), frame(sequence, acquired_s=acquired_s))
        assert Reason.STALE_FRAME in found.reasons
    for sequence, now_s in enumerate((np.nan, np.inf, -np.inf), start=5):
        assert judge.decide(track(), frame(sequence), now_s=now_s).reasons == (Reason.STALE_FRAME,)
    assert judge.decide(track(), frame(8)).state is ON


def test_stale_frame():
    judge = gate_on()
    assert judge.decide(track(), frame(1, delay_s=0.5)).state is ON
    assert judge.decide(track(), frame(3, delay_s=0.51)).reasons == (Reason.SEQUENCE_GAP, Reason.STALE_FRAME)
    assert judge.decide(track(), frame(6, delay_s=-0.021)).reasons == (Reason.SEQUENCE_GAP, Reason.STALE_FRAME)
    assert judge.decide(track(), frame(7, delay_s=-0.019)).state is ON


def test_low_confidence():
    judge = gate_on()
    assert judge.decide(track(confidence=0.5), frame(1)).state is ON
    assert judge.decide(track(confidence=0.499), frame(2)).reasons == (Reason.LOW_CONFIDENCE,)
    assert judge.decide(track(confidence=0.549), frame(3)).reasons == (Reason.LOW_CONFIDENCE,)
    assert judge.decide(track(confidence=0.551), frame(4)).state is ON
    assert judge.decide(None, frame(5)).reasons == UNTRACKED
    for sequence, confidence in enumerate((1.01, np.nan, np.inf, -np.inf), start=6):
        assert judge.decide(track(confidence=confidence), frame(sequence)).reasons == (Reason.LOW_CONFIDENCE,)


def test_target_jump():
    judge = gate_on(outside_percent=100.0, jump_mm_per_s=20.0)
    assert judge.decide(track(4.9), frame(1)).state is ON
    assert judge.decide(track(-0.2), frame(2)).reasons == (Reason.TARGET_JUMP,)
    assert judge.decide(track(-0.2), frame(3)).state is ON


def test_a_target_that_was_lost_has_had_time_to_move():
    judge = gate_on(outside_percent=100.0, jump_mm_per_s=20.0)
    assert judge.decide(track(confidence=0.1), frame(1)).reasons == (Reason.LOW_CONFIDENCE,)
    assert judge.decide(track(9.9), frame(2)).state is ON
    assert judge.decide(track(confidence=0.1), frame(3)).reasons == (Reason.LOW_CONFIDENCE,)
    assert judge.decide(track(-0.2), frame(4)).reasons == (Reason.TARGET_JUMP,)


def test_frames_that_arrive_together_are_no_jump():
    judge = gate_on(jump_mm_per_s=20.0)
    assert judge.decide(track(), frame(1, acquired_s=0.3)).state is ON
    assert judge.decide(track(0.9), frame(2, acquired_s=0.301)).state is ON
    assert judge.decide(track(2.0), frame(3, acquired_s=0.302)).reasons == (Reason.TARGET_JUMP,)


def test_outside():
    inside_mm, between_mm, outside_mm = 4.6, 4.9, 5.3
    percents = [ENVELOPE.outside_percent(track(mm).contour_px) for mm in (inside_mm, between_mm, outside_mm)]
    assert percents[0] < 4.0 < percents[1] < 5.0 < percents[2]
    judge = gate_on()
    assert judge.decide(track(between_mm), frame(1)).state is ON
    assert judge.decide(track(outside_mm), frame(2)).reasons == (Reason.OUTSIDE,)
    assert judge.decide(track(between_mm), frame(3)).reasons == (Reason.OUTSIDE,)
    assert judge.decide(track(inside_mm), frame(4)).state is ON


BOWEL = np.add(track().contour_px, (0.0, 16.0))


@pytest.mark.parametrize("limit", [{"most_percent": 10.0}, {"most_mm2": 11.3}])
def test_avoid_in_zone(limit):
    def bowel(towards_mm):
        return Track(np.subtract(BOWEL, (0.0, towards_mm)), (19.0, 33.0 - towards_mm), 0.9)

    judge = gate((TargetZone(ENVELOPE), KeepOutZone((ENVELOPE,), **limit)))
    share = {mm: ENVELOPE.inside(bowel(mm).contour_px)[0] for mm in (0.0, 1.7, 2.0, 2.4)}
    assert share[0.0] == 0.0
    assert share[1.7] < 8.0 < share[2.0] < 10.0 < share[2.4]
    decisions = [judge.decide((track(), bowel(mm)), frame(i)) for i, mm in enumerate((0.0, 2.0, 2.4, 2.0, 1.7))]
    assert [decision.state for decision in decisions] == [ON, ON, HOLD, HOLD, ON]
    assert decisions[2].reasons == decisions[3].reasons == (Reason.AVOID_IN_ZONE,)
    assert judge.decide((track(), bowel(np.nan)), frame(5)).reasons == (Reason.AVOID_IN_ZONE,)


@pytest.mark.parametrize("where", [{"si_mm": 3.6}, {"si_mm": -3.6}, {"ap_mm": 2.1}, {"ap_mm": -2.1}])
def test_exceptional_position(where):
    known = LearnedRange((18.5, 19.5), (17.0, 17.0))
    judge = gate_on(learned=known, exception_mm=2.0 if "ap_mm" in where else 3.0)
    nearer = {axis: 0.9 * mm for axis, mm in where.items()}
    assert judge.decide(track(**nearer), frame(1)).state is ON
    assert judge.decide(track(**where), frame(2)).reasons == (Reason.EXCEPTIONAL_POSITION,)
    assert judge.decide(track(), frame(3)).state is ON
    nowhere = Track(track().contour_px, (np.nan, 17.0), 0.9)
    assert judge.decide(nowhere, frame(4)).reasons == (Reason.TARGET_JUMP, Reason.EXCEPTIONAL_POSITION)


def test_cannot_promise():
    limits = GateConfig(risk_percent=1.0)
    judge = Gate(ENVELOPE, limits, prediction=PredictionConfig(mode="full", burn_in_s=5.0))
    reasons = [judge.decide(track(0.1 * (sequence % 2)), frame(sequence)).reasons for sequence in range(180)]
    # With 1 % nothing can be promised before a hundred decisions are known.
    assert all(Reason.CANNOT_PROMISE in held for held in reasons[:100])
    assert reasons[-1] == ()


def test_baseline_drift():
    judge, sequence = gate(drift_mm=2.0, drift_cycles=3), 0
    reasons = []
    for baseline_mm in (0.0, 0.0, 0.0, 0.0, 1.5, 1.5, 1.5, 2.5, 2.5, 2.5, 0.0, 0.0, 0.0):
        for breath_mm in (0.0, -1.0, 0.0, 3.9):
            reasons.append(judge.decide(track(baseline_mm + breath_mm - 2.5), frame(sequence)).reasons)
            sequence += 1
    drifted = [Reason.BASELINE_DRIFT in held for held in reasons]
    # Three breaths at 2.5 mm, seen at the end of the next breath in of the second of them, make the median.
    assert drifted.index(True) == 4 * 8 + 3
    assert not drifted[-1]
    assert sum(drifted) == 4 * 3
