"""Run the console's process: serve the page of a session that runs in another process."""

import asyncio
import json
import os
import signal
import socket
import sys
from typing import Any

from gatekeeper.display.web.access import Access
from gatekeeper.display.web.contour_preview import ContourPreview
from gatekeeper.display.web.contour_routes import drawing_routes
from gatekeeper.display.web.live_feed import LARGEST, LiveFeed
from gatekeeper.display.web.patient_routes import patient_routes
from gatekeeper.display.web.seqlock import Seqlock
from gatekeeper.display.web.serve import WATCHED, listening, make_server, patient_url_of
from gatekeeper.display.web.server import make_app
from gatekeeper.runtime.process import lower_priority


def main(descriptor: int, link_descriptor: int) -> int:
    """Serve the page until the session's process ends, and return the exit code.

    Parameters
    ----------
    descriptor : int
        File descriptor of the shared memory with the newest message.
    link_descriptor : int
        File descriptor of a packet socket to the session's process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lower_priority()
    slot = Seqlock(descriptor)
    os.close(descriptor)
    link = socket.socket(fileno=link_descriptor)
    settings = json.loads(link.recv(LARGEST))
    try:
        server_socket = listening(settings["host"], settings["port"])
    except OSError as error:
        link.send(json.dumps({"error": f"cannot listen there ({error.strerror or error})"}).encode())
        return 1
    access = Access(settings["host"], settings["control"], settings["token"], settings["patient_token"])
    link.setblocking(False)
    return asyncio.run(_serve(slot, link, access, settings, server_socket))


async def _serve(
    slot: Seqlock, link: socket.socket, access: Access, settings: dict[str, Any], server_socket: socket.socket
) -> int:
    feed = LiveFeed(slot, link, settings["facts"])
    loop = asyncio.get_running_loop()

    def begin() -> None:
        link.send(json.dumps({"port": server_socket.getsockname()[1]}).encode())

    previews = ContourPreview(slot)
    more = [
        *drawing_routes(feed, previews, access),
        *patient_routes(feed, access, patient_url_of(access, server_socket.getsockname()[1])),
    ]
    server = make_server(make_app(feed, access, more), begin)
    loop.add_reader(link, feed.receive)

    code = 0

    async def end() -> None:
        nonlocal code
        await feed.ended.wait()
        code = WATCHED if server.server_state.connections else 0
        loop.remove_reader(link)
        server.should_exit = True

    tasks = [asyncio.create_task(end()), *([asyncio.create_task(previews.warm_up())] if settings["drawn"] else [])]
    await server.serve([server_socket])
    for task in tasks:
        task.cancel()
    return code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
