"""Make a cohort of phantom sessions with marks and outcomes, from a seed: ``python -m replay.made_cohort OUT``.

Every session is a live one on a simulated clock, with set-up, scans, contouring and re-optimisation marked before its
first frame. Nothing in it comes from a patient; the outcomes are drawn at random and mean nothing.
"""

import argparse
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gatekeeper.config import CourseConfig, LiveConfig, build
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.clock import VirtualClock, pause
from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Frame
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.operator.request import Request
from gatekeeper.session.definition import SessionDefinition
from gatekeeper.session.live_session import LiveSession
from gatekeeper.session.phases import Phase
from gatekeeper.session.target import Drawn, Reference
from replay.phantom import make_phantom
from replay.phantom.config import PhantomConfig
from replay.player import Player
from replay.progress import OnProgress, ProgressBars
from replay.recording import Recording

COURSES, FRACTIONS = 8, 5
PREVIEW_S, DELIVERY_S, RATE_HZ = 8.0, 40.0, 4.0
USUAL_MIN = {
    "set-up": 6.0,
    "low-resolution scan": 1.0,
    "high-resolution scan": 3.0,
    "contouring": 12.0,
    "re-optimisation": 14.0,
}
"""Mean duration of each step, in minutes."""
DOSES_GY = (40.0, 45.0, 50.0, 55.0)
"""Prescribed total doses."""
OUTCOMES = ("os", "intrahepatic", "extrahepatic")
POLL_S = 0.002


class _Day(Player):
    """The frames of a session, after steps that are marked, with time for the tracker to learn."""

    def __init__(self, recording: Recording, clock: VirtualClock, steps_s: dict[str, float]) -> None:
        super().__init__(recording, clock)
        self._virtual, self._steps, self._ends_s = clock, iter(steps_s.items()), clock.now_s()
        self.session: LiveSession | None = None

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame; None while a step lasts or the tracker learns, which takes no session time."""
        assert self.session is not None  # noqa: S101  (given before the session runs)
        if self._virtual.now_s() < self._ends_s:
            self._virtual.sleep_until(self._ends_s)
            return None
        if (step := next(self._steps, None)) is not None:
            name, lasted_s = step
            self.session.requests.submit(Request("mark", "made", "made cohort", step=name))
            self._ends_s = self._virtual.now_s() + lasted_s
            return None
        if self.session.status.current.phase is Phase.LEARNING:
            pause(POLL_S)
            return None
        return super().next_frame(timeout_s)


@dataclass(frozen=True, slots=True)
class _Patient:
    """What the sessions of one course have in common."""

    label: str
    strategy: str
    dose_gy: float
    fractions: int
    amplitude_mm: float
    period_s: float
    diameter_mm: float
    contrast: bool


def make_cohort(
    out: Path, seed: int, on_progress: OnProgress, courses: int = COURSES, fractions: int = FRACTIONS
) -> None:
    """Write sessions, ``marks.csv`` of one step and ``outcomes.csv`` into a folder.

    Parameters
    ----------
    out : Path
        A new or empty folder.
    seed : int
        Seed; the same seed gives the same decisions and numbers.
    on_progress : callable
        Called after each session.
    courses, fractions : int
        Number of courses, and of sessions of each.

    Raises
    ------
    InputError
        When the folder is not empty.
    OutputError
        When it cannot be written.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty; name a new folder")
    random = np.random.default_rng(seed)
    patients = list(_patients(random, courses, fractions))
    marks: list[tuple[object, ...]] = []
    for number, (patient, fraction) in enumerate((one, k) for one in patients for k in range(1, fractions + 1)):
        on_progress("making sessions", number, courses * fractions)
        steps_s = {step: 60.0 * usual * float(random.gamma(16.0, 1.0 / 16.0)) for step, usual in USUAL_MIN.items()}
        _run(out / patient.label / f"fraction-{fraction}", patient, fraction, steps_s, int(random.integers(2**31)))
        marks.append((patient.label, "1", fraction, "other", round(float(random.uniform(1.0, 5.0)), 2)))
    on_progress("making sessions", courses * fractions, courses * fractions)
    _write_csv(out / "marks.csv", ("label", "course", "fraction", "step", "minutes"), marks)
    names = [f"{outcome}_{part}" for outcome in OUTCOMES for part in ("days", "event")]
    _write_csv(out / "outcomes.csv", ("label", *names, "toxicity_grade"), [_outcome(random, one) for one in patients])


def _patients(random: np.random.Generator, courses: int, fractions: int) -> Iterator[_Patient]:
    for number in range(courses):
        yield _Patient(
            label=f"M{number + 1:02}",
            strategy=str(random.choice(["inhale_hold", "exhale_hold", "exhale"], p=[0.6, 0.15, 0.25])),
            dose_gy=float(random.choice(DOSES_GY)),
            fractions=fractions,
            amplitude_mm=float(random.uniform(9.0, 18.0)),
            period_s=float(random.uniform(3.2, 5.0)),
            diameter_mm=float(random.uniform(16.0, 30.0)),
            contrast=bool(random.random() < 0.33),
        )


def _run(folder: Path, patient: _Patient, fraction: int, steps_s: dict[str, float], seed: int) -> None:
    """Make one session."""
    pattern = {"inhale_hold": "inhale_hold", "exhale_hold": "exhale_hold"}.get(patient.strategy, "free")
    phantom = build(
        PhantomConfig,
        {
            "name": folder.name,
            "seed": seed,
            "lesion": {"diameter_mm": patient.diameter_mm},
            "breathing": {
                "pattern": pattern,
                "amplitude_mm": patient.amplitude_mm,
                "period_s": patient.period_s,
                "hold_s": 10.0,
                "rest_s": 6.0,
            },
            "acquisition": {
                "matrix": (96, 80),
                "pixel_mm": (3.0, 3.0),
                "frame_rate_hz": RATE_HZ,
                "duration_s": PREVIEW_S + DELIVERY_S,
            },
        },
        "made cohort",
    )
    case = make_phantom(phantom).recording
    assert case.first_mask is not None  # noqa: S101  (a phantom has its truth)
    course: dict[str, object] = {
        "label": patient.label,
        "fraction": fraction,
        "fractions": patient.fractions,
        "dose_gy": patient.dose_gy,
        "beam_on_s": DELIVERY_S / 2.0,
        "strategy": patient.strategy,
    }
    if patient.contrast:
        course |= {"contrast_agent": "gadoxetate", "contrast_min": 20.0}
    config = build(
        LiveConfig,
        {
            "source": {"kind": "mrd", "frames_per_s": RATE_HZ},
            "target": {"kind": "trackrad", "case": folder.name},
            "preview": {"seconds": PREVIEW_S},
            "course": build(CourseConfig, course, "made cohort"),
        },
        "made cohort",
    )
    first = Reference(np.asarray(case.frames[0]), case.spacing_mm, case.plane, folder.name)
    clock = VirtualClock()
    definition = SessionDefinition(
        folder.name, config, target=Drawn.of_mask("target", case.first_mask, first), arm_by="made"
    )
    day = _Day(case, clock, steps_s)
    day.session = session = LiveSession(definition, clock)
    session.run(day, DryRunLinac(), folder)


def _outcome(random: np.random.Generator, patient: _Patient) -> tuple[object, ...]:
    """Return a follow-up of up to three years: each event, or the end of the follow-up."""
    followed = float(random.uniform(200.0, 1100.0))
    values: list[object] = [patient.label]
    for usual_days in (1100.0, 600.0, 700.0):
        event_days = float(random.exponential(usual_days))
        values += [round(min(event_days, followed)), int(event_days <= followed)]
    return (*values, int(random.choice([0, 1, 2, 3], p=[0.5, 0.3, 0.15, 0.05])))


def _write_csv(path: Path, names: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *rows])
    write_atomically(path, text.getvalue().encode())


def main() -> None:
    """Make a cohort as the command line says."""
    parser = argparse.ArgumentParser(description="Make a cohort of phantom sessions with marks and outcomes.")
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--courses", type=int, default=COURSES)
    parser.add_argument("--fractions", type=int, default=FRACTIONS)
    options = parser.parse_args()
    with ProgressBars() as bars:
        make_cohort(options.out, options.seed, bars, options.courses, options.fractions)


if __name__ == "__main__":
    main()
