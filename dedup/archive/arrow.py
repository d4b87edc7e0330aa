"""Arrow files that are read in parts: some columns, a range of rows, or one batch."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from dedup.wording import printable

_ROWS_AT_ONCE = 1024


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table in batches of equal size."""
    # A table made of pieces would have a batch for each.
    write_batches(path, table.schema, table.combine_chunks().to_batches(_ROWS_AT_ONCE))


def write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches that can be read one by one."""
    with pa.ipc.new_file(str(path), schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def read_table(path: Path, columns: Sequence[str] | None = None, batch: int | None = None) -> pa.Table:
    """Read a table, or one batch of it; all columns or some."""
    with pa.OSFile(str(path)) as file:
        reader = pa.ipc.open_file(file)
        if columns is not None:
            wanted = [reader.schema.get_field_index(name) for name in columns]
            reader = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=wanted))
        return reader.read_all() if batch is None else pa.Table.from_batches([reader.get_batch(batch)])


def read_rows(path: Path, first: int, stop: int) -> pa.Table:
    """Read the rows ``first:stop`` of a table that `write_table` wrote."""
    with pa.OSFile(str(path)) as file:
        reader = pa.ipc.open_file(file)
        batches = range(first // _ROWS_AT_ONCE, (stop - 1) // _ROWS_AT_ONCE + 1)
        table = pa.Table.from_batches([reader.get_batch(i) for i in batches])
    return table.slice(first - batches.start * _ROWS_AT_ONCE, stop - first)


def to_bytes(text: str) -> bytes:
    """Return text as bytes: Arrow's text cannot hold the lone surrogates that broken feeds contain."""
    return text.encode("utf-8", "surrogatepass")


def to_texts(column: pa.ChunkedArray) -> list[str]:
    """Return a column of bytes as texts; nulls are empty."""
    return [(cell or b"").decode("utf-8", "surrogatepass") for cell in column.to_pylist()]


def printable_column(column: pa.ChunkedArray) -> pa.Array:
    """Return a column of bytes as Arrow's text; lone surrogates become question marks."""
    return pa.array(map(printable, to_texts(column)), pa.string())
