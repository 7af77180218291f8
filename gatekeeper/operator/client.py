"""The other end of the control socket: ask a running session from elsewhere."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gatekeeper.core.errors import InputError
from gatekeeper.operator.socket_path import connect, socket_path_of

PATIENCE_S = 5.0
LARGEST_ANSWER = 262_144


def send_request(path: Path, words: Sequence[str], operator: str, seconds: float = PATIENCE_S) -> dict[str, Any]:
    """Ask the session whose folder or control socket `path` names, and return its answer.

    Parameters
    ----------
    path : Path
        Folder of a running session, or its control socket.
    words : sequence of str
        What is asked for, for example ``("rebase", "2", "0")``.
    operator : str
        Who asks.
    seconds : float
        How long to wait for the answer, in seconds of real time.

    Returns
    -------
    dict
        At least "accepted" and "note".

    Raises
    ------
    InputError
        When nobody listens there or no answer comes.
    """
    place = socket_path_of(path)
    answer = b""
    try:
        with connect(place, seconds) as link:
            link.sendall(json.dumps({"command": list(words), "operator": operator}).encode() + b"\n")
            while not answer.endswith(b"\n"):
                data = link.recv(65536)
                if not data or len(answer) > LARGEST_ANSWER:
                    raise ConnectionResetError(0, "it has hung up")
                answer += data
        values = json.loads(answer)
        if not isinstance(values, dict) or not isinstance(values.get("accepted"), bool):
            raise ValueError("no answer of a session")
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise InputError(f"{place}: no session answers there ({why}); name the folder of one that runs") from None
    return values
