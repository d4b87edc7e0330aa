"""How well a grouping matches labels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array


class Scores(NamedTuple):
    """Precision, recall and their harmonic mean, each in [0, 1]."""

    precision: float
    recall: float
    f1: float


def bcubed(true_labels: ArrayLike, found_labels: ArrayLike) -> Scores:
    """BCubed precision, recall and F1 of a grouping.

    For each item, precision is the share of its found group that belongs to its true group, recall the share of
    its true group that is in its found group; both are averaged over items.

    Parameters
    ----------
    true_labels, found_labels : array-like of int or str, shape (n,)
        Label of each item; only which labels are equal matters.

    Returns
    -------
    Scores
        All 1 for no items.

    Raises
    ------
    ValueError
        When the two are not one-dimensional and of one length.

    Notes
    -----
    O(n log n). Bagga and Baldwin (1998); the constraints it satisfies: Amigo et al. (2009), "A comparison of
    extrinsic clustering evaluation metrics based on formal constraints".

    Examples
    --------
    >>> bcubed([0, 0, 1], [0, 0, 0])
    Scores(precision=0.5555555555555555, recall=1.0, f1=0.7142857142857143)
    """
    both, true_sizes, found_sizes, true, found = _overlaps(true_labels, found_labels)
    n = true_sizes.sum()
    if n == 0:
        return Scores(1.0, 1.0, 1.0)
    precision = float((both**2 / found_sizes[found]).sum() / n)
    recall = float((both**2 / true_sizes[true]).sum() / n)
    return _scores(precision, recall)


def pairwise(true_labels: ArrayLike, found_labels: ArrayLike) -> Scores:
    """Precision, recall and F1 over the pairs of items that share a group.

    Parameters
    ----------
    true_labels, found_labels : array-like of int or str, shape (n,)
        Label of each item; only which labels are equal matters.

    Returns
    -------
    Scores
        Precision is 1 when no found group has a pair, recall 1 when no true group has one.

    Raises
    ------
    ValueError
        When the two are not one-dimensional and of one length.

    Notes
    -----
    O(n log n). Big groups dominate: a group of 100 has 4,950 pairs.

    Examples
    --------
    >>> pairwise([0, 0, 1], [0, 0, 0])
    Scores(precision=0.3333333333333333, recall=1.0, f1=0.5)
    """
    both, true_sizes, found_sizes, _, _ = _overlaps(true_labels, found_labels)
    shared, true_pairs, found_pairs = (float((s * (s - 1) / 2).sum()) for s in (both, true_sizes, found_sizes))
    precision = shared / found_pairs if found_pairs else 1.0
    recall = shared / true_pairs if true_pairs else 1.0
    return _scores(precision, recall)


def _overlaps(true_labels: ArrayLike, found_labels: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Sizes of the overlaps of true and found groups, of the groups, and the groups of each overlap."""
    true, found = np.asarray(true_labels), np.asarray(found_labels)
    if true.ndim != 1 or true.shape != found.shape:
        raise ValueError(
            f"true_labels and found_labels have the shapes {true.shape} and {found.shape}; allowed: (n,) for both"
        )
    true, found = (np.unique(labels, return_inverse=True)[1] for labels in (true, found))
    table = csr_array((np.ones(len(true)), (true, found))) if len(true) else csr_array((0, 0))
    table.sum_duplicates()
    overlaps = table.tocoo()
    return overlaps.data, np.bincount(true).astype(float), np.bincount(found).astype(float), overlaps.row, overlaps.col


def _scores(precision: float, recall: float) -> Scores:
    total = precision + recall
    return Scores(precision, recall, 2 * precision * recall / total if total else 0.0)
