"""Rows -> items that the library reads, and its messages with places in the input."""

import re
from argparse import Namespace
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, overload

from dedup.article import FIELDS, Columns, Errors, Refusal, field_of, id_of
from dedup.cli.console import BadInputError, Console
from dedup.inputs.files import Place, Row, require_inputs, rows_of_file


class Origin(Protocol):
    """Where an article comes from, and whether it has an id there."""

    @property
    def place(self) -> Place:
        """Where it is."""
        ...

    @property
    def is_named(self) -> bool:
        """Whether it has an id."""
        ...


class Record(NamedTuple):
    """A row, and its values by the names of the fields of `Article`."""

    place: Place
    item: dict[str, Any]
    row: Row

    @property
    def is_named(self) -> bool:
        """Whether the article has an id."""
        return id_of(self.item) is not None


class _Origin(NamedTuple):
    place: Place
    is_named: bool


class Origins(Sequence[Origin]):
    """Where articles come from, nine bytes for each."""

    def __init__(self) -> None:
        self._inputs: list[tuple[str, str]] = []  # name and unit of places
        self._firsts: list[int] = []  # of each input the position of its first article
        self._numbers, self._named = array("Q"), bytearray()

    def append(self, record: Record) -> None:
        """Note the next record."""
        name, unit, number = record.place
        if not self._inputs or self._inputs[-1] != (name, unit):
            self._inputs.append((name, unit))
            self._firsts.append(len(self))
        self._numbers.append(number)
        self._named.append(record.is_named)

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, position: int) -> Origin: ...
    @overload
    def __getitem__(self, position: slice) -> list[Origin]: ...
    def __getitem__(self, position: int | slice) -> Origin | list[Origin]:
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        name, unit = self._inputs[bisect_right(self._firsts, position) - 1]
        return _Origin(Place(name, unit, self._numbers[position]), bool(self._named[position]))


class Reading:
    """The articles of all inputs, one after another, with some fields or all.

    Where fields have other names, the arguments have field_id and so on; otherwise usual names are known. With
    `errors` "skip", rows that cannot be read are noted and left out. Raise InputError when an input does not exist or
    has no known format.
    """

    def __init__(self, given: Namespace, console: Console, fields: Sequence[str] = FIELDS) -> None:
        self._inputs: list[str] = given.inputs
        self._format: str | None = given.format
        self._demanded = {f: getattr(given, f"field_{f}") for f in FIELDS if hasattr(given, f"field_{f}")}
        self._columns = Columns(self._demanded | {field: None for field in FIELDS if field not in fields})
        self._console = console
        self._errors: Errors = given.errors
        self.refused = self.undated = 0
        require_inputs(self._inputs, self._format)

    def __iter__(self) -> Iterator[Record]:
        missing, progress, count = self._demanded, self._console.progress("reading"), 0
        for name in self._inputs:
            for row in rows_of_file(name, self._format, self.refuse):
                missing = {field: wanted for field, wanted in missing.items() if wanted not in row.values}
                yield Record(row.place, self._item(row), row)
                count += 1
                progress(count, None)
        for field, wanted in missing.items():
            if count:
                self._console.note(f"note: --{field} is {wanted!r}, which no article has")

    def refuse(self, place: Place, problem: str) -> None:
        """Stop at a row that cannot be read, or note it and go on."""
        if self._errors != "skip":
            raise BadInputError(f"{place}: {problem}")
        self.refused += 1
        self._console.note(f"{place}: {problem}")

    def tell(self, refusals: Sequence[Refusal], records: Sequence[Origin]) -> list[int]:
        """Note why articles, or only their dates, are left out; return the positions of those articles."""
        left_out = []
        for refusal in refusals:
            message = self.placed(refusal.reason, records)
            if self._errors == "undated" and refusal.field == "published":
                self.undated += 1
                self._console.note(f"note: undated: {message}")
            else:
                left_out.append(refusal.position)
                self._console.note(message)
        self.refused += len(left_out)
        return left_out

    def summary(self) -> str:
        """Return how many articles were left out or have no date, as the end of a summary."""
        counts = {"refused": self.refused, "with a date that is none": self.undated}
        return "".join(f", {count:,} {what}" for what, count in counts.items() if count)

    def _item(self, row: Row) -> dict[str, Any]:
        item = self._columns.item(row.values)
        if row.line is None:
            for name, value in item.items():
                if value == "" and field_of(name) != "text":  # an empty cell
                    item[name] = None
        return item

    @contextmanager
    def placing(self, records: Sequence[Origin]) -> Iterator[None]:
        """Give places in the input to the library's errors about articles, which name positions."""
        try:
            yield
        except (TypeError, ValueError) as error:
            if not re.match(r"article \d+\b", str(error)):
                raise  # not about an article
            raise BadInputError(self.placed(str(error), records)) from error

    def placed(self, message: str, records: Sequence[Origin]) -> str:
        """Return a message about an article with its place in the input and the input's own names of fields."""
        match = re.search(r"(?:^|: )(article (\d+))\b", message)
        if match is None:
            return message
        position = int(match[2])
        before, after = message[: match.start(1)], message[match.end(1) :]
        if not records[position].is_named:  # the user does not know that id
            after = after.removeprefix(f" (id {str(position)!r})")
        if field := re.search(r"fields? '(\w+)'( and '(\w+)' are missing)?", after):
            names = [self._demanded.get(name, name) for name in (field[1], field[3]) if name]
            named = f"field {names[0]!r}" if len(names) == 1 else f"fields {names[0]!r} and {names[1]!r} are missing"
            after = f"{after[: field.start()]}{named}{after[field.end() :]}"
        if other := re.search(r"as that of article (\d+)(?=(;[^;]*)?$)", after):
            after = f"{after[: other.start()]}as in {records[int(other[1])].place}{after[other.end() :]}"
        after = after.replace("name timezone= for", "name --timezone for")
        return f"{before}{records[position].place}{after}"
