"""Run the command line inside a test."""

import pytest

from gatekeeper import cli


def gatekeeper(*args):
    """Run `gatekeeper` with these arguments and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main([str(arg) for arg in args])
    return ended.value.code
