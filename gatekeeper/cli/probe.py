"""Try what a SESSION.toml names: reach endpoints, read files and write the folder, without switching a beam."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from gatekeeper.cli.explain import USUAL_RATE_HZ
from gatekeeper.config import LiveConfig, OpenIGTLinkSourceConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.errors import ConfigError, OutputError
from gatekeeper.operator.socket_path import NAME, listen
from gatekeeper.session.contouring.drawn_structures import DrawnStructures
from gatekeeper.session.definition import SessionDefinition

CONNECT_S = 2.0
FRACTION_S = 1200.0
"""Duration of the gated delivery of a fraction, in seconds."""
LARGEST_FRAME_PX = 256 * 256
"""Assumed where the size of the frames is unknown."""
MB = 1e6

Try = Callable[[], str]
"""Return the result in words, or raise GatekeeperError."""


def source(config: LiveConfig) -> str:
    """Listen on or connect to the address of the source, then release it."""
    one = config.source
    period_s = 0.0 if one.frames_per_s is None else 1.0 / one.frames_per_s
    if period_s > config.gate.max_age_s:
        raise ConfigError(
            f"a frame every {period_s:g} s (source.frames_per_s) is older than gate.max_age_s = "
            f"{config.gate.max_age_s:g} s before the next one comes; raise that"
        )
    if isinstance(one, OpenIGTLinkSourceConfig) and one.role == "client":
        try:
            socket.create_connection((one.host, one.port), CONNECT_S).close()
        except OSError as error:
            why = error.strerror or error
            raise ConfigError(f"{one.host}:{one.port}: no answer ({why}); start the sender") from None
        return "the sender accepts connections"
    from gatekeeper.sources.open import LiveSource, open_source

    with closing(open_source(one, VirtualClock())) as opened:
        if not isinstance(opened, LiveSource):
            return "can be opened"
        host, port = opened.address
        return f"can listen on {host}:{port}"


def target(definition: SessionDefinition) -> str:
    """Place the target on its reference, and prepare the tracker."""
    is_drawn = definition.target is None or any(one.by_hand for one in definition.structures)
    if is_drawn and definition.reference is not None:
        DrawnStructures(definition).place(definition.reference, propose=False)
        return f"{definition.reference.where} can be read"
    if definition.target is None:
        return "nothing to read"
    if definition.reference is None:
        return "can be read; where it is shows on the first frame"
    setup, _ = definition.begin(definition.reference)
    area_mm2 = float(np.count_nonzero(setup.target_mask)) * setup.spacing_mm[0] * setup.spacing_mm[1]
    found = f"{area_mm2 / 100.0:.1f} cm2 on its reference, can be tracked"
    return "; ".join([found, *setup.left_out])


def linac(config: LiveConfig) -> str:
    """Connect to the linac without switching the beam."""
    from gatekeeper.config import DryRunLinacConfig, PluginLinacConfig
    from gatekeeper.linac.open import probe_linac

    one = config.linac
    if one is None or isinstance(one, DryRunLinacConfig):
        return "nothing to reach"
    if isinstance(one, PluginLinacConfig):
        return probe_linac(one)
    fresh_ms = one.lease.fresh_ms if one.kind == "lease" else one.fresh_ms
    rate_hz = config.source.frames_per_s
    if rate_hz is not None and fresh_ms <= 1e3 / rate_hz:
        raise ConfigError(
            f"fresh_ms = {fresh_ms} ends before the next frame comes ({1e3 / rate_hz:.0f} ms); raise it, or the beam "
            "is held between any two frames"
        )
    return probe_linac(one)


def recording(config: LiveConfig, definition: SessionDefinition | None) -> str:
    """Write into the folder, and measure the free space."""
    folder = _nearest(Path(config.recording.folder))
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"gatekeeper")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error}); name another folder") from None
    reference = None if definition is None else definition.reference
    pixels = LARGEST_FRAME_PX if reference is None else reference.image.size
    rate_hz = config.source.frames_per_s or USUAL_RATE_HZ
    needed = pixels * 4 * rate_hz * FRACTION_S
    words = f"{free / MB:,.0f} MB free, {FRACTION_S / 60.0:.0f} minutes take up to {needed / MB:,.0f} MB"
    if free < needed:
        raise OutputError(f"{folder}: {words}; make room or name another folder")
    return f"can be written, {words}"


def control(config: LiveConfig) -> str:
    """Make a control socket at the path that the session will use."""
    folder = _nearest(Path(config.recording.folder))
    try:
        with tempfile.TemporaryDirectory(dir=folder) as there:
            listen(Path(there) / NAME, 1).close()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error}); name another folder") from None
    return "can be made, for its owner alone"


def loop(config: LiveConfig) -> str:
    """Request the real-time settings of the loop."""
    from gatekeeper.runtime.realtime import real_time

    with real_time(config.loop) as grants:
        refused = [grant.as_line() for grant in grants if not grant.granted]
        if refused:
            raise ConfigError("; ".join(refused))
        return "granted" if grants else "nothing to ask for"


def _nearest(folder: Path) -> Path:
    """Return the folder or its nearest existing parent."""
    folder = folder.absolute()
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder
