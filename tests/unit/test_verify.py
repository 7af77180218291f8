"""`gatekeeper verify` says good of a session as it was written, and names whatever is not as it was."""

import json
import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.config import GateConfig, SessionConfig, TrackerConfig
from gatekeeper.core.clock import PacedClock, VirtualClock
from gatekeeper.core.login import login_name
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.hash_chain import read_chain
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.session.arming import arm
from gatekeeper.session.loop import run_loop
from gatekeeper.tracking.tracker import StructureTracker
from replay.player import Player
from replay.run import replay_input
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.sessions import checked, forge, lines, repeating_session, session_numbers


@pytest.fixture
def session(eventful_session, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(eventful_session, tmp_path / "s")


def test_session_as_it_was_written_is_good(eventful_session, capsys):
    found = checked(eventful_session)
    assert found.findings == []
    assert (found.good, found.finished, found.frames, found.different) == (True, True, 20, 0)
    assert found.compared > 20, "the silences count too"
    assert gatekeeper("verify", eventful_session) == 0
    assert gatekeeper("verify", eventful_session, "--head", found.head, "--json") == 0
    out, err = capsys.readouterr()
    values = json.loads(out.splitlines()[-1])
    assert (values["good"], values["head"], values["differences"]) == (True, found.head, [])
    assert found.head in err
    assert (values["result"], values["signed_lines"], values["identity"]["user"]) == ("good", found.lines, login_name())


def test_picture_that_comes_back_is_found_again(undrawn, tmp_path):
    folder = repeating_session(tmp_path / "s")
    held = [
        one["sequence"] for one in read_chain(b"".join(lines(folder))).entries if "not_live" in one.get("reasons", ())
    ]
    assert held == [12]
    found = checked(folder)
    assert (found.findings, found.compared) == ([], 30)
    forge(
        folder,
        lambda entries: (one | {"reasons": [], "state": "ON"} if one.get("sequence") == 12 else one for one in entries),
    )
    assert "1 of 30 decisions came out otherwise" in checked(folder).findings


def _moved(by_mm, **versions):
    """Return a change of a journal: other versions, and the target's centre moved on every frame."""

    def change(entries):
        header, *others = entries
        yield header | {"versions": header["versions"] | versions}
        for entry in others:
            row_mm, col_mm = entry.get("center_mm") or (None, None)
            yield entry if row_mm is None else entry | {"center_mm": [row_mm + by_mm, col_mm]}

    return change


def test_last_digits_under_other_versions_are_a_note_and_no_finding(session):
    forge(session, _moved(3e-14, numpy="1.0"))
    found = checked(session)
    assert found.findings == []
    assert found.rounded > 10
    assert any("came out the same but for rounding" in note for note in found.notes)


@pytest.mark.parametrize(("by_mm", "versions"), [(3e-14, {}), (1e-3, {"numpy": "1.0"})])
def test_numbers_that_versions_do_not_explain_are_a_finding(session, by_mm, versions):
    forge(session, _moved(by_mm, **versions))
    found = checked(session)
    assert found.rounded == 0
    assert f"{found.different} of {found.compared} decisions came out otherwise" in found.findings


def test_session_in_real_time_verifies_though_its_times_never_come_again(tmp_path):
    case, config = breathing_case(frames=12), SessionConfig()
    material, clock = replay_input(case), PacedClock(1000.0)
    armed = arm(material.setup, config)
    with SessionRecorder(tmp_path / "s", config, material.setup) as session:
        run_loop(Player(case, clock), armed.engine, DryRunLinac(), session, clock, config.gate.max_age_s)
        session.finish({})
    found = checked(tmp_path / "s")
    assert [finding for finding in found.findings if not finding.startswith("summary.json")] == []
    assert found.compared >= 12


def test_operator_is_obeyed_again(tmp_path):
    case, config = breathing_case(frames=12, amplitude_px=0.0), SessionConfig()
    material, clock = replay_input(case), VirtualClock()
    armed = arm(material.setup, config)

    class Operator(Player):
        def next_frame(self, timeout_s):
            if self._next in (4, 8):
                name = "disarm" if self._next == 4 else "arm"
                getattr(armed.gate, name)()
                session.event(name, clock.now_s(), {})
            return super().next_frame(timeout_s)

    with SessionRecorder(tmp_path / "s", config, material.setup) as session:
        run_loop(Operator(case, clock), armed.engine, DryRunLinac(), session, clock, config.gate.max_age_s)
        session.finish(session_numbers(session))
    states = [entry.get("state", entry["kind"]) for entry in read_chain(b"".join(lines(tmp_path / "s"))).entries]
    assert states == ["header", "HOLD", *["ON"] * 3, "event", *["HOLD"] * 4, "event", "HOLD", *["ON"] * 3, "end"]
    assert checked(tmp_path / "s").findings == []
    forge(tmp_path / "s", lambda entries: [one for one in entries if one.get("event") != "disarm"])
    assert "5 of 12 decisions came out otherwise" in checked(tmp_path / "s").findings


def test_unknown_event_is_a_finding(session):
    event = {"kind": "event", "event": "dance", "time_s": 0.0, "values": {}}
    forge(session, lambda entries: [entries[0], event, *entries[1:]])
    assert any("event 'dance' at 0.0 s: is not known" in finding for finding in checked(session).findings)


def test_bytes_all_over_a_real_journal_are_guarded(eventful_session):
    data = (eventful_session / "decisions.jsonl").read_bytes()
    head = read_chain(data).head
    for place in range(0, len(data), 5):  # of a small journal every byte is tried, in tests/property/test_hash_chain.py
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        chain = read_chain(bytes(changed))
        assert chain.finding is not None, place
        assert chain.head != head


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_verify_finds_any_byte_that_was_changed(session, eventful_session, data):
    journal = (eventful_session / "decisions.jsonl").read_bytes()
    place, byte = data.draw(st.integers(0, len(journal) - 1)), data.draw(st.integers(0, 255))
    (session / "decisions.jsonl").write_bytes(journal[:place] + bytes([byte]) + journal[place + 1 :])
    assert checked(session).good == (journal[place] == byte)


@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_edited_line_is_found_and_the_lines_before_are_still_checked(session, which):
    all_lines = lines(session)
    number = {"first": 0, "middle": 9, "last": len(all_lines) - 1}[which]
    all_lines[number] = all_lines[number].replace(b"e", b"f", 1)
    (session / "decisions.jsonl").write_bytes(b"".join(all_lines))
    found = checked(session)
    assert found.findings[0] == f"decisions.jsonl, line {number}: is not as it was written, its hash does not match"
    assert found.lines == number
    assert gatekeeper("verify", session) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[:5] + lines[6:], "line 5: does not follow"),
        (lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], "line 5: does not follow"),
        (lambda lines: [*lines[:5], lines[4], *lines[5:]], "line 5: does not follow"),
        (lambda lines: lines[:-1], "was signed: lines were removed"),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], "was signed: lines were removed"),
        (lambda lines: [*lines[:-1], lines[-1][:40]], "was signed: lines were removed"),
        (lambda lines: lines[:1], "was signed: lines were removed"),
        (lambda lines: [], "the journal is empty"),
    ],
    ids=["dropped", "swapped", "doubled", "no end", "no line end", "cut", "header only", "empty"],
)
def test_lines_that_are_gone_moved_or_cut_are_found(session, change, words):
    (session / "decisions.jsonl").write_bytes(b"".join(change(lines(session))))
    assert any(words in finding for finding in checked(session).findings)
    assert gatekeeper("verify", session) == 1


@pytest.mark.parametrize("kept", [3, -1])
def test_end_that_is_gone_with_summary_and_signatures_is_incomplete_and_found_by_the_head(
    session, eventful_session, capsys, kept
):
    head = checked(eventful_session).head
    (session / "decisions.jsonl").write_bytes(b"".join(lines(session)[:kept]))
    (session / "summary.json").unlink()
    (session / "signatures.jsonl").unlink()
    found = checked(session)
    assert (found.findings, found.result) == ([], "incomplete")
    missing = ["summary.json", "decisions.jsonl: its last line", "lines at the end are not signed"]
    missing += ["the decisions on 18 more frames"] if kept == 3 else []
    assert all(word in one for word, one in zip(missing, found.missing, strict=True)), found.missing
    assert gatekeeper("verify", session) == 3
    assert "result    incomplete" in capsys.readouterr().out
    assert any(f"not with the given head {head}" in finding for finding in checked(session, head).findings)


def test_journal_written_anew_with_fitting_hashes_is_found_by_replay_and_by_the_head(session, eventful_session):
    head = checked(eventful_session).head

    def change(entries):
        held = next(entry for entry in entries if "outside" in entry.get("reasons", ()))
        held.update(state="ON", reasons=[])
        return entries

    forge(session, change)
    found = checked(session, head)
    assert any("not with the given head" in finding for finding in found.findings)
    assert any("do not agree with the decisions" in finding for finding in found.findings)
    assert f"1 of {found.compared} decisions came out otherwise" in found.findings
    assert [(one.field, one.replayed) for one in found.differences] == [("reasons", ["outside"]), ("state", "HOLD")]
    assert "reasons" in found.as_table()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence", 0.987),
        ("outside_percent", 0.001),
        ("center_mm", [60.0, 60.0]),
        ("contour_hash", "0" * 64),
        ("extra", 1),
    ],
)
def test_every_field_of_a_decision_is_compared(session, field, value):
    def change(entries):
        entries[3][field] = value
        return entries

    forge(session, change)
    found = checked(session)
    assert not found.good
    assert field in [one.field for one in found.differences] or any("otherwise" in one for one in found.findings)


def test_latencies_are_not_compared_with_those_of_the_replay(session):
    def change(entries):
        entries[3]["latency_ms"] |= {"track": 9.0, "decide": 9.0}
        return entries

    forge(session, change)
    assert checked(session).good


def test_frame_that_was_dropped_ends_the_comparison_and_is_said(tmp_path):
    case, config = breathing_case(frames=4), SessionConfig()
    material, clock = replay_input(case), VirtualClock()
    armed = arm(material.setup, config)
    with SessionRecorder(tmp_path / "s", config, material.setup) as session:
        full = session._link.ring.put
        session._link.ring.put = lambda parts, spare=0: full(parts, spare) if not spare else False
        run_loop(Player(case, clock), armed.engine, DryRunLinac(), session, clock, config.gate.max_age_s)
        session.finish({})
    findings = checked(tmp_path / "s").findings
    assert any("line 1: its frame was not kept" in finding for finding in findings)


def test_another_tracker_gives_other_decisions(session, monkeypatch):
    track = StructureTracker.track

    def biased(self, image):
        return tuple(replace(found, contour_px=found.contour_px + 1e-9) for found in track(self, image))

    monkeypatch.setattr(StructureTracker, "track", biased)
    found = checked(session)
    assert found.different > 15
    assert len(found.differences) == 10
    assert "contour_hash" in {one.field for one in found.differences}


def test_session_without_a_reference_is_checked_as_far_as_that_goes(tmp_path):
    case, clock = breathing_case(frames=4), VirtualClock()
    config = SessionConfig(gate=GateConfig(frames_to_resume=1), tracker=TrackerConfig())
    armed = arm(replay_input(case).setup, config)
    with SessionRecorder(tmp_path / "s", config) as session:
        run_loop(Player(case, clock), armed.engine, DryRunLinac(), session, clock, config.gate.max_age_s)
        session.finish(session_numbers(session))
    found = checked(tmp_path / "s")
    assert (found.good, found.compared, found.frames) == (True, 0, 4)
    assert "recorded without its reference" in found.notes[0]


@pytest.mark.parametrize("head", ["", "abc", "G" * 64, "A" * 64])
def test_head_that_is_none_is_bad_usage(eventful_session, capsys, head):
    assert gatekeeper("verify", eventful_session, "--head", head) == 2
    assert "64 hexadecimal digits" in capsys.readouterr().err
