"""Features in languages, as numbers: the cells of the table of document frequencies."""

from itertools import pairwise

import numpy as np

from dedup.arrays import Hashes, Integers, joined, run_starts, slices
from dedup.kernel import kernel
from dedup.parallel import ordered_map
from dedup.story.features import KEY_BITS, Counts
from dedup.text.language import LANGUAGE_BITS

_BLOCK_ROWS = 1024
_BUCKET_ENTRIES, _MAX_BUCKET_BITS = 1 << 14, 10


def in_language(keys: Hashes, languages: Integers | int) -> Hashes:
    """Numbers of features in languages: the key above, the language in the lowest bits."""
    return (keys << np.uint64(LANGUAGE_BITS)) | np.asarray(languages).astype(np.uint64)


def cells_of(counts: Counts, n_jobs: int | None = 1, *, shared: bool = False) -> tuple[Hashes, Integers]:
    """The features of texts in their languages, ascending, and the number of texts of each.

    With `shared`, those that occur in more than one text alone: the others are most of them.
    """
    compiled = kernel()
    if compiled is None:
        return shared_cells(*_cells_of(counts)) if shared else _cells_of(counts)
    # A bucket that fits in a core's second-level cache is sorted much faster than all at once.
    bits = min((len(counts.keys) // _BUCKET_ENTRIES).bit_length(), _MAX_BUCKET_BITS)
    bounds, cells = np.zeros((1 << bits) + 2, dtype=np.int64), np.empty(len(counts.keys), dtype=np.uint64)
    texts = counts.keys, counts.offsets, counts.languages, len(counts.languages)
    compiled.buckets(*texts, LANGUAGE_BITS, KEY_BITS, bits, bounds, cells)
    buckets = [cells[start:stop] for start, stop in pairwise(bounds[:-1].tolist())]
    of_bucket = (lambda bucket: shared_cells(*_distinct(bucket))) if shared else _distinct
    distinct, frequencies = zip(*ordered_map(of_bucket, buckets, n_jobs), strict=True)
    return joined(list(distinct), np.uint64), joined(list(frequencies), np.int64)


def _cells_of(counts: Counts) -> tuple[Hashes, Integers]:
    """What the kernel does, in NumPy."""
    cells = counts.keys << np.uint64(LANGUAGE_BITS)
    for rows in slices(0, len(counts.languages), _BLOCK_ROWS):  # at once, it would take twice the memory
        bounds = counts.offsets[rows.start : rows.stop + 1]
        cells[bounds[0] : bounds[-1]] |= np.repeat(counts.languages[rows].astype(np.uint64), np.diff(bounds))
    return _distinct(cells)


def _distinct(cells: Hashes) -> tuple[Hashes, Integers]:
    """The distinct ones of cells, which are sorted in place, and how often each occurs."""
    cells.sort()
    starts = run_starts(cells)
    return cells[starts], np.diff(np.append(starts, len(cells)))


def shared_cells(cells: Hashes, frequencies: Integers) -> tuple[Hashes, Integers]:
    """The cells of features that occur in more than one text, in any language, and their frequencies."""
    kept = sums_of_runs(frequencies, cells >> np.uint64(LANGUAGE_BITS)) > 1
    return cells[kept], frequencies[kept]


def sums_of_runs(values: Integers, labels: Hashes) -> Integers:
    """Sum of the values of the run of equal labels that each is in."""
    starts = run_starts(labels)
    sums = np.add.reduceat(values, starts) if len(starts) else values
    return np.repeat(sums, np.diff(np.append(starts, len(labels))))
