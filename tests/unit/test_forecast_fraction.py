import json
from pathlib import Path

import numpy as np
import pytest

from gatekeeper.cli import main
from gatekeeper.config import EnvelopeConfig, GateConfig, SessionConfig, build
from gatekeeper.config.forecast import ForecastConfig, HoldConfig, PopulationConfig
from gatekeeper.forecast.came import compare
from gatekeeper.forecast.fraction import FractionForecast, forecast_fraction, notes_on
from gatekeeper.forecast.strategies import place_of, seen_holds
from gatekeeper.recording.session_setup import config_hash
from gatekeeper.report.forecast import forecast_html, forecast_lines, forecast_png
from tests.support.forecast_previews import breathing, preview

CONFIG = SessionConfig(envelope=EnvelopeConfig(margin_mm=5.0))


@pytest.fixture(scope="module")
def outcome() -> FractionForecast:
    settings = ForecastConfig(futures=40, minutes=3.0, beam_s=120.0, most_out_percent=5.0)
    return forecast_fraction(
        "case", preview(breathing()), CONFIG, settings, margins_mm=(3.0, 8.0), percents=(2.0, 20.0)
    )


def test_every_strategy_has_its_place_its_interval_and_what_was_assumed(outcome: FractionForecast) -> None:
    assert outcome.margins_mm == (3.0, 5.0, 8.0)
    assert outcome.percents == (2.0, 5.0, 20.0)
    rows_mm = {one.strategy: one.place_mm[0] - 60.0 for one in outcome.strategies}
    assert rows_mm["exhale"] < 1.0 < rows_mm["mid_ventilation"] < rows_mm["exception"] < 8.0 < rows_mm["inhale_hold"]
    for one in outcome.strategies:
        assert (one.duty_percent[..., 0] <= one.duty_percent[..., 1]).all()
        assert (one.duty_percent[..., 1] <= one.duty_percent[..., 2]).all()
        assert (one.minutes[..., 1] >= 2.0).all()
        held = one.strategy.endswith("_hold")
        assert any("was seen on the preview; assumed" in note for note in one.notes) == held
        assert np.isnan(one.holds).all() != held


def test_the_rule_picks_the_least_time_within_the_user_s_limit(outcome: FractionForecast) -> None:
    best = outcome.recommended
    assert best is not None
    assert best.margin_mm == 5.0
    assert best.out_percent <= 5.0
    for one in outcome.strategies:
        within = one.out_percent[1, :, 1] <= 5.0
        assert not within.any() or best.minutes <= one.minutes[1, within, 1].min()


@pytest.mark.slow
def test_page_picture_and_lines_say_the_same(outcome: FractionForecast) -> None:
    came = compare(outcome, "exhale", 50.0)
    page, lines = forecast_html(outcome, came), forecast_lines(outcome, came)
    assert forecast_png(outcome).startswith(b"\x89PNG")
    assert f"error of {came.error_points:+.0f} points" in page
    assert f"{came.error_points:+.0f} points" in lines[-1]
    assert page.count("was seen on the preview; assumed") == 2
    assert "<script" not in page


def test_holds_on_the_preview_are_used_instead_of_what_is_usual() -> None:
    rows_mm = np.concatenate(
        [breathing(8.0, phase=0.0), np.full(72, 12.0), breathing(8.0, phase=0.0), np.full(72, 13.0)]
    )
    seen = preview(rows_mm + 0.1 * np.random.default_rng(0).standard_normal(len(rows_mm)))
    holds = seen_holds(seen, 0.5, "inhale_hold")
    assert len(holds.places_mm) == 2
    assert 8.0 < holds.lasted_s[0] < 10.5
    assert place_of(seen, 0.5, "inhale_hold")[0] == pytest.approx(72.5, abs=0.2)
    assert not seen_holds(seen, 0.5, "exhale_hold").places_mm


def test_a_preview_that_is_short_or_without_breath_is_told() -> None:
    short = notes_on(preview(breathing(9.0)), 2, ForecastConfig())
    assert "lasts 9 s only" in short[0]
    assert "shows 2 breaths" in short[1]
    assert "shows no breath" in notes_on(preview(0.0 * breathing()), 0, ForecastConfig())[0]


def test_a_strategy_sets_limits_that_are_all_in_the_settings_and_can_be_overridden() -> None:
    config = GateConfig(strategy="inhale_hold")
    assert (config.outside_percent, config.frames_to_resume, config.drift_mm) == (10.0, 3, 10.0)
    assert GateConfig(strategy="inhale_hold", drift_mm=2.0).drift_mm == 2.0
    again = build(GateConfig, config.model_dump(), "config.toml")
    assert again == config
    # Sessions from before have the hash that they had.
    assert config_hash(SessionConfig()) == config_hash(SessionConfig(gate=GateConfig(strategy=None)))
    assert config_hash(SessionConfig()) != config_hash(SessionConfig(gate=config))


def test_holds_that_are_alike_and_hold_still_give_the_beam_for_their_time() -> None:
    settings = ForecastConfig(
        futures=30,
        minutes=5.0,
        population=PopulationConfig(deep_breaths_per_h=0.0, coughs_per_h=0.0),
        hold=HoldConfig(spread_mm=0.1, creep_mm=0.0, failed_percent=0.0),
    )
    found = forecast_fraction(
        "case", preview(breathing(size_mm=20.0)), CONFIG, settings, ("inhale_hold",), (5.0,), (5.0,)
    )
    duty_percent = found.strategies[0].duty_percent[0, 0]
    # Of about 43 s, the hold lasts 20 s; some of the ramps and of the breaths between are within, too.
    assert 40.0 < duty_percent[1] < 62.0


@pytest.mark.slow
def test_the_command_forecasts_a_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace, out = tmp_path / "t.csv", tmp_path / "out"
    lines = [f"{0.125 * place:.3f},{-row:.3f},{-0.2 * row:.3f}" for place, row in enumerate(breathing(40.0))]
    trace.write_text("\n".join(["time_s,si_mm,ap_mm", *lines]))
    with pytest.raises(SystemExit) as ended:
        main(["forecast", str(trace), "--futures", "20", "--json", "--out", str(out)])
    assert not ended.value.code
    values = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {path.name for path in out.iterdir()} >= {"forecast.html", "forecast.png"}
    assert values["strategies"]["exhale"]["duty_percent"][2][3][1] > 20.0
