"""Find titles within texts: an article's own, and those of other articles that its page links to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dedup.arrays import Flags, Hashes, Integers, SortedKeys
from dedup.parameters import Fold
from dedup.residue.layout import Layout, layout_of
from dedup.text.tokens import mix, tokenize

#: Least number of words of another article's title: where it is a line of its own, and within a line. In scripts
#: without spaces, twice as many characters. Shorter titles are names and phrases.
_LINE_WORDS, _RUN_WORDS = 4, 6


@dataclass(frozen=True, slots=True, eq=False)
class Titles:
    """Keys of the titles of articles, salted by source where other articles may link to them."""

    openings: SortedKeys  # of the first words of each title that is long enough to be looked for
    whole: SortedKeys  # of these titles as a whole
    sizes: Integers  # numbers of tokens that these titles have, distinct
    own: Hashes  # (n_articles,): key of each article's title, not salted; 0 for none

    def find(self, layout: Layout, salts: Hashes) -> tuple[Flags, Flags]:
        """Return whether each token is of a title of another article of the source, and of the article's own title.

        `layout` has the texts of the articles of `own`, in order; `salts` those of their sources.
        """
        offsets, texts = layout.tokens.offsets, layout.texts
        first = np.flatnonzero(np.arange(len(texts)) + _LINE_WORDS <= offsets[texts + 1])
        openings = mix(layout.keys(first, _LINE_WORDS) ^ salts[texts[first]])
        first, sizes, keys = layout.runs_at(first[self.openings.find(openings) >= 0], self.sizes)
        titles = np.flatnonzero(self.whole.find(mix(keys ^ salts[texts[first]])) >= 0)
        first, sizes, keys = first[titles], sizes[titles], keys[titles]
        is_own = keys == self.own[texts[first]]
        lines = layout.lines[first]
        alone = (layout.line_starts[lines] == first) & (layout.line_sizes[lines] == sizes)
        least = np.where(alone, _LINE_WORDS, _RUN_WORDS) * np.where(layout.tokens.unspaced[first], 2, 1)
        links = ~is_own & (sizes >= least)
        # An own title that is too short to be looked for is found only as a whole line.
        headlines = layout.line_keys == self.own[texts[layout.line_starts[:-1]]]
        own = layout.within(first[is_own], sizes[is_own]) | headlines[layout.lines]
        return layout.within(first[links], sizes[links]), own


def titles_of(titles: Sequence[str | None], salts: Hashes, fold: Fold) -> Titles:
    """Return the keys of titles, given the salt of each article's source."""
    tokens = tokenize([title or "" for title in titles], fold)
    layout, sizes = layout_of(tokens), np.diff(tokens.offsets)
    keys = layout.keys(tokens.offsets[:-1], sizes)
    long = np.flatnonzero(sizes >= _LINE_WORDS)
    return Titles(
        SortedKeys(np.unique(mix(layout.keys(tokens.offsets[long], _LINE_WORDS) ^ salts[long])), 64),
        SortedKeys(np.unique(mix(keys[long] ^ salts[long])), 64),
        np.unique(sizes[long]),
        np.where(sizes > 0, keys, 0),
    )
