"""Find titles within texts: an article's own, and those of other articles that its page links to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dedup.arrays import PART, AnyIntegers, Flags, Hashes, Integers, ranks_in_runs, run_starts, slices
from dedup.parameters import Fold
from dedup.residue.layout import Cover, Layout, layout_of
from dedup.sorted_keys import SortedKeys
from dedup.text.tokens import mix, tokenize
from dedup.text.words import leads_unspaced

#: Least number of words of another article's title: where it is a line of its own, and within a line. In scripts
#: without spaces, twice as many characters. Shorter titles are names and phrases.
_LINE_WORDS, _RUN_WORDS = 4, 6

#: Titles of a source that open with the same words are looked for in so many sizes, the shortest, so that many titles
#: of one opening do not make the search slow.
MOST_SIZES = 64


class Openings:
    """The first words of titles, and in how many sizes there are titles that open so.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n,)
        Those of the first words of titles.
    sizes : ndarray of int64, shape (n,)
        Numbers of tokens of these titles. Of each key the `MOST_SIZES` least are kept.
    """

    def __init__(self, keys: Hashes, sizes: Integers) -> None:
        order = np.lexsort((sizes, keys))
        keys, sizes = keys[order], sizes[order]
        fresh = np.ones(len(keys), dtype=np.bool_)
        fresh[1:] = (keys[1:] != keys[:-1]) | (sizes[1:] != sizes[:-1])
        keys, sizes = keys[fresh], sizes[fresh]
        kept = ranks_in_runs(keys) < MOST_SIZES
        self.keys, self.sizes = keys[kept], sizes[kept]
        starts = run_starts(self.keys)
        self._stops = np.append(starts[1:], len(self.keys))  # behind the largest size of each key
        self._counts = np.diff(np.append(starts, len(self.keys)))
        self._lookup = SortedKeys(self.keys[starts], 64)

    def sizes_of(self, keys: Hashes) -> tuple[Integers, Integers]:
        """Return for each key where its largest size is, and how many it has."""
        place = self._lookup.find(keys)
        if not len(self.keys):
            return place, np.zeros(len(keys), dtype=np.int64)
        return self._stops[place] - 1, np.where(place >= 0, self._counts[place], 0)


@dataclass(frozen=True, slots=True, eq=False)
class Titles:
    """Keys of the titles of articles, salted by source where other articles may link to them."""

    openings: Openings  # of each title that is long enough to be looked for
    whole: SortedKeys  # of these titles as a whole
    # (n_articles,): key of each article's title, not salted, and its number of tokens; 0 for none
    own: Hashes
    own_sizes: Integers

    def of(self, articles: slice) -> "Titles":
        """Return the same with the own titles of some articles alone."""
        return replace(self, own=self.own[articles], own_sizes=self.own_sizes[articles])

    def find(self, layout: Layout, salts: Hashes) -> tuple[Flags, Flags]:
        """Return whether each token is of a title of another article of the source, and of the article's own title.

        `layout` has the texts of the articles of `own`, in order; `salts` those of their sources.
        """
        links, own = Cover(len(layout.texts)), Cover(len(layout.texts))
        for part in slices(0, len(layout.texts), PART):
            self._find_from(layout, salts, np.arange(part.start, part.stop), links, own)
        for lines in slices(0, len(layout.line_begins), PART):
            bounds = layout.line_starts[lines.start : lines.stop + 1]
            first, sizes = bounds[:-1], np.diff(bounds)
            keys, texts = layout.keys(first, sizes), layout.texts[first]
            # An own title that is too short to be looked for is found only as a whole line.
            is_own = keys == self.own[texts]
            own.add(first[is_own], sizes[is_own])
            linked = (sizes >= _least(layout, first, _LINE_WORDS)) & ~is_own
            linked &= self.whole.find(mix(keys ^ salts[texts])) >= 0
            links.add(first[linked], sizes[linked])
        return links.flags(), own.flags()

    def _find_from(self, layout: Layout, salts: Hashes, first: Integers, links: Cover, own: Cover) -> None:
        """Add the titles that begin at one of these tokens: of other articles the longest, within a line or not."""
        stops = layout.tokens.offsets[layout.texts[first] + 1]
        first, stops = first[first + _LINE_WORDS <= stops], stops[first + _LINE_WORDS <= stops]
        place, count = self.openings.sizes_of(mix(layout.keys(first, _LINE_WORDS) ^ salts[layout.texts[first]]))
        known = np.flatnonzero(count)  # few
        first, stops, place, count = first[known], stops[known], place[known], count[known]
        sizes = self.own_sizes[layout.texts[first]]
        fits = np.flatnonzero((sizes >= _LINE_WORDS) & (first + sizes <= stops))
        fits = fits[layout.keys(first[fits], sizes[fits]) == self.own[layout.texts[first[fits]]]]
        own.add(first[fits], sizes[fits])
        least = _least(layout, first, _RUN_WORDS)
        while len(first):
            sizes = self.openings.sizes[place]
            linked = (sizes >= least) & (first + sizes <= stops)
            begins, texts = first[linked], layout.texts[first[linked]]
            keys = layout.keys(begins, sizes[linked])
            linked[linked] = (self.whole.find(mix(keys ^ salts[texts])) >= 0) & (keys != self.own[texts])
            links.add(first[linked], sizes[linked])
            left = np.flatnonzero(~linked & (sizes >= least) & (count > 1))
            first, stops, least, place, count = first[left], stops[left], least[left], place[left] - 1, count[left] - 1


def _least(layout: Layout, first: AnyIntegers, words: int) -> Integers:
    """The least number of tokens of a title that begins at each of these tokens, and is to have so many words."""
    folded = layout.tokens.folded[layout.tokens.starts[first]]
    return np.where(leads_unspaced(folded), 2 * words, words)


def titles_of(titles: Sequence[str | None], salts: Hashes, fold: Fold) -> Titles:
    """Return the keys of titles, given the salt of each article's source."""
    tokens = tokenize([title or "" for title in titles], fold)
    layout, sizes = layout_of(tokens), np.diff(tokens.offsets)
    keys = layout.keys(tokens.offsets[:-1], sizes)
    long = np.flatnonzero(sizes >= _LINE_WORDS)
    openings = mix(layout.keys(tokens.offsets[long], _LINE_WORDS) ^ salts[long])
    whole = np.unique(mix(keys[long] ^ salts[long]))
    return Titles(Openings(openings, sizes[long]), SortedKeys(whole, 64), np.where(sizes > 0, keys, 0), sizes)
