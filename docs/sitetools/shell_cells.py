"""IPython extension for the tutorials: print what a ``%%bash`` cell has written in one piece, without colours.

IPython's own magic passes output on in pieces that end within lines, and its kernel asks programs for colours and
progress bars, which a page cannot show.
"""

import os
import subprocess
from typing import Any

COLOUR = {"FORCE_COLOR", "CLICOLOR_FORCE"}


def bash(_line: str, cell: str) -> None:
    """Run a cell in bash until a command fails, which raises and so fails the build."""
    settings = {name: value for name, value in os.environ.items() if name not in COLOUR}
    done = subprocess.run(  # noqa: S603
        ["/usr/bin/env", "bash", "-e", "-c", cell],
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout, end="")  # noqa: T201
    done.check_returncode()


def load_ipython_extension(ipython: Any) -> None:
    """Take the place of the magic ``%%bash``."""
    ipython.register_magic_function(bash, magic_kind="cell")
