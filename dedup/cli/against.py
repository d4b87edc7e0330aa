"""Old articles on the command line, from files of articles and of stored sketches, and the copies of them."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import dedup
from dedup.arrays import Floats, Integers
from dedup.article import Refusal
from dedup.cli.console import BadInputError, Console
from dedup.cli.reading import Reading, Record
from dedup.cli.rows import Original, Pair
from dedup.inputs.files import STDIN, Row
from dedup.near.stored import holds_sketches, read
from dedup.parameters import NearSettings


@dataclass(frozen=True, slots=True, eq=False)
class Across:
    """New articles that are copies of old ones; pairs of each new article, the most similar old one first."""

    new: Integers  # (n_pairs,): position, ascending
    old: list[str]  # id
    jaccard: Floats
    containment: Floats
    n_old: int
    refusals: tuple[Refusal, ...]  # of the new articles

    def rows(self) -> Iterator[Pair]:
        """Yield each pair."""
        yield from zip(self.new.tolist(), self.old, self.jaccard.tolist(), self.containment.tolist(), strict=True)

    def originals(self) -> dict[int, Original]:
        """Return for the position of each copy the most similar old article."""
        found: dict[int, Original] = {}
        for new, old, jaccard, containment in self.rows():
            found.setdefault(new, (old, jaccard, containment))
        return found


class OldArticles:
    """The articles of the files of ``--against``: their texts, or their sketches.

    `parameters` are those that the user gave, and otherwise those that the sketches were made with. Raise InputError
    for a file that cannot be read, ValueError for sketches that do not fit the parameters.
    """

    def __init__(self, given: Namespace, console: Console, fields: Sequence[str], parameters: dict[str, Any]) -> None:
        if STDIN in given.inputs and STDIN in given.against:
            raise BadInputError("standard input is named twice; allowed: once")
        names = [name for name in given.against if not holds_sketches(name)]
        stored = [name for name in given.against if name not in names]
        # The format that the user names is that of the new articles; an old file has it by its suffix.
        of_old = Namespace(**vars(given) | {"inputs": names, "format": None})
        self._reading = Reading(of_old, console, fields)
        self._sketches, self.parameters = None, parameters
        if stored:
            self._sketches = read(*stored)
            self.parameters = self._sketches.parameters | parameters
            near = NearSettings(shingle_size=self.parameters["shingle_size"], fold=self.parameters["fold"])
            cuts = self.parameters.get("cut_residue", False)
            self._sketches.require(near, self.parameters["max_chars"], cut_residue=cuts)
        self._has_texts = bool(names)
        self._records: list[Record] = []

    @property
    def refused(self) -> int:
        """How many old articles were left out."""
        return self._reading.refused

    def read(self) -> None:
        """Read the texts."""
        self._records = [record._replace(row=Row(record.place, {})) for record in self._reading]

    def copies_among(self, items: Sequence[dict[str, Any]], parameters: dict[str, Any]) -> Across:
        """Find the copies of the old articles among new ones; parameters are those of `dedup.near_duplicates`."""
        found: list[dedup.Copies] = []
        left_out: list[int] = []
        if self._has_texts:
            try:
                old = [record.item for record in self._records]
                found.append(dedup.near_duplicates(items, against=old, **parameters))
            except (TypeError, ValueError) as error:
                if not str(error).startswith("against: "):
                    raise
                message = str(error).removeprefix("against: ")
                raise BadInputError(self._reading.placed(message, self._records)) from error
            left_out = self._reading.tell(found[0].old_refusals, self._records)
        if self._sketches is not None:
            found.append(dedup.near_duplicates(items, against=self._sketches, **parameters))
        return _united(found, len(left_out))


def _united(found: Sequence[dedup.Copies], n_left_out: int) -> Across:
    """The pairs of the same new articles with the old ones of several parts."""
    new, old = np.concatenate([part.pairs for part in found]).T
    jaccard, containment = (np.concatenate([getattr(p, name) for p in found]) for name in ("jaccard", "containment"))
    part = np.repeat(np.arange(len(found)), [len(each.pairs) for each in found])
    order = np.lexsort((old, part, -jaccard, new))
    ids = [found[p].old_ids[i] for p, i in zip(part[order].tolist(), old[order].tolist(), strict=True)]
    n_old = sum(len(each.old_ids) for each in found) - n_left_out
    return Across(new[order], ids, jaccard[order], containment[order], n_old, found[0].refusals)
