"""What recurs in the stories of a source: its lines and runs of words, learned from some of its articles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import SortedKeys, connected_labels
from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress, split_progress
from dedup.residue.layout import Layout, layout_of
from dedup.text.tokens import blocks, mix, tokenize

#: From so many articles of a source, spread evenly over its time, its residue is learned.
ARTICLES_PER_SOURCE = 64
#: ... and from so many where nobody says what comes from where.
ARTICLES_WITHOUT_SOURCE = 512

#: Residue is in at least so many stories of a source, and in at least this share of them: whole lines, and runs at
#: the head or the foot of an article; and runs anywhere.
LEAST_STORIES, LEAST_SHARE = 4, 0.03
LEAST_STORIES_ANYWHERE, LEAST_SHARE_ANYWHERE = 5, 0.12

# Articles of one source are one story when the lines and runs that they share, weighed by how rare they are among
# its articles and so many others, make up so much of both. Copies share rare ones, pages of a site its common ones.
_PRIOR_ARTICLES, _ONE_STORY = 100, 0.5

#: Tokens of a run: words, or characters of scripts without spaces; and how many of them are not numbers or dates, at
#: head and foot and anywhere.
RUN_WORDS, RUN_CHARACTERS, LEAST_UNMASKED, LEAST_UNMASKED_ANYWHERE = 6, 12, 2, 3

#: Of a run at the very head or foot.
LEAST_AT_END = 3

_LINE = np.uint64(0xA0761D6478BD642F)
_ENDS = np.array([0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3], dtype=np.uint64)
_TEXT_BITS = 13
_TEXTS_AT_ONCE = 1 << _TEXT_BITS


@dataclass(frozen=True, eq=False)
class Recurring:
    """Keys of what recurs.

    Attributes
    ----------
    keys : ndarray of uint64, shape (n_keys,)
        Of lines and runs with their source (see `line_marks`, `run_marks`), below 2**51, ascending.
    anywhere : ndarray of bool, shape (n_keys,)
        Which are residue anywhere in an article even when they are no whole line.
    """

    keys: NDArray[np.uint64]
    anywhere: NDArray[np.bool_]

    def ascending(self) -> "Recurring":
        """The same in the order that it has to be in."""
        order = np.argsort(self.keys)
        return Recurring(self.keys[order], self.anywhere[order])

    @cached_property
    def _lookup(self) -> SortedKeys:
        return SortedKeys(self.keys, 64 - _TEXT_BITS)

    def strength(self, keys: NDArray[np.uint64]) -> NDArray[np.int8]:
        """2 for what recurs so much that it is residue anywhere, 1 for what recurs, 0 for what does not."""
        if not len(self.keys):
            return np.zeros(len(keys), dtype=np.int8)
        place = self._lookup.find(keys)
        return np.where(place >= 0, 1 + self.anywhere[place], 0).astype(np.int8)


def source_salts(sources: Sequence[str | None]) -> NDArray[np.uint64]:
    """A number for each source, the same in every process; shape (n_sources,)."""
    numbers = {
        source: int.from_bytes(blake2b((source or "").encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        for source in set(sources)
    }
    return np.array([numbers[source] for source in sources], dtype=np.uint64)


def line_marks(layout: Layout, salts: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Lines that can recur, and their keys under the salt of each text's source; those of numbers alone cannot."""
    unmasked = np.add.reduceat(~layout.masked, layout.line_starts[:-1]) if len(layout.masked) else layout.line_sizes
    lines = np.flatnonzero(unmasked)
    keys = layout.line_keys[lines] ^ _LINE ^ salts[layout.texts[layout.line_starts[lines]]]
    return lines, mix(keys) >> np.uint64(_TEXT_BITS)


def run_marks(
    layout: Layout, salts: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
    """Runs that can recur: their first token, how many tokens they have, their keys under the salt."""
    offsets = layout.tokens.offsets
    sizes = np.where(layout.tokens.unspaced, RUN_CHARACTERS, RUN_WORDS)
    first = np.flatnonzero(np.arange(len(sizes)) + sizes <= offsets[layout.texts + 1])
    firsts, lengths, kinds = [first], [sizes[first]], [np.zeros(len(first), dtype=np.uint64)]
    # What stands at the very head or foot of a text tells as much in fewer words.
    for size in range(LEAST_AT_END, RUN_WORDS):
        long = np.flatnonzero(np.diff(offsets) >= size)
        firsts += [offsets[long], offsets[long + 1] - size]
        lengths.append(np.full(2 * len(long), size))
        kinds.append(np.repeat(_ENDS, len(long)))
    first, sizes, kind = np.concatenate(firsts), np.concatenate(lengths), np.concatenate(kinds)
    unmasked = np.concatenate([[0], np.cumsum(~layout.masked)])
    telling = unmasked[first + sizes] - unmasked[first] >= LEAST_UNMASKED
    first, sizes, kind = first[telling], sizes[telling], kind[telling]
    return first, sizes, mix(layout.keys(first, sizes) ^ kind ^ salts[layout.texts[first]]) >> np.uint64(_TEXT_BITS)


def learn(
    texts: Sequence[str],
    salts: NDArray[np.uint64],
    n_jobs: int | None = None,
    fold: Fold = "unidecode",
    progress: ProgressCallback = no_progress,
) -> Recurring:
    """What recurs in each source, counted by story.

    Parameters
    ----------
    texts : sequence of str
        In order of publication.
    salts : ndarray of uint64, shape (n_texts,)
        A number for the source of each.
    n_jobs : int, optional
        Threads.
    fold : {"unidecode", "marks"}
        How letters become plain ones.
    report : callable
        Is told what share is done.
    """
    keys, anywhere = [np.empty(0, dtype=np.uint64)], [np.empty(0, dtype=np.bool_)]
    chosen = list(samples(salts))
    reports = split_progress(progress, *map(len, chosen)) if chosen else []
    for places, its_report in zip(chosen, reports, strict=True):
        some = [texts[place] for place in places.tolist()]
        learned = learn_some(some, salts[places], n_jobs, fold, its_report)
        keys.append(learned.keys)
        anywhere.append(learned.anywhere)
    return Recurring(np.concatenate(keys), np.concatenate(anywhere)).ascending()


def samples(salts: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """Places of the articles to learn from, whole sources at a time, at most 2**13 together."""
    order = np.argsort(salts, kind="stable")
    starts = np.flatnonzero(np.diff(salts[order], prepend=~salts[order[:1]]))
    sizes = np.diff(np.append(starts, len(order)))
    (unnamed,) = source_salts([None])
    part: list[NDArray[np.int64]] = []
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        if size < LEAST_STORIES:
            continue
        most = ARTICLES_WITHOUT_SOURCE if salts[order[start]] == unnamed else ARTICLES_PER_SOURCE
        wanted = min(size, most)
        part.append(order[start + np.arange(wanted) * size // wanted])
        if sum(map(len, part)) > _TEXTS_AT_ONCE - ARTICLES_WITHOUT_SOURCE:
            yield np.concatenate(part)
            part = []
    if part:
        yield np.concatenate(part)


def learn_some(
    texts: Sequence[str],
    salts: NDArray[np.uint64],
    n_jobs: int | None = None,
    fold: Fold = "unidecode",
    progress: ProgressCallback = no_progress,
) -> Recurring:
    """What recurs in some whole sources of at most 2**13 articles together; see `samples`."""

    def of_block(block: slice) -> NDArray[np.uint64]:
        layout = layout_of(tokenize(texts[block], fold))
        lines, line_keys = line_marks(layout, salts[block])
        first, _, run_keys = run_marks(layout, salts[block])
        text = block.start + np.concatenate([layout.texts[layout.line_starts[lines]], layout.texts[first]])
        keys = np.concatenate([line_keys, run_keys]) << np.uint64(_TEXT_BITS)
        return np.asarray(keys | text.astype(np.uint64))

    entries = np.concatenate(list(ordered_map(of_block, blocks(texts), n_jobs, progress)))
    entries.sort()
    entries = entries[np.concatenate([[True], entries[1:] != entries[:-1]])[: len(entries)]]
    key, text = entries >> np.uint64(_TEXT_BITS), (entries & np.uint64(_TEXTS_AT_ONCE - 1)).astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])[: len(key)])
    frequencies = np.diff(np.append(starts, len(key)))
    source = np.unique(salts, return_inverse=True)[1]
    stories = _stories(text, frequencies, source)
    often = frequencies >= LEAST_STORIES
    text = text[np.repeat(often, frequencies)]
    return _frequent(key[starts[often]], frequencies[often], text, stories, source)


def _stories(text: NDArray[np.int64], frequencies: NDArray[np.int64], source: NDArray[np.int64]) -> NDArray[np.int64]:
    """Story of each text: those are one that share what is rare in their source; `text` has those of each key."""
    n = len(source)
    frequency = np.repeat(frequencies, frequencies)
    weights = np.log((np.bincount(source)[source] + _PRIOR_ARTICLES)[text] / frequency)
    lengths = np.bincount(text, weights=weights, minlength=n)
    shared = np.flatnonzero(frequency > 1)  # few
    frequencies = frequencies[frequencies > 1]
    columns = np.repeat(np.arange(len(frequencies)), frequencies)
    values = np.sqrt(weights[shared] / lengths[text[shared]])
    vectors = csr_array((values, (text[shared], columns)), shape=(n, len(frequencies)))
    alike = (vectors @ vectors.T).tocoo()
    close = alike.data >= _ONE_STORY
    return connected_labels(alike.row[close], alike.col[close], n)


def _frequent(
    keys: NDArray[np.uint64],
    frequencies: NDArray[np.int64],
    text: NDArray[np.int64],
    stories: NDArray[np.int64],
    source: NDArray[np.int64],
) -> Recurring:
    """The keys that are in enough stories of their source; `text` has the texts of each."""
    known = np.bincount(source[np.unique(stories, return_index=True)[1]])
    column = np.repeat(np.arange(len(keys)), frequencies)
    pairs = np.unique(column * len(source) + stories[text])
    counts = np.bincount(pairs // max(len(source), 1), minlength=len(keys))
    first = np.cumsum(frequencies) - frequencies
    known = known[source[text[first]]]
    kept = counts >= np.maximum(LEAST_STORIES, LEAST_SHARE * known)
    anywhere = counts >= np.maximum(LEAST_STORIES_ANYWHERE, LEAST_SHARE_ANYWHERE * known)
    return Recurring(keys[kept], anywhere[kept])
