"""The client of the control socket: send a request to a running session."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gatekeeper.core.errors import InputError
from gatekeeper.core.json_values import parsed
from gatekeeper.operator.socket_path import connect, socket_path_of

PATIENCE_S = 5.0
LARGEST_ANSWER = 262_144


def send_request(path: Path, words: Sequence[str], operator: str, seconds: float = PATIENCE_S) -> dict[str, Any]:
    """Send a request to a running session, and return its answer.

    Parameters
    ----------
    path : Path
        Folder of the session, or its control socket.
    words : sequence of str
        The request, for example ``("rebase", "2", "0")``.
    operator : str
        Name of the operator.
    seconds : float
        Longest wait for the answer, in seconds of real time.

    Returns
    -------
    dict
        At least "accepted" and "note".

    Raises
    ------
    InputError
        When no session listens there, or none answers in time.
    """
    address = socket_path_of(path)
    answer = b""
    try:
        with connect(address, seconds) as link:
            link.sendall(json.dumps({"command": list(words), "operator": operator}).encode() + b"\n")
            while not answer.endswith(b"\n"):
                data = link.recv(65536)
                if not data or len(answer) > LARGEST_ANSWER:
                    raise ConnectionResetError(0, "the connection was closed")
                answer += data
        values = parsed(answer)
        if not isinstance(values, dict) or not isinstance(values.get("accepted"), bool):
            raise ValueError("not an answer of a session")
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise InputError(f"{address}: no session answers there ({why}); name the folder of one that runs") from None
    return values
