"""Who: the name of whoever runs this program, where nobody says another."""

import os
import pwd


def login_name() -> str:
    """Return the login name of our own user, or his number where he has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"
