"""Check the names of files that come from elsewhere: none may lead out of its folder, or be another one's."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from gatekeeper.core.errors import InputError
from gatekeeper.core.printable import printable

MOST_FILES = 20_000
"""Largest number of files of a recording."""
DEEPEST, LONGEST_NAME = 16, 200
"""Most folders below each other, and the longest name in bytes."""
OUTSIDE = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f-\x9f\u2028-\u202e]')
"""Characters that a name may not have."""


def parts_of(name: object) -> tuple[str, ...]:
    """Return the parts of the path of a file that came from elsewhere.

    Parameters
    ----------
    name : object
        Path with "/" between its parts.

    Raises
    ------
    InputError
        When it would lead elsewhere, or could not be a name on every system.

    Examples
    --------
    >>> parts_of("cine/image-0001.dcm")
    ('cine', 'image-0001.dcm')
    """
    parts = PurePosixPath(name).parts if isinstance(name, str) else ()
    if (
        not parts
        or not isinstance(name, str)
        or len(parts) > DEEPEST
        or name.startswith("/")
        or OUTSIDE.search(name)
        or any(one in (".", "..") or len(one.encode("utf-8", "replace")) > LONGEST_NAME for one in parts)
    ):
        raise InputError(f"dropped: {shown(name)} is not the name of a file in it; rename it and drop it again")
    return parts


def check_distinct(places: Sequence[Path]) -> None:
    """Raise InputError when two files would be one, also where upper and lower case are the same."""
    seen = {str(one).casefold() for one in places}
    if len(seen) < len(places) or any(str(parent).casefold() in seen for one in places for parent in one.parents):
        raise InputError("dropped: two files have the same name; rename one and drop them again")


def shown(name: object) -> str:
    """Return a name for a message."""
    return repr(printable(str(name))[:80])
