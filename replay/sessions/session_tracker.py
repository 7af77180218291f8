"""Arm a recorded session again, with the tracker that it was recorded with or with a given one."""

from collections.abc import Callable, Mapping
from typing import Any

from gatekeeper.config import SessionConfig, TrackerConfig
from gatekeeper.core.errors import PluginError, RecordingError
from gatekeeper.core.protocols import TargetTracker, TrackerFactory
from gatekeeper.plugins import DISTRIBUTION, INJECTED, TRACKERS
from gatekeeper.session.arming import Armed, arm
from gatekeeper.session.tracker_guard import with_tracker
from replay.formats.session import RecordedSession

GivenTracker = str | TrackerFactory | None
"""Another tracker, by name or as a factory; None for the one that a session was recorded with."""


def recorded_tracker(session: RecordedSession) -> Mapping[str, Any]:
    """Return kind, distribution and version of the tracker that a session was recorded with.

    Parameters
    ----------
    session : RecordedSession
        The session. One without this entry was recorded with gatekeeper's own tracker.

    Returns
    -------
    mapping
        With `kind`, `distribution` and `version`.
    """
    header = session.chain.entries[0] if session.chain.entries else {}
    named = header.get("tracker")
    own = {"kind": TrackerConfig().kind, "distribution": DISTRIBUTION, "version": None}
    return named if isinstance(named, Mapping) else own


def check_tracker(session: RecordedSession, config: SessionConfig) -> None:
    """Check that the tracker that a session was recorded with is available.

    Code named only in the session folder is never imported, except plug-ins of installed distributions.

    Parameters
    ----------
    session : RecordedSession
        The session.
    config : SessionConfig
        Its settings.

    Raises
    ------
    PluginError
        When the tracker is not installed, or was given from Python.
    """
    kind, distribution = config.tracker.kind, recorded_tracker(session).get("distribution")
    if ":" in kind or distribution == INJECTED:
        raise PluginError(
            f"cannot be judged again: tracker {kind!r} was given from Python; name it with --tracker module:object"
        )
    try:
        found = TRACKERS.find(kind)
    except PluginError as error:
        raise PluginError(
            f"cannot be judged again: tracker {kind!r} of distribution {distribution} is not installed ({error})"
        ) from None
    if found.distribution != distribution:
        raise PluginError(
            f"cannot be judged again: tracker {kind!r} of distribution {distribution} is not installed; "
            f"{found.distribution} has another of that name"
        )


def arm_session(
    session: RecordedSession,
    config: SessionConfig,
    tracker: GivenTracker = None,
    around: Callable[[TargetTracker], TargetTracker] | None = None,
) -> Armed:
    """Return an engine in the state at the begin of a session.

    Parameters
    ----------
    session : RecordedSession
        The session.
    config : SessionConfig
        Its settings.
    tracker : str or TrackerFactory, optional
        Tracker to use; by default the one that the session was recorded with.
    around : callable, optional
        Wraps the tracker.

    Returns
    -------
    Armed

    Raises
    ------
    PluginError
        When the tracker is missing or cannot be made.
    RecordingError
        When the session holds no reference.
    """
    if session.setup is None:
        raise RecordingError(f"{session.folder}: holds no reference, which is needed to judge it again")
    if tracker is None:
        check_tracker(session, config)
    elif isinstance(tracker, str):
        config, tracker = with_tracker(config, tracker), None
    return arm(session.setup, config, around, tracker)
