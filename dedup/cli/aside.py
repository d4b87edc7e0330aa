"""Rows that wait in a temporary file until it is known which of them stay."""

import pickle
from collections.abc import Iterable, Iterator

from dedup.cli.writing import Line
from dedup.disk import StoredBytes
from dedup.inputs.files import Row

_AS_IT_CAME, _PICKLED = b"=", b"p"


class RowsAside:
    """Rows by their positions: lines as they came, or names and values.

    Examples
    --------
    >>> from dedup.inputs.files import Place
    >>> with StoredBytes() as stored:
    ...     rows = RowsAside(stored)
    ...     for row in (Row(Place("a"), {}, b"{}"), Row(Place("b"), {"id": 7})):
    ...         rows.append(row)
    ...     list(rows.at([1, 0]))
    [{'id': 7}, b'{}']
    """

    def __init__(self, stored: StoredBytes) -> None:
        self._stored = stored

    def append(self, row: Row) -> None:
        """Put the next row aside."""
        kind, data = (_PICKLED, pickle.dumps(dict(row.values))) if row.line is None else (_AS_IT_CAME, row.line)
        self._stored.append(kind + data)

    def at(self, positions: Iterable[int]) -> "RowsAt":
        """The rows at some positions."""
        return RowsAt(self._stored, list(positions))


class RowsAt(Iterable[Line]):
    """Rows that are read each time they are asked for."""

    def __init__(self, stored: StoredBytes, positions: list[int]) -> None:
        self._stored, self._positions = stored, positions

    def __iter__(self) -> Iterator[Line]:
        for position in self._positions:
            data = self._stored[position]
            yield pickle.loads(data[1:]) if data[:1] == _PICKLED else data[1:]  # noqa: S301 (a file of our own)
