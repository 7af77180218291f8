"""Link: how the way to a linac is at one moment, the same for every port."""

import struct
from dataclasses import dataclass

RST_ON_CLOSE = struct.pack("ii", 1, 0)
"""For SO_LINGER: what still waits to be sent when a socket is closed is thrown away, and must not arrive after all."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the link to an interlock or a device is.

    Attributes
    ----------
    alive : bool
        True while the other side answers in time, or takes what it is told where it does not answer.
    rtt_ms : float
        From the last acknowledged message to its acknowledgement, in ms; 0 before the first.
    last_ack_age_s : float
        Time since the other side was last heard, in s; infinite while there is no session.
    sessions, lost : int
        How often a session was opened, and how often one ended or none came about.
    withheld : int
        Decisions for the beam that were not passed on: no session, or the other side not heard lately.
    refused : int
        Messages that the other side has refused.
    fault : str
        Why the last session ended or none came about; empty when nothing has happened.
    """

    alive: bool
    rtt_ms: float
    last_ack_age_s: float
    sessions: int
    lost: int
    withheld: int
    refused: int
    fault: str
