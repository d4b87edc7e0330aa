"""Rows -> a file or standard output: all of it or nothing."""

import csv
import gzip
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dedup.cli.console import BadInputError, FailedError, emit
from dedup.disk import complete_file
from dedup.inputs.files import parquet_backend
from dedup.wording import printable

_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".parquet": "parquet"}
_SUFFIXES |= {".html": "html", ".htm": "html", ".txt": "text"}

#: So many characters of a table are written at once.
_WRITTEN_AT_ONCE = 1 << 20

#: A line as it came, or names and values.
Line = bytes | dict[str, Any]


class Output:
    """A file for results, or standard output (None or "-"); checked before the results are computed.

    The format is one of those allowed, None to go by the suffix. Raise BadInputError for another format, or a file that
    cannot be written.
    """

    def __init__(self, path: str | None, form: str | None, allowed: Sequence[str]) -> None:
        self.path = None if path in (None, "-") else path
        inner, is_packed = (path or "").removesuffix(".gz"), (path or "").endswith(".gz")
        self.form = form or ("jsonl" if self.path is None else _SUFFIXES.get(Path(inner).suffix.lower(), ""))
        if self.form not in allowed:
            named = self.form or f"the suffix of {path}"
            raise BadInputError(f"the format of the output is {named}; allowed: {', '.join(allowed)}")
        self._is_packed = is_packed and self.path is not None
        if self._is_packed and self.form not in ("jsonl", "csv"):
            raise BadInputError(f"{path}: {self.form} is not gzipped; allowed: jsonl, csv")
        if self.form == "parquet":
            parquet_backend(path or "standard output")
        if self.path is not None:
            _require_writable(self.path)

    def write_rows(self, columns: Sequence[str], rows: Iterable[Line]) -> None:
        """Write rows; a table has these columns, then those that only the rows have.

        Rows that can be read twice need not be in memory for JSONL and CSV.
        """
        chunks = _csv_chunks(columns, rows) if self.form == "csv" else map(json_line, rows)
        if self.form == "parquet":
            self.write_file(lambda path: _write_parquet(path, columns, list(map(_values, rows))))
        elif self.path is not None:
            self.write_file(lambda path: self._write_chunks(path, chunks))
        else:
            for chunk in chunks:
                emit(chunk)

    def write_file(self, write: Callable[[str], object]) -> None:
        """Let a function write a file. It appears, or goes to standard output, when it is complete."""
        if self.path is not None:
            with complete_file(self.path) as path:
                write(path)
            return
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, f"output.{self.form}")
            write(path)
            emit(Path(path).read_bytes())

    def write_text(self, parts: Iterable[str]) -> None:
        """Write text as UTF-8; lone surrogates become escapes."""
        chunks = (part.encode("utf-8", "backslashreplace") for part in parts)
        if self.path is not None:
            self.write_file(lambda path: self._write_chunks(path, chunks))
        else:
            for chunk in chunks:
                emit(chunk)

    def _write_chunks(self, path: str, chunks: Iterable[bytes]) -> None:
        with open(path, "wb") as file:
            if not self._is_packed:
                file.writelines(chunks)
                return
            # Without name and time, the same rows give the same file.
            with gzip.GzipFile("", "wb", 6, fileobj=file, mtime=0) as packed:
                packed.writelines(chunks)


def _require_writable(path: str) -> None:
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        raise BadInputError(f"{path}: it is a folder; allowed: a file")
    if not os.path.isdir(folder):
        raise BadInputError(f"{path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK) and (os.path.isfile(path) or not os.path.exists(path)):
        raise FailedError(f"{path}: nothing may be written into {folder}")


def json_line(row: Line) -> bytes:
    r"""Return a row as one line of JSON.

    Examples
    --------
    >>> json_line({"id": "é"}), json_line({"id": "\ud800"})
    (b'{"id": "\xc3\xa9"}\n', b'{"id": "\\ud800"}\n')
    """
    if isinstance(row, bytes):
        return row + b"\n"
    try:
        return json.dumps(row, ensure_ascii=False, default=_plain).encode() + b"\n"
    except UnicodeEncodeError:  # lone surrogates become escapes
        return json.dumps(row, default=_plain).encode() + b"\n"


def _plain(value: Any) -> str:
    """Return a value of a data frame that JSON does not have as text."""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _values(row: Line) -> dict[str, Any]:
    return json.loads(row) if isinstance(row, bytes) else row


def _all_columns(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))


def _csv_chunks(columns: Sequence[str], rows: Iterable[Line]) -> Iterator[bytes]:
    if isinstance(rows, Iterator):
        rows = list(rows)
    names = _all_columns(columns, map(_values, rows))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    for row in map(_values, rows):
        writer.writerow([_cell(row.get(name)) for name in names])
        if buffer.tell() >= _WRITTEN_AT_ONCE:
            yield buffer.getvalue().encode("utf-8", "replace")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=_plain) if isinstance(value, list | dict | bool) else value


def _write_parquet(path: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    import narwhals.stable.v2 as narwhals

    table = {name: [_encodable(row.get(name)) for row in rows] for name in _all_columns(columns, rows)}
    try:
        narwhals.from_dict(table, backend=parquet_backend(path)).write_parquet(path)
    except OSError:
        raise
    except Exception as error:  # each library has its own
        raise FailedError(f"these rows make no Parquet: {error}") from error


def _encodable(value: Any) -> Any:
    """Return a value without lone surrogates, which Parquet cannot hold."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {name: _encodable(cell) for name, cell in value.items()}
    return list(map(_encodable, value)) if isinstance(value, list) else value
