"""List what the tracker expects of a small target before it is seen, and how to change each of it for a comparison."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from unittest.mock import patch

from benchmarks.scenes import cine, follow
from gatekeeper.config import TrackerConfig
from gatekeeper.tracking import (
    aperture,
    confidence,
    motion_prior,
    position_prior,
    surroundings,
    target_fits,
    template,
    template_fit,
    template_tracker,
    typical_fit,
    usual_places,
    witness,
)
from gatekeeper.tracking.confidence import SMALL_TARGET
from gatekeeper.tracking.similarity import Similarity
from gatekeeper.tracking.tracker import Tracker

WIDE = 1e9
"""Factor of a standard deviation or limit that is off."""

Change = tuple[ModuleType, str, object]
"""A module, the name of a constant in it, and another value of it."""


@dataclass(frozen=True, slots=True)
class Prior:
    """A constant that says what is expected, and how to change it.

    Attributes
    ----------
    name, value : str
        What it is, and what it is in the tracker.
    changes : callable
        Takes a factor and returns the constants that are changed.
    off : float or None
        Factor with which it says nothing; None where there is no such factor.
    """

    name: str
    value: str
    changes: Callable[[float], Sequence[Change]]
    off: float | None = WIDE


@contextmanager
def changed(prior: Prior, factor: float) -> Iterator[None]:
    """Change a prior by a factor while the context lasts."""
    with ExitStack() as stack:
        for module, name, value in prior.changes(factor):
            assert hasattr(module, name)
            stack.enter_context(patch.object(module, name, value))
        yield


def variations(prior: Prior) -> dict[str, float]:
    """Return the factors of a prior, by what they do to it."""
    return {"halved": 0.5, "doubled": 2.0, **({} if prior.off is None else {"off": prior.off})}


def constants(module: ModuleType, *names: str) -> Callable[[float], Sequence[Change]]:
    """Return the changes that multiply constants of a module by a factor."""
    return lambda factor: [(module, name, factor * getattr(module, name)) for name in names]


def _along(value: str, *axes: str) -> Callable[[float], Sequence[Change]]:
    """Return the changes that multiply what is expected along some axes by a factor."""

    def changed(factor: float) -> Sequence[Change]:
        now = dict(motion_prior.AXIS_PRIORS)
        now |= {axis: replace(now[axis], **{value: factor * getattr(now[axis], value)}) for axis in axes}
        return [(motion_prior, "AXIS_PRIORS", now)]

    return changed


def _settings(*names: str) -> Callable[[float], Sequence[Change]]:
    """Return changes of settings of the tracker."""

    def changed(factor: float) -> Sequence[Change]:
        before = TrackerConfig()
        config = TrackerConfig(**{name: factor * getattr(before, name) for name in names})
        return [(module, "Tracker", partial(Tracker, config=config)) for module in (follow, cine)]

    return changed


def _limits(**changed: Callable[[float], object]) -> Callable[[float], Sequence[Change]]:
    return lambda factor: [
        (template_tracker, "SMALL_TARGET", replace(SMALL_TARGET, **{name: f(factor) for name, f in changed.items()}))
    ]


def _likeness(name: str) -> Callable[[float], Similarity]:
    """Return the limits with that of one similarity changed: its unexplained over its explained variance."""

    def changed(factor: float) -> Similarity:
        limit = 1.0 / getattr(SMALL_TARGET.similarity, name) ** 2 - 1.0
        return SMALL_TARGET.similarity._replace(**{name: 1.0 / math.sqrt(1.0 + factor * limit)})

    return changed


def _several(*several: Callable[[float], Sequence[Change]]) -> Callable[[float], Sequence[Change]]:
    return lambda factor: [change for changes in several for change in changes(factor)]


def _contrast(factor: float) -> Sequence[Change]:
    within = confidence.ENOUGH_CONTRAST - confidence.LEAST_CONTRAST
    return [(confidence, "LEAST_CONTRAST", confidence.ENOUGH_CONTRAST - factor * within)]


PRIORS = (
    Prior("translation", "6 mm", _along("translation_mm", "AP", "RL"), 5.0),
    Prior("translation-slant", "0.35", constants(target_fits, "SLANT"), 0.0),
    Prior("jump", "5, 1.5 mm", _along("jump_mm", "SI", "AP", "RL")),
    Prior("jump-cap", "20", constants(position_prior, "LARGEST_JUMP_DEVIANCE"), 0.0),
    Prior("path", "4 mm", constants(motion_prior, "FAR_MM", "NEAR_MM")),
    Prior("path-slant", "0.2", constants(motion_prior, "SLANT"), 0.0),
    Prior("path-cap", "20", constants(position_prior, "LARGEST_PATH_DEVIANCE"), 0.0),
    Prior("search", "60, 30 mm", _settings("search_si_mm", "search_ap_mm"), None),
    Prior("deformation", "3 mm", _settings("deformation_mm"), None),
    Prior("deformation-length", "25 mm", _settings("deformation_length_mm"), None),
    Prior("context", "15 mm", _settings("context_mm"), None),
    Prior(
        "differences",
        "0.1",
        _several(constants(template, "DIFFERENCE_SHARE"), constants(template_fit, "DIFFERENCE_SHARE")),
        None,
    ),
    Prior("differences-area", "100 mm2", constants(template, "CORRELATED_AREA_MM2"), None),
    Prior("illumination", "0.5", constants(template, "ILLUMINATION_SHARE"), 0.0),
    Prior("curve", "0.3", constants(template, "CURVE_SHARE"), 0.0),
    Prior("noise", "0.3", constants(typical_fit, "NOISY", "STIFF_FROM", "STIFF_ALONE_FROM"), None),
    Prior("noise-lost", "0.8", constants(typical_fit, "LOST_IN_NOISE")),
    Prior("limit-error", "1.3 mm", _limits(error_mm=lambda factor: factor * SMALL_TARGET.error_mm)),
    Prior("limit-deformation", "0.9", constants(confidence, "LARGEST_BENDING")),
    Prior("limit-patches", "0.2", _limits(similarity=_likeness("patches"))),
    Prior("limit-detail", "0.45", _limits(similarity=_likeness("detail"))),
    Prior("limit-target", "0.57", _limits(similarity=_likeness("target"))),
    Prior("limit-contrast", "0.2 less", _contrast),
    Prior(
        "limit-surprise",
        "60",
        _several(constants(confidence, "LARGEST_DEVIANCE"), constants(position_prior, "LARGEST_DEVIANCE")),
        None,
    ),
    Prior("usual-places", "5 mm", constants(usual_places, "MARGIN_MM", "STEP_MM"), 0.0),
    Prior("tissue", "0.04", constants(surroundings, "LEAST_AGREE")),
    Prior("witness", "0.25", constants(witness, "LEAST_AGREE")),
    Prior("aperture", "25 mm", constants(aperture, "FAR_MM")),
)
