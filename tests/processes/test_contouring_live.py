"""An operator draws the target over the console's wire: what was shown is what is tracked, kept and repeated."""

from contextlib import closing

import numpy as np
import pytest

from gatekeeper.core.login import login_name
from gatekeeper.operator.client import send_request
from gatekeeper.recording.journal import read_decisions
from replay import run as replaying
from replay.formats.session import open_session
from replay.sessions.compare import replay_input_of_session
from tests.support.cases import breathing_case
from tests.support.consoles import running, views
from tests.support.contours import Operator, ellipse_px, mask_of
from tests.support.far_ends import InterlockFarEnd
from tests.support.live_processes import fed
from tests.support.live_processes import running as process
from tests.support.live_sessions import drawn_plan_of, events, phases
from tests.support.sessions import checked, recorded
from tests.support.waiting import until

MARGIN_MM = 4.0


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Run a session that is drawn, and return its folder and what was shown before."""
    folder = tmp_path_factory.mktemp("drawn") / "s"
    points_px = ellipse_px(breathing_case().first_mask)
    with running(folder, control=True, plan_for=drawn_plan_of) as run, views(run.url) as link:
        anna = Operator(run.url, link)
        view, arrays = anna.until(lambda view: view["sequence"] is not None)
        assert view["phase"] == "drawing"
        target = {"by_hand": True, "required": True, "confirmed": False, "margin_mm": 5.0}
        expected = {"taken": False, "fixed": False, "sequence": view["sequence"], "structures": [target]}
        assert view["draw"] == expected
        assert arrays["image"].shape == (72, 60)
        assert anna.hello()["facts"]["margin_mm"] == 5.0
        assert anna.draw(take=True)["accepted"]
        taken = anna.until(lambda view: view["draw"]["taken"])[0]["draw"]["sequence"]
        shown = anna.outline(points_px, MARGIN_MM)
        refused = anna.draw(points_px=points_px, margin_mm=MARGIN_MM, sequence=taken + 1, shape="ellipse")
        assert "draw it on that" in refused["note"]
        accepted = anna.draw(points_px=points_px, margin_mm=MARGIN_MM, sequence=taken, shape="ellipse")
        assert accepted["accepted"], accepted["note"]
        view, arrays = anna.until(lambda view: view["phase"] == "delivery")
        assert "draw" not in view
        assert view["structures"][0]["margin_mm"] == MARGIN_MM
        assert anna.hello()["facts"]["structures"] == view["structures"]
        np.testing.assert_allclose(arrays["envelope"], shown["envelope_px"], atol=1e-3)
        assert "has been drawn" in anna.draw(take=True)["note"]
        assert "nothing to draw on" in anna.outline(points_px, MARGIN_MM)["note"]
        anna.until(lambda view: view["beam_on_s"] > 0.5)
    return folder, points_px, shown


def test_the_mask_that_was_shown_is_the_mask_of_the_session(drawn):
    folder, _, shown = drawn
    with closing(open_session(folder)) as session:
        assert np.array_equal(session.setup.target_mask, mask_of(shown))
        assert session.config().envelope.margin_mm == MARGIN_MM
        assert shown["area_mm2"] == pytest.approx(session.setup.target_mask.sum() * np.prod(session.setup.spacing_mm))


def test_the_journal_says_who_drew_what_on_which_frame(drawn):
    folder, points_px, _ = drawn
    [target] = events(folder, "target")
    values = target["values"]
    assert (values["operator"], values["door"], values["shape"]) == (
        f"Anna Berg (typed; login {login_name()})",
        "console",
        "ellipse",
    )
    assert (values["margin_mm"], values["points_px"]) == (MARGIN_MM, points_px)
    with closing(open_session(folder)) as session:
        taken = session.setup.reference
        assert np.array_equal(taken, breathing_case(frames=960, rate_hz=8.0).frames[values["sequence"]])
    assert [one["event"] for one in events(folder)][:4] == ["phase", "drawing", "refused", "target"]
    assert phases(folder)[:2] == ["drawing", "connect"]


def test_the_session_is_verified_and_decides_the_same_again(drawn, tmp_path, monkeypatch):
    folder, *_ = drawn
    assert checked(folder).findings == []
    monkeypatch.setattr(replaying, "overview_png", lambda seen: b"undrawn")
    with closing(open_session(folder)) as session:
        recorded(tmp_path / "again", material=replay_input_of_session(session), config=session.config())
    first, again = (
        [(one["state"], one["reasons"], one["outside_percent"], one["contour_hash"]) for one in read_decisions(path)]
        for path in (folder / "decisions.jsonl", tmp_path / "again" / "decisions.jsonl")
    )
    assert first == again
    assert "ON" in {state for state, *_ in first}


@pytest.mark.slow
def test_the_command_line_draws_too_with_the_beam_held_until_the_gate_is_armed(tmp_path):
    case = breathing_case(frames=400, amplitude_px=0.0, rate_hz=8.0)
    drawn_on_page = {"target": {"kind": "drawn"}, "preview": {"seconds": 2.0}}
    with (
        InterlockFarEnd(tmp_path) as far,
        process(tmp_path, case, "--console", "--control", "--json", linac=far.config, **drawn_on_page) as run,
        fed(case, run.port()),
    ):
        run.wait_for(r"phase drawing: draw the target on the console's page")
        [url] = [line.split()[-1] for line in run.lines if "console  http" in line]
        folder = tmp_path / "session"
        with views(url) as link:
            anna = Operator(url, link)
            anna.until(lambda view: view["sequence"] is not None)
            status = send_request(folder, ["status"], "kim")["status"]
            assert (status["phase"], status["state"], status["link_alive"]) == ("drawing", "HOLD", True)
            assert "not drawn yet" in send_request(folder, ["arm"], "kim")["note"]
            assert send_request(folder, ["hold"], "kim")["accepted"]
            assert anna.draw(take=True)["accepted"]
            taken = anna.until(lambda view: view["draw"]["taken"])[0]["draw"]["sequence"]
            points_px = ellipse_px(case.first_mask)
            assert anna.draw(points_px=points_px, margin_mm=4.0, sequence=taken, shape="polygon")["accepted"]
            view, _ = anna.until(lambda view: view["phase"] == "ready")
            assert view["preview"]["go"] in (True, False)
            assert any(line.startswith("search ") for line in view["preview"]["lines"])
            assert send_request(folder, ["arm"], "kim")["accepted"]
            anna.until(lambda view: view["phase"] == "paused")
            assert not far.record.beam_on
            assert send_request(folder, ["release"], "kim")["accepted"]
            until(lambda: far.record.beam_on, 10.0)
            assert send_request(folder, ["end"], "kim")["accepted"]
            assert run.ended() == 0
    assert phases(folder) == [
        "drawing",
        "connect",
        "preview",
        "learning",
        "ready",
        "paused",
        "delivery",
        "paused",
        "ended",
    ]
    found = checked(folder)
    assert (found.findings, found.finished) == ([], True)
    assert not (folder / "control.sock").exists()
