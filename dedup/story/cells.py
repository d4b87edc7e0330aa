"""Features in languages, as numbers: the cells of the table of document frequencies."""

from functools import partial
from itertools import pairwise

import numpy as np

from dedup.arrays import Growing, Hashes, Integers, run_starts, slices
from dedup.kernel import kernel
from dedup.parallel import ordered_map
from dedup.story.extraction import KEY_BITS
from dedup.story.features import Counts
from dedup.text.language import LANGUAGE_BITS

_BLOCK_ROWS = 1024
_BUCKET_ENTRIES, _MAX_BUCKET_BITS, _BUCKETS_AT_ONCE = 1 << 14, 10, 256


def in_language(keys: Hashes, languages: Integers | int) -> Hashes:
    """Numbers of features in languages: the key above, the language in the lowest bits."""
    return (keys << np.uint64(LANGUAGE_BITS)) | np.asarray(languages).astype(np.uint64)


def cells_of(counts: Counts, n_jobs: int | None = 1, *, shared: bool = False) -> tuple[Hashes, Integers]:
    """The features of texts in their languages, ascending, and the number of texts of each.

    With `shared`, those that occur in more than one text alone: the others are most of them.
    """
    compiled = kernel()
    if compiled is None:
        return _cells_of(counts, shared=shared)
    # A bucket that fits in a core's second-level cache is sorted much faster than all at once; some buckets at a time
    # take less memory.
    bits = min((len(counts.keys) // _BUCKET_ENTRIES).bit_length(), _MAX_BUCKET_BITS)
    sizes = np.zeros(1 << bits, dtype=np.int64)
    compiled.bucket_sizes(counts.keys, len(counts.keys), KEY_BITS, bits, sizes)
    texts = counts.keys, counts.offsets, counts.languages, len(counts.languages)
    distinct, frequencies = Growing(np.uint64), Growing(np.int64)
    for some in slices(0, len(sizes), _BUCKETS_AT_ONCE):
        bounds = np.concatenate([[0], np.cumsum(sizes[some])])
        cells = np.empty(bounds[-1], dtype=np.uint64)
        compiled.fill_buckets(*texts, LANGUAGE_BITS, KEY_BITS, bits, some.start, some.stop, bounds[:-1].copy(), cells)
        buckets = [cells[start:stop] for start, stop in pairwise(bounds.tolist())]
        for part in ordered_map(partial(_distinct, shared=shared), buckets, n_jobs):
            distinct.append(part[0])
            frequencies.append(part[1])
    return distinct.array(), frequencies.array()


def _cells_of(counts: Counts, *, shared: bool = False) -> tuple[Hashes, Integers]:
    """What the kernel does, in NumPy."""
    cells = counts.keys << np.uint64(LANGUAGE_BITS)
    for rows in slices(0, len(counts.languages), _BLOCK_ROWS):  # at once, it would take twice the memory
        bounds = counts.offsets[rows.start : rows.stop + 1]
        cells[bounds[0] : bounds[-1]] |= np.repeat(counts.languages[rows].astype(np.uint64), np.diff(bounds))
    return _distinct(cells, shared=shared)


def _distinct(cells: Hashes, *, shared: bool) -> tuple[Hashes, Integers]:
    """The distinct ones of cells, which are sorted in place, and how often each occurs; or only the shared ones."""
    cells.sort()
    starts = run_starts(cells)
    found = cells[starts], np.diff(np.append(starts, len(cells)))
    return shared_cells(*found) if shared else found


def shared_cells(cells: Hashes, frequencies: Integers) -> tuple[Hashes, Integers]:
    """The cells of features that occur in more than one text, in any language, and their frequencies."""
    kept = sums_of_runs(frequencies, cells >> np.uint64(LANGUAGE_BITS)) > 1
    return cells[kept], frequencies[kept]


def sums_of_runs(values: Integers, labels: Hashes) -> Integers:
    """Sum of the values of the run of equal labels that each is in."""
    starts = run_starts(labels)
    sums = np.add.reduceat(values, starts) if len(starts) else values
    return np.repeat(sums, np.diff(np.append(starts, len(labels))))
