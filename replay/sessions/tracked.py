"""Track a recorded session again, for what its journal has only as hashes."""

from collections.abc import Iterator

from gatekeeper.core.track import Track
from replay.formats.session import RecordedSession
from replay.sessions.redo import redo
from replay.sessions.session_tracker import arm_session


def tracked_again(session: RecordedSession) -> Iterator[tuple[Track, ...] | None]:
    """Yield all structures on each recorded frame, as the session found them; None where it was not tracked.

    It ends at the first frame that was not recorded.

    Parameters
    ----------
    session : RecordedSession
        The session.

    Yields
    ------
    tuple of Track or None
        In the order of the structures, the primary target first.

    Raises
    ------
    GatekeeperError
        When the session was recorded without its reference or with a tracker that is not there, or cannot be read.
    """
    for one in redo(session, arm_session(session, session.config())):
        if one.step is not None and one.step.frame is not None:
            yield None if one.step.track is None else (one.step.track, *one.step.others)
