"""The user of the operating system in whose name this program runs."""

import os
import pwd


def login_name() -> str:
    """Return the login name of our own user, or the user's number when there is no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"
