"""Large files, here or elsewhere -> blocks that workers read, and the rows of those."""

import codecs
import json
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.article import Columns, FieldError
from dedup.inputs import InputError
from dedup.inputs.lines import decoded, object_in
from dedup.inputs.packing import split_name, unpacked
from dedup.inputs.sniffing import begin, entries_in

Paths = str | Path | Sequence[str | Path]

_LINES = (".jsonl", ".ndjson")
_FEEDS = (".xml", ".rss", ".atom", ".rdf")  # which are read as a whole, as .json is unless it is lines

_BLOCK_BYTES = 1 << 26
_READ_AT_ONCE = 1 << 20


class Block(NamedTuple):
    """A part of a file: a row group of Parquet, or the lines of JSONL that begin at the bytes ``start:stop``.

    A packed file, a feed and a document of JSON are one block.
    """

    path: str
    start: int
    stop: int
    origin: str = ""  # the packed file or feed that the file was made from

    @property
    def file(self) -> str:
        """The input."""
        return self.origin or self.path


def find_inputs(paths: Paths) -> dict[str, str]:
    """Return a fingerprint of each file, which changes with the file, by its path.

    Raise ValueError when there are no files or one is there twice, OSError when one does not exist.
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    found: dict[str, str] = {}
    for path in map(str, paths):
        system, name = fsspec.core.url_to_fs(path)
        names = sorted(system.glob(name)) if "*" in name else [name]
        if not names or not all(map(system.isfile, names)):
            raise FileNotFoundError(f"paths: {path!r} is no file; allowed: Parquet, JSONL or feeds")
        for own in names:
            whole = system.unstrip_protocol(own) if "://" in path else own
            if whole in found:
                raise ValueError(f"paths: {whole!r} is there twice; allowed: each file once")
            found[whole] = system.ukey(own)
    if not found:
        raise ValueError("paths is empty; allowed: at least one file")
    return dict(sorted(found.items()))


def blocks_of(path: str) -> list[Block]:
    """Return the blocks of a file; raise ValueError when it is neither Parquet nor JSONL nor a feed."""
    if path.endswith(".parquet"):
        try:
            with fsspec.open(path) as file:
                metadata = pq.ParquetFile(file).metadata
        except pa.ArrowInvalid as error:
            raise ValueError(f"paths: {path!r}: {error}") from error
        return [Block(path, i, i + 1) for i in range(metadata.num_row_groups)]
    plain, packing = split_name(path)
    if not plain.endswith((*_LINES, *_FEEDS, ".json")):
        allowed = f".parquet, {', '.join(_LINES)}, .json, {', '.join(_FEEDS)}; all but the first also with .gz or .zst"
        raise ValueError(f"paths: {path!r} is of no such kind; allowed: {allowed}")
    system, name = fsspec.core.url_to_fs(path)
    is_whole = packing or not plain.endswith(_LINES)
    return [Block(path, 0, system.size(name))] if is_whole else blocks_of_lines(path, system.size(name))


def blocks_of_lines(path: str, size: int, origin: str = "") -> list[Block]:
    """Return the blocks of a file of lines with so many bytes; `origin` is the file that it was made from."""
    return [Block(path, i, min(i + _BLOCK_BYTES, size), origin) for i in range(0, size, _BLOCK_BYTES)]


def is_read_whole(block: Block) -> bool:
    """Return whether a block is a whole file of which nobody can read a part: a packed one, or a feed."""
    plain, packing = split_name(block.path)
    return packing is not None or plain.endswith((*_FEEDS, ".json"))


def unpack(path: str, to: Path) -> int:
    """Write the lines in a packed file, or those that a feed makes, to a file; return its number of bytes."""
    with _opened(path) as file, open(to, "wb") as target:
        begun, is_document = _begun(file, path)
        if is_document:
            target.writelines(_lines_of_entries(chain(begun, file), path))
        else:
            target.writelines(begun)
            shutil.copyfileobj(file, target, 1 << 20)
        return target.tell()


def rows_of_block(block: Block, columns: Columns) -> Iterator[dict[str, Any] | FieldError]:
    """Yield the rows of a block with the columns that are read, and an error for each line that has no row."""
    return _parquet_rows(block, columns) if block.path.endswith(".parquet") else _json_rows(block, columns)


def place_of(block: Block, row: int) -> str:
    """Return where a row of a block is, from 1: its file and the row or line in it, which is read up to there."""
    if block.path.endswith(".parquet"):
        with fsspec.open(block.path) as file:
            metadata = pq.ParquetFile(file).metadata
        return f"{block.file}, row {row + sum(metadata.row_group(i).num_rows for i in range(block.start))}"
    number = _lines_before(block)
    for line in _lines(block):
        number += 1
        row -= bool(line.strip())
        if not row:
            break
    return f"{block.file}, {_unit_of(block.file)} {number}"


def _unit_of(path: str) -> str:
    """Return what a message calls a part of a file that is no Parquet."""
    with _opened(path) as file:
        return "entry" if _begun(file, path)[1] else "line"


def _lines_before(block: Block) -> int:
    """Return how many lines of the file begin before those of a block."""
    left, count = max(block.start - 1, 0), int(block.start > 0)
    with fsspec.open(block.path) as file:
        while left and (data := file.read(min(left, _READ_AT_ONCE))):
            count += data.count(b"\n")
            left -= len(data)
    return count


def _parquet_rows(block: Block, columns: Columns) -> Iterator[dict[str, Any]]:
    with fsspec.open(block.path) as file:
        table = pq.ParquetFile(file)
        names = list(dict.fromkeys(name for _, name in columns.select(table.schema_arrow.names)))
        for batch in table.iter_batches(1024, row_groups=[block.start], columns=names or None):
            yield from map(columns.item, _values_of(batch))


def _values_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows of a batch; a time that Python does not have is the text of its number."""
    for place, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":  # Python has microseconds
            cells = batch.column(place).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(place, field.name, cells)
    try:
        return list(batch.to_pylist())
    except (OverflowError, ValueError):
        cells = [[_value_of(cell) for cell in column] for column in batch.columns]
        return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*cells, strict=True)]


def _value_of(cell: Any) -> Any:
    try:
        return cell.as_py()
    except (OverflowError, ValueError):
        return f"{cell.type} {getattr(cell, 'value', '')}"


def _json_rows(block: Block, columns: Columns) -> Iterator[dict[str, Any] | FieldError]:
    for line in _lines(block):
        if line.strip():
            try:
                yield columns.item(object_in(decoded(line.rstrip(b"\r\n").removeprefix(codecs.BOM_UTF8))))
            except ValueError as error:
                yield FieldError(f"is no article: {error}", field=None, value=line)


def _lines(block: Block) -> Iterator[bytes]:
    if is_read_whole(block):
        with _opened(block.path) as file:
            begun, is_document = _begun(file, block.path)
            lines = chain(begun, file)
            yield from _lines_of_entries(lines, block.path) if is_document else lines
        return
    with fsspec.open(block.path) as file:
        if block.start:
            file.seek(block.start - 1)
            file.readline()  # its beginning is another block's
        while file.tell() < block.stop and (line := file.readline()):
            yield line


def _begun(file: Any, path: str) -> tuple[list[bytes], bool]:
    """Return lines that were read of a file to see what it is, and whether it is one feed or document of JSON."""
    plain = split_name(path)[0]
    return begin(file) if plain.endswith(".json") else ([], plain.endswith(_FEEDS))


def _lines_of_entries(lines: Iterable[bytes], path: str) -> Iterator[bytes]:
    """Return the entries of a feed as lines of JSON; raise ValueError when it is none."""
    try:
        entries = entries_in(lines, "feed", path)
    except InputError as error:
        raise ValueError(f"paths: {error}") from error
    return (json.dumps(entry, default=str).encode("ascii") + b"\n" for entry in entries)  # a time is read again


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """Open a file, unpacked when it is packed; raise OSError where it is broken."""
    packing = split_name(path)[1]
    with fsspec.open(path) as file:
        try:
            yield unpacked(file, packing, path)
        except (OSError, EOFError, zlib.error) as error:
            raise OSError(f"{path}: cannot be {'unpacked' if packing else 'read'}: {error}") from error
