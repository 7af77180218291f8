"""What the library asks of its worker processes: to read files that may be damaged, or take long.

Everything here is called in another process, by name, with plain values.
"""

import base64
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import ORIENTATIONS, SAGITTAL, orientation_of
from gatekeeper.core.errors import GatekeeperError, InputError, TargetError
from gatekeeper.recording.session_setup import TARGET
from replay.formats.format import Choices

COMPLETE, INTERRUPTED, DAMAGED = "complete", "interrupted", "damaged"
"""Verdicts on a session, as in a cohort."""
LARGEST_HASHED = 2**24
"""Files of a session up to this size in bytes are compared with their hashes; larger ones by `gatekeeper verify`."""


@dataclass(frozen=True, slots=True)
class Where:
    """A recording, and how it is read.

    Attributes
    ----------
    path : str
        File or folder.
    orientation, scan : str or None
        See `replay.formats.format.Choices`.
    """

    path: str
    orientation: str | None = None
    scan: str | None = None

    @property
    def choices(self) -> Choices:
        """The choices for the reader."""
        return Choices(scan=self.scan, orientation=self.orientation)


def look_at_session(folder: str) -> dict[str, Any]:
    """Return verdict, finding and picture of a session, and the figures of one without summary."""
    from gatekeeper.recording.summary import summary_of
    from replay.formats.session import open_session
    from replay.sessions.integrity import check_integrity

    found: dict[str, Any] = {"verdict": DAMAGED, "finding": "", "picture": None}
    try:
        with closing(open_session(Path(folder))) as session:
            checked = check_integrity(session.folder, session.chain, largest=LARGEST_HASHED)
            found["verdict"] = DAMAGED if checked.findings else COMPLETE if checked.finished else INTERRUPTED
            found["finding"] = " ".join([*checked.findings, *checked.missing][:1]).replace(folder, "session")
            if not checked.finished and not checked.findings:
                counted = summary_of(session.entries)
                found |= {"frames": counted.frames, "duty_cycle": counted.duty_cycle, "beam_on_s": counted.beam_on_s}
            if session.setup is not None:
                found["picture"] = _picture(session.setup, session.config())
    except (GatekeeperError, OSError, ValueError, KeyError, TypeError) as error:
        found["finding"] = found["finding"] or _line(error, folder)
    return found


def breaths_of(folder: str) -> list[tuple[float, float]]:
    """Return begin and end of each breath or breath-hold of a session, in s since its first decision."""
    from gatekeeper.analysis.breaths import breaths_in
    from gatekeeper.core.json_values import measured
    from gatekeeper.recording.hashing import plane_of
    from replay.formats.session import read_journal

    header, *entries = read_journal(Path(folder)).entries
    setup = header.get("setup")
    plane = setup.get("plane") if isinstance(setup, dict) else None
    rows = (SAGITTAL if plane is None else orientation_of(plane_of(plane))).rows
    decisions: list[dict[str, Any]] = [one for one in entries if one["kind"] in ("frame", "silence")]
    times_s = np.array([measured(one.get("decided_s")) for one in decisions])
    along_mm = np.array([_tracked_mm(one) for one in decisions])
    known = np.flatnonzero(np.isfinite(times_s) & np.isfinite(along_mm))
    if not known.size:
        return []
    found = breaths_in(times_s[known], rows.inhaling * along_mm[known])
    since_s = times_s[known] - np.nanmin(times_s)
    return [(round(float(since_s[one.first]), 3), round(float(since_s[one.last]), 3)) for one in found]


def _tracked_mm(entry: dict[str, Any]) -> float:
    """Return where the target was along the rows of the images; NaN where it was not found."""
    center, confidence = entry.get("center_mm"), entry.get("confidence")
    return float(center[0]) if center is not None and center[0] is not None and (confidence or 0.0) > 0.0 else np.nan


def look_at_recording(path: str) -> dict[str, Any]:
    """Return frames, duration and picture of a recording, or why it cannot be read without a choice."""
    from gatekeeper.report.thumbnail import thumbnail
    from replay.formats.open import open_recording

    found: dict[str, Any] = {"verdict": "", "finding": "", "picture": None}
    try:
        recording = open_recording(Path(path))
        count, rows, cols = recording.frames.shape
        times_s = recording.times_s
        found |= {"frames": count, "duration_s": float(times_s[-1] - times_s[0]) if count else 0.0}
        found["orientation"] = orientation_of(recording.plane).name
        edge_px = np.array([[0.0, 0.0], [0.0, cols - 1.0], [rows - 1.0, cols - 1.0], [rows - 1.0, 0.0]])
        found["picture"] = thumbnail(recording.frames[0], recording.spacing_mm, edge_px, (), around_mm=0.0)
    except (GatekeeperError, OSError, ValueError, KeyError, TypeError) as error:
        found["finding"] = _line(error, path)
    return found


def read_recording(where: Where) -> dict[str, Any]:
    """Return what `gatekeeper info` tells of a recording, with its structures, planes to choose from and picture.

    Returns
    -------
    dict
        `rows` (name and text of each fact), `facts`, `planes`, `structures`, `own_target` and `picture`; or `planes`
        and `finding` when it cannot be read as it was chosen.
    """
    from replay.formats.open import format_of, open_recording
    from replay.formats.session import is_session
    from replay.progress import no_progress
    from replay.recording_info import facts_of
    from replay.recording_picture import png_picture

    path = Path(where.path)
    if path.is_dir() and not is_session(path):
        path = _inner(path)
    if is_session(path):
        raise InputError("dropped: is a session; put its folder below the library's folder, and it is listed")
    try:
        recording = open_recording(path, where.choices)
    except InputError as error:
        if where.orientation is not None:
            raise
        return {"path": str(path), "finding": _line(error, str(path)), "planes": _planes(path, where)}
    facts = facts_of(recording, format_of(path).name, no_progress)
    return {
        "path": str(path),
        "finding": "",
        "planes": [],
        "name": recording.name,
        "rows": list(facts.told()),
        "facts": facts.as_json(),
        "structures": [
            {"name": one.name, "drawn": one.first_mask is not None, "why": one.why}
            for one in recording.named_structures
        ],
        "own_target": recording.first_mask is not None,
        "picture": "data:image/png;base64," + base64.b64encode(png_picture(recording)).decode("ascii"),
    }


def first_frame(where: Where) -> bytes:
    """Return the first frame of a recording as the page draws it, without a target."""
    from gatekeeper.display.web.message import IMAGE, for_page, packed
    from gatekeeper.display.web.trace_row import axes_for_page
    from replay.formats.open import open_recording

    recording = open_recording(Path(where.path), where.choices)
    head = {"spacing_mm": recording.spacing_mm, "axes": axes_for_page(orientation_of(recording.plane))}
    return for_page(packed(head, {IMAGE: np.asarray(recording.frames[0])}), 0)


def outlined(points_px: object, margin_mm: object, shape: tuple[int, int], spacing_mm: tuple[float, float]) -> Any:
    """Return the mask and envelope of a drawn outline; see `gatekeeper.display.web.contour_preview`."""
    from gatekeeper.display.web.contour_preview import outlined as preview

    return preview(points_px, margin_mm, shape, spacing_mm)


def write_target(where: Where, points_px: object, out: str) -> None:
    """Write an outline that was drawn on the first frame of a recording as a mask image, where the frame is."""
    from gatekeeper.session.contouring.outline import points_of, region_of
    from replay.formats.open import open_recording
    from replay.formats.writers.slicer import write_mask

    recording = open_recording(Path(where.path), where.choices)
    _, rows, cols = recording.frames.shape
    mask = region_of(points_of(points_px), None, (rows, cols), recording.spacing_mm).mask
    write_mask(Path(out), mask, recording.spacing_mm, recording.plane)


def read_target(where: Where, file: str, region: str | None, margin_mm: float) -> dict[str, Any]:
    """Return a target of another file on the first frame of a recording, or the regions to choose from."""
    from gatekeeper.cli.target import with_target
    from gatekeeper.display.web.contour_preview import runs_of
    from gatekeeper.session.contouring.outline import outline_to_adjust, region_of
    from replay.formats.open import open_recording
    from replay.formats.structure_set import is_structure_set, read_structure_set

    path = Path(file)
    if region is None and is_structure_set(path):
        return {"regions": list(read_structure_set(path).names)}
    at, choices = Path(where.path), where.choices
    recording = with_target(open_recording(at, choices), at, choices, path, region)
    if recording.first_mask is None:
        raise TargetError(f"{TARGET}: is not on the first frame; choose another file")
    mask: NDArray[np.bool_] = np.asarray(recording.first_mask)
    shown = region_of(outline_to_adjust(mask), margin_mm, (mask.shape[0], mask.shape[1]), recording.spacing_mm)
    return {
        "regions": [],
        "runs": runs_of(mask),
        "shape": list(mask.shape),
        "envelope_px": np.round(shown.envelope_px, 3).tolist(),
        "area_mm2": float(mask.sum()) * recording.spacing_mm[0] * recording.spacing_mm[1],
    }


def _picture(setup: Any, config: Any) -> str:
    """Return the reference of a session with its structures, as a data address."""
    from gatekeeper.core.contour import mask_to_contour
    from gatekeeper.report.structure_data import Outline, structures_in
    from gatekeeper.report.thumbnail import thumbnail
    from gatekeeper.session.arming import zones_of
    from gatekeeper.style.colors import ENVELOPE_COLOR, TARGET_COLOR

    zones = zones_of(setup, config)
    envelope_px = zones[0].envelope.contour_px
    structures = structures_in(setup, config, zones)
    outlines = [outline for one in structures for outline in one.drawn(one.reference_px)] or [
        Outline(envelope_px, ENVELOPE_COLOR, "envelope"),
        Outline(mask_to_contour(setup.target_mask), TARGET_COLOR, "structure"),
    ]
    return thumbnail(setup.reference, setup.spacing_mm, envelope_px, outlines)


def _planes(path: Path, where: Where) -> list[str]:
    """Return the orientations as which a recording of several planes can be read."""
    from replay.formats.open import open_recording

    found = []
    for name in ORIENTATIONS:
        try:
            open_recording(path, replace(where, orientation=name).choices)
        except InputError:
            continue
        found.append(name)
    return found


def _inner(folder: Path) -> Path:
    """Return the recording in a folder: the folder itself, or the only recording in it, at most one folder below."""
    from replay.formats.open import format_of
    from replay.formats.session import is_session

    def is_recording(path: Path) -> bool:
        try:
            return bool(format_of(path).name)
        except InputError:
            return False

    if is_recording(folder):
        return folder
    inside = [one for one in sorted(folder.iterdir()) if not one.name.startswith(".")]
    found = [one for one in inside if is_session(one) or is_recording(one)]
    if len(found) == 1:
        return found[0]
    if len(inside) == 1 and inside[0].is_dir():
        return _inner(inside[0])
    if not found:
        raise InputError(
            "dropped: holds no recording of a known format; docs/reference/recording-formats.md says what can be read"
        )
    raise InputError(f"dropped: holds {len(found)} recordings; drop one of them")


def _line(error: Exception, path: str) -> str:
    """Return what went wrong in one line, without a path, which may name a person."""
    told = str(error) if isinstance(error, GatekeeperError) else f"cannot be read ({type(error).__name__}: {error})"
    return " ".join(told.replace(path, Path(path).name if isinstance(error, InputError) else "it").split())[:400]
