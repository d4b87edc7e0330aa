"""Phrases that sites are known to use, which find residue even in the first articles of a source."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from dedup.arrays import PART, AnyIntegers, Flags, Integers, by_parts, slices
from dedup.parameters import Fold
from dedup.residue.layout import Layout, layout_of
from dedup.sorted_keys import SortedKeys
from dedup.text.tokens import tokenize

#: Ends a phrase that only opens a line; the whole line is residue.
_OPENING_MARK = "…"


@dataclass(frozen=True, slots=True, eq=False)
class Phrases:
    """Keys of phrases (see `dedup.residue.layout.Layout.keys`)."""

    keys: SortedKeys
    # (n_keys,): whether each phrase makes residue of any line that it opens; otherwise it is residue as a whole line
    opening: Flags
    first_tokens: SortedKeys  # keys of the first token of every phrase
    sizes: Integers  # numbers of tokens that phrases have, distinct

    def lines(self, layout: Layout) -> Flags:
        """Return whether each line is residue, shape (n_lines,)."""
        first, sizes, phrases = self._find(layout, layout.line_starts[:-1])
        lines = layout.lines[first]
        rest = layout.line_sizes[lines] - sizes
        known = np.zeros(len(layout.line_begins), dtype=np.bool_)
        known[lines[(rest == 0) | (self.opening[phrases] & (rest > 0))]] = True
        return known

    def runs(self, layout: Layout, first: AnyIntegers) -> tuple[AnyIntegers, Integers]:
        """Return the phrases that begin at one of these tokens: first token and number of tokens of each."""
        return self._find(layout, first)[:2]

    def _find(self, layout: Layout, first: AnyIntegers) -> tuple[AnyIntegers, Integers, Integers]:
        """First token, size and index of each phrase that begins at one of these tokens."""
        opens = by_parts(lambda some: self.first_tokens.find(layout.keys(some, 1)) >= 0, first)
        first = first[opens]  # few, of which all sizes are tried
        at_once = max(1, PART // len(self.sizes))
        found = [self._of_sizes(layout, first[part]) for part in slices(0, len(first), at_once) or [slice(0)]]
        first, sizes, phrases = (np.concatenate(column) for column in zip(*found, strict=True))
        return first, sizes, phrases

    def _of_sizes(self, layout: Layout, first: AnyIntegers) -> tuple[AnyIntegers, Integers, Integers]:
        stops = layout.tokens.offsets[layout.texts[first] + 1]
        place, size = np.nonzero(first[:, None] + self.sizes <= stops[:, None])
        first, sizes = first[place], self.sizes[size]
        phrases = self.keys.find(layout.keys(first, sizes))
        known = phrases >= 0
        return first[known], sizes[known], phrases[known]


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
    layout = layout_of(tokenize(lines, fold))
    keys, which = np.unique(layout.line_keys, return_inverse=True)
    opening = np.zeros(len(keys), dtype=np.bool_)
    opening[which[[line.endswith(_OPENING_MARK) for line in lines]]] = True
    first_tokens = SortedKeys(np.unique(layout.keys(layout.line_starts[:-1], 1)), 64)
    return Phrases(SortedKeys(keys, 64), opening, first_tokens, np.unique(layout.line_sizes).astype(np.int64))
