"""Titles within texts: an article's own, and those of other articles that its page links to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import SortedKeys
from dedup.parameters import Fold
from dedup.residue.layout import Layout, layout_of, mark_runs
from dedup.text.tokens import mix, tokenize

#: A line, and a run within a line, leads to another article when it is a title of so many words; of characters in
#: scripts without spaces twice as many. Shorter titles are names and phrases.
_LINE_WORDS, _RUN_WORDS = 4, 6


@dataclass(frozen=True, slots=True, eq=False)
class Titles:
    """Titles of articles, with their sources.

    Attributes
    ----------
    openings : SortedKeys
        Of the first words of those that are long enough to be looked for.
    whole : SortedKeys
        Of those as a whole.
    sizes : ndarray of int64
        How many tokens those have.
    own : ndarray of uint64, shape (n_articles,)
        Key of each article's title without its source; 0 for none.
    """

    openings: SortedKeys
    whole: SortedKeys
    sizes: NDArray[np.int64]
    own: NDArray[np.uint64]

    def find(
        self, layout: Layout, salts: NDArray[np.uint64], own: NDArray[np.uint64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which tokens are titles of other articles of the source, and which the article's own.

        Parameters
        ----------
        layout : Layout
        salts : ndarray of uint64, shape (n_texts,)
            A number for the source of each text.
        own : ndarray of uint64, shape (n_texts,)
            See `own`; those of these texts.
        """
        offsets, texts = layout.tokens.offsets, layout.texts
        linked, kept = np.zeros((2, len(texts)), dtype=np.bool_)
        first = np.flatnonzero(np.arange(len(texts)) + _LINE_WORDS <= offsets[texts + 1])
        openings = mix(layout.keys(first, _LINE_WORDS) ^ salts[texts[first]])
        first, sizes, keys = layout.runs_at(first[self.openings.find(openings) >= 0], self.sizes)
        titles = np.flatnonzero(self.whole.find(mix(keys ^ salts[texts[first]])) >= 0)
        first, sizes, keys = first[titles], sizes[titles], keys[titles]
        its_own = keys == own[texts[first]]
        mark_runs(kept, first[its_own], sizes[its_own])
        lines = np.searchsorted(layout.line_starts, first, side="right") - 1
        alone = (layout.line_starts[lines] == first) & (layout.line_sizes[lines] == sizes)
        least = np.where(alone, _LINE_WORDS, _RUN_WORDS) * np.where(layout.tokens.unspaced[first], 2, 1)
        leads = ~its_own & (sizes >= least)
        mark_runs(linked, first[leads], sizes[leads])
        # A short title is told by its line alone.
        headline = layout.line_keys == own[texts[layout.line_starts[:-1]]]
        return linked, kept | np.repeat(headline, layout.line_sizes)


def titles_of(titles: Sequence[str | None], salts: NDArray[np.uint64], fold: Fold) -> Titles:
    """Titles, to be found in the texts of their sources."""
    tokens = tokenize([title or "" for title in titles], fold)
    layout, sizes = layout_of(tokens), np.diff(tokens.offsets)
    keys = layout.keys(tokens.offsets[:-1], sizes)
    long = np.flatnonzero(sizes >= _LINE_WORDS)
    openings = layout.keys(tokens.offsets[long], _LINE_WORDS)
    return Titles(
        SortedKeys(np.unique(mix(openings ^ salts[long])), 64),
        SortedKeys(np.unique(mix(keys[long] ^ salts[long])), 64),
        np.unique(sizes[long]),
        np.where(sizes > 0, keys, 0),
    )
