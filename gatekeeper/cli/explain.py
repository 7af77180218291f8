"""Describe the settings of a SESSION.toml in words and numbers."""

from gatekeeper.config import (
    CourseConfig,
    DrawnConfig,
    DryRunLinacConfig,
    LiveConfig,
    OarConfig,
    OarDrawnConfig,
    OpenIGTLinkSourceConfig,
    PluginLinacConfig,
    PluginSourceConfig,
    Region,
    TargetConfig,
)
from gatekeeper.config.outlines import AnyOar, AnyTarget
from gatekeeper.config.safe_ranges import UNSAFE
from gatekeeper.config.strict import PluginConfig
from gatekeeper.plugins import LINACS, SOURCES

USUAL_RATE_HZ = 8.0
"""Frame rate assumed where the settings do not give one, per second."""
PROTOCOLS = {"mrd": "MRD streaming", "openigtlink": "OpenIGTLink", "dicom": "DICOM C-STORE"}
ON_PAGE = "on the console's page, before the session begins"
BY_HAND = "for that gatekeeper run needs --console --control"
LINKS = {"lease": "lease to an interlock", "modbus": "Modbus TCP", "openigtlink": "OpenIGTLink"}


def source(config: LiveConfig) -> list[str]:
    """Describe the source."""
    one = config.source
    if isinstance(one, PluginSourceConfig):
        lines = [SOURCES.find(one.kind).origin, *_options(one)]
    else:
        calls = isinstance(one, OpenIGTLinkSourceConfig) and one.role == "client"
        where = f"{one.host}:{one.port or 'any free port'}"
        lines = [
            f"{PROTOCOLS[one.kind]}: {f'connects to {where}' if calls else f'listens on {where}'}"
            + ("" if calls else f", to {', '.join(one.allow) or 'no address'} only"),
            f"messages up to {one.largest_message_mb:g} MB, each whole within {one.read_deadline_s:g} s",
        ]
    # Unsafe settings have a row of their own.
    lines += [f"WARNING: {warning}" for warning in config.warnings() if not warning.startswith(UNSAFE)]
    if not isinstance(one, PluginSourceConfig):
        proof = (
            "the sender proves no identity" if one.tls is None else f"only the sender of {one.tls.peer_file}, by TLS"
        )
        lines.append(proof)
    if one.frames_per_s is None:
        lines.append(f"frames per second not given: held {config.gate.max_age_s:g} s after the newest frame")
    else:
        silence_s = config.silence_s(1.0 / one.frames_per_s)
        lines.append(f"{one.frames_per_s:g} frames per second: held when none has come for {1e3 * silence_s:.0f} ms")
    return lines


def outline(one: Region) -> str:
    """Describe where an outline comes from."""
    match one.kind:
        case "rtstruct":
            return f"region {one.roi!r} of the structure set {one.file}"
        case "mask":
            return f"pixels {'above 0' if one.label is None else f'of {one.label}'} of {one.file}"
        case "trackrad":
            return f"first label{'' if one.label is None else f' {one.label}'} of the case {one.case}"
        case _:
            return f"{len(one.points_mm)} points in patient coordinates"


def further(one: AnyTarget | AnyOar) -> str:
    """Describe where the outline of a further target or of an organ at risk comes from."""
    if isinstance(one, DrawnConfig | OarDrawnConfig):
        return f"drawn by an operator {ON_PAGE}"
    return f"{outline(one)}, adjusted by an operator {ON_PAGE}" if one.adjust else outline(one)


def target(config: LiveConfig) -> list[str]:
    """Describe the first target."""
    one, reference = config.target[0], config.target[0].reference
    if one.kind == "drawn":
        on = "a frame that the operator takes" if reference is None else reference
        words = [f"drawn by an operator on {on}, {ON_PAGE}", BY_HAND]
    else:
        first = "the first frame of that case" if one.kind == "trackrad" else "the first frame that comes"
        on = "a frame that the operator takes" if one.adjust and one.kind != "trackrad" else first
        words = [f"{outline(one)}, on {on if reference is None else reference}"]
        if one.adjust:
            words += [f"adjusted by an operator, {ON_PAGE}", BY_HAND]
    tracker = config.tracker
    return [
        *words,
        *own_envelope(one),
        f"looked for within {tracker.search_si_mm:g} mm along SI, {tracker.search_ap_mm:g} mm along AP and "
        f"{tracker.search_rl_mm:g} mm along RL, those two that the images show",
    ]


def course(one: CourseConfig) -> list[str]:
    """Describe the course."""
    from gatekeeper.report.course_facts import course_rows

    return [f"{name}: {words}" for name, words in course_rows(one)]


def breath_hold(config: LiveConfig) -> list[str]:
    """Describe the wanted breath-hold, and whether holds are recognised."""
    one = config.breath_hold
    if not one.recognised:
        return ["breath-holds are not recognised: drift is that of the breaths"]
    if not one.is_expected:
        return ["recognised once the patient has been seen to breathe and to hold"]
    words = [] if one.seconds is None else [f"holds of {one.seconds:g} s are wanted"]
    if one.position_mm is not None:
        words.append(f"wanted at {one.position_mm:+g} mm from where the target was drawn, to {one.tolerance_mm:g} mm")
    return words


def envelope(config: LiveConfig) -> list[str]:
    """Describe the envelope of the targets without one of their own."""
    grown = f"grown by {config.envelope.margin_mm:g} mm in all directions"
    own = [one for one in config.target if one.envelope is not None or one.margin_mm is not None]
    if not own:
        return [f"the target {grown}"]
    if len(own) < len(config.target):
        return [f"the targets without one of their own {grown}"]
    return ["that of each target by itself"]


def own_envelope(one: TargetConfig) -> list[str]:
    """Describe the envelope and the limit of a target, where they are its own."""
    words = []
    if one.envelope is not None:
        words.append(f"its envelope is {outline(one.envelope)}")
    elif one.margin_mm is not None:
        words.append(f"its envelope is it grown by {one.margin_mm:g} mm in all directions")
    if one.outside_percent is not None:
        words.append(f"held when more than {one.outside_percent:g} % of it is outside")
    return words + _other_limits(one)


def organ(config: LiveConfig, one: OarConfig) -> list[str]:
    """Describe the keep-out zone and the limit of an organ at risk."""
    if one.zone is not None:
        zone = f"its keep-out zone is {outline(one.zone)}"
    elif one.zone_margin_mm is not None:
        zone = f"its keep-out zone is all beyond {one.zone_margin_mm:g} mm of where it was drawn"
    else:
        zone = "its keep-out zone is the envelopes of the targets"
    if one.overlap_mm2 is not None:
        limit = f"held when more than {one.overlap_mm2:g} mm2 of it are in there"
    elif one.nearer_mm is not None:
        limit = f"held when it comes more than {one.nearer_mm:g} mm nearer to there than it was drawn"
    else:
        percent = config.gate.overlap_percent if one.overlap_percent is None else one.overlap_percent
        limit = f"held when more than {percent:g} % of it are in there"
    return [zone, limit, *_other_limits(one)]


def _other_limits(one: TargetConfig | OarConfig) -> list[str]:
    words = [] if one.min_confidence is None else [f"held below a confidence of {one.min_confidence:g}"]
    return words if one.required else [*words, "not required: without it the session begins and says so"]


def gate(config: LiveConfig) -> list[str]:
    """Describe when the beam may be on."""
    one = config.gate
    return [
        f"held when more than {one.outside_percent:g} % of the target is outside; on again at "
        f"{one.resume_percent:g} % or less",
        f"held below a confidence of {one.min_confidence:g}, and when the newest frame is older than "
        f"{1e3 * one.max_age_s:.0f} ms",
        f"on again after {one.frames_to_resume} good frames in a row",
        f"held {one.exception_mm:g} mm beyond the range of motion, and when the baseline has drifted by "
        f"{one.drift_mm:g} mm",
    ]


def prediction(config: LiveConfig) -> list[str]:
    """Describe the prediction."""
    one = config.prediction
    if one.mode == "off":
        return ["off: the measured position counts"]
    counts = {
        "conservative": "held when the measured or the predicted position is out",
        "full": "the predicted position counts while the predictor is healthy",
    }
    return [
        f"{one.mode}: {counts[one.mode]}",
        f"{1e3 * one.latency_s:.0f} ms ahead, after {one.burn_in_s:g} s of trace",
    ]


def linac(config: LiveConfig) -> list[str]:
    """Describe the linac port."""
    one, profile = config.linac, config.profile
    if one is None or isinstance(one, DryRunLinacConfig):
        return ["none: decisions are only recorded"]
    if isinstance(one, PluginLinacConfig):
        how = [LINACS.find(one.kind).origin, *_options(one), "how soon a failure is noticed is up to the plug-in"]
    else:
        if one.kind == "serial":
            where = f"serial line {one.device}, {one.baud} baud"
        else:
            where = f"{LINKS[one.kind]} at {one.host}:{one.port}"
        how = [where, f"a failure holds the beam or is noticed within {1e3 * one.failure_detect_s:.0f} ms"]
    rests = f"off for at least {profile.minimum_off_s:g} s, " if profile.minimum_off_s else ""
    return [
        *how,
        f"{rests}at most {profile.cycles_per_minute} beams begun per minute",
    ]


def loop(config: LiveConfig) -> list[str]:
    """Describe the real-time settings."""
    one = config.loop
    asked = [
        *([f"processor {one.pin_cpu}"] if one.pin_cpu >= 0 else []),
        *([f"real-time priority {one.fifo_priority}"] if one.fifo_priority else []),
        *(["memory locked"] if one.lock_memory else []),
    ]
    return [", ".join(asked) or "nothing is asked of the machine"]


def preview(config: LiveConfig) -> list[str]:
    """Describe the preview."""
    seconds = config.preview.seconds
    return [f"{seconds:g} s of frames are learned from before an operator may arm" if seconds else "nothing is learned"]


def _options(one: PluginConfig) -> list[str]:
    """Describe the options of a plug-in."""
    return [", ".join(f"{name} = {value!r}" for name, value in one.options.items())] if one.options else []
