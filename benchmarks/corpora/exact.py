"""Exact similarities of texts, by Python's sets and a matrix product; shares no code with the package."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

SHINGLE = 5

Pairs = NDArray[np.int64]


def tokens(text: str) -> list[str]:
    """Words in lower case; each Chinese character is one."""
    return re.findall(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+", text.lower())


def shingles(text: str) -> set[str]:
    """Runs of five words; all words where there are fewer than five."""
    words = tokens(text)
    return {" ".join(words[i : i + SHINGLE]) for i in range(max(bool(words), len(words) - SHINGLE + 1))}


def overlaps(texts: Sequence[str], pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact Jaccard similarity and containment of pairs of texts."""
    jaccard, containment = [], []
    for i, j in pairs.tolist():
        left, right = shingles(texts[i]), shingles(texts[j])
        shared = len(left & right)
        jaccard.append(shared / max(1, len(left | right)))
        containment.append(shared / max(1, min(len(left), len(right))))
    return np.array(jaccard), np.array(containment)


def exact_pairs(texts: Sequence[str], floor: float = 0.5) -> tuple[Pairs, NDArray[np.float64]]:
    """All pairs ``i < j`` with a Jaccard similarity of at least `floor`, and their similarities.

    The product of a matrix of all shingles: slow and large (some 50 kB a text), but sure.
    """
    matrix, sizes = _shingle_matrix(texts)
    other = matrix.T.tocsr()
    pairs, jaccard = [np.empty((0, 2), np.int64)], [np.empty(0)]
    for first in range(0, len(texts), 1000):
        product = (matrix[first : first + 1000] @ other).tocoo()
        i, j = product.coords[0].astype(np.int64) + first, product.coords[1].astype(np.int64)
        similar = product.data / (sizes[i] + sizes[j] - product.data)
        kept = (i < j) & (similar >= floor)
        pairs.append(np.stack([i[kept], j[kept]], axis=1))
        jaccard.append(similar[kept])
    return np.concatenate(pairs), np.concatenate(jaccard)


def _shingle_matrix(texts: Sequence[str]) -> tuple[sparse.csr_array, NDArray[np.int64]]:
    """Texts by shingles, of the shingles of at least two texts; and the number of shingles of each text."""
    columns: dict[str, int] = {}
    parts, sizes = [], []
    for text in texts:
        found = shingles(text)
        parts.append(np.fromiter((columns.setdefault(s, len(columns)) for s in found), np.int64, len(found)))
        sizes.append(len(found))
    column = np.concatenate(parts)
    rows = np.repeat(np.arange(len(texts)), sizes)
    matrix = sparse.csr_array((np.ones(len(rows), np.int32), (rows, column)), shape=(len(texts), len(columns)))
    return matrix[:, np.flatnonzero(np.bincount(column) > 1)], np.array(sizes)
