"""Where this installation keeps its data, for commands that need nothing else of a run.

Belongs here: what is read of the environment without opening a home.
Does not belong here: the variables of a run (`resources.py`, which lists them all).
"""

import os
from pathlib import Path


def home_path() -> Path:
    """Where this installation keeps its data."""
    return Path(os.environ.get("LINKED_CARE_HOME", "data")).resolve()


def price_book_name() -> str:
    """The price book in use, by name."""
    return os.environ.get("LINKED_CARE_PRICE_BOOK", "national")
