"""Measure how soon a cold page shows the beam, beside an empty page that gets one message over a websocket."""

import statistics
import sys

from rich.console import Console as Screen
from rich.table import Table
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gatekeeper.session.phases import Phase
from tests.support.browser import chromium
from tests.support.console_states import ShownSession, served

RUNS = 9
RATIO = 1.5
"""Limit of the median time, relative to that of the empty page."""
WATCH = """
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  if (document.body.dataset.beam === "on") window.shownMs ??= performance.now();
}).observe(document.body, {attributes: true}));
"""
EMPTY = '<!doctype html><title>empty</title><body><script type="module" src="/empty.js"></script></body>'
SCRIPT = """
const socket = new WebSocket(`ws://${location.host}/views`, ["gatekeeper"]);
socket.onopen = () => socket.send(JSON.stringify({after: -1}));
socket.onmessage = () => { document.body.dataset.beam = "on"; };
"""


async def _empty(_request: Request) -> Response:
    return HTMLResponse(EMPTY)


async def _script(_request: Request) -> Response:
    return Response(SCRIPT, media_type="text/javascript")


def main() -> int:
    """Print both medians, and return 1 when the page takes too long."""
    feed = ShownSession()
    feed.enter(Phase.DELIVERY)
    feed.decide(count=8)
    found: dict[str, list[float]] = {"empty": [], "": []}
    with served(feed, Route("/empty", _empty), Route("/empty.js", _script)) as url, chromium() as browser:
        for _ in range(RUNS):
            for path, times_ms in found.items():
                context = browser.new_context()
                page = context.new_page()
                page.add_init_script(WATCH)
                page.goto(url + path)
                page.wait_for_function("() => window.shownMs")
                times_ms.append(page.evaluate("window.shownMs"))
                context.close()
    empty_ms, page_ms = (statistics.median(found[path][1:]) for path in ("empty", ""))
    table = Table("cold page", "ms", title=f"first word of the beam, median of {RUNS - 1}")
    table.add_row("empty, one message", f"{empty_ms:.0f}")
    table.add_row("console", f"{page_ms:.0f}")
    table.add_row("ratio", f"{page_ms / empty_ms:.2f} (limit {RATIO})")
    Screen().print(table)
    return int(page_ms > RATIO * empty_ms)


if __name__ == "__main__":
    sys.exit(main())
