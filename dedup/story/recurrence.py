"""Where the words of a text come back -> whether it is one report, or a list of several.

A report speaks of the same people and things from its beginning to its end. In a list of reports a word comes back
within a few sentences or not at all.
"""

import numpy as np

from dedup.arrays import Flags, Floats, Hashes, Integers, parts_of_runs, run_starts
from dedup.kernel import kernel

#: A text is cut into so many sections of as many words; at most 16.
SECTIONS = 10

#: In a list of reports, equal words in sections that are not adjacent are fewer than this share of those that there
#: would be if words came back as often as within adjacent sections. On the labelled sets of the benchmarks the median
#: is 0.6 to 1 for reports and 0.1 to 0.2 for lists made of the beginnings of reports.
FAR_SHARE = 0.23

#: Every text is judged as if it had so many pairs more, near and far alike: a short one has too few to tell.
PRIOR_PAIRS = 8.0

_SECTION_BITS = 4


def are_lists(places: Hashes, n_texts: int, key_bits: int) -> Flags:
    """Whether each text is a list of several reports, shape (n_texts,); the time is that of one sort.

    Parameters
    ----------
    places : ndarray of uint64
        For each word of a text that means something: the text in the upper bits, then the word of `key_bits` bits, then
        its section in the lowest four bits.
    n_texts, key_bits : int
        Their bits and those of a section are 64 at most.
    """
    near_pairs, pairs = _pairs(np.sort(places), n_texts, key_bits)
    near_places = (3 * SECTIONS - 2) / SECTIONS**2  # share of all pairs of places that are near
    far = (pairs - near_pairs) / (1 - near_places) + PRIOR_PAIRS
    return np.asarray(far < FAR_SHARE * (near_pairs / near_places + PRIOR_PAIRS))


def _pairs(cells: Hashes, n_texts: int, key_bits: int) -> tuple[Floats, Floats]:
    """Weighted pairs of equal words of each text in sections that are near, and in all, given its sorted words."""
    compiled = kernel()
    if compiled is None:
        return _pairs_in_numpy(cells, n_texts, key_bits)
    near_pairs, pairs = np.zeros((2, n_texts), dtype=np.float64)
    compiled.word_pairs(cells, len(cells), _SECTION_BITS, key_bits, near_pairs, pairs)
    return near_pairs, pairs


def _pairs_in_numpy(cells: Hashes, n_texts: int, key_bits: int) -> tuple[Floats, Floats]:
    """What the kernel does, in NumPy."""
    near_pairs, pairs = np.zeros((2, n_texts), dtype=np.float64)
    for part in parts_of_runs(cells, _SECTION_BITS):  # in this order, whatever the parts
        text, weights, near, totals = _pairs_of_words(cells[part], key_bits)
        np.add.at(near_pairs, text, weights * near)
        np.add.at(pairs, text, weights * (totals * (totals - 1) / 2))
    return near_pairs, pairs


def _pairs_of_words(cells: Hashes, key_bits: int) -> tuple[Integers, Floats, Floats, Floats]:
    """For each word of a text: the text, its weight, pairs of its places in sections that are near, and its places."""
    starts = run_starts(cells)
    counts = np.diff(np.append(starts, len(cells))).astype(np.float64)  # of a word in a section
    cells = cells[starts]
    words = cells >> np.uint64(_SECTION_BITS)
    # Cells are equal but for the section, so that the next section of a word is the next number.
    follows = (cells[1:] == cells[:-1] + np.uint64(1)) & (words[1:] == words[:-1])
    near = counts * (counts - 1) / 2
    near[1:] += np.where(follows, counts[1:] * counts[:-1], 0.0)
    starts = run_starts(words)
    totals, near = (np.add.reduceat(values, starts) if len(starts) else values for values in (counts, near))
    # A word that occurs k times has k (k - 1) / 2 pairs, and counts as k / 2: frequent words must not decide alone.
    weights = 1 / np.maximum(totals - 1, 1)
    return (words[starts] >> np.uint64(key_bits)).astype(np.int64), weights, near, totals


def sections_of(places: Integers, sizes: Integers) -> Hashes:
    """Section of each word, by its place in a text of so many words."""
    return np.asarray(places * SECTIONS // sizes).astype(np.uint64)
