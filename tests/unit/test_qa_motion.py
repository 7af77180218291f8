"""Known motion is made or read, with superior, posterior and left positive."""

import numpy as np
import pytest

from gatekeeper.core.axes import CORONAL, SAGITTAL
from gatekeeper.core.errors import InputError
from replay.qa.insert import make_insert
from replay.qa.live import with_lead
from replay.qa.motion import joined, periodic, sweep
from replay.qa.motion_file import read_motion
from replay.qa.window import in_plane


def test_a_sine_goes_from_exhale_to_inferior_and_back():
    motion = periodic("sine", 20.0, 4.0, 10.0)
    assert motion.times_s[-1] == pytest.approx(12.0)
    at = motion.at(np.array([0.0, 2.0, 4.0]))
    assert at[:, 0] == pytest.approx([0.0, -20.0, 0.0], abs=1e-6)
    assert in_plane(at, SAGITTAL)[1] == pytest.approx([20.0, -5.0], abs=1e-6)


def test_a_square_rests_on_both_levels():
    motion = periodic("square", 15.0, 4.0, 4.0)
    assert motion.at(np.array([0.5, 2.0, 3.5]))[:, 0] == pytest.approx([0.0, -15.0, 0.0])
    assert np.abs(np.diff(motion.position_mm[:, 0])).max() == pytest.approx(15.0 * 0.001 / 0.2, rel=0.01)


def test_the_sweep_covers_the_amplitudes_and_periods():
    motion = sweep(2)
    sines = [one for one in motion.segments if one.shape == "sine"]
    assert {one.amplitude_mm for one in sines} == {5.0, 10.0, 15.0, 20.0, 30.0}
    assert {round(one.period_s) for one in sines} >= {2, 3, 5, 6}
    assert motion.segments[0].amplitude_mm == 30.0
    assert np.all(np.diff(motion.times_s) > 0.0)


def test_the_lead_repeats_the_first_part_and_is_no_part_itself():
    motion = joined([periodic("sine", 20.0, 4.0, 8.0), periodic("square", 15.0, 3.0, 3.0)])
    led = with_lead(motion, 10.0)
    assert [one.shape for one in led.segments] == ["sine", "square"]
    assert led.segments[0].from_s == pytest.approx(12.5)
    assert led.at(np.array([2.0]))[0, 0] == pytest.approx(-20.0)


@pytest.mark.parametrize("names", ["time_s,S,P,L", "time_s,si_mm,ap_mm,lr_mm", "t,s_mm,p_mm,l_mm"])
def test_a_trace_is_read_by_any_of_its_names(tmp_path, names):
    path = tmp_path / "trace.csv"
    path.write_text(f"{names}\n0.0,0,0,0\n0.2,-1,0.5,0.1\n0.4,-3,1,0.2\n")
    motion = read_motion(path)
    assert motion.at(np.array([0.2, 0.4]))[0] == pytest.approx([-1.0, 0.5, 0.1], abs=1e-9)
    assert motion.segments[0].amplitude_mm == pytest.approx(3.0)
    assert motion.segments[0].shape == "trace"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time_s\n1\n2\n", "it needs time_s"),
        ("S,P\n1,2\n", "it needs time_s"),
        ("time_s,S\n0,1\n0,2\n", "do not rise"),
        ("time_s,S\n0,1\n", "1 rows"),
        ("time_s,S\n0,1\n1\n", "row 3"),
        ("time_s,S\n0,1\n999999999,2\n", "more than"),
    ],
)
def test_a_bad_trace_is_refused_in_one_line(tmp_path, text, says):
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as error:
        read_motion(path)
    assert "\n" not in str(error.value)


def test_the_insert_moves_its_target_as_told():
    insert = make_insert(SAGITTAL)
    dark = []
    for moved_mm in ([0.0, 0.0], [18.0, -9.0]):
        image = insert.image(np.array(moved_mm), 5)
        shifted = np.roll(insert.target_mask, (round(moved_mm[0] / 1.8), round(moved_mm[1] / 1.8)), (0, 1))
        dark.append(float(image[shifted].mean()))
        assert image.dtype == np.float32
    assert dark[0] == pytest.approx(dark[1], rel=0.03)
    assert dark[0] < 0.75 * float(insert.image(np.zeros(2), 5)[60:100, 40:100].mean() + 60.0)


def test_each_frame_of_the_insert_has_noise_of_its_own():
    insert = make_insert(CORONAL)
    one, same, other = (insert.image(np.zeros(2), number) for number in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert insert.plane.col_step == CORONAL.cols.step
