"""Run a command of the command line beside another process, and end it as by Ctrl-C when that process ends."""

import os
import signal
import sys
import threading

from gatekeeper.cli import main
from gatekeeper.runtime.process import lower_priority


def _end_with(descriptor: int) -> None:
    """Wait until the other end of a pipe is closed, which a process does that ends."""
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    lower_priority()
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), name="beside", daemon=True).start()
    main(sys.argv[2:])
