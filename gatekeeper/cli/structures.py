"""Read the structures that a command names: targets and organs at risk, and limits of single ones."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.cli.target import drawn_of, first_image, region_of, with_target
from gatekeeper.config import GateConfig, OtherLimits, SessionConfig, build
from gatekeeper.core.contour import Role, Structure
from gatekeeper.core.errors import ConfigError, InputError, TargetError
from gatekeeper.recording.session_setup import TARGET
from gatekeeper.session.planned import Planned, structures_on, without, zone_px
from gatekeeper.session.target import Drawn, Outlined
from replay.formats.format import Choices, Use
from replay.formats.open import format_of, open_recording
from replay.recording import RecordedStructure, Recording

AMOUNT = re.compile(r"(?P<number>[0-9]+(?:[.][0-9]*)?|[.][0-9]+)\s*(?P<unit>%|mm2|mm)")
LIMITS = {"%": "overlap_percent", "mm2": "overlap_mm2", "mm": "nearer_mm"}


@dataclass(frozen=True, slots=True)
class Named:
    """A structure as a command names it: [NAME=]FILE[:REGION], or [NAME=]REGION of the recording itself.

    Attributes
    ----------
    name : str
        What it is called.
    file : Path or None
        Its file; None: it is in the recording.
    region : str or None
        Its region, segment or value; None: the only one.
    """

    name: str
    file: Path | None
    region: str | None


@dataclass(frozen=True, slots=True, eq=False)
class OnRecording:
    """The structures of a recording, the primary target in the recording itself.

    Attributes
    ----------
    recording : Recording
        With the primary target on its first frame.
    target_name : str
        Name of the primary target.
    structures : tuple of Structure
        Further targets and organs at risk.
    target_zone_px : ndarray of float64, shape (N, 2), or None
        The primary target's own envelope.
    left_out : tuple of str
        Optional structures that are left out, one line each.
    """

    recording: Recording
    target_name: str
    structures: tuple[Structure, ...] = ()
    target_zone_px: NDArray[np.float64] | None = None
    left_out: tuple[str, ...] = ()


def named(text: str, option: str, in_recording: bool) -> Named:
    """Return a structure as it is named on the command line.

    Parameters
    ----------
    text : str
        [NAME=]FILE[:REGION]; or [NAME=]REGION where the recording itself has regions.
    option : str
        The option, for the message.
    in_recording : bool
        Whether the recording itself has regions.

    Raises
    ------
    ConfigError
        When there is no such file.
    """
    called, equals, rest = text.partition("=")
    if not equals or Path(text).exists():
        called, rest = "", text
    if equals and not called and rest != text:
        raise ConfigError(f"command line: {option} = {text!r:.80}: has no name before =; give NAME=FILE, or FILE alone")
    cuts = [len(rest), *(cut.start() for cut in re.finditer(":", rest))]
    for cut in cuts:
        if (file := Path(rest[:cut])).exists() and rest[:cut]:
            region = rest[cut + 1 :] or None
            return Named(called or (region or file.name.partition(".")[0]).replace("/", "_"), file, region)
    if not in_recording or "/" in rest or Path(rest).suffix:
        raise ConfigError(
            f"command line: {option} = {text!r:.200}: there is no such file; give [NAME=]FILE[:REGION], such as "
            "rt.dcm:GTV2"
        )
    return Named(called or rest.replace("/", "_"), None, rest)


def structures_of(
    path: Path,
    choices: Choices,
    targets: Sequence[str],
    oars: Sequence[str],
    rois: Sequence[str],
    zones: Sequence[str],
    optional: Sequence[str],
) -> OnRecording:
    """Open a recording with the structures that a command names.

    Parameters
    ----------
    path : Path
        The recording.
    choices : Choices
        How to read it, without a region.
    targets, oars : sequence of str
        Structures, see `Named`; the first target is the primary one. Without targets it is that of the recording.
    rois : sequence of str
        Regions of the recording or, with one target, of its file.
    zones : sequence of str
        NAME=FILE[:REGION]: envelopes and keep-out zones that are regions.
    optional : sequence of str
        Names of structures without which the session may begin.

    Raises
    ------
    InputError
        When a structure is not there, twice, or not on the first frame.
    """
    own = format_of(path).has_regions
    found = [(Role.TARGET, one) for one in _targets(targets, rois, own)]
    found += [(Role.AVOID, named(text, "oar", own)) for text in oars]
    primary = found[0][1] if found and found[0][0] is Role.TARGET else Named(TARGET, None, None)
    others = found[1:] if found and found[0][0] is Role.TARGET else found
    names = [primary.name, *(one.name for _, one in others)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"command line: structure {twice[0]!r:.80} is there twice; name one of them NAME=...")
    if primary.name in optional:
        raise ConfigError(f"command line: optional = {primary.name!r:.80}: a session needs its first target")
    regions = {name: named(rest, "zone", False) for name, rest in by_name(zones, "zone", names)}
    if unknown := [name for name in optional if name not in names]:
        raise _unknown("optional", unknown[0], names)
    recording = open_recording(path, replace(choices, roi=primary.region if primary.file is None else None))
    if primary.file is not None:
        recording = with_target(recording, path, choices, primary.file, primary.region)
    reference = first_image(recording, path, choices)
    beside_mm = GateConfig().plane_offset_mm

    def zone(name: str, use: Use) -> Outlined | None:
        one = regions.get(name)
        return None if one is None or one.file is None else _drawn(one.file, one.region, f"zone of {name}", use)

    def outlined(one: Named, use: Use) -> Outlined:
        if one.file is not None:
            return _drawn(one.file, one.region, one.name, use)
        own_one = open_recording(path, replace(choices, roi=one.region))
        if own_one.first_mask is None:
            raise TargetError(f"{one.name}: is not outlined on the first frame of {path}")
        labelled.append(RecordedStructure(one.name, own_one.first_mask, own_one.labels))
        return Drawn.of_mask(one.name, own_one.first_mask, reference)

    planned, unread, labelled = [], [], list[RecordedStructure]()
    for role, one in others:
        use, whole = (Use.TARGET, Use.ENVELOPE) if role is Role.TARGET else (Use.AVOID, Use.AVOID)
        required = one.name not in optional
        try:
            planned.append(Planned(outlined(one, use), role, zone(one.name, whole), required))
        except InputError as error:
            if required:
                raise
            unread.append(without(one.name, error))
    structures, not_there = structures_on(planned, reference, beside_mm)
    left_out = (*unread, *not_there)
    notes = [note for one in planned for note in one.outlined.notes]
    recording = replace(
        recording,
        target_name=primary.name,
        structures=tuple(labelled),
        notes=(*recording.notes, *notes, *left_out),
    )
    envelope = zone_px(zone(primary.name, Use.ENVELOPE), reference, beside_mm)
    return OnRecording(recording, primary.name, structures, envelope, left_out)


def with_named_limits(
    settings: SessionConfig, margins: Sequence[str], outsides: Sequence[str], overlaps: Sequence[str]
) -> SessionConfig:
    """Return the settings with limits of all structures or of single ones, as a command names them.

    Parameters
    ----------
    settings : SessionConfig
        The settings.
    margins, outsides : sequence of str
        Margins in mm and limits in percent, each a number for all targets or NAME=NUMBER for one.
    overlaps : sequence of str
        NAME=NUMBER and a unit, %, mm2 or mm: limits of organs at risk.

    Raises
    ------
    ConfigError
        When one is not a number, or outside its limits.
    """
    values = settings.model_dump()
    tables = (("margin-mm", margins, "envelope", "margin_mm"), ("outside-percent", outsides, "gate", "outside_percent"))
    for option, texts, table, setting in tables:
        for text in texts:
            name, _, number = text.rpartition("=")
            try:
                value = float(number)
            except ValueError:
                raise ConfigError(
                    f"command line: {option} = {text!r:.80}: must be a number, or NAME=NUMBER for one target"
                ) from None
            place = values["structures"]["target"].setdefault(name, {}) if name else values[table]
            place[setting] = value
    for text in overlaps:
        name, equals, amount = text.rpartition("=")
        match = AMOUNT.fullmatch(amount.strip())
        if not (name and equals and match):
            raise ConfigError(
                f"command line: overlap = {text!r:.80}: must be NAME=NUMBER%, NAME=NUMBERmm2 or NAME=NUMBERmm"
            )
        limits = values["structures"]["oar"].setdefault(name, {})
        for setting in LIMITS.values():
            limits.pop(setting, None)
        limits[LIMITS[match["unit"]]] = float(match["number"])
    return build(SessionConfig, values, "command line")


def with_confidences(settings: SessionConfig, texts: Sequence[str], targets: Collection[str]) -> SessionConfig:
    """Return the settings with least confidences of all structures or of single ones, as a command names them.

    Parameters
    ----------
    settings : SessionConfig
        The settings.
    texts : sequence of str
        Each a number for all structures, or NAME=NUMBER for one.
    targets : collection of str
        Names of the targets; other structures are organs at risk.

    Raises
    ------
    ConfigError
        When one is not a number, or outside its limits.
    """
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            limit = {"min_confidence": float(number)}
        except ValueError:
            raise ConfigError(
                f"command line: min-confidence = {text!r:.80}: must be a number, or NAME=NUMBER for one structure"
            ) from None
        other = OtherLimits(structures={name: limit}) if name else OtherLimits(limit)
        settings = other.on(settings, targets, "command line")
    return settings


def _targets(targets: Sequence[str], rois: Sequence[str], in_recording: bool) -> list[Named]:
    """Return the targets of the options --target and --roi."""
    if not targets:
        if rois and not in_recording:
            raise ConfigError(
                f"command line: roi = {rois[0]!r}: is a region of an RT Structure Set; name it with --target"
            )
        return [Named(roi.replace("/", "_"), None, roi) for roi in rois]
    found = [named(text, "target", in_recording) for text in targets]
    if not rois:
        return found
    if len(found) > 1 or found[0].file is None or found[0].region is not None:
        raise ConfigError(
            f"command line: roi = {rois[0]!r:.80}: names a region of one --target FILE; give FILE:REGION for several"
        )
    return [Named(roi.replace("/", "_"), found[0].file, roi) for roi in rois]


def by_name(texts: Sequence[str], option: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the name and the rest of each NAME=... of an option.

    Parameters
    ----------
    texts : sequence of str
        What was given.
    option : str
        The option, for the message.
    names : sequence of str
        The structures that there are.

    Raises
    ------
    ConfigError
        When there is no structure of the name.
    """
    found: list[tuple[str, str]] = []
    for text in texts:
        name, _, rest = text.partition("=")
        if name not in names or not rest:
            raise _unknown(option, text, names)
        if name in (earlier for earlier, _ in found):
            raise ConfigError(f"command line: {option} = {text!r:.80}: is a second one of {name!r:.80}; give one")
        found.append((name, rest))
    return found


def _unknown(option: str, text: str, names: Sequence[str]) -> ConfigError:
    return ConfigError(f"command line: {option} = {text!r:.80}: names no structure; there are {', '.join(names)}")


def _drawn(file: Path, region: str | None, called: str, use: Use) -> Outlined:
    return drawn_of(region_of(file, region), called, use)
