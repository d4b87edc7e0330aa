"""What is kept of a file of an older format when it is converted."""

import filecmp
import os
import shutil
import sqlite3
from itertools import count

from dedup.disk import make_private


def keep_copy(database: sqlite3.Connection, place: str, version: int) -> str:
    """Copy the database in the file at a place to one beside it, named by its format; return its name.

    When a conversion was interrupted the same copy is there already. One of anything else stays as it is.
    """
    draft = f"{place}.format-{version}.draft"
    if os.path.exists(draft):
        os.remove(draft)
    make_private(draft)
    try:
        database.execute("VACUUM INTO ?", (draft,))  # which needs an empty file, or none
        shutil.copymode(place, draft)
        for number in count(1):
            kept = f"{place}.format-{version}" + (f".{number}" if number > 1 else "")
            if not os.path.exists(kept) or filecmp.cmp(draft, kept, shallow=False):
                break
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(draft, kept)
    finally:
        if os.path.exists(draft):
            os.remove(draft)
    return kept
