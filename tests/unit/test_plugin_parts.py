"""Sources and linac ports that are plug-ins: chosen by kind, and whatever they do wrong ends in a hold."""

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import LiveConfig, SessionConfig, build, load_live
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.decision import BeamState
from gatekeeper.core.errors import ConfigError, LinkError, PluginError, SourceError
from gatekeeper.linac.open import open_linac, probe_linac
from gatekeeper.recording.journal import read_decisions
from gatekeeper.session.live_session import LiveSession
from gatekeeper.sources.open import open_source
from replay import verify_folder
from replay.formats.trackrad import write_case
from tests.support import own_parts, own_tracker
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.live_sessions import journal, live_config, plan_of
from tests.support.matrices import mostly_slow
from tests.support.plugin_distributions import installed

__all__ = ["installed"]

SOURCE, LINAC = "tests.support.own_parts:Cine", "tests.support.own_parts:Port"


def run(folder, source=None, linac=None, kinds=(SOURCE, LINAC)):
    """Run a live session between two plug-ins with options; return its outcome and what the linac was sent."""
    config = live_config(
        source={"kind": kinds[0], "frames_per_s": 4.0, "clock": "none", "options": source or {}},
        linac={"kind": kinds[1], "options": linac or {}},
    )
    definition, clock = plan_of(breathing_case(), config), VirtualClock()
    opened = open_source(config.source, clock), open_linac(config.linac, definition.silence_s)
    port = own_parts.PORTS[-1]
    try:
        return LiveSession(definition, clock).run(*opened, folder), port
    finally:
        assert port.sent[-1] is BeamState.HOLD
        assert port.closed == 1


def test_both_are_found_by_the_names_of_a_distribution_and_a_session_runs_between_them(tmp_path, installed):
    groups = {"gatekeeper.sources": {"cine": SOURCE}, "gatekeeper.linacs": {"plc": LINAC}}
    installed("own-parts", groups)
    outcome, port = run(tmp_path / "s", kinds=("cine", "plc"))
    assert outcome.was_armed
    assert {BeamState.ON, BeamState.HOLD} == set(port.sent)
    header = journal(tmp_path / "s")[0]
    assert header["source"] == {"kind": "cine", "distribution": "own-parts", "version": "1.2"}
    assert header["linac"] == {"kind": "plc", "distribution": "own-parts", "version": "1.2"}
    assert verify_folder(tmp_path / "s").findings == []


def test_a_session_is_read_and_verified_without_the_plug_ins(tmp_path, installed, monkeypatch):
    with monkeypatch.context() as there:
        there.setattr("gatekeeper.plugins._entry_points", lambda group, path: (("plc", LINAC, "own-parts", "1.2"),))
        run(tmp_path / "s", kinds=(SOURCE, "plc"))
    assert verify_folder(tmp_path / "s").findings == []


def test_a_port_is_told_for_how_long_a_decision_is_good():
    config = build(SessionConfig, {"linac": {"kind": LINAC}}, "test").linac
    for silence_s, speed, fresh_s in ((0.1, 1.0, 0.1), (0.1, 4.0, 0.025), (0.001, 1.0, 0.02)):
        open_linac(config, silence_s, speed).close()
        assert own_parts.PORTS[-1].fresh_s == pytest.approx(fresh_s)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "each_s"),
    [({"each_s": 0.05}, 0.05), ({}, 0.1), *(({"told": told}, None) for told in ("raise", "soon", True, "inf"))],
)
def test_a_port_may_tell_for_how_long_it_allowed_the_beam(options, each_s, tmp_path):
    outcome, _ = run(tmp_path / "s", linac=options, kinds=(SOURCE, "tests.support.own_parts:TellingPort"))
    decisions = read_decisions(tmp_path / "s" / "decisions.jsonl")
    told = [(one["state"], two.get("allowed_s")) for one, two in itertools.pairwise(decisions)]
    assert {state for state, _ in told} == {"ON", "HOLD"}
    on = sum(state == "ON" for state, _ in told)
    if each_s is None:
        assert {allowed_s for _, allowed_s in told} == {None}
        assert outcome.status.counts.beam_on_s == pytest.approx(0.25 * on)
    else:
        assert all(allowed_s == pytest.approx(each_s * (state == "ON")) for state, allowed_s in told)
        assert outcome.status.counts.beam_on_s == pytest.approx(each_s * on)


@pytest.mark.parametrize("says", mostly_slow(["yes", "raise", 1]))
def test_a_port_that_does_not_say_true_is_a_lost_link(says, tmp_path):
    _, port = run(tmp_path / "s", linac={"alive": says})
    assert BeamState.ON in port.sent[: own_parts.BAD]
    assert set(port.sent[own_parts.BAD :]) == {BeamState.HOLD}
    assert "link_lost" in read_decisions(tmp_path / "s" / "decisions.jsonl")[-1]["reasons"]
    assert verify_folder(tmp_path / "s").findings == []


@pytest.mark.parametrize(
    ("does", "why"), mostly_slow([("raise", "raised RuntimeError"), ("link", "device is gone"), (3, "an int")])
)
def test_a_port_that_does_not_send_ends_the_session_with_hold_and_a_record(does, why, tmp_path):
    with pytest.raises(LinkError, match=why.replace("an int", "returned a int")):
        run(tmp_path / "s", linac={"send": does})
    found = verify_folder(tmp_path / "s")
    assert (found.findings, found.finished) == ([], True)


@pytest.mark.parametrize("spoil", mostly_slow(["exit", "text", "plane"]))
def test_a_source_that_gives_no_frame_ends_the_session_with_hold_and_a_record(spoil, tmp_path):
    with pytest.raises(SourceError, match=r"source 'tests.support.own_parts:Cine' \(injected\): next_frame\(\) "):
        run(tmp_path / "s", source={"spoil": spoil})
    found = verify_folder(tmp_path / "s")
    assert (found.findings, found.finished, found.compared) == ([], True, own_parts.BAD)


@pytest.mark.parametrize("spoil", own_parts.SPOILT)
def test_a_frame_that_is_not_valid_is_an_error(spoil):
    source = open_source(live_config(source={"kind": SOURCE, "options": {"spoil": spoil}}).source, VirtualClock())
    for _ in range(own_parts.BAD):
        assert source.next_frame(1.0) is not None
    with pytest.raises(SourceError, match=r"next_frame\(\) "):
        source.next_frame(1.0)


@pytest.mark.slow
def test_a_frame_of_unknown_time_is_a_hold(tmp_path, monkeypatch):
    monkeypatch.setitem(own_parts.SPOILT, "no time", lambda frame: replace(frame, acquired_s=math.nan))
    run(tmp_path / "s", source={"spoil": "no time"})
    held = read_decisions(tmp_path / "s" / "decisions.jsonl")[own_parts.BAD]
    assert (held["state"], held["acquired_s"]) == ("HOLD", None)


def test_a_frame_is_copied_before_it_is_judged(monkeypatch):
    given = []
    monkeypatch.setitem(own_parts.SPOILT, "keep", lambda one: given.append(one) or one)
    source = open_source(live_config(source={"kind": SOURCE, "options": {"spoil": "keep"}}).source, VirtualClock())
    while not given:
        kept = source.next_frame(1.0)
    assert not np.shares_memory(kept.image, given[0].image)
    assert kept.image.dtype == np.float32
    assert (kept.image == given[0].image).all()


def test_what_is_no_frame_is_named():
    source = open_source(live_config(source={"kind": SOURCE, "options": {"spoil": "text"}}).source, VirtualClock())
    for _ in range(own_parts.BAD):
        source.next_frame(1.0)
    with pytest.raises(SourceError, match="returned a str; give a Frame or None"):
        source.next_frame(1.0)


@pytest.mark.parametrize("ended", [None, 1, "no"])
def test_an_end_that_is_not_a_bool_is_an_error(ended, monkeypatch):
    source = open_source(live_config(source={"kind": SOURCE}).source, VirtualClock())
    monkeypatch.setattr(own_parts.Cine, "ended", lambda self: ended)
    with pytest.raises(SourceError, match=r"ended\(\) returned"):
        source.ended()


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("not_there:Cine", "cannot be loaded from not_there:Cine, ModuleNotFoundError"),
        ("tests.support.own_parts:BAD", "cannot be made, TypeError"),
        ("tests.support.own_parts:Half", "made a Half, which has no ended and no close"),
        ("tests.support.own_parts:Port", "made a Port, which has no next_frame and no ended"),
    ],
)
def test_a_source_that_cannot_be_made_is_an_error_in_words(kind, why):
    with pytest.raises(PluginError, match=why):
        open_source(live_config(source={"kind": kind}).source, VirtualClock())


def test_a_port_that_cannot_be_made_is_an_error_in_words():
    for options, kind, why in (
        ({"refuse": True}, LINAC, "cannot be made, OSError: no such device"),
        ({}, "tests.support.own_parts:Half", "has no alive and no send and no close"),
    ):
        with pytest.raises(PluginError, match=why):
            open_linac(build(SessionConfig, {"linac": {"kind": kind, "options": options}}, "test").linac, 1.0)


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        (
            '[source]\nkind = "fax"\nport = 1\n',
            "source kind 'fax': is not there; choose one of mrd, openigtlink",
        ),
        (
            '[source]\nkind = "mrd"\n[linac]\nkind = "plc"\nhost = "x"\n',
            "linac kind 'plc': is not there; choose one",
        ),
        (f'[source]\nkind = "{SOURCE}"\nport = 1\n', "source.port = 1"),
        (f'[source]\nkind = "{SOURCE}"\n[source.options]\nwhen = 2020-01-01\n', "options.when is"),
        ("[source]\nport = 1\n", "source.kind = "),
    ],
)
def test_what_is_not_there_or_not_known_is_exit_code_2_in_one_line(tables, why, tmp_path, capsys):
    file = tmp_path / "session.toml"
    file.write_text(tables + '[target]\nkind = "mask"\nfile = "a.mha"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_live(file)
    assert why in str(caught.value)
    for command in ("check", "run"):
        assert gatekeeper(command, file) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n"), why in err) == ("", 1, True)


def test_settings_of_a_plug_in_survive_being_written_and_read():
    values = {"source": {"kind": SOURCE, "options": {"a": [1, 2], "b": {"c": "d"}}}, "linac": {"kind": LINAC}}
    config = live_config(**values)
    assert build(LiveConfig, config.model_dump(), "again") == config
    assert config.settings().linac == config.linac


def test_they_are_explained_and_tried_by_check(tmp_path, capsys):
    file = tmp_path / "session.toml"
    target = '[target]\nkind = "mask"\nfile = "a.mha"\n'
    parts = f'[source]\nkind = "{SOURCE}"\n[linac]\nkind = "{LINAC}"\n[linac.options]\nrack = 3\n'
    file.write_text(parts + target, encoding="utf-8")
    gatekeeper("check", file, "--json")
    rows = json.loads(capsys.readouterr().out)["parts"]
    assert (rows["source"]["found"], rows["linac"]["found"]) == ("can be opened", "its link is up")
    assert rows["source"]["says"][0] == f"source {SOURCE!r} (injected)"
    assert rows["linac"]["says"][:2] == [f"linac {LINAC!r} (injected)", "rack = 3"]
    assert own_parts.PORTS[-1].sent == []
    assert own_parts.PORTS[-1].closed == 1


def test_a_link_that_is_down_is_a_finding(monkeypatch):
    monkeypatch.setattr("gatekeeper.linac.open.PROBE_S", 0.05)
    monkeypatch.setattr(own_parts.Port, "alive", None)
    with pytest.raises(LinkError, match=r"is not up after 0\.05 s"):
        probe_linac(build(SessionConfig, {"linac": {"kind": LINAC}}, "test").linac)


def test_all_parts_are_listed_with_where_they_come_from(capsys, installed):
    installed("own-parts", {"gatekeeper.sources": {"cine": SOURCE}, "gatekeeper.linacs": {"plc": "not_there:Port"}})
    assert gatekeeper("info", "--plugins", "--json") == 0
    rows = {(row["part"], row["kind"]): row for row in json.loads(capsys.readouterr().out)["plugins"]}
    ours = [("tracker", "template"), ("tracker", "ncc"), ("source", "mrd"), ("linac", "lease"), ("linac", "dry_run")]
    for key in ours:
        assert (rows[key]["distribution"], rows[key]["fault"]) == ("gatekeeper-mrgrt", None), key
    assert rows["source", "cine"]["distribution"] == "own-parts"
    assert rows["source", "cine"]["location"].endswith("own_parts.py")
    assert "ModuleNotFoundError" in rows["linac", "plc"]["fault"]


@pytest.mark.slow
def test_a_replay_with_a_tracker_that_ships_as_a_plug_in_is_verified(tmp_path, capsys):
    case = write_case(breathing_case(), tmp_path / "P_001")
    assert gatekeeper("replay", case, "--tracker", "ncc", "--out", tmp_path / "s", "--json") == 0
    assert 0.0 < json.loads(capsys.readouterr().out.splitlines()[-1])["duty_cycle"] < 1.0
    assert journal(tmp_path / "s")[0]["tracker"]["kind"] == "ncc"
    assert gatekeeper("verify", tmp_path / "s") == 0
    assert capsys.readouterr().out.rstrip().endswith("result    good")


def test_a_missing_tracker_is_not_told_as_a_changed_session(tmp_path, capsys):
    case = breathing_case()
    own_tracker.gate(case.frames.astype("float32"), case.first_mask, case.spacing_mm, tmp_path / "s")
    assert gatekeeper("verify", tmp_path / "s") == 1
    assert capsys.readouterr().out.rstrip().endswith("result    not judged again: tracker missing")
    (tmp_path / "s" / "summary.json").unlink()
    assert gatekeeper("verify", tmp_path / "s", "--head", "0" * 64) == 1
    assert capsys.readouterr().out.rstrip().endswith("result    NOT GOOD")
