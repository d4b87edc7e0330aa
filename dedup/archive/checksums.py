"""Checksums of the files of a part, so that a damaged part is found and made again."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

_logger = logging.getLogger(__name__)

CHECKSUMS = "checksums.json"

_Result = TypeVar("_Result")


def write_checksums(folder: Path) -> None:
    """Write the checksums of the files of a part beside them."""
    found = {path.relative_to(folder).as_posix(): _checksum(path) for path in folder.rglob("*") if path.is_file()}
    (folder / CHECKSUMS).write_text(json.dumps(found), "utf-8")


def damaged_files(folder: Path) -> list[Path]:
    """Return the files of a part that are not what its task wrote; those that are there no more are spent."""
    noted = folder / CHECKSUMS
    if not noted.exists():  # of a part that an older version made, or whose files are all spent
        return []
    try:
        checksums = dict(json.loads(noted.read_text("utf-8")))
    except ValueError:
        return [noted]
    paths = ((folder / name, expected) for name, expected in checksums.items())
    return [path for path, expected in paths if path.exists() and _checksum(path) != expected]


def remove_damaged(folder: Path) -> list[Path]:
    """Remove the damaged parts of a job, so that they are made again; return their damaged files."""
    found = []
    for part in sorted(path for path in folder.glob("*/*") if path.name.isdigit()):
        if damaged := damaged_files(part):
            _logger.warning("%s is damaged: the part is made again", damaged[0])
            shutil.rmtree(part)
            found += damaged
    return found


def made_again(folder: Path, work: Callable[[], _Result]) -> _Result:
    """Return what `work` returns; when it fails over damaged parts, remove them and let it try once more."""
    damaged, tries = remove_damaged(folder), 2
    while True:
        try:
            return work()
        except Exception as error:
            tries -= 1
            found = remove_damaged(folder) if tries else []
            if not found and damaged and isinstance(error, FileNotFoundError):
                raise OSError(
                    f"{damaged[0]} is damaged, and what it was made from is gone ({error}); "
                    f"allowed: to delete {folder}, and to call again"
                ) from error
            if not found:
                raise
            damaged += found


def read_json(data: bytes, name: object, remedy: str) -> dict[str, Any]:
    """Return what a file of a job says, or raise OSError."""
    try:
        return dict(json.loads(data))
    except (ValueError, TypeError, RecursionError) as error:  # a text that is no UTF-8 among them
        raise OSError(f"{name} is damaged: {error}; allowed: {remedy}, and to call again") from error


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
