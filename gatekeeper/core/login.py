"""The user of the operating system in whose name this program runs."""

import os
import pwd


def login_name(user: int | None = None) -> str:
    """Return the login name of a user by number, by default our own; the number when there is no name."""
    number = os.geteuid() if user is None else user
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
