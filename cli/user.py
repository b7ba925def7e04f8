"""Who gives a command, for what is written down of decisions."""

import getpass
import os


def user_name() -> str:
    """The user's name, or number where the machine knows none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
