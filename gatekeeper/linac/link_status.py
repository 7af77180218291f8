"""The state of the link to a linac, the same for every port."""

import struct
from dataclasses import dataclass

RST_ON_CLOSE = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing a socket discards unsent data, which must not arrive later."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """State of the link to an interlock or a device.

    Attributes
    ----------
    alive : bool
        Whether the other side answers in time or, where it does not answer, accepts what is sent.
    rtt_ms : float
        Time from the last acknowledged message to its acknowledgement, in ms; 0 before the first.
    last_ack_age_s : float
        Time since the last message of the other side, in s; infinite without a session.
    sessions, lost : int
        Number of sessions opened, and of sessions that ended or failed to open.
    withheld : int
        Beam-on decisions that were not sent: no session, no recent answer, or the decision was too old.
    refused : int
        Messages that the other side has refused.
    fault : str
        Why the last session ended or failed to open; empty when there was no failure.
    """

    alive: bool
    rtt_ms: float
    last_ack_age_s: float
    sessions: int
    lost: int
    withheld: int
    refused: int
    fault: str
