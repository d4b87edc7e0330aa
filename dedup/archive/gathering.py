"""Vectors from the files of many slices, in common columns."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from dedup.archive.job import Job
from dedup.archive.parts import FeatureCounts, Vectors
from dedup.archive.slices import bounds_of
from dedup.arrays import Hashes, Integers, joined, run_starts


def rows_of(vectors: Vectors, n_columns: int) -> csr_array:
    """Return the vectors of a slice, shape (n_reports, n_columns), float32, of unit length."""
    indptr = vectors.indptr
    return csr_array((vectors.data, vectors.indices, indptr), shape=(len(indptr) - 1, n_columns))


def vectors_at(job: Job, positions: Integers) -> csr_array:
    """Return the vectors of reports at ascending positions, with a column for each feature that some of them have."""
    return vectors_and_keys(job, positions)[0]


def vectors_and_keys(job: Job, positions: Integers) -> tuple[csr_array, Hashes]:
    """Return the vectors of reports at ascending positions, and the features that are their columns, ascending."""

    def of_slices() -> Iterator[tuple[csr_array, Hashes]]:
        cuts = np.searchsorted(positions, bounds_of(job)).tolist()
        for k, (first, stop) in enumerate(pairwise(cuts)):
            if first < stop:
                vectors = Vectors.of(job, k)
                keys = vectors.keys
                here = np.searchsorted(FeatureCounts.of(job, k).positions, positions[first:stop])
                yield rows_of(vectors, len(keys))[here], keys

    return in_common_columns(of_slices())


def in_common_columns(parts: Iterable[tuple[csr_array, Hashes]]) -> tuple[csr_array, Hashes]:
    """Return all rows of parts, each with the features that its columns are, and the features that some row has."""
    data, numbers, sizes, used = [], [], [np.zeros(1, dtype=np.int64)], [np.empty(0, dtype=np.uint64)]
    for rows, keys in parts:
        here = np.zeros(len(keys), dtype=np.bool_)
        here[rows.indices] = True
        data.append(rows.data)
        numbers.append((np.cumsum(here, dtype=np.int32) - 1)[rows.indices])
        sizes.append(np.diff(rows.indptr).astype(np.int64))
        used.append(keys[here])
    # Features are put in order once for each part: sorting those of all entries takes twenty times as long.
    merged = np.sort(np.concatenate(used), kind="stable")  # of a few ascending runs
    distinct = merged[run_starts(merged)]
    columns = [np.searchsorted(distinct, keys)[own] for keys, own in zip(used[1:], numbers, strict=True)]
    indptr = np.cumsum(np.concatenate(sizes))
    matrix = joined(data, np.float32), joined(columns, np.int64), indptr
    return csr_array(matrix, shape=(len(indptr) - 1, len(distinct))), distinct
