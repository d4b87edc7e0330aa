"""Files that gzip or Zstandard has packed -> what is in them, as a stream."""

import gzip
import io
from importlib import import_module
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import Any, Literal

Packing = Literal["gzip", "zstd"]

_SUFFIXES: dict[str, Packing] = {".gz": "gzip", ".zst": "zstd"}
_MAGIC: dict[bytes, Packing] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def split_name(name: str) -> tuple[str, Packing | None]:
    """The name that a file has when it is unpacked, and how it is packed by its suffix.

    Examples
    --------
    >>> split_name("articles.jsonl.zst"), split_name("articles.csv")
    (('articles.jsonl', 'zstd'), ('articles.csv', None))
    """
    packing = _SUFFIXES.get(PurePosixPath(name).suffix.lower())
    return (name[: name.rindex(".")], packing) if packing else (name, None)


def packing_of(head: bytes) -> Packing | None:
    """How a file is packed by its first four bytes."""
    return next((packing for magic, packing in _MAGIC.items() if head.startswith(magic)), None)


def unpacked(file: Any, packing: Packing | None, shown: str) -> Any:
    """The contents of a file that is open for bytes, read as they are needed.

    Raise ImportError, with what to install, where nothing here reads Zstandard.
    """
    if packing is None:
        return file
    if packing == "gzip":
        return gzip.GzipFile(fileobj=file)
    if find_spec("compression"):  # Python 3.14
        return import_module("compression.zstd").ZstdFile(file)
    if find_spec("pyarrow"):
        import pyarrow

        return io.BufferedReader(pyarrow.CompressedInputStream(file, "zstd"))
    raise ImportError(f'{shown}: Zstandard needs Python 3.14 or pyarrow: pip install "dedup-stories[parquet]"')
