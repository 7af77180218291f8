"""Implement `gatekeeper qa`: quality assurance of a session's latency."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.compilation import compiles_kernels
from gatekeeper.cli.options import JsonOption, SessionFileArg
from gatekeeper.cli.output import say
from gatekeeper.config import load_live, load_toml
from gatekeeper.core.clock import utc_stamp
from gatekeeper.core.errors import ConfigError

if TYPE_CHECKING:
    from replay.qa.motion import Motion

qa = typer.Typer(no_args_is_help=True, help="Quality assurance: measure latency from the target's motion to the beam.")

IMAGING_S = 0.1
"""Imaging latency of the digital phantom where none is given, in s."""
PROGRAM = (sys.executable, "-c", "from gatekeeper.cli import main; main()")

MotionOption = Annotated[
    str,
    typer.Option(
        help="Motion of the digital phantom: sweep (amplitudes of 5 to 30 mm, periods of 2 to 6 s, square), sine, "
        "square, or a trace as CSV with the columns time_s and S, P, L in mm.",
        metavar="sweep|sine|square|F.csv",
    ),
]
AmplitudeOption = Annotated[
    float, typer.Option(help="Peak-to-peak amplitude of sine and square, in mm.", metavar="MM", min=1.0, max=45.0)
]
PeriodOption = Annotated[float, typer.Option(help="Period of sine and square, in s.", metavar="S", min=1.0, max=60.0)]
CyclesOption = Annotated[
    int, typer.Option(help="Periods of sine and square, and of each part of the sweep.", metavar="N", min=1, max=2000)
]
ImagingOption = Annotated[
    float | None,
    typer.Option(
        "--imaging-latency-ms",
        help="Time from the middle of a frame's acquisition to its arrival, in ms: simulated with the digital phantom, "
        "known with --positions.",
        metavar="MS",
        min=0.0,
        max=5000.0,
        show_default="100 with the digital phantom",
    ),
]
OffDelayOption = Annotated[
    float | None,
    typer.Option(
        "--beam-off-delay-ms",
        help="Delay of the simulated machine's beam at its end, in ms.",
        metavar="MS",
        min=0.0,
        max=5000.0,
        show_default="no machine: the interlock's state is the beam",
    ),
]
OnDelayOption = Annotated[
    float | None,
    typer.Option(
        "--beam-on-delay-ms",
        help="The same at its beginning.",
        metavar="MS",
        min=0.0,
        max=5000.0,
        show_default="no machine: the interlock's state is the beam",
    ),
]
RateOption = Annotated[
    float | None,
    typer.Option(
        "--rate-hz", help="Frames per second.", metavar="HZ", min=1.0, max=50.0, show_default="source.frames_per_s"
    ),
]
PositionsOption = Annotated[
    Path | None,
    typer.Option(
        help="Position log of a real moving phantom as CSV (time_s, and S, P, L in mm from the reference position): "
        "nothing is run, what was recorded is measured.",
        metavar="F.csv",
    ),
]
BeamOption = Annotated[
    Path | None,
    typer.Option(
        help="The beam: CSV with pulse_s, with time_s and counts, or with time_s and state; or the log of "
        "`gatekeeper interlock --json`. With the digital phantom the interlock's own record is the beam.",
        metavar="F",
    ),
]
RecordOption = Annotated[
    Path | None,
    typer.Option(help="Folder of the session that was recorded meanwhile.", metavar="SESSION_DIR"),
]
InterlockLogOption = Annotated[
    Path | None,
    typer.Option(
        "--interlock", help="Log of the interlock, to tell its link from the beam; needs --record.", metavar="LOG"
    ),
]
AheadOption = Annotated[
    float,
    typer.Option(
        "--clock-ahead-ms",
        help="How far the clock of --positions and --beam is ahead of the interlock's, in ms; matters with --record.",
        metavar="MS",
    ),
]
LimitOption = Annotated[
    float | None,
    typer.Option(
        "--limit-mm",
        help="Distance from the reference position from which on the beam is held, in mm; needed without --record.",
        metavar="MM",
        min=0.1,
        max=90.0,
    ),
]
TolerancesOption = Annotated[
    Path | None, typer.Option(help="TOML file with tolerances.", metavar="F.toml", show_default="TG-142's 100 ms")
]
BaselineOption = Annotated[
    Path | None, typer.Option(help="result.json of an earlier test, to compare with.", metavar="F.json")
]
HistoryOption = Annotated[
    Path | None, typer.Option(help="CSV file to which the test is appended, for the trend.", metavar="F.csv")
]
OutOption = Annotated[
    Path | None,
    typer.Option(help="Folder for the test, new or empty.", metavar="DIR", show_default="qa/NAME-<UTC time>"),
]


@qa.callback()
def _qa() -> None:
    """Keep `latency` a command of its own."""


@qa.command("latency")
@compiles_kernels
def latency(
    session_file: SessionFileArg,
    motion: MotionOption = "sweep",
    amplitude_mm: AmplitudeOption = 20.0,
    period_s: PeriodOption = 3.11,
    cycles: CyclesOption = 4,
    imaging_latency_ms: ImagingOption = None,
    beam_off_delay_ms: OffDelayOption = None,
    beam_on_delay_ms: OnDelayOption = None,
    rate_hz: RateOption = None,
    positions: PositionsOption = None,
    beam: BeamOption = None,
    record: RecordOption = None,
    interlock: InterlockLogOption = None,
    clock_ahead_ms: AheadOption = 0.0,
    limit_mm: LimitOption = None,
    tolerances: TolerancesOption = None,
    baseline: BaselineOption = None,
    history: HistoryOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the latency from a target's known motion to the beam, and judge it by tolerances.

    A digital phantom is fed in real time into a session with the settings of SESSION.toml, by its own source; the
    interlock is started at the address of its linac. With --positions and --beam, recordings of a real phantom and beam
    are measured instead. Exit 0 when all is within its tolerance, 1 when not, 2 for bad input.
    """
    from gatekeeper.recording.session_folder import make_session_folder
    from replay.progress import ProgressBars
    from replay.qa.history import read_history
    from replay.qa.live import Delays
    from replay.qa.outcome import Judging, read_baseline
    from replay.qa.run import Recorded, live_test, recorded_test
    from replay.qa.tolerances import Tolerances
    from replay.qa.write import table_lines, write_outcome

    name, config = session_file.stem, load_live(session_file)
    limits = Tolerances() if tolerances is None else load_toml(tolerances, Tolerances)
    judging = Judging(limits, None if baseline is None else read_baseline(baseline), history)
    if history is not None:
        read_history(history)
    if (positions is None) != (beam is None):
        raise ConfigError("command line: --positions and --beam belong together; give both, or neither")
    simulated = {"beam-off-delay-ms": beam_off_delay_ms, "beam-on-delay-ms": beam_on_delay_ms}
    measured = {"record": record, "interlock": interlock, "limit-mm": limit_mm}
    for option, value in (measured if positions is None else simulated).items():
        if value is not None:
            needs = "needs --positions and --beam" if positions is None else "is for the digital phantom"
            raise ConfigError(f"command line: --{option} {needs}; leave it out")
    imaging_s = None if imaging_latency_ms is None else 1e-3 * imaging_latency_ms
    moves = None if positions is not None else _motion(motion, amplitude_mm, period_s, cycles)
    folder = Path("qa") / f"{name}-{utc_stamp()}" if out is None else out
    make_session_folder(folder)
    if moves is None:
        assert positions is not None  # noqa: S101  (checked above)
        assert beam is not None  # noqa: S101
        ahead_s = 1e-3 * clock_ahead_ms
        given = Recorded(positions, beam, record, interlock, ahead_s, limit_mm, rate_hz, imaging_s)
        outcome = recorded_test(name, config, given, judging)
    else:
        delays = Delays(IMAGING_S if imaging_s is None else imaging_s, beam_off_delay_ms, beam_on_delay_ms)
        with ProgressBars() as bars:
            outcome = live_test(name, config, folder, moves, delays, rate_hz, judging, PROGRAM, bars)
    write_outcome(outcome, folder)
    for line in table_lines(outcome):
        say(line, err=as_json)
    say(f"report  {folder / 'report.html'}", err=as_json)
    if as_json:
        typer.echo(json.dumps({**outcome.as_json(), "out": str(folder)}, allow_nan=False))
    if not outcome.passed:
        raise typer.Exit(1)


def _motion(motion: str, amplitude_mm: float, period_s: float, cycles: int) -> "Motion":
    from replay.qa.motion import SHAPES, periodic, sweep
    from replay.qa.motion_file import read_motion

    if motion == "sweep":
        return sweep(cycles)
    if motion in SHAPES:
        return periodic(motion, amplitude_mm, period_s, cycles * period_s)
    return read_motion(Path(motion))
