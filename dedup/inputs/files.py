"""Files, folders and standard input -> rows, each with its place."""

import codecs
import csv
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

from dedup.article import rows_of_frame
from dedup.inputs import InputError
from dedup.inputs.lines import decoded, object_in
from dedup.inputs.packing import packing_of, split_name, unpacked
from dedup.inputs.sniffing import begin, delimiter_of, entries_in

STDIN = "-"
FORMATS = ("jsonl", "json", "feed", "csv", "tsv", "parquet", "text")
_SNIFFED = "jsonl, json, feed, csv or tsv"  # as the first line tells
_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": _SNIFFED}
_SUFFIXES |= {".xml": "feed", ".rss": "feed", ".atom": "feed", ".rdf": "feed"}
_SUFFIXES |= {".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".txt": "text"}


class Place(NamedTuple):
    """A place in the input, as "articles.jsonl, line 17"."""

    name: str
    unit: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.name}, {self.unit} {self.number}" if self.unit else self.name


class Row(NamedTuple):
    """The fields at a place by the input's own names; of JSONL, also the line as it came."""

    place: Place
    values: Mapping[str, Any]
    line: bytes | None = None


#: Takes a place that cannot be read and the reason. It raises, or it returns to let reading go on.
Refuse = Callable[[Place, str], None]


def rows_of_file(name: str, form: str | None, refuse: Refuse) -> Iterator[Row]:
    """Yield the rows of a file, of the texts in a folder, or of standard input ("-").

    The format is one of `FORMATS`; None to go by the suffix, and by the first line of ``.json`` and of standard input:
    JSONL, which is read line by line, one document of JSON, a feed, or CSV or TSV with names that are usual. `refuse`
    is called for each row that cannot be read. Raise InputError when the input as a whole cannot be read, ImportError
    without a library for Parquet or feeds.
    """
    if name != STDIN and os.path.isdir(name):
        yield from _folder_rows(name, refuse)
        return
    form = form or format_of(name)
    if form == "parquet":
        yield from _parquet_rows(name)
        return
    shown = "standard input" if name == STDIN else name
    with _opened(name, shown) as file:
        if form == "jsonl":
            yield from _jsonl_rows(file, shown, refuse)
        elif form == _SNIFFED:
            yield from _sniffed_rows(file, shown, refuse)
        elif form in ("json", "feed"):
            yield from _entry_rows(file, form, shown, refuse)
        elif form == "text":
            yield from _text_row(file, name, shown, refuse)
        else:
            yield from _table_rows(file, shown, "\t" if form == "tsv" else ",", refuse)


def format_of(name: str) -> str:
    """Return the format of a file by its suffix."""
    if name == STDIN:
        return _SNIFFED
    path = Path(split_name(name)[0])
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError as error:
        allowed = f"{', '.join(_SUFFIXES)}, these with .gz or .zst, or name --format"
        raise InputError(f"{name}: its suffix tells no format; allowed: {allowed}") from error


def require_inputs(names: list[str], form: str | None) -> None:
    """Refuse inputs that do not exist or have no known format, before time is spent on the others."""
    if names.count(STDIN) > 1:
        raise InputError("standard input is named twice; allowed: once")
    for name in names:
        if name == STDIN:
            if form == "parquet":
                others = ", ".join(other for other in FORMATS if other != "parquet")
                raise InputError(f"Parquet cannot be read from standard input; allowed: {others}")
        elif not os.path.exists(name):
            raise InputError(f"{name}: there is no such file or folder")
        elif not os.path.isdir(name) and form is None:
            format_of(name)


@contextmanager
def _opened(name: str, shown: str) -> Iterator[IO[bytes]]:
    """Open a file, unpacked when it is packed, behind the mark that some programs put before UTF-8."""
    if name == STDIN and sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        with nullcontext(cast(Any, sys.stdin).buffer) if name == STDIN else open(name, "rb") as file:
            opened: Any = unpacked(file, packing_of(file.peek(4)[:4]), shown)
            if opened.peek(3)[:3] == codecs.BOM_UTF8:
                opened.read(3)
            yield opened
    except BrokenPipeError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{shown}: cannot be read: {reason}") from error


def _sniffed_rows(file: IO[bytes], shown: str, refuse: Refuse) -> Iterator[Row]:
    begun, is_document = begin(file)
    lines = chain(begun, file)
    if is_document:
        yield from _entry_rows(lines, "feed", shown, refuse)
    elif delimiter := delimiter_of(begun):
        yield from _table_rows(lines, shown, delimiter, refuse)
    else:
        yield from _jsonl_rows(lines, shown, refuse)


def _entry_rows(lines: Iterable[bytes], form: str, shown: str, refuse: Refuse) -> Iterator[Row]:
    for number, entry in enumerate(entries_in(lines, form, shown), start=1):
        place = Place(shown, "entry", number)
        if isinstance(entry, dict):
            yield Row(place, entry)
        else:
            refuse(place, f"it is a {type(entry).__name__}; allowed: an object")


def _jsonl_rows(file: Iterable[bytes], shown: str, refuse: Refuse) -> Iterator[Row]:
    for number, line in enumerate(file, start=1):
        line = line.rstrip(b"\r\n")
        if not line.strip():
            continue
        place = Place(shown, "line", number)
        try:
            yield Row(place, object_in(decoded(line)), line)
        except ValueError as error:
            refuse(place, str(error))


def _table_rows(file: Iterable[bytes], shown: str, delimiter: str, refuse: Refuse) -> Iterator[Row]:
    def lines() -> Iterator[str]:
        for number, line in enumerate(file, start=1):
            try:
                yield decoded(line)
            except ValueError as error:
                # Where the row ends is not known, so that reading cannot go on.
                raise InputError(f"{Place(shown, 'line', number)}: {error}") from error

    csv.field_size_limit(2**31 - 1)  # the default of 131,072 characters is shorter than some articles
    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    header = _header(reader, Place(shown, "line", 1))
    while True:
        place = Place(shown, "line", reader.line_num + 1)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            refuse(place, f"no CSV: {error}; allowed: cells in double quotes where they have quotes or line ends")
            continue
        if len(cells) == len(header):
            yield Row(place, dict(zip(header, cells, strict=True)))
        elif cells:
            refuse(place, f"it has {len(cells)} cells; allowed: {len(header)}, as the first line")


def _header(reader: Iterator[list[str]], place: Place) -> list[str]:
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise InputError(f"{place}: no CSV: {error}") from error
    if not header:
        raise InputError(f"{place}: it is empty; allowed: the names of the columns")
    if len(set(header)) < len(header):
        raise InputError(f"{place}: its columns are {header}; allowed: names that occur once")
    return header


def _parquet_rows(name: str) -> Iterator[Row]:
    import narwhals.stable.v2 as narwhals

    backend = parquet_backend(name)
    try:
        frame = narwhals.read_parquet(name, backend=backend)
    except Exception as error:  # each library has its own
        raise InputError(f"{name}: cannot be read as Parquet: {error}") from error
    for number, values in enumerate(rows_of_frame(frame), start=1):
        yield Row(Place(name, "row", number), values)


def parquet_backend(name: str) -> Literal["pyarrow", "polars"]:
    """Return the library that reads and writes Parquet here."""
    if find_spec("pyarrow") is not None:
        return "pyarrow"
    if find_spec("polars") is not None:
        return "polars"
    raise ImportError(f'{name}: Parquet needs pyarrow or polars: pip install "dedup-stories[parquet]"')


def _folder_rows(folder: str, refuse: Refuse) -> Iterator[Row]:
    """Yield the texts of a folder and the folders in it, by name: in the same order on every machine."""

    def stop(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}")

    paths = (Path(place, name) for place, _, names in os.walk(folder, onerror=stop) for name in names)
    found = [path for path in paths if split_name(path.name.lower())[0].endswith(".txt")]
    if not found:
        raise InputError(f"{folder}: no text in it; allowed: a folder with files *.txt, *.txt.gz or *.txt.zst")
    for path in sorted(found, key=lambda path: path.relative_to(folder).parts):
        with _opened(str(path), str(path)) as file:
            yield from _text_row(file, path.relative_to(folder).as_posix(), str(path), refuse)


def _text_row(file: IO[bytes], identity: str, shown: str, refuse: Refuse) -> Iterator[Row]:
    try:
        text = decoded(file.read())
    except ValueError as error:
        refuse(Place(shown), str(error))
        return
    # Lines may end as they do on any system.
    yield Row(Place(shown), {"id": identity, "text": io.StringIO(text, newline=None).read()})
