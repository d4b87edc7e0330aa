"""Large files, here or elsewhere -> blocks that workers read, and the rows of those."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.inputs import ONE_OBJECT

Paths = str | Path | Sequence[str | Path]

_BLOCK_BYTES = 1 << 26


class Block(NamedTuple):
    """A part of a file: a row group of Parquet, or the lines of JSONL that begin at the bytes ``start:stop``."""

    path: str
    start: int
    stop: int

    def place(self, rows: int) -> str:
        """Return where the last of the first rows is."""
        if self.path.endswith(".parquet"):
            return f"{self.path}, row {rows} of row group {self.start}"
        return f"{self.path}, about {rows} lines behind byte {self.start}"


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
            raise FileNotFoundError(f"paths: {path!r} is no file; allowed: Parquet or JSONL files")
        for own in names:
            whole = system.unstrip_protocol(own) if "://" in path else own
            if whole in found:
                raise ValueError(f"paths: {whole!r} is there twice; allowed: each file once")
            found[whole] = system.ukey(own)
    if not found:
        raise ValueError("paths is empty; allowed: at least one file")
    return dict(sorted(found.items()))


def blocks_of(path: str) -> list[Block]:
    """Return the blocks of a file; raise ValueError when it is neither Parquet nor JSONL."""
    if path.endswith(".parquet"):
        try:
            with fsspec.open(path) as file:
                metadata = pq.ParquetFile(file).metadata
        except pa.ArrowInvalid as error:
            raise ValueError(f"paths: {path!r}: {error}") from error
        return [Block(path, i, i + 1) for i in range(metadata.num_row_groups)]
    if path.endswith((".jsonl", ".ndjson")):
        system, name = fsspec.core.url_to_fs(path)
        size = system.size(name)
        return [Block(path, i, min(i + _BLOCK_BYTES, size)) for i in range(0, size, _BLOCK_BYTES)]
    raise ValueError(f"paths: {path!r} is neither .parquet nor .jsonl; allowed: files of these kinds, not compressed")


def rows_of_block(block: Block, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a block, each with those of the fields that it has."""
    return _parquet_rows(block, fields) if block.path.endswith(".parquet") else _json_rows(block, fields)


def _parquet_rows(block: Block, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    with fsspec.open(block.path) as file:
        table = pq.ParquetFile(file)
        columns = [name for name in fields if name in table.schema_arrow.names]
        for batch in table.iter_batches(1024, row_groups=[block.start], columns=columns):
            yield from batch.to_pylist()


def _json_rows(block: Block, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    with fsspec.open(block.path) as file:
        if block.start:
            file.seek(block.start - 1)
            file.readline()  # its beginning is another block's
        while file.tell() < block.stop and (line := file.readline()):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise TypeError(f"a line is {type(row).__name__}; {ONE_OBJECT}")
                yield {name: row[name] for name in fields if name in row}
