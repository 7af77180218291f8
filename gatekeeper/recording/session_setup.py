"""The setup of a session besides its settings, and the journal's header that identifies both."""

import hashlib
import os
import platform
import secrets
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import kernels
from gatekeeper.config import SessionConfig
from gatekeeper.config.safe_ranges import unsafe_settings
from gatekeeper.core.clock import utc_stamp
from gatekeeper.core.frame import Plane
from gatekeeper.core.login import login_name
from gatekeeper.plugins import DISTRIBUTION, LINACS, SOURCES, TRACKERS
from gatekeeper.recording.hash_chain import canonical
from gatekeeper.recording.hashing import hashes_of, plane_numbers

if TYPE_CHECKING:
    from gatekeeper.core.contour import Structure

SCHEMA = 4
"""Version of the format; changes when a reader of an older session would misread a newer one."""
READABLE = (1, 2, 3, SCHEMA)
"""Versions that can be read; sessions of an older one lack later additions."""
SEALED = frozenset({3, SCHEMA})
"""Versions whose sessions are signed, and whose last line holds the hash of every file in the folder."""
NAMED = frozenset({SCHEMA})
"""Versions whose sessions record names and order of the structures, and each of several structures on each frame."""
TARGET = "target"
"""Name of the primary target where it has no other."""


@dataclass(frozen=True, slots=True, eq=False)
class SessionSetup:
    """What tracker and envelope of a session are made of.

    Attributes
    ----------
    name : str
        Name of the case.
    reference : ndarray, shape (H, W)
        Image on which the target is known, in the type of the source.
    target_mask : ndarray of bool, shape (H, W)
        The primary target on it.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    plane : Plane
        Position and orientation of the reference.
    pixel_type : dtype
        Type in which frames are stored; a frame that does not fit into it is stored in its own type.
    structures : tuple of Structure
        Further targets and organs at risk.
    preview : ndarray, shape (T, H, W), or None
        Frames from which the tracker has learned before the first decision.
    armed : bool
        Whether the gate was armed from the start; a live session is armed by an operator.
    frames_per_s : float or None
        Rate at which live frames must come, per second, where it is set.
    target_name : str
        Name of the primary target.
    target_zone_px : ndarray of float64, shape (M, 2), or None
        Outline of the primary target's own envelope as (row, col); None: it is made from the margin.
    left_out : tuple of str
        Structures without which the session begins, each with the reason, in one line.
    organs_slide : bool
        Whether organs at risk are tracked as structures that slide along what is around them; False in sessions of
        earlier versions, which tracked them as targets.
    breath_holds : bool
        Whether the gate recognises breath-holds, where its settings say so; False in sessions of earlier versions.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import SessionSetup
    >>> mask = np.zeros((96, 96), bool)
    >>> mask[40:56, 40:56] = True
    >>> setup = SessionSetup("phantom", np.zeros((96, 96), np.float32), mask, (2.0, 2.0))
    >>> setup.armed
    True
    """

    name: str
    reference: NDArray[np.generic]
    target_mask: NDArray[np.bool_]
    spacing_mm: tuple[float, float]
    plane: Plane = field(default_factory=Plane)
    pixel_type: np.dtype[np.generic] = field(default_factory=lambda: np.dtype(np.float32))
    structures: "tuple[Structure, ...]" = ()
    preview: NDArray[np.generic] | None = None
    armed: bool = True
    frames_per_s: float | None = None
    target_name: str = TARGET
    target_zone_px: NDArray[np.float64] | None = None
    left_out: tuple[str, ...] = ()
    organs_slide: bool = True
    breath_holds: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all structures, the primary target first."""
        return self.target_name, *(one.name for one in self.structures)

    @property
    def organs(self) -> tuple[str, ...]:
        """Names of the organs at risk."""
        return tuple([one.name for one in self.structures if one.role != TARGET])

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets, the primary one first."""
        return self.target_name, *(one.name for one in self.structures if one.role == "target")

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all arrays by their names in `frames.h5`."""
        arrays = {"reference": self.reference, "target_mask": self.target_mask.astype(np.uint8)}
        if self.preview is not None:
            arrays["preview"] = self.preview
        zones_px = {(TARGET, self.target_name): self.target_zone_px}
        for one in self.structures:
            arrays[array_name("structures", one.role.value, one.name)] = one.contour_px
            zones_px[one.role.value, one.name] = one.zone_px
        for (role, name), zone_px in zones_px.items():
            if zone_px is not None:
                arrays[array_name("zones", role, name)] = zone_px
        return arrays

    def facts(self) -> dict[str, object]:
        """Return everything else as JSON values."""
        return {
            "name": self.name,
            "pixel_type": self.pixel_type.str,
            "spacing_mm": [float(value) for value in self.spacing_mm],
            "plane": plane_numbers(self.plane),
            # Sessions without this value were armed.
            **({} if self.armed else {"armed": False}),
            **({} if self.frames_per_s is None else {"frames_per_s": self.frames_per_s}),
            **({} if self.target_name == TARGET else {"target_name": self.target_name}),
            # Files do not keep the order of arrays.
            **({"structures": [[one.role.value, one.name] for one in self.structures]} if self.structures else {}),
            **({"left_out": list(self.left_out)} if self.left_out else {}),
            **({"organs_slide": True} if self.organs and self.organs_slide else {}),
            **({"breath_holds": True} if self.breath_holds else {}),
        }


def array_name(group: str, role: str, name: str) -> str:
    """Return the name in `frames.h5` of an array of a structure."""
    return f"{group}/{role}/{name.replace('/', '_')}"


def header_of(config: SessionConfig, setup: SessionSetup | None, source: str | None = None) -> dict[str, object]:
    """Return the journal's first line: who records what, and hashes of what decisions depend on besides frames."""
    return {
        "kind": "header",
        "schema": SCHEMA,
        "session": identity(),
        "config_hash": config_hash(config),
        "versions": versions(),
        "tracker": TRACKERS.find(config.tracker.kind).identity,
        "source": None if source is None else SOURCES.identity(source),
        "linac": None if config.linac is None else LINACS.identity(config.linac.kind),
        # Only where there are any, as sessions from before have none.
        **({"unsafe": list(unsafe)} if (unsafe := unsafe_settings(config)) else {}),
        "setup": None if setup is None else setup.facts(),
        "setup_hashes": {} if setup is None else hashes_of(setup.arrays()),
    }


def identity() -> dict[str, str]:
    """Return what identifies a session: a random id, its begin in UTC, the machine, and the user of the system."""
    return {
        "id": secrets.token_hex(16),
        "started_utc": utc_stamp(),
        "machine": platform.node(),
        "user": login_name(),
    }


ADDED = {
    "tracker": ("kind", "options", "plane", "search_rl_mm", "sliding"),
    "gate": ("strategy", "retrospective", "jump_mm_per_s", "risk_percent", "stop_at_prescribed"),
    "prediction": ("latency",),
    "structures": ("target", "oar"),
    "loop": ("rehearse",),
    "breath_hold": ("recognised", "seconds", "position_mm", "tolerance_mm"),
}
"""Settings that were added after sessions had been recorded without them, by stage."""


def config_hash(config: SessionConfig) -> str:
    """Return the SHA-256 of all settings, in hexadecimal digits.

    Settings that older sessions lack count unless they have their default, so that those sessions keep their hash.
    """
    values, default = config.model_dump(mode="json"), SessionConfig().model_dump(mode="json")
    for limits in values["structures"]["oar"].values():
        if limits["slides"]:
            del limits["slides"]
    if values["course"] is None:
        del values["course"]
    for stage, names in ADDED.items():
        for name in names:
            if values[stage][name] == default[stage][name]:
                del values[stage][name]
        if not values[stage]:
            del values[stage]
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions on which decisions may depend."""
    # Imported here, because it takes numba, which a process that only reads headers does not need.
    from llvmlite.binding import get_host_cpu_name

    return {
        "gatekeeper": metadata.version(DISTRIBUTION),
        "kernels": _kernels_digest(),
        "numba": metadata.version("numba"),
        "numpy": metadata.version("numpy"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processor": os.environ.get("NUMBA_CPU_NAME") or get_host_cpu_name(),
    }


def _kernels_digest() -> str:
    """Return the SHA-256 of the names and sources of all kernels."""
    digest = hashlib.sha256()
    for path in sorted(Path(kernels.__path__[0]).glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
