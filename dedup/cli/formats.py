"""Files -> rows, each with the place where it stands."""

import codecs
import csv
import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

from dedup.cli.console import BadInputError, FailedError

STDIN = "-"
_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".txt": "text",
}
_GZIP = b"\x1f\x8b"
_ONE_OBJECT = "allowed: one JSON object a line"


class Place(NamedTuple):
    """Where something stands in the input.

    Examples
    --------
    >>> str(Place("articles.jsonl", "line", 17))
    'articles.jsonl, line 17'
    """

    name: str
    unit: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.name}, {self.unit} {self.number}" if self.unit else self.name


class Row(NamedTuple):
    """What stands at a place: the names and values that the input has, and the line as it came, of JSONL."""

    place: Place
    values: Mapping[str, Any]
    line: bytes | None = None


#: What is told of a place that cannot be read; it raises, or notes it and lets reading go on.
Refuse = Callable[[Place, str], None]


def rows_of(name: str, form: str | None, refuse: Refuse) -> Iterator[Row]:
    """The rows of an input.

    Parameters
    ----------
    name : str
        A file, a folder, or "-" for standard input.
    form : str or None
        One of the input formats; None to go by the suffix.
    refuse : callable
        Told of each row that cannot be read.

    Raises
    ------
    BadInputError
        When the input as a whole cannot be read.
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
        elif form == "text":
            yield from _text_row(file, name, shown, refuse)
        else:
            yield from _table_rows(file, shown, "\t" if form == "tsv" else ",", refuse)


def format_of(name: str) -> str:
    """The format that a suffix tells."""
    if name == STDIN:
        return "jsonl"
    path = Path(name)
    suffix = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    try:
        return _SUFFIXES[suffix.lower()]
    except KeyError as error:
        raise BadInputError(
            f"{name}: its suffix tells no format; allowed: {', '.join(_SUFFIXES)}, these with .gz, or name --format"
        ) from error


def require_inputs(names: list[str], form: str | None) -> None:
    """Refuse what is not there, or has no format, before time is spent on what stands before it."""
    if names.count(STDIN) > 1:
        raise BadInputError("standard input is named twice; allowed: once")
    for name in names:
        if name == STDIN:
            if form == "parquet":
                raise BadInputError("Parquet cannot be read from standard input; allowed: jsonl, csv, tsv, text")
        elif not os.path.exists(name):
            raise BadInputError(f"{name}: there is no such file or folder")
        elif not os.path.isdir(name) and form is None:
            format_of(name)


@contextmanager
def _opened(name: str, shown: str) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where they are gzipped, whatever the file is called."""
    if name == STDIN and sys.stdin is None:
        raise BadInputError("standard input is closed")
    try:
        with nullcontext(cast(Any, sys.stdin).buffer) if name == STDIN else open(name, "rb") as file:
            is_packed = file.peek(2)[:2] == _GZIP
            yield cast(IO[bytes], gzip.GzipFile(fileobj=file)) if is_packed else file
    except BrokenPipeError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BadInputError(f"{shown}: cannot be read: {reason}") from error


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start + 1} is 0x{line[error.start]:02x}, which is not UTF-8; allowed: UTF-8"
        raise ValueError(problem) from error


def _without_mark(line: bytes) -> bytes:
    """A first line without the mark that some programs put before UTF-8."""
    return line.removeprefix(codecs.BOM_UTF8)


def _jsonl_rows(file: IO[bytes], shown: str, refuse: Refuse) -> Iterator[Row]:
    for number, line in enumerate(file, start=1):
        line = (_without_mark(line) if number == 1 else line).rstrip(b"\r\n")
        if not line.strip():
            continue
        place = Place(shown, "line", number)
        try:
            yield Row(place, _object_in(_decoded(line)), line)
        except ValueError as error:
            refuse(place, str(error))


def _object_in(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        hint = "; 'jq -c .[]' makes lines of a list" if text.startswith("[") else ""
        raise ValueError(f"no JSON: {error.msg} at character {error.colno}; {_ONE_OBJECT}{hint}") from error
    except (ValueError, RecursionError) as error:  # a number of too many digits, brackets in brackets in brackets
        raise ValueError(f"no JSON that can be read: {error}; {_ONE_OBJECT}") from error
    if not isinstance(value, dict):
        hint = "; 'jq -c .[]' makes lines of a list" if isinstance(value, list) else ""
        raise ValueError(f"it is a {type(value).__name__}; {_ONE_OBJECT}{hint}")
    return value


def _table_rows(file: IO[bytes], shown: str, delimiter: str, refuse: Refuse) -> Iterator[Row]:
    def lines() -> Iterator[str]:
        for number, line in enumerate(file, start=1):
            try:
                yield _decoded(_without_mark(line) if number == 1 else line)
            except ValueError as error:
                # No row can be told from the next any more, so that there is no going on.
                raise BadInputError(f"{Place(shown, 'line', number)}: {error}") from error

    csv.field_size_limit(2**31 - 1)  # by itself it stops at 131,072 characters, shorter than some articles
    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    first = Place(shown, "line", 1)
    header = _header(reader, first)
    while True:
        place = Place(shown, "line", reader.line_num + 1)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            refuse(place, f"no CSV: {error}; allowed: cells in double quotes where they have quotes or line ends")
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            refuse(place, f"it has {len(cells)} cells; allowed: {len(header)}, as the first line")
            continue
        yield Row(place, dict(zip(header, cells, strict=True)))


def _header(reader: Iterator[list[str]], place: Place) -> list[str]:
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise BadInputError(f"{place}: no CSV: {error}") from error
    if not header:
        raise BadInputError(f"{place}: it is empty; allowed: the names of the columns")
    if len(set(header)) < len(header):
        raise BadInputError(f"{place}: its columns are {header}; allowed: names that occur once")
    return header


def _parquet_rows(name: str) -> Iterator[Row]:
    import narwhals.stable.v2 as narwhals  # scikit-learn brings it

    try:
        frame = narwhals.read_parquet(name, backend=parquet_backend(name))
    except FailedError:
        raise
    except Exception as error:  # each library has its own
        raise BadInputError(f"{name}: cannot be read as Parquet: {error}") from error
    for number, values in enumerate(frame.iter_rows(named=True), start=1):
        yield Row(Place(name, "row", number), values)


def parquet_backend(name: str) -> Literal["pyarrow", "polars"]:
    """The library that reads and writes Parquet here."""
    if find_spec("pyarrow") is not None:
        return "pyarrow"
    if find_spec("polars") is not None:
        return "polars"
    raise FailedError(f'{name}: Parquet needs pyarrow or polars: pip install "dedup-stories[parquet]"')


def _folder_rows(folder: str, refuse: Refuse) -> Iterator[Row]:
    """The texts of a folder and those in it, by name: the same on every machine."""

    def stop(error: OSError) -> None:
        raise BadInputError(f"{error.filename}: cannot be read: {error.strerror}")

    found = [
        Path(place, name)
        for place, _, names in os.walk(folder, onerror=stop)
        for name in names
        if name.lower().endswith((".txt", ".txt.gz"))
    ]
    if not found:
        raise BadInputError(f"{folder}: no text in it; allowed: a folder with files *.txt or *.txt.gz")
    for path in sorted(found, key=lambda path: path.relative_to(folder).parts):
        with _opened(str(path), str(path)) as file:
            yield from _text_row(file, path.relative_to(folder).as_posix(), str(path), refuse)


def _text_row(file: IO[bytes], identity: str, shown: str, refuse: Refuse) -> Iterator[Row]:
    try:
        text = _decoded(_without_mark(file.read()))
    except ValueError as error:
        refuse(Place(shown), str(error))
        return
    # Lines may end as on any machine.
    yield Row(Place(shown), {"id": identity, "text": io.StringIO(text, newline=None).read()})
