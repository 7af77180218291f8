"""Make many small sessions from the journal of one, with facts of courses, marks and beams of their own."""

import hashlib
import json

import numpy as np
import tomli_w

from gatekeeper.config import CourseConfig, SessionConfig
from gatekeeper.core.decision import Reason
from gatekeeper.recording.hash_chain import START, seal

FRAME_S = 0.25
REST_MM = (100.0, 80.0)


def header(number):
    return {
        "kind": "header",
        "schema": 4,
        "session": {
            "id": f"{number:032x}",
            "started_utc": f"2026{1 + number % 12:02d}01T1200{number % 60:02d}.000Z",
            "machine": "linac-of-somebody",
            "user": "somebody",
        },
        "config_hash": "",
        "versions": {"gatekeeper": "0.2.0"},
        "tracker": {"kind": "template", "distribution": "gatekeeper-mrgrt", "version": "0.2.0"},
        "source": None,
        "linac": None,
        "setup": {
            "name": "Somebody^Name",
            "pixel_type": "<f4",
            "plane": [0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0],
            "spacing_mm": [2.0, 2.0],
        },
        "setup_hashes": {},
    }


def frame(number, reasons=(), moved_mm=(0.0, 0.0), time_s=None, confidence=0.9):
    time_s = number * FRAME_S if time_s is None else time_s
    return {
        "kind": "frame",
        "sequence": number,
        "acquired_s": time_s,
        "received_s": time_s,
        "skipped": 0,
        "decided_s": time_s,
        "state": "HOLD" if reasons else "ON",
        "raw_state": "HOLD" if reasons else "ON",
        "reasons": [Reason(one).value for one in reasons],
        "outside_percent": 20.0 if "outside" in reasons else 1.0,
        "predicted_percent": None,
        "center_mm": [REST_MM[0] + moved_mm[0], REST_MM[1] + moved_mm[1]],
        "confidence": confidence,
        "latency_ms": {"track": 0.2, "decide": 0.1, "total": 0.4},
        "frame_row": number,
    }


def silence(time_s):
    return {
        "kind": "silence",
        "sequence": None,
        "acquired_s": None,
        "received_s": None,
        "skipped": None,
        "decided_s": time_s,
        "state": "HOLD",
        "raw_state": None,
        "reasons": ["no_frame"],
        "outside_percent": None,
        "predicted_percent": None,
        "center_mm": None,
        "confidence": None,
        "latency_ms": {"track": 0.0, "decide": 0.1, "total": 0.1},
    }


def event(name, time_s, **values):
    return {"kind": "event", "event": name, "time_s": time_s, "values": values}


def breathing(seed, frames=48):
    """Return the frames of a session that breathes, with some holds; all from a seed."""
    random = np.random.default_rng(seed)
    phase = np.arange(frames) * FRAME_S / 4.0 + random.uniform()
    moved_mm = 6.0 * np.sin(np.pi * phase) ** 2 + 0.2 * random.standard_normal(frames)
    found = []
    for number, mm in enumerate(moved_mm.tolist()):
        reasons = ("outside",) if mm > 3.0 else ()
        if random.uniform() < 0.05:
            reasons = ("stale_frame", *reasons)
        elif not reasons and random.uniform() < 0.05:
            reasons = ("resuming",)
        found.append(frame(number, reasons, (mm, 0.3 * mm)))
    return found


def write_session(folder, entries, number=0, course=None, config=None, sealed=True):
    """Write journal and settings of a session, and return its folder."""
    folder.mkdir(parents=True)
    config = config or SessionConfig(course=None if course is None else CourseConfig(**course))
    settings = tomli_w.dumps(config.model_dump(exclude_none=True)).encode()
    (folder / "config.toml").write_bytes(settings)
    files = {"config.toml": hashlib.sha256(settings).hexdigest()}
    end = [{"kind": "end", "frames_kept": 0, "frames_dropped": 0, "files": files}] if sealed else []
    previous, journal = START, b""
    for place, entry in enumerate([header(number), *entries, *end]):
        line, previous = seal(entry, place, previous)
        journal += line
    (folder / "decisions.jsonl").write_bytes(journal)
    return folder


STRATEGIES = ("inhale_hold", "exhale")


def write_course(root, label, seed, fractions=5):
    """Write the sessions of a course, in which steps were marked."""
    strategy = STRATEGIES[seed % 2]
    for fraction in range(1, fractions + 1):
        number = 100 * seed + fraction
        began_s = -60.0 * (10 + fraction)
        marks = [
            event("mark", began_s, step="set-up", operator="somebody", door="terminal"),
            event("mark", began_s + 120.0 + seed, step="contouring", operator="somebody", door="terminal"),
            event("phase", -30.0, phase="preview"),
            event("phase", 0.0, phase="delivery"),
        ]
        course = {"label": label, "fraction": fraction, "fractions": 5, "dose_gy": 50.0 if seed % 3 else 40.0}
        course |= {"strategy": strategy} | ({"contrast_agent": "gadoxetate", "contrast_min": 20.0} if seed % 2 else {})
        write_session(root / label / f"fraction-{fraction}", [*marks, *breathing(number)], number, course)


def lines_of(folder):
    return [json.loads(line) for line in (folder / "decisions.jsonl").read_text().splitlines()]
