"""The yardstick of prediction: that what it simulates is what it says, and that it counts time rightly."""

import io
import json
import shutil

import numpy as np
import pytest
from rich.console import Console

from benchmarks.prediction import __main__ as command
from benchmarks.prediction import traces
from benchmarks.prediction.gating import beam_at, beam_on, beam_on_within, instants_of, pooled, predict, score, settings
from benchmarks.prediction.methods import METHODS, OURS
from benchmarks.prediction.scenes import Breathing, Scene, measured, recorded, simulated
from benchmarks.prediction.table import cases_table
from benchmarks.prediction.traces import equal_duty, title_of
from gatekeeper.core.errors import RecordingError
from gatekeeper.gating.predictor import Prediction


def ramp_scene(rate_hz=4.0):
    """Inside until 10 s, outside from then on; measured exactly."""
    truth_s = np.arange(0.0, 20.0, 0.005)
    truth_mm = 0.3 * truth_s
    times_s = np.arange(0.0, 19.9, 1.0 / rate_hz)
    measured_mm = np.stack([0.3 * times_s + 1e-9, np.zeros(len(times_s))], axis=1)
    return Scene(truth_s, truth_mm, times_s, measured_mm, np.ones(len(times_s)), 2.0)


class Prophet:
    """Knows the ramp."""

    def __init__(self):
        self._now_s = np.nan

    def add(self, time_s, position_mm, confidence):
        self._now_s = time_s

    def predict(self, *aheads_s):
        return tuple(
            Prediction((0.3 * (self._now_s + ahead_s), 0.0), (0.0, 0.0), True, 0.0, 1.0) for ahead_s in aheads_s
        )


def test_the_beam_lags_by_latency_and_by_the_wait_for_the_next_frame():
    scene, config = ramp_scene(), settings("off", 0.3)
    on = beam_on(scene, predict(scene, Prophet(), instants_of(scene, config)), config)
    assert not beam_at(scene, on, 0.3)[scene.truth_s < 0.299].any()
    found = score(scene, on, 0.3)
    assert found.on_while_out == pytest.approx(100.0 * 0.3 / 18.0, abs=0.06)
    assert found.accuracy == pytest.approx(100.0 - found.on_while_out, abs=0.06)
    assert found.inside == pytest.approx(100.0 * 8.0 / 18.0, abs=0.06)
    assert found.crossing_error_ms == pytest.approx(300.0, abs=10.0)


@pytest.mark.parametrize(("look_ahead", "off_at_s"), [("middle", 10.05), ("whole", 9.8)])
def test_a_prophet_is_right_as_the_frames_allow(look_ahead, off_at_s):
    scene, config = ramp_scene(), settings("full", 0.3, look_ahead)
    on = beam_on(scene, predict(scene, Prophet(), instants_of(scene, config)), config)
    beam = beam_at(scene, on, 0.3)
    assert scene.truth_s[beam].max() == pytest.approx(off_at_s, abs=0.01)


def test_pooling_weighs_by_time():
    scene, config = ramp_scene(), settings("off", 0.3)
    on = beam_on(scene, predict(scene, Prophet(), instants_of(scene, config)), config)
    one = score(scene, on, 0.3)
    assert pooled([one, one]).on_while_out == pytest.approx(one.on_while_out)
    assert pooled([one, one]).crossing_error_ms == pytest.approx(one.crossing_error_ms)


def test_simulated_breathing_is_what_it_says():
    breathing = Breathing(spread=0.0, wander_mm=0.0, noise_mm=0.0)
    scene = simulated(breathing, 8.0, 0, 340.0, 60.0)
    assert np.ptp(scene.truth_mm) == pytest.approx(15.0, abs=0.01)
    assert np.count_nonzero(np.diff(np.abs(scene.truth_mm) <= 3.0)) == 160
    assert (np.abs(scene.truth_mm) <= 3.0).mean() == pytest.approx(0.51, abs=0.002)
    np.testing.assert_allclose(scene.measured_mm[:, 0], np.interp(scene.times_s, scene.truth_s, scene.truth_mm))
    noisy = simulated(Breathing(noise_mm=0.3), 4.0, 1, 300.0, 60.0)
    error_mm = noisy.measured_mm[:, 0] - np.interp(noisy.times_s, noisy.truth_s, noisy.truth_mm)
    assert error_mm.std() == pytest.approx(0.3, rel=0.1)
    assert np.array_equal(noisy.truth_mm, simulated(Breathing(noise_mm=0.1), 8.0, 1, 300.0, 60.0).truth_mm)


@pytest.mark.slow
def test_prediction_is_better_than_the_sketch_that_set_the_mark():
    """On one short trace; all figures and their spread are printed by `make bench-predict`."""
    scene = simulated(Breathing(), 8.0, 7, 300.0, 60.0)
    scores, _, _ = command.judge(scene, 0.3)
    assert 8.0 < scores[command.RAW].on_while_out < 9.0
    assert scores[command.FULL].on_while_out < 1.4
    assert scores[command.FULL].accuracy > 97.3
    assert scores[command.BOTH].on_while_out < 1.1
    assert scores[command.BOTH].duty_cycle > 41.5
    assert scores[command.FULL_WHOLE].on_while_out < 0.4
    assert scores["Kalman filter, full"].accuracy < scores[command.FULL].accuracy
    assert scores["straight line, full"].accuracy < scores[command.FULL].accuracy


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_follows_slow_motion(name):
    predictor = METHODS[name]()
    for time_s in np.arange(0.0, 60.0, 0.125):
        predictor.add(float(time_s), np.array([0.2 * time_s, 1.0]), 1.0)
        said = predictor.predict(0.4)[0]
    assert said.healthy
    assert said.position_mm == pytest.approx((0.2 * (time_s + 0.4), 1.0), abs=0.05)


def write_trace(path, columns="time_s,si_mm,ap_mm,lr_mm", seconds=40.0):
    times_s = np.arange(0.0, seconds, 0.2)
    si_mm = -12.0 * np.sin(np.pi * times_s / 4.0) ** 4
    rows = np.stack([times_s, si_mm, 0.2 * si_mm, 0.0 * si_mm], axis=1)
    np.savetxt(path, rows, delimiter=",", header=columns, comments="", fmt="%.4f")


def test_a_measured_trace_is_inside_at_end_exhale_and_sampled_as_frames(tmp_path):
    write_trace(tmp_path / "one.csv")
    (_, first), (_, second) = measured(tmp_path, 8.0, 0.1, 2)
    assert first.times_s[1] == 0.125
    assert first.truth_mm.min() == pytest.approx(0.0, abs=1.5)
    assert first.truth_mm.max() > 9.0
    np.testing.assert_array_equal(first.truth_mm, second.truth_mm)
    assert 0.05 < np.std(first.measured_mm - second.measured_mm) < 0.25


@pytest.mark.parametrize("columns", ["t,si_mm,ap_mm,lr_mm", "time_s,x,y,z"])
def test_a_file_that_is_no_trace_is_named(tmp_path, columns):
    write_trace(tmp_path / "other.csv", columns, seconds=2.0)
    with pytest.raises(RecordingError, match=r"other\.csv: is no trace; give the columns time_s, si_mm, ap_mm"):
        list(measured(tmp_path, 8.0, 0.1, 1))


def test_a_risk_limit_holds_until_it_can_be_promised_and_lets_the_beam_on_then(tmp_path):
    write_trace(tmp_path / "one.csv", seconds=60.0)
    ((_, scene),) = measured(tmp_path, 8.0, 0.1, 1)
    on = beam_on_within(scene, settings("full", 0.3), 2.0)
    assert not on[:50].any()
    assert on[300:].any()
    assert score(scene, on, 0.3).on_while_out <= 2.0


@pytest.mark.slow
def test_methods_are_compared_at_equal_duty_cycle(tmp_path):
    write_trace(tmp_path / "one.csv", seconds=60.0)
    scenes = [scene for _, scene in measured(tmp_path, 8.0, 0.1, 1)]
    found = equal_duty(scenes, 0.3, 35.0)
    assert {f"{name}, full" for name in METHODS} | {command.RAW} == set(found)
    for at in found.values():
        assert at.duty_cycle == pytest.approx(35.0, abs=1.5)
    assert found[command.RAW].on_while_out > 2.0 * found[command.FULL].on_while_out
    assert found[command.RAW].shift_mm > found[command.FULL].shift_mm


@pytest.mark.slow
def test_whole_sessions_are_scored_by_the_truth_that_the_trace_gives(tmp_path, capsys):
    """Breathing of 4 s between 0 and 12 mm inferior: inside within 3 mm of end-exhale for two fifths of the time."""
    times_s = np.arange(0.0, 50.0, 0.05)
    si_mm = -6.0 + 6.0 * np.cos(2.0 * np.pi * times_s / 4.0)
    rows = "".join(f"{time_s:.2f},{mm:.3f},0\n" for time_s, mm in zip(times_s, si_mm, strict=True))
    (tmp_path / "even.csv").write_text(f"time_s,si_mm,ap_mm\n{rows}", encoding="utf-8")
    told = ("--traces", str(tmp_path), "--sessions", "--json")
    assert command.main([*told, "--seconds", "48"]) == 0
    without, *limited = json.loads(capsys.readouterr().out.splitlines()[-1])["sessions"]
    assert [one["risk_percent"] for one in (without, *limited)] == [None, 2.0, 1.0, 0.5]
    assert without["error_mm"] < 1.0
    assert 30.0 < without["inside"] < 65.0
    assert without["on_while_out"] < 5.0
    assert 20.0 < without["duty_cycle"] < 65.0
    assert without["on_while_out"] == pytest.approx(without["estimated"], abs=1.0)
    assert all(one["on_while_out"] <= one["risk_percent"] + 0.3 for one in limited)
    with pytest.raises(SystemExit):
        command.main(["--sessions"])


@pytest.mark.slow
def test_the_command_prints_its_tables_and_writes_its_picture(tmp_path, capsys):
    write_trace(tmp_path / "one.csv")
    args = [
        "--traces",
        str(tmp_path),
        "--seeds",
        "1",
        "--minutes",
        "0.5",
        "--cine",
        str(tmp_path),
        "--plot",
        str(tmp_path / "a.png"),
        "--json",
    ]
    assert command.main(args) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(result["simulated"]) == len(command.SETTINGS)
    for ways in result["simulated"].values():
        assert {command.RAW, command.FULL, command.BOTH, "plain ridge, full"} <= set(ways)
    assert result["recorded"] == {}
    assert set(result["measured"]) == {title_of(*setting) for setting in traces.SETTINGS}
    result_at = result["measured"]["8 frames/s, 500 ms"]
    assert set(result_at["traces"]) == {"one, 0", "one, 1"}
    risk_name = f"{traces.FULL_GATE}, risk 1 %"
    assert risk_name in result_at["traces"]["one, 0"]
    assert "Kalman filter, full" in result_at["equal_duty"][risk_name]
    assert 0.0 < result["time_us"]["p50"] <= result["time_us"]["p99"] <= result["time_us"]["max"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert command.main([*args[:-3], "--plot", str(tmp_path / "absent" / "a.png")]) == 2


@pytest.mark.slow
def test_prediction_halves_beam_on_while_out_on_recorded_traces(cine):
    scores = [command.judge(scene, 0.3)[0] for _, scene in recorded(cine)]
    rows = command.collect(scores)
    raw, full = pooled(rows[command.RAW]), pooled(rows[command.FULL])
    assert full.on_while_out < 0.3 * raw.on_while_out
    assert full.duty_cycle > raw.duty_cycle - 6.0
    printed = io.StringIO()
    shown = {way: rows[way] for way in (command.RAW, command.FULL)}
    Console(file=printed, width=150).print(cases_table("", shown, {str(case): 0.5 for case in range(len(scores))}))
    assert f"{raw.on_while_out:.2f} / {raw.duty_cycle:.2f}" in printed.getvalue()


def test_a_case_without_a_first_mask_is_passed_over(cine, tmp_path):
    shutil.copytree(cine / "B2_v" / "images", tmp_path / "B2_v" / "images")
    for file in ("frame-rate.json", "b-field-strength.json", "scanned-region.json"):
        shutil.copy(cine / "B2_v" / file, tmp_path / "B2_v" / file)
    assert list(recorded(tmp_path)) == []
    assert OURS in METHODS
