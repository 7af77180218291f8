"""Make the pictures of the README and the example report, from one session of the phantom, in a minute.

The session is that of `gatekeeper demo --console`, in real time. The picture of the console is taken while the beam is
on; overview and report are those of the session folder.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console as Screen

from benchmarks.long_session import GATEKEEPER
from tests.support.browser import CHROMIUM, chromium

DOCS = Path(__file__).parent.parent / "docs"
SHOWN_S = 22
"""Session time, in s, after which the picture of the console is taken, when the trace is long enough."""
LATE = """(since) => {
  const [minutes, seconds] = document.getElementById("clock").textContent.split(":").map(Number);
  return document.body.dataset.beam === "on" && 60 * minutes + seconds > since;
}"""
REPORT_PX = 1240
MOST_PICTURE_BYTES, MOST_REPORT_BYTES = 300_000, 600_000
"""Size limits of files that are kept with the sources."""
SHADES = 32
"""Number of levels per colour channel in the pictures."""


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run the demo with a console, and yield its address and the process."""
    command = [*GATEKEEPER, "demo", "--console", "--out", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            yield next(line.split()[-1] for line in lines if line.startswith("console")), process
        finally:
            process.terminate()


def compact(picture: bytes) -> bytes:
    """Return a picture as a smaller PNG with fewer levels per colour channel."""
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    step = 256 // SHADES
    fewer = np.minimum((pixels.astype(np.uint16) + step // 2) // step * step, 255).astype(np.uint8)
    return cv2.imencode(".png", fewer, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()


def taken(session: Path) -> dict[str, bytes]:
    """Return the pictures by name; the session stays in the folder."""
    pictures = {}
    with chromium() as browser:
        page = browser.new_page(viewport={"width": REPORT_PX, "height": 900})
        with demo(session) as (url, process):
            page.goto(url)
            page.wait_for_function(LATE, arg=SHOWN_S, timeout=120_000)
            pictures["console.png"] = page.screenshot()
            _, rest = process.communicate()
            if process.returncode:
                raise SystemExit(f"pictures: the demo ended with {process.returncode}: {rest}")
        page.goto((session / "report.html").as_uri())
        box = page.locator(".thumbs").bounding_box()
        pictures["report.png"] = page.screenshot(
            full_page=True, clip={"x": 0, "y": 0, "width": REPORT_PX, "height": box["y"] + box["height"] / 2}
        )
    pictures["overview.png"] = (session / "overview.png").read_bytes()
    return {name: compact(picture) for name, picture in pictures.items()}


def main(arguments: list[str] | None = None) -> int:
    """Make all pictures, and return 1 when one exceeds its size limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures", description=__doc__)
    parser.add_argument("--out", type=Path, default=DOCS, help="folder for the pictures (default docs)")
    out = parser.parse_args(arguments).out
    if CHROMIUM is None:
        parser.error("Chromium is absent: Debian's package chromium brings it")
    screen, good = Screen(), True
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder) / "demo"
        screen.print("the demo in real time, 40 s")
        pictures = taken(session)
        (out / "pictures").mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            (out / "pictures" / name).write_bytes(picture)
        shutil.copyfile(session / "report.html", out / "example-report.html")
    for path, most in [
        *((out / "pictures" / name, MOST_PICTURE_BYTES) for name in pictures),
        (out / "example-report.html", MOST_REPORT_BYTES),
    ]:
        size = path.stat().st_size
        good &= size < most
        screen.print(f"{'ok  ' if size < most else 'FAIL'}  {path}: {1e-3 * size:.0f} kB, limit {1e-3 * most:.0f} kB")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
