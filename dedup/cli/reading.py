"""Rows -> items that the library reads, and its messages with places in the input."""

import re
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from dedup.article import FIELDS
from dedup.cli.console import BadInputError, Console
from dedup.inputs.files import Place, Row, require_inputs, rows_of_file


class Record(NamedTuple):
    """A row, and its values by the names of the fields of `Article`."""

    place: Place
    item: dict[str, Any]
    row: Row


class Reading:
    """The articles of all inputs, one after another.

    Where fields have other names, the arguments have field_id and so on. With `skips`, rows that cannot be read are
    noted and left out. Raise InputError when an input does not exist or has no known format.
    """

    def __init__(self, given: Namespace, console: Console, *, skips: bool = False) -> None:
        self._inputs: list[str] = given.inputs
        self._format: str | None = given.format
        self._renamed = {field: getattr(given, f"field_{field}", field) for field in FIELDS}
        self._demanded = {field: name for field, name in self._renamed.items() if hasattr(given, f"field_{field}")}
        self._console = console
        self._skips = skips
        self.refused = 0
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
        if not self._skips:
            raise BadInputError(f"{place}: {problem}")
        self.skip(f"{place}: {problem}")

    def skip(self, message: str) -> None:
        """Note that an article is left out, and why."""
        self.refused += 1
        self._console.note(message)

    def _item(self, row: Row) -> dict[str, Any]:
        item = {field: row.values[name] for field, name in self._renamed.items() if name in row.values}
        if row.line is None:
            for field, value in item.items():
                if value == "" and field != "text":  # an empty cell
                    item[field] = None
        return item

    @contextmanager
    def placing(self, records: Sequence[Record]) -> Iterator[None]:
        """Give places in the input to the library's messages about articles, which name positions."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            try:
                yield
            except (TypeError, ValueError) as error:
                if not re.match(r"article \d+\b", str(error)):
                    raise  # not about an article
                raise BadInputError(self.placed(str(error), records)) from error
        for warning in caught:
            if issubclass(warning.category, UserWarning):
                self._console.note(f"note: {self.placed(str(warning.message), records)}")

    def placed(self, message: str, records: Sequence[Record]) -> str:
        """Return a message about an article with its place in the input and the input's own names of fields."""
        match = re.search(r"(?:^|: )(article (\d+))\b", message)
        if match is None:
            return message
        position = int(match[2])
        before, after = message[: match.start(1)], message[match.end(1) :]
        if records[position].item.get("id") is None:  # the user does not know that id
            after = after.removeprefix(f" (id {str(position)!r})")
        if field := re.search(r"field '(\w+)'", after):
            name = self._renamed.get(field[1], field[1])
            after = f"{after[: field.start()]}field {name!r}{after[field.end() :]}"
        if other := re.search(r"as that of article (\d+)(?=(;[^;]*)?$)", after):
            after = f"{after[: other.start()]}as in {records[int(other[1])].place}{after[other.end() :]}"
        after = after.replace("name timezone= for", "name --timezone for")
        return f"{before}{records[position].place}{after}"
