"""Collect the data of a session's report from its folder, and write the report."""

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import with_limits
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.decision import BeamState, Measure, Reason, StructureResult
from gatekeeper.core.errors import OutputError, RecordingError
from gatekeeper.core.json_values import measured
from gatekeeper.gating.zones import KeepOutZone, Zone, clearance_mm
from gatekeeper.recording.folder_files import file_hash
from gatekeeper.recording.journal import STRUCTURES
from gatekeeper.recording.signatures import add_signed
from gatekeeper.recording.signing import session_key
from gatekeeper.report.exposure import exposure_of
from gatekeeper.report.html import report_html
from gatekeeper.report.session_data import DutyMap, SessionData
from gatekeeper.report.structure_data import StructureData, structures_in
from gatekeeper.session.primary_limits import PrimaryLimits
from replay.formats.session import Entry, RecordedSession, open_session
from replay.sessions.rejudge import Rejudged, TrackedEntry
from replay.sessions.session_tracker import GivenTracker
from replay.sessions.verify import verify

MARGINS_MM = (3.0, 4.0, 5.0, 6.0, 8.0)
OUTSIDE_PERCENTS = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Settings of the map of the duty cycle; those of the session are added."""

OnProgress = Callable[[str, int, int], None]
"""Called with the name of the work, how much of it is done and how much there is."""


def session_data_of(
    session: RecordedSession, on_progress: OnProgress = lambda *_: None, tracker: GivenTracker = None
) -> SessionData:
    """Return the data of a session's report; images are read on access, while the session is open.

    Parameters
    ----------
    session : RecordedSession
        The session.
    on_progress : callable, optional
        Called as the work proceeds.
    tracker : str or TrackerFactory, optional
        Tracker to use; by default the one that the session was recorded with.

    Returns
    -------
    SessionData

    Raises
    ------
    RecordingError
        When the session holds no decision, no reference or no frame.
    """
    decisions = [entry for entry in session.entries if entry["kind"] in ("frame", "silence")]
    if not decisions:
        raise RecordingError(f"{session.folder}: holds no decision; there is nothing to report")
    on_progress("verifying", 0, 1)
    found = verify(session, tracker=tracker)
    on_progress("verifying", 1, 1)
    again = Rejudged(session, lambda done, total: on_progress("tracking", done, total), tracker)
    setup = session.setup
    assert setup is not None  # noqa: S101  (Rejudged raises otherwise)
    decisions = decisions[: sum(one.entry["kind"] != "event" for one in again.tracked)]
    config = again.config
    structures, envelope_px = _structures(again)
    found_rows = [
        ("result", found.result),
        ("head", found.head),
        ("lines", f"{found.lines}, {found.frames} decisions on frames, {found.compared} made again"),
        *(("finding", text) for text in found.findings),
        *(("missing", text) for text in found.missing),
        *(("note", text) for text in found.notes),
    ]
    data = SessionData(
        name=setup.name,
        config=config,
        decisions=decisions,
        events=[entry for entry in session.entries if entry["kind"] == "event"],
        tracks=[one.target for one in again.tracked if one.entry["kind"] != "event"],
        image=lambda index: _image(session, decisions[index].get("frame_row")),
        image_shape=(setup.reference.shape[0], setup.reference.shape[1]),
        spacing_mm=setup.spacing_mm,
        target_px=mask_to_contour(setup.target_mask),
        envelope_px=envelope_px,
        limits=PrimaryLimits.of(setup, config),
        summary=session.summary() or {},
        duty_map=DutyMap((), (), ()),
        checked=found_rows,
        good=found.good,
        orientation=orientation_of(setup.plane),
        structures=structures,
        left_out=setup.left_out,
        started_utc=str(cast(dict[str, str], session.chain.entries[0].get("session") or {}).get("started_utc", "")),
        versions=cast(dict[str, str], session.chain.entries[0]["versions"]),
    )
    return replace(data, duty_map=_duty_map(again, data, on_progress))


def _duty_map(again: Rejudged, data: SessionData, on_progress: OnProgress) -> DutyMap:
    """Return the maps of the duty cycle and of the time with the beam on while outside."""
    own_mm, own_percent = again.config.envelope.margin_mm, again.config.gate.outside_percent
    margins = tuple(sorted({*MARGINS_MM, own_mm}))
    percents = tuple(sorted({*OUTSIDE_PERCENTS, own_percent}))
    duty, exposed_s = [], []
    for number, margin in enumerate(margins):
        on_progress("judging again", number, len(margins))
        judged = [again.judge(with_limits(again.config, margin, percent, "judging again")) for percent in percents]
        duty.append(tuple(one.counts.duty_cycle for one in judged))
        on = (np.array([decision.state is BeamState.ON for decision in one.decisions]) for one in judged)
        exposed_s.append(tuple(exposure_of(data, one).total_s for one in on))
    on_progress("judging again", len(margins), len(margins))
    return DutyMap(margins, percents, tuple(duty), tuple(exposed_s))


def _structures(again: Rejudged) -> tuple[tuple[StructureData, ...], NDArray[np.float64]]:
    """Return each of several structures of a session, and the envelope of the primary target at its end."""
    setup, config = again.setup, again.config
    tracked = [one for one in again.tracked if one.entry["kind"] != "event"]
    zones: tuple[Zone, ...] = ()
    nearest_mm: dict[int, list[float]] = {}

    def look(present: tuple[Zone, ...], one: TrackedEntry) -> None:
        nonlocal zones
        zones = present
        for place, zone in enumerate(present):
            if isinstance(zone, KeepOutZone) and not zone.beyond:
                tracked = one.track is not None
                distance_mm = clearance_mm(zone.zones, one.others[place - 1].contour_px) if tracked else math.nan
                nearest_mm.setdefault(place, []).append(distance_mm)

    judged = again.judge(config, look)
    results = [
        _recorded(one.entry, setup.names) or decision.structures
        for one, decision in zip(tracked, judged.decisions, strict=True)
    ]
    found = structures_in(
        setup, config, zones, results, [one.target for one in tracked], [one.others for one in tracked]
    )
    return tuple(
        replace(one, nearest_mm=np.array(nearest_mm[place])) if not one.info.is_target else one
        for place, one in enumerate(found)
    ), judged.envelope_px


def _recorded(entry: Entry, names: Sequence[str]) -> tuple[StructureResult, ...]:
    """Return what the journal says of each structure; nothing before schema 4, and where nothing was tracked."""
    parts = entry.get(STRUCTURES, {})
    found = []
    for part in (parts[name] for name in names if name in parts):
        measure = next(one for one in Measure if one in part)
        reasons = tuple(Reason(word) for word in part["reasons"])
        found.append(StructureResult(measure, measured(part[measure]), reasons))
    return tuple(found)


def _image(session: RecordedSession, row: int | None) -> NDArray[np.generic] | None:
    return None if row is None else session.frames.frame(int(row))[0].image


def _sign_addition(session: RecordedSession, path: Path) -> None:
    """Sign a report that lies in the folder of a sealed session, so that `verify` finds when it is replaced."""
    folder, entries = session.folder, session.chain.entries
    if path.parent.resolve() != folder.resolve() or entries[-1].get("files") is None:
        return
    try:
        add_signed(folder, session_key(), len(entries) - 1, session.chain.head, path.name, file_hash(path))
    except OSError as error:
        raise OutputError(f"{folder}: the report cannot be signed ({error.strerror or error})") from None


def report_of(folder: Path, tracker: GivenTracker = None) -> str:
    """Return the report of the session in a folder as HTML; see `write_report`."""
    with closing(open_session(folder)) as session:
        return report_html(session_data_of(session, lambda *_: None, tracker))


def write_report(
    folder: Path, out: Path | None = None, on_progress: OnProgress = lambda *_: None, tracker: GivenTracker = None
) -> Path:
    """Write the report of the session in a folder atomically, and return its path.

    In the folder of a sealed session the report is signed with this installation's key.

    Parameters
    ----------
    folder : Path
        The session.
    out : Path, optional
        The file; by default `report.html` in the folder.
    on_progress : callable, optional
        Called as the work proceeds.
    tracker : str or TrackerFactory, optional
        Tracker to use; by default the one that the session was recorded with.

    Returns
    -------
    Path

    Raises
    ------
    RecordingError
        When the folder is not a session, or the session holds nothing to report.
    OutputError
        When the file cannot be written.
    """
    path = folder / "report.html" if out is None else out
    with closing(open_session(folder)) as session:
        data = session_data_of(session, on_progress, tracker)
        on_progress("drawing", 0, 1)
        write_atomically(path, report_html(data).encode())
        _sign_addition(session, path)
    on_progress("drawing", 1, 1)
    return path
