"""Records of a beam become times at which it came on and ended; damaged ones are refused in one line."""

import json

import numpy as np
import pytest

from gatekeeper.core.errors import InputError
from replay.qa.beam import from_counts, from_pulses, from_states, read_beam, read_interlock

EDGES = [(1.0, 2.5), (4.0, 4.9), (7.3, 9.0)]


def pulses(rate_hz, dropped, seed, edges=EDGES):
    random = np.random.default_rng(seed)
    parts = [np.arange(a + random.uniform(0, 1 / rate_hz), b, 1 / rate_hz) for a, b in edges]
    found = np.concatenate(parts)
    return found[random.random(found.size) >= dropped]


@pytest.mark.parametrize(("rate_hz", "dropped"), [(100.0, 0.0), (100.0, 0.4), (400.0, 0.2)])
def test_dropped_pulses_bias_neither_end(rate_hz, dropped):
    edges = [(3.0 * k + 1.0, 3.0 * k + 2.2) for k in range(300)]
    record = from_pulses(pulses(rate_hz, dropped, 1, edges))
    late_s = record.on_s - np.array(edges)[:, 0], record.off_s - np.array(edges)[:, 1]
    assert len(record.on_s) == len(edges)
    for one in late_s:
        assert abs(one.mean()) < 3.0 * one.std() / np.sqrt(one.size)
        assert one.std() == pytest.approx(record.resolution_s, rel=0.35)


def test_every_second_pulse_dropped_in_order_is_no_end_of_the_beam():
    record = from_pulses(pulses(200.0, 0.0, 1)[::2])
    assert record.on_s == pytest.approx([1.0, 4.0, 7.3], abs=0.012)
    assert record.pulse_hz == pytest.approx(100.0, rel=0.02)


def test_a_dark_count_is_no_beam():
    record = from_pulses(np.sort(np.append(pulses(200.0, 0.0, 1), [3.2, 6.0, 6.5])))
    assert record.off_s == pytest.approx([2.5, 4.9, 9.0], abs=0.006)


def test_counts_above_half_of_the_signal_are_the_beam():
    random = np.random.default_rng(2)
    times_s = np.arange(0.0, 10.0, 0.002)
    middle_s = times_s + 0.001
    on = np.any([(middle_s > a) & (middle_s < b) for a, b in EDGES], axis=0)
    record = from_counts(times_s, random.poisson(np.where(on, 60.0, 2.0)).astype(float))
    assert record.on_s == pytest.approx([1.0, 4.0, 7.3], abs=0.003)
    assert record.off_s == pytest.approx([2.5, 4.9, 9.0], abs=0.003)


def test_a_signal_that_never_changes_is_refused():
    with pytest.raises(InputError, match="never seen to change"):
        from_counts(np.arange(100) * 0.01, np.full(100, 5.0))


def test_too_few_pulses_are_refused():
    with pytest.raises(InputError, match="give at least 7"):
        from_pulses(np.array([1.0, 1.01, 1.02]))


def test_states_and_what_is_on():
    record = from_states(np.array([0.0, 1.0, 2.0, 3.0]), np.array([False, True, True, False]))
    assert (record.on_s.tolist(), record.off_s.tolist()) == ([1.0], [3.0])
    assert record.is_on(np.array([0.5, 1.0, 2.9, 3.0])).tolist() == [False, True, True, False]
    assert record.later(2.0).on_s.tolist() == [3.0]


def log_line(event, time_s, state, lost=0):
    return json.dumps({"event": event, "time_s": time_s, "state": state, "lines_lost": lost})


def test_the_beam_of_a_simulated_machine_counts_before_the_state(tmp_path):
    path = tmp_path / "interlock.jsonl"
    lines = [log_line("state", 1.0, "ON"), log_line("state", 2.0, "HOLD")]
    path.write_text("\n".join(lines))
    assert read_beam(path).on_s.tolist() == [1.0]
    path.write_text("\n".join([*lines, log_line("beam", 1.065, "ON"), log_line("beam", 2.04, "HOLD")]))
    assert read_beam(path).on_s.tolist() == [1.065]
    assert read_interlock(path, "state").off_s.tolist() == [2.0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it needs pulse_s"),
        ("pulse_s\n1\nx\n", "row 3 is 'x'"),
        ("pulse_s\n1\nnan\n", "not finite"),
        ("dose\n1\n", "no known column"),
        ("time_s\n1\n", "its columns are time"),
        ("time_s,counts\n1,2\n0,3\n", "do not rise"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(tmp_path, text, says):
    path = tmp_path / "beam.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as error:
        read_beam(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["no json", "[1]", '{"event": "state"}', log_line("state", 1.0, "ON", lost=3)])
def test_a_bad_log_is_refused(tmp_path, text):
    path = tmp_path / "log.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=r"log\.jsonl"):
        read_beam(path)


def test_a_file_that_is_missing_is_refused(tmp_path):
    for name in ("a.csv", "a.jsonl"):
        with pytest.raises(InputError, match="cannot be read"):
            read_beam(tmp_path / name)
