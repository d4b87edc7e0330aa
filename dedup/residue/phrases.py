"""Phrases that sites are known to use, which find residue even in the first articles of a source."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import SortedKeys
from dedup.parameters import Fold
from dedup.residue.layout import Layout, layout_of
from dedup.text.tokens import tokenize

#: Ends a phrase that only opens a line; the whole line is residue.
_OPENING_MARK = "…"


@dataclass(frozen=True, slots=True, eq=False)
class Phrases:
    """Keys of phrases (see `dedup.residue.layout.Layout.keys`).

    Attributes
    ----------
    first_tokens : SortedKeys
        Of the first token of every phrase.
    whole, opening : SortedKeys
        Of phrases that are residue as a whole line, and of those that make residue of any line they open.
    whole_sizes, opening_sizes : ndarray of int64
        Numbers of tokens that these phrases have, distinct.
    """

    first_tokens: SortedKeys
    whole: SortedKeys
    opening: SortedKeys
    whole_sizes: NDArray[np.int64]
    opening_sizes: NDArray[np.int64]

    def lines(self, layout: Layout) -> NDArray[np.bool_]:
        """Return whether each line is residue, shape (n_lines,)."""
        known = self.whole.find(layout.line_keys) >= 0
        first, sizes, keys = layout.runs_at(self._candidates(layout, layout.line_starts[:-1]), self.opening_sizes)
        lines = layout.lines[first]
        known[lines[(sizes <= layout.line_sizes[lines]) & (self.opening.find(keys) >= 0)]] = True
        return known

    def runs(self, layout: Layout, first: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the phrases that begin at one of these tokens: first token and number of tokens of each."""
        sizes = np.union1d(self.whole_sizes, self.opening_sizes)
        first, sizes, keys = layout.runs_at(self._candidates(layout, first), sizes)
        known = (self.whole.find(keys) >= 0) | (self.opening.find(keys) >= 0)
        return first[known], sizes[known]

    def _candidates(self, layout: Layout, first: NDArray[np.int64]) -> NDArray[np.int64]:
        """The few of these tokens that may begin a phrase; only these are tried with all sizes."""
        return first[self.first_tokens.find(layout.keys(first, 1)) >= 0]


@cache
def site_phrases(fold: Fold = "unidecode") -> Phrases:
    """Return the phrases of all languages in ``dedup/residue/data/phrases``."""
    lines = [
        line
        for file in files("dedup.residue").joinpath("data", "phrases").iterdir()
        if file.name.endswith(".txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("# ")
    ]
    opens = np.array([line.endswith(_OPENING_MARK) for line in lines])
    layout = layout_of(tokenize(lines, fold))
    first, sizes, keys = layout.line_starts[:-1], layout.line_sizes, layout.line_keys
    return Phrases(
        _sorted_keys(layout.keys(first, 1)),
        _sorted_keys(keys[~opens]),
        _sorted_keys(keys[opens]),
        np.unique(sizes[~opens]),
        np.unique(sizes[opens]),
    )


def _sorted_keys(keys: NDArray[np.uint64]) -> SortedKeys:
    return SortedKeys(np.unique(keys), 64)
