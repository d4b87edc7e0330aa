"""Learn what recurs in the stories of a source, its lines and runs of tokens, from a sample of its articles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import (
    PART,
    Flags,
    Floats,
    Hashes,
    Integers,
    connected_labels,
    first_members,
    joined,
    ranks_in_runs,
    run_starts,
    slices,
)
from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress, split_progress
from dedup.residue.layout import Cover, Layout, layout_of
from dedup.sorted_keys import SortedKeys
from dedup.text.tokens import blocks, mix, tokenize
from dedup.text.words import leads_unspaced

#: Articles of a source to learn from at most, spread evenly over its time; and where no source is named.
ARTICLES_PER_SOURCE, ARTICLES_WITHOUT_SOURCE = 64, 512

#: Residue recurs in at least this number of stories of a source, and in at least this share of them. The first pair is
#: for whole lines, and for runs at the head or the foot of an article; the second for runs anywhere.
MIN_STORIES, MIN_SHARE = 4, 0.03
MIN_STORIES_ANYWHERE, MIN_SHARE_ANYWHERE = 5, 0.12

# Articles of one source are one story when this share of each consists of lines and runs that both have, weighted by
# inverse document frequency, with a prior of other articles. Copies share rare ones, pages of a site common ones.
_PRIOR_ARTICLES, _SAME_STORY = 100, 0.5

# A word of a title weighs as much as this many lines or runs: short texts that are nothing but a template are told
# apart by their titles, and a wire story under other titles is still one.
_TITLE_WEIGHT = 4.0

#: Tokens of a run, in words and in characters of scripts without spaces.
RUN_WORDS, RUN_CHARACTERS = 6, 12

#: Least number of tokens of a run that are not masked, at head or foot and anywhere.
MIN_UNMASKED, MIN_UNMASKED_ANYWHERE = 2, 3

#: Tokens of the shortest run at the very head or foot of a text.
MIN_RUN_AT_END = 3

LINE = np.uint64(0xA0761D6478BD642F)
ENDS = np.array([0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3], dtype=np.uint64)
_TEXT_BITS = 13
_TEXTS_AT_ONCE = 1 << _TEXT_BITS

#: Keys are hashes without so many of their bits, which are for the number of a text.
KEY_SHIFT = np.uint64(_TEXT_BITS)


@dataclass(frozen=True, eq=False)
class RecurringKeys:
    """Keys of the lines and runs that recur in their source."""

    keys: Hashes  # (n_keys,): see `candidate_lines` and `candidate_runs`; below 2**51, ascending
    # (n_keys,): whether each is residue anywhere in an article, even where it is no whole line
    anywhere: Flags

    def united(self, other: "RecurringKeys") -> "RecurringKeys":
        """Return the keys of both, in ascending order."""
        keys, anywhere = np.concatenate([self.keys, other.keys]), np.concatenate([self.anywhere, other.anywhere])
        return RecurringKeys(keys, anywhere).ascending()

    def ascending(self) -> "RecurringKeys":
        """Return the same keys in ascending order."""
        order = np.argsort(self.keys)
        return RecurringKeys(self.keys[order], self.anywhere[order])

    @cached_property
    def lookup(self) -> SortedKeys:
        """Find the keys."""
        return SortedKeys(self.keys, 64 - _TEXT_BITS)

    def levels(self, keys: Hashes) -> NDArray[np.int8]:
        """Return for each key 2 if it is residue anywhere, 1 if it recurs, else 0."""
        if not len(self.keys):
            return np.zeros(len(keys), dtype=np.int8)
        place = self.lookup.find(keys)
        return np.where(place >= 0, 1 + self.anywhere[place], 0).astype(np.int8)

    def find(self, layout: Layout, salts: Hashes) -> tuple[Flags, Flags]:
        """Return whether each token recurs so often that it is residue anywhere, and at head and foot."""
        if not len(self.keys):
            nothing = np.zeros((2, len(layout.masked)), dtype=np.bool_)
            return nothing[0], nothing[1]
        anywhere, edge = Cover(len(layout.masked)), Cover(len(layout.masked))
        for lines, keys in candidate_lines(layout, salts):
            lines = lines[self.levels(keys) > 0]
            anywhere.add(layout.line_starts[lines], layout.line_starts[lines + 1] - layout.line_starts[lines])
        for first, sizes, keys in candidate_runs(layout, salts):
            levels = self.levels(keys)
            short = sizes < RUN_WORDS  # a name may open or end many reports too
            at_edge = levels > short
            edge.add(first[at_edge], sizes[at_edge])
            often = np.flatnonzero((levels > 1) & ~short)
            often = often[layout.unmasked(first[often], sizes[often]) >= MIN_UNMASKED_ANYWHERE]
            anywhere.add(first[often], sizes[often])
        return anywhere.flags(), edge.flags()


def source_salts(sources: Sequence[str | None]) -> Hashes:
    """Return a number for each source that salts its keys, the same in every process; shape (n_sources,)."""
    numbers = {
        source: int.from_bytes(blake2b((source or "").encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        for source in set(sources)
    }
    return np.array([numbers[source] for source in sources], dtype=np.uint64)


def sample_size(source: str | None) -> int:
    """Return from how many articles of a source its residue is learned at most; None or "" is no named source."""
    return int(_sample_sizes(source_salts([source]))[0])


def _sample_sizes(salts: Hashes) -> Integers:
    return np.where(salts == source_salts([None]), ARTICLES_WITHOUT_SOURCE, ARTICLES_PER_SOURCE)


def candidate_lines(layout: Layout, salts: Hashes) -> Iterator[tuple[Integers, Hashes]]:
    """Yield the lines that can recur, which are not masked as a whole, and their keys under the salts of the texts.

    Some at a time.
    """
    for part in slices(0, len(layout.line_begins), PART):
        bounds = layout.line_starts[part.start : part.stop + 1]
        places = np.flatnonzero(np.add.reduceat(~layout.masked[: bounds[-1]], bounds[:-1], dtype=np.int64))
        first = bounds[places]
        keys = layout.keys(first, np.diff(bounds)[places]) ^ LINE ^ salts[layout.texts[first]]
        yield part.start + places, mix(keys) >> KEY_SHIFT


def candidate_runs(layout: Layout, salts: Hashes) -> Iterator[tuple[Integers, Integers, Hashes]]:
    """Yield the runs that can recur, some at a time: first tokens, sizes, and keys under the salts of the texts."""
    offsets, sums = layout.tokens.offsets, layout.unmasked_sums

    def kept(first: Integers, sizes: Integers, kind: Hashes) -> tuple[Integers, Integers, Hashes]:
        enough = sums[first + sizes] - sums[first] >= MIN_UNMASKED
        first, sizes, kind = first[enough], sizes[enough], kind[enough]
        return first, sizes, mix(layout.keys(first, sizes) ^ kind ^ salts[layout.texts[first]]) >> KEY_SHIFT

    for part in slices(0, len(layout.texts), PART):
        unspaced = leads_unspaced(layout.tokens.folded[layout.tokens.starts[part]])
        first, sizes = np.arange(part.start, part.stop), np.where(unspaced, RUN_CHARACTERS, RUN_WORDS)
        fits = first + sizes <= offsets[layout.texts[part] + 1]
        yield kept(first[fits], sizes[fits], np.zeros(np.count_nonzero(fits), dtype=np.uint64))
    # At the very head or foot of a text, fewer words suffice.
    for size in range(MIN_RUN_AT_END, RUN_WORDS):
        long = np.flatnonzero(np.diff(offsets) >= size)
        first = np.concatenate([offsets[long], offsets[long + 1] - size])
        yield kept(first, np.full(2 * len(long), size), np.repeat(ENDS, len(long)))


def learn(
    texts: Sequence[str],
    salts: Hashes,
    titles: Sequence[str] | None = None,
    n_jobs: int | None = None,
    fold: Fold = "unidecode",
    progress: ProgressCallback = no_progress,
) -> RecurringKeys:
    """Return what recurs in each source, counted by story; see `dedup.residue.find.find_residue`, `source_salts`.

    Texts that say the same are one story, unless their `titles` differ.
    """
    titles = titles or [""] * len(texts)
    chosen = list(samples(salts))
    parts = split_progress(progress, *map(len, chosen)) if chosen else []
    learned = [
        learn_sample([texts[i] for i in own], salts[own], [titles[i] for i in own], n_jobs, fold, part)
        for own, part in zip([places.tolist() for places in chosen], parts, strict=True)
    ]
    keys, anywhere = [part.keys for part in learned], [part.anywhere for part in learned]
    return RecurringKeys(joined(keys, np.uint64), joined(anywhere, np.bool_)).ascending()


def samples(salts: Hashes, at_once: int = 1 << 20) -> Iterator[Integers]:
    """Yield places of the articles to learn from, in groups of whole sources, of at most 2**13 articles each.

    `salts` may be a mapped file, of which `at_once` are in memory.
    """
    chunks = slices(0, len(salts), at_once)
    sources, size = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    for chunk in chunks:
        own, counts = np.unique(salts[chunk], return_counts=True)
        sources, place = np.unique(np.concatenate([sources, own]), return_inverse=True)
        size = np.bincount(place, weights=np.concatenate([size, counts]), minlength=len(sources)).astype(np.int64)
    wanted = np.where(size < MIN_STORIES, 0, np.minimum(size, _sample_sizes(sources)))
    ends, seen = np.cumsum(wanted), np.zeros(len(sources), dtype=np.int64)
    chosen = np.empty(int(wanted.sum()), dtype=np.int64)
    for chunk in chunks:
        order = np.argsort(salts[chunk], kind="stable")
        which = np.searchsorted(sources, salts[chunk][order])
        rank = seen[which] + ranks_in_runs(which)
        seen += np.bincount(which, minlength=len(seen))
        # Evenly spread over its articles, the sample of a source has those of rank ``i * size // wanted``.
        number, most = -(-rank * wanted[which] // size[which]), wanted[which]
        taken = np.flatnonzero((number < most) & (number * size[which] // np.maximum(most, 1) == rank))
        chosen[(ends[which] - most + number)[taken]] = chunk.start + order[taken]
    first = 0
    for stop in ends.tolist():
        if stop - first > _TEXTS_AT_ONCE - ARTICLES_WITHOUT_SOURCE:
            yield chosen[first:stop]
            first = stop
    if first < len(chosen):
        yield chosen[first:]


def learn_sample(
    texts: Sequence[str],
    salts: Hashes,
    titles: Sequence[str],
    n_jobs: int | None,
    fold: Fold,
    progress: ProgressCallback = no_progress,
) -> RecurringKeys:
    """Return what recurs in one of the `samples`; see `learn`."""

    def of_block(block: slice) -> Hashes:
        layout = layout_of(tokenize(texts[block], fold))
        found = []
        for lines, keys in candidate_lines(layout, salts[block]):
            found.append(_packed(keys, block.start + layout.texts[layout.line_starts[lines]]))
        for first, _, keys in candidate_runs(layout, salts[block]):
            found.append(_packed(keys, block.start + layout.texts[first]))
        return joined(found, np.uint64)

    entries = joined(list(ordered_map(of_block, blocks(texts), n_jobs, progress)), np.uint64)
    key, text = _unpacked(entries)
    words = tokenize(titles, fold)
    word, title = _unpacked(_packed(mix(words.hashes ^ salts[words.text_indices]) >> KEY_SHIFT, words.text_indices))
    starts = run_starts(key)
    frequencies = np.diff(np.append(starts, len(key)))
    source, n = np.unique(salts, return_inverse=True)[1], len(texts)
    in_titles = np.diff(np.append(run_starts(word), len(word)))
    parts = (np.concatenate([text, title]), np.concatenate([frequencies, in_titles]))
    stories = _stories(*parts, np.repeat([1.0, _TITLE_WEIGHT], [len(text), len(title)]), source)
    frequent = frequencies >= MIN_STORIES
    starts, frequencies, text = starts[frequent], frequencies[frequent], text[np.repeat(frequent, frequencies)]
    pairs = np.unique(np.repeat(np.arange(len(starts)), frequencies) * n + stories[text])
    counts = np.bincount(pairs // max(n, 1), minlength=len(starts))
    # The number of stories of the source of each key.
    totals = np.bincount(source[first_members(stories)])[source[text[np.cumsum(frequencies) - frequencies]]]
    recurs = counts >= np.maximum(MIN_STORIES, MIN_SHARE * totals)
    anywhere = counts >= np.maximum(MIN_STORIES_ANYWHERE, MIN_SHARE_ANYWHERE * totals)
    return RecurringKeys(key[starts[recurs]], anywhere[recurs])


def _packed(keys: Hashes, texts: Integers) -> Hashes:
    return np.asarray(keys << KEY_SHIFT | texts.astype(np.uint64))


def _unpacked(entries: Hashes) -> tuple[Hashes, Integers]:
    """Keys, ascending, and the texts that have them, each once."""
    entries = np.sort(entries)
    entries = entries[run_starts(entries)]
    return entries >> KEY_SHIFT, (entries & np.uint64(_TEXTS_AT_ONCE - 1)).astype(np.int64)


def _stories(text: Integers, frequencies: Integers, factors: Floats, source: Integers) -> Integers:
    """Story of each text, given the texts of each key, one key after the other, their numbers and their weight."""
    n = len(source)
    frequency = np.repeat(frequencies, frequencies)
    weights = factors * np.log((np.bincount(source)[source] + _PRIOR_ARTICLES)[text] / frequency)
    lengths = np.bincount(text, weights=weights, minlength=n)
    shared = np.flatnonzero(frequency > 1)  # few
    frequencies = frequencies[frequencies > 1]
    columns = np.repeat(np.arange(len(frequencies)), frequencies)
    values = np.sqrt(weights[shared] / lengths[text[shared]])
    vectors = csr_array((values, (text[shared], columns)), shape=(n, len(frequencies)))
    alike = (vectors @ vectors.T).tocoo()
    close = alike.data >= _SAME_STORY
    return connected_labels(alike.row[close], alike.col[close], n)
