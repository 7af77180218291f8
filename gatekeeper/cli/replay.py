"""Implement `gatekeeper replay`: run a recorded case or session through tracker, gate and loop."""

from contextlib import closing
from dataclasses import replace

from gatekeeper.cli.console_option import page_of
from gatekeeper.cli.limit_options import DEFAULTS, ConfidenceOption, MarginOption, OutsideOption
from gatekeeper.cli.options import (
    AsStoredOption,
    BreathHoldOption,
    CaseArg,
    ConfigOption,
    ConfirmOption,
    ConsoleHostOption,
    ConsoleOption,
    ConsolePortOption,
    FaultOption,
    JsonOption,
    LatencyOption,
    OarOption,
    ObserverOption,
    OptionalOption,
    OutOption,
    OverlapOption,
    PictureOption,
    PlaneOption,
    PrescribedOption,
    PreviewOption,
    RateOption,
    ReferenceFrameOption,
    ReportOption,
    ResampleOption,
    RoiOption,
    ScanOption,
    SpacingOption,
    SpeedOption,
    TargetOption,
    TimeAxisOption,
    TrackerOption,
    TruthOption,
    ZoneOption,
)
from gatekeeper.cli.output import say
from gatekeeper.cli.replay_run import play
from gatekeeper.cli.settings import choices_of, known_tracker, pace_of, settings_of, with_latency
from gatekeeper.core.errors import ConfigError


def replay(
    case: CaseArg,
    margin_mm: MarginOption = None,
    outside_percent: OutsideOption = None,
    config: ConfigOption = None,
    speed: SpeedOption = "max",
    out: OutOption = None,
    as_json: JsonOption = False,
    tracker: TrackerOption = None,
    preview_s: PreviewOption = 0.0,
    fault: FaultOption = None,
    report: ReportOption = False,
    target: TargetOption = None,
    roi: RoiOption = None,
    oar: OarOption = None,
    zone: ZoneOption = None,
    optional: OptionalOption = None,
    overlap: OverlapOption = None,
    min_confidence: ConfidenceOption = None,
    truth: TruthOption = None,
    scan: ScanOption = None,
    observer: ObserverOption = None,
    time_axis: TimeAxisOption = None,
    as_stored: AsStoredOption = False,
    rate_hz: RateOption = None,
    spacing_mm: SpacingOption = None,
    plane: PlaneOption = None,
    latency_ms: LatencyOption = None,
    resample: ResampleOption = None,
    console: ConsoleOption = False,
    console_host: ConsoleHostOption = None,
    console_port: ConsolePortOption = None,
    prescribed_s: PrescribedOption = None,
    breath_hold_s: BreathHoldOption = None,
    reference_frame: ReferenceFrameOption = None,
    confirm: ConfirmOption = False,
    picture: PictureOption = True,
) -> None:
    """Track and gate a recorded case, and score it where it has labels.

    A trace of measured motion, a CSV file with the columns time_s, si_mm, ap_mm and lr_mm, is played as images of a
    phantom that moves by it.
    A session is replayed from itself, with its own settings where no others are given, and both are shown side by side.
    Exit 1 where a frame was to become the reference and did not.
    """
    from gatekeeper.cli.structures import structures_of, with_confidences
    from gatekeeper.cli.truth import with_truth
    from gatekeeper.core.login import login_name
    from gatekeeper.session.tracker_guard import with_tracker
    from replay.faults import parse
    from replay.formats.session import is_session, open_session
    from replay.reference import AskedReference
    from replay.run import replay_input
    from replay.sessions.compare import replay_input_of_session
    from replay.sessions.session_tracker import check_tracker

    limits = margin_mm or (), outside_percent or (), overlap or ()
    settings, pace = settings_of(DEFAULTS, config, *limits), pace_of(speed)
    if known_tracker(tracker or settings.tracker.kind) and tracker is not None:
        settings = with_tracker(settings, tracker)
    page = page_of(console, console_host, console_port, False, prescribed_s, breath_hold_s)
    faults = [parse(text) for text in fault or ()]
    if confirm and reference_frame is None:
        raise ConfigError("command line: confirm: confirms a frame as reference; name it with --reference-frame")
    asked = None if reference_frame is None else AskedReference(reference_frame, login_name(), confirm)
    if not is_session(case):
        choices = choices_of(scan, observer, time_axis, as_stored, rate_hz, spacing_mm, plane, None, resample)
        found = structures_of(case, choices, target or (), oar or (), roi or (), zone or (), optional or ())
        recording = found.recording
        for note in recording.notes:
            say(f"gatekeeper: {note}", err=True)
        names = found.target_name, *(one.name for one in found.structures)
        recording = with_truth(recording, names, truth or ())
        material = replay_input(
            recording, preview_s, found.target_name, found.structures, found.target_zone_px, found.left_out
        )
        settings = with_latency(with_confidences(settings, min_confidence or (), material.setup.targets), latency_ms)
        play(material, settings, pace, out, as_json, None, faults, report, page, asked, picture)
        return
    told = (
        *(("roi", roi), ("oar", oar), ("zone", zone), ("optional", optional)),
        *(("scan", scan), ("observer", observer), ("time-axis", time_axis), ("as-stored", as_stored)),
        *(("rate-hz", rate_hz), ("spacing-mm", spacing_mm), ("plane", plane), ("resample", resample)),
    )
    for option, given in (("preview-s", preview_s), ("target", target), *told):
        if given:
            raise ConfigError(
                f"command line: {option} = {given}: a session is replayed from what it began with; leave it out"
            )
    with closing(open_session(case)) as session:
        if session.chain.finding is not None:
            say(f"gatekeeper: {case}: {session.chain.finding}; only the lines before it are replayed", err=True)
        settings = settings_of(session.config(), config, *limits)
        if tracker is not None:
            settings = with_tracker(settings, tracker)
        elif config is None:
            check_tracker(session, settings)
        # Whatever it was recorded with: what is asked for afterwards never switches a beam.
        settings = settings.model_copy(update={"linac": None})
        material = replay_input_of_session(session)
        settings = with_latency(with_confidences(settings, min_confidence or (), material.setup.targets), latency_ms)
        recording = with_truth(material.recording, material.setup.names, truth or ())
        play(
            replace(material, recording=recording),
            settings,
            pace,
            out,
            as_json,
            session,
            faults,
            report,
            page,
            asked,
            picture,
        )
