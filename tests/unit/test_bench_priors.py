"""The comparison of priors: what is changed, for how long, and what the command prints."""

import json

import numpy as np
import pytest

from benchmarks import priors
from benchmarks.scenes import follow
from benchmarks.scenes.follow import Followed
from benchmarks.scenes.prior_changes import PRIORS, changed, variations
from gatekeeper.config import TrackerConfig
from gatekeeper.tracking import position_prior
from gatekeeper.tracking.motion_prior import first_motion_prior
from tests.support.scenes import Scene


def test_each_prior_is_changed_in_its_context_only():
    assert len({prior.name for prior in PRIORS}) == len(PRIORS)
    for prior in PRIORS:
        for variation, factor in variations(prior).items():
            changes = prior.changes(factor)
            before = [getattr(module, name) for module, name, _ in changes]
            with changed(prior, factor):
                during = [getattr(module, name) for module, name, _ in changes]
                assert all(old != new for old, new in zip(before, during, strict=True)), (prior.name, variation)
            assert [getattr(module, name) for module, name, _ in changes] == before


def test_what_is_changed_reaches_the_tracker():
    prior = {one.name: one for one in PRIORS}
    with changed(prior["translation"], 2.0):
        assert first_motion_prior(("SI", "AP")).translation_mm == (30.0, 12.0)
    with changed(prior["jump"], 0.5):
        assert first_motion_prior(("SI", "AP")).jump_deviance((0.0, 0.0), (2.5, 0.75)) == pytest.approx(2.0)
    scene = Scene()
    with changed(prior["search"], 0.5):
        inner = follow.Tracker(scene.image(), scene.disc(), scene.spacing_mm).template_tracker
    assert inner.model.search_mm == (30.0, 15.0)
    assert TrackerConfig().range_mm("SI") == 60.0
    inner = scene.tracker().template_tracker
    with changed(prior["limit-error"], 0.5):
        assert inner._limits((0.0, 0.0)).error_mm == pytest.approx(0.65)
    with changed(prior["limit-patches"], 2.0):
        limit = inner._limits((0.0, 0.0)).similarity.patches
    assert 1.0 / limit**2 - 1.0 == pytest.approx(2.0 * (1.0 / 0.2**2 - 1.0))


def test_figures_are_of_trackable_frames_and_count_sure_errors_on_all():
    one = Followed(
        np.array([1.0, 3.0, 9.0, np.inf]),
        np.array([0.9, 0.2, 0.8, 0.7]),
        np.array([True, True, False, False]),
        np.full(4, ""),
    )
    found = priors.figures([one])
    assert (found.center_mm, found.p95_mm, found.sure_share, found.sure_and_far) == (2.0, 3.0, 0.5, 2)
    assert np.isnan(priors.figures([]).center_mm)


def test_the_command_measures_with_each_change_in_force(monkeypatch, capsys):
    class Measured:
        GROUPS = priors.Measure.GROUPS

        def __init__(self, seeds, folder, shown):
            assert seeds == [3]

        def run(self):
            cap = position_prior.LARGEST_JUMP_DEVIANCE
            return dict.fromkeys(self.GROUPS, priors.Figures(cap, cap, 1.0, 0))

    monkeypatch.setattr(priors, "Measure", Measured)
    assert priors.main(["jump-cap", "--seeds", "3", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(row["variation"], row["recorded"]["center_mm"]) for row in rows] == [
        ("as it is", 20.0),
        ("halved", 10.0),
        ("doubled", 40.0),
        ("off", 0.0),
    ]
    assert priors.main(["no such prior"]) == 2
    assert "there are translation" in capsys.readouterr().err
