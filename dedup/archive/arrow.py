"""Arrow files of which parts are read: a range of rows, or one batch."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa

_ROWS_AT_ONCE = 1024


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table in batches of as many rows."""
    # A table made of pieces would have a batch for each.
    write_batches(path, table.schema, table.combine_chunks().to_batches(_ROWS_AT_ONCE))


def write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches that can be read one by one."""
    with pa.ipc.new_file(str(path), schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def read_batch(path: Path, columns: Sequence[str] | None = None, number: int | None = None) -> pa.Table:
    """A table, or one batch of it; all columns or some."""
    with pa.OSFile(str(path)) as file:
        reader = _reader(file, columns)
        if number is not None:
            return pa.Table.from_batches([reader.get_batch(number)])
        return reader.read_all()


def read_rows(path: Path, first: int, stop: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Some rows of a table that `write_table` wrote."""
    with pa.OSFile(str(path)) as file:
        reader = _reader(file, columns)
        batches = range(first // _ROWS_AT_ONCE, (stop - 1) // _ROWS_AT_ONCE + 1)
        table = pa.Table.from_batches([reader.get_batch(i) for i in batches])
    return table.slice(first - batches.start * _ROWS_AT_ONCE, stop - first)


def printable_column(column: pa.ChunkedArray) -> pa.Array:
    """Bytes as text; lone surrogates, which broken feeds carry, become question marks."""
    cells = (cell.decode("utf-8", "surrogatepass").encode("utf-8", "replace") for cell in column.to_pylist())
    return pa.array([cell.decode() for cell in cells], pa.string())


def _reader(file: pa.OSFile, columns: Sequence[str] | None) -> pa.RecordBatchFileReader:
    if columns is None:
        return pa.ipc.open_file(file)
    schema = pa.ipc.open_file(file).schema
    wanted = [schema.get_field_index(name) for name in columns]
    return pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=wanted))
