"""Sketches of articles for other tools and for later: those of datasketch, and a file to look for copies in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from datasketch import LeanMinHash
from numpy.typing import NDArray

from dedup.article import read_articles
from dedup.near.minhash import SEED, low_hashes, signatures
from dedup.near.shingles import shingles_of
from dedup.near.stored import StoredSketches as StoredSketches
from dedup.near.stored import read as read
from dedup.near.stored import save as save
from dedup.parallel import ordered_map
from dedup.parameters import NUM_PERM, SHINGLE_SIZE, check
from dedup.text.tokens import blocks, tokenize


def shingles(text: str, *, shingle_size: int = SHINGLE_SIZE) -> NDArray[np.uint32]:
    """Hashes of the distinct shingles of a text, ascending.

    Examples
    --------
    A sketch that datasketch makes of these hashes equals ours:

    >>> from datasketch import MinHash
    >>> theirs = MinHash(hashfunc=int)
    >>> theirs.update_batch(shingles("Kim Jong Un arrived in Russia by train").tolist())
    >>> theirs.jaccard(to_datasketch(["Kim Jong Un arrived in Russia by train"])[0])
    1.0
    """
    if not isinstance(text, str):
        raise TypeError(f"text is {text!r:.80}; allowed: str")
    check(shingle_size=shingle_size)
    return np.unique(low_hashes(shingles_of(tokenize([text]), shingle_size).hashes))


def to_datasketch(
    articles: Any, *, num_perm: int = NUM_PERM, shingle_size: int = SHINGLE_SIZE, n_jobs: int | None = None
) -> list[Any]:  # datasketch ships no types
    """Sketches of articles for datasketch's own tools.

    Parameters
    ----------
    articles : iterable of str, mapping, object or Article; or a data frame
    num_perm, shingle_size, n_jobs
        See `dedup.near_duplicates`.

    Returns
    -------
    list of LeanMinHash
        In the order of the input; scheme ``affine32``, seed 1. Blank articles have the sketch of the empty set, and
        datasketch calls two of those similar: leave them out of an index.

    Examples
    --------
    >>> from datasketch import MinHashLSH
    >>> wire = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said"
    >>> index = MinHashLSH(threshold=0.7)
    >>> index.insert("wire", to_datasketch([wire])[0])
    >>> index.query(to_datasketch([wire + "."])[0])
    ['wire']
    """
    check(num_perm=num_perm, shingle_size=shingle_size, n_jobs=n_jobs)
    texts = [article.full_text for article in read_articles(articles, unique_ids=False).articles]

    def sign(block: slice) -> NDArray[np.uint32]:
        hashes, offsets = shingles_of(tokenize(texts[block]), shingle_size)
        return signatures(low_hashes(hashes), offsets, num_perm=num_perm)

    return [
        LeanMinHash(seed=SEED, hashvalues=row, scheme="affine32")
        for signed in ordered_map(sign, blocks(texts), n_jobs)
        for row in signed
    ]


def from_datasketch(sketches: Sequence[Any]) -> NDArray[np.uint32]:
    """Sketches of datasketch as a matrix of signatures.

    Returns
    -------
    ndarray of uint32, shape (n_sketches, num_perm)
        The share of equal values of two rows estimates the Jaccard similarity of their sets.

    Raises
    ------
    ValueError
        When a sketch has another scheme, seed or length than the signatures of this library.

    Examples
    --------
    >>> from_datasketch(to_datasketch(["Kim arrives", "Kim arrives", "Kim departs"]))[:, :2].shape
    (3, 2)
    """
    for place, sketch in enumerate(sketches):
        found = (sketch.scheme, sketch.seed, len(sketch))
        allowed = ("affine32", SEED, len(sketches[0]))
        if found != allowed:
            raise ValueError(f"sketch {place} has the (scheme, seed, num_perm) {found}; allowed: {allowed}")
    if not sketches:
        return np.empty((0, 0), dtype=np.uint32)
    return np.stack([sketch.hashvalues for sketch in sketches]).astype(np.uint32)
