"""Lines of a file or of standard input: whether they are JSONL, one document of JSON, a feed in XML, or a table."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dedup.article import field_of
from dedup.feeds import entries_of
from dedup.feeds.content import MAX_BYTES
from dedup.feeds.documents import entries_of_json, is_document
from dedup.inputs import InputError


def begin(lines: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """Return the first lines, one of them not blank, and whether they begin one document or feed, which is no JSONL.

    A document is a list, an object that goes on below its first line, or a response or JSON Feed in one line without
    another: only behind one of these is a second line waited for.
    """
    begun: list[bytes] = []
    first = _next(lines, begun)
    if first.lstrip(b"\xff\xfe\0")[:1] in (b"<", b"["):  # behind the mark of UTF-16
        return begun, True
    if first[:1] != b"{":
        return begun, False
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return begun, first.endswith((b"{", b"[", b","))
    return begun, is_document(value) and not _next(lines, begun)


def delimiter_of(begun: Sequence[bytes]) -> str | None:
    """Return what separates the cells of a table whose first lines these are; None for what is rather JSONL.

    Its first line names columns, one of them usual for texts or titles.
    """
    line = begun[0] if begun else b""
    if line.startswith(b"{"):
        return None
    for delimiter in ("\t", ","):
        try:
            names = next(csv.reader([line.decode("utf-8")], delimiter=delimiter, strict=True), [])
        except (ValueError, csv.Error):
            continue
        if len(names) > 1 and any(field_of(name) in ("text", "title") for name in names):
            return delimiter
    return None


def _next(lines: Iterator[bytes], begun: list[bytes]) -> bytes:
    """Read up to the next line that is not blank, and return it without what is blank."""
    for line in lines:
        begun.append(line)
        if line.strip():
            return line.strip()
    return b""


def entries_in(lines: Iterable[bytes], form: str, shown: str) -> list[Any]:
    """Return the entries of a document ("json"), or of any feed; raise InputError when it is none."""
    data, length = [], 0
    for line in lines:
        data.append(line)
        length += len(line)
        if length > MAX_BYTES:
            raise InputError(f"{shown}: it has more than {MAX_BYTES:,} bytes; allowed: so much as JSONL alone")
    try:
        return (entries_of_json if form == "json" else entries_of)(shown, b"".join(data))
    except ValueError as error:
        raise InputError(str(error)) from error
