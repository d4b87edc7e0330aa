"""Phrases that are known to belong to sites, for the first articles of a source."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from dedup.lookup import SortedKeys
from dedup.text.layout import Layout, layout_of
from dedup.text.tokens import tokenize

#: Ends a phrase that only opens a line; the whole line is residue.
_OPENS = "…"


@dataclass(frozen=True, slots=True, eq=False)
class Phrases:
    """Keys of phrases (see `dedup.text.layout.Layout.keys`).

    Attributes
    ----------
    starters, starting_pairs : SortedKeys
        Of the first tokens of all, and of the first two of those that have two: most texts have few of them.
    whole, opening : SortedKeys
        Of those that are residue as a whole line, and of those that make residue of any line that they open.
    whole_sizes, opening_sizes : list of int
        How many tokens they have.
    """

    starters: SortedKeys
    starting_pairs: SortedKeys
    whole: SortedKeys
    opening: SortedKeys
    whole_sizes: list[int]
    opening_sizes: list[int]

    def lines(self, layout: Layout) -> NDArray[np.bool_]:
        """Which lines are residue, shape (n_lines,)."""
        first, sizes = layout.line_starts[:-1], layout.line_sizes
        known = self.whole.find(layout.line_keys) >= 0
        starting = np.flatnonzero(self.starters.find(layout.keys(first, 1)) >= 0)
        for size in self.opening_sizes:
            lines = starting[sizes[starting] >= size]
            known[lines] |= self.opening.find(layout.keys(first[lines], size)) >= 0
        return known

    def runs(self, layout: Layout, first: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The phrases that begin at one of these tokens: where, and how many tokens they have."""
        first = first[self.starters.find(layout.keys(first, 1)) >= 0]
        stops = layout.tokens.offsets[layout.texts[first] + 1]
        fitting = first + 2 <= stops
        pairs = np.zeros(len(first), dtype=np.bool_)
        pairs[fitting] = self.starting_pairs.find(layout.keys(first[fitting], 2)) >= 0
        begins, lengths = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for phrases, sizes in ((self.whole, self.whole_sizes), (self.opening, self.opening_sizes)):
            for size in sizes:
                likely = first[(first + size <= stops) & (pairs | (size == 1))]
                found = likely[phrases.find(layout.keys(likely, size)) >= 0]
                begins.append(found)
                lengths.append(np.full(len(found), size))
        return np.concatenate(begins), np.concatenate(lengths)


@cache
def known_phrases() -> Phrases:
    """The phrases of all languages in ``dedup/text/phrases``."""
    lines = [
        line
        for file in sorted(files("dedup.text").joinpath("phrases").iterdir(), key=lambda file: file.name)
        if file.name.endswith(".txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("# ")
    ]
    opens = np.array([line.endswith(_OPENS) for line in lines])
    layout = layout_of(tokenize(lines))
    first, sizes, keys = layout.line_starts[:-1], layout.line_sizes, layout.line_keys
    return Phrases(
        _sorted_keys(layout.keys(first, 1)),
        _sorted_keys(layout.keys(first[sizes > 1], 2)),
        _sorted_keys(keys[~opens]),
        _sorted_keys(keys[opens]),
        np.unique(sizes[~opens]).tolist(),
        np.unique(sizes[opens]).tolist(),
    )


def _sorted_keys(keys: NDArray[np.uint64]) -> SortedKeys:
    return SortedKeys(np.unique(keys), 64)
