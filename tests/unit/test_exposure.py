"""Beam on while outside is estimated from the trace with the latency, in the report and for other risk limits."""

import json
from contextlib import closing

import numpy as np
import pytest

from gatekeeper.config import OtherLimits, PredictionConfig, SessionConfig
from gatekeeper.core.errors import ConfigError
from gatekeeper.report.exposure import ExposureEstimate, exposure_of
from gatekeeper.report.html import report_html
from gatekeeper.report.phases import delivery
from replay import run
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.report import session_data_of
from replay.sessions.what_if import WhatIf
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.sessions import recorded

AT_ONCE = PredictionConfig(imaging_s=0.0, compute_s=0.0, linac_s=0.0)


def entries(count, step_s=0.5, **more):
    return [
        {"kind": "frame", "acquired_s": step_s * k, "decided_s": step_s * k, "reasons": [], **more}
        for k in range(count)
    ]


@pytest.mark.parametrize("linac_s", [0.0, 0.3, 1.0])
def test_the_exposure_is_that_of_a_beam_that_follows_one_latency_later(linac_s):
    """Compare with a beam and a target sampled every millisecond."""
    random = np.random.default_rng(4)
    outside, on = random.random(200) < 0.4, random.random(200) < 0.6
    latency = AT_ONCE.model_copy(update={"linac_s": linac_s})
    exposure = ExposureEstimate(entries(200), [], latency, outside).of(on)
    grid_s = np.arange(0.0, 99.5, 0.001) + 0.0005
    followed = np.floor((grid_s - linac_s) / 0.5).astype(int)
    beam = np.where(followed >= 0, on[np.maximum(followed, 0)], False)
    beam &= followed < 199
    target = outside[np.round(grid_s / 0.5).astype(int)]
    assert exposure.total_s == pytest.approx(0.001 * np.count_nonzero(beam & target), abs=0.02)
    assert exposure.percent == pytest.approx(100.0 * exposure.total_s / 99.5)
    so_far, minute = exposure.shares()
    assert so_far[-1] == pytest.approx(exposure.percent)
    late = exposure.times_s > exposure.times_s[-1] - 60.0
    assert minute[-1] == pytest.approx(100.0 * np.diff(exposure.exposed_s)[late[1:]].sum() / 60.0, abs=0.5)


def test_a_latency_that_was_measured_counts_from_its_event_on():
    outside = np.arange(20) >= 10
    told = [{"event": "latency", "time_s": 2.0, "values": {"used_s": 1.0}}]
    assert ExposureEstimate(entries(20), told, AT_ONCE, outside).of(~outside).total_s == pytest.approx(1.25)
    assert ExposureEstimate(entries(20), [], AT_ONCE, outside).of(~outside).total_s == pytest.approx(0.25)


def test_only_the_delivery_counts_and_nothing_is_said_without_one():
    waiting = entries(3, reasons=["not_armed"])
    assert delivery([*waiting, *entries(4)]) == slice(3, None)
    assert len(entries(3, reasons=["not_armed"])[delivery(waiting)]) == 0
    assert np.isnan(ExposureEstimate([], [], AT_ONCE, np.zeros(0, bool)).of(np.zeros(0, bool)).percent)


@pytest.fixture(scope="module")
def predicted(tmp_path_factory):
    """Return a session of 80 frames that predicts."""
    config = SessionConfig(prediction=PredictionConfig(mode="full", burn_in_s=5.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "overview_png", lambda seen: b"undrawn")
        return recorded(tmp_path_factory.mktemp("predicted") / "s", breathing_case(frames=80), config)


@pytest.mark.slow
def test_other_risk_limits_give_what_a_replay_with_them_gives(predicted, tmp_path, capsys):
    with closing(open_session(predicted)) as session:
        what_if = WhatIf(Rejudged(session))
    found = what_if(OtherLimits({"risk_percent": 2.0}))
    assert found["risk_percent"] == 2.0
    assert found["original"]["duty_cycle"] != found["now"]["duty_cycle"]
    (tmp_path / "c.toml").write_text(
        '[gate]\nrisk_percent = 2.0\n[prediction]\nmode = "full"\nburn_in_s = 5.0\n', encoding="utf-8"
    )
    assert gatekeeper("replay", predicted, "--config", tmp_path / "c.toml", "--out", tmp_path / "again", "--json") == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["now"]["duty_cycle"] == again["duty_cycle"]
    with closing(open_session(tmp_path / "again")) as session:
        data = session_data_of(session)
        page = report_html(data)
    assert found["now"]["exposed_percent"] == pytest.approx(exposure_of(data).percent)
    assert "risk limit: " in page
    assert "Beam on while the target was outside" in page
    assert what_if(OtherLimits({"risk_percent": 0.0}))["now"] == found["original"]


def test_a_risk_limit_without_a_prediction_is_refused(eventful_session):
    with closing(open_session(eventful_session)) as session:
        what_if = WhatIf(Rejudged(session))
    assert not what_if(OtherLimits())["predicts"]
    with pytest.raises(ConfigError, match="needs a prediction"):
        what_if(OtherLimits({"risk_percent": 1.0}))
