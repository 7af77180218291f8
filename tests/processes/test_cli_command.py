"""`gatekeeper command`: what another terminal asks for is done or refused, and said."""

import json

import pytest

from gatekeeper.core.login import login_name
from gatekeeper.operator.control_socket import Control
from gatekeeper.operator.socket_path import NAME
from tests.support.command_line import gatekeeper
from tests.support.gates import gate, resting
from tests.support.request_queues import looping
from tests.support.snapshots import BEAM_ON


@pytest.fixture
def running(tmp_path):
    with (
        looping(judge=resting(gate(armed=False), 1.0, 0.5)) as loop,
        Control(tmp_path / NAME, loop.requests, BEAM_ON.as_json),
    ):
        loop.folder = tmp_path
        yield loop


def test_it_is_done_in_the_name_of_who_asks(running, capsys):
    assert gatekeeper("command", running.folder, "arm", "--operator", "Anna Berg") == 0
    assert gatekeeper("command", running.folder / NAME, "--operator", "Ben", "--", "rebase", "-1.5", "0") == 0
    assert gatekeeper("command", running.folder, "hold") == 0
    assert [command.operator for command in running.done] == [
        f"Anna Berg (typed; login {login_name()})",
        f"Ben (typed; login {login_name()})",
        login_name(),
    ]
    assert running.done[1].shift_mm == (1.5, 0.0)
    assert capsys.readouterr().out.splitlines()[0] == f"done: arm by Anna Berg (typed; login {login_name()})"


def test_a_negative_distance_is_no_option(running):
    assert gatekeeper("command", running.folder, "--operator", "Ben", "rebase", "-0.1", "0.5") == 0
    assert running.done[0].shift_mm == (0.1, 0.5)


def test_a_refusal_is_exit_code_1(running, capsys):
    assert gatekeeper("command", running.folder, "rebase", "9", "0", "--json") == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["accepted"] is False
    assert err.startswith("refused: rebase by")


def test_the_status_is_shown(running, capsys):
    assert gatekeeper("command", running.folder, "status") == 0
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert (lines["state"], lines["phase"], lines["reasons"], lines["frames"]) == ("ON", "delivery", "-", "240")
    assert gatekeeper("command", running.folder, "status", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"]["duty_cycle"] == 0.562


@pytest.mark.parametrize(
    ("words", "said"),
    [(["fire"], "'fire' is not a command"), (["arm", "now"], "use arm alone"), (["rebase", "1"], "not two distances")],
)
def test_what_is_no_command_is_exit_code_2(running, capsys, words, said):
    assert gatekeeper("command", running.folder, *words) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert running.done == []


def test_missing_session_is_exit_code_2(tmp_path, capsys):
    assert gatekeeper("command", tmp_path, "hold") == 2
    assert "no session answers there" in capsys.readouterr().err
