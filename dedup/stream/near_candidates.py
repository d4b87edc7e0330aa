"""Which live articles may be copies of texts: those that share LSH bands with them."""

import numpy as np

from dedup.arrays import Hashes, Integers
from dedup.near.lsh import with_whole
from dedup.stream.nodes import NodeTable
from dedup.stream.postings import Postings

# Text above, node below.
_NODE_BITS = 31


def sharing_bands(
    postings: Postings, table: NodeTable, nodes: Integers, bands: Hashes, most: int | None = None
) -> tuple[Integers, Integers, Integers]:
    """Return which nodes share bands with texts that come one after the other, and how many.

    The texts have the nodes `nodes`, ascending, and bands of shape (n_texts, n_bands); `postings` has the keys that
    `dedup.near.lsh.with_whole` makes. With `most`, at most this many nodes of each run of the postings are looked at
    for a key, those added first.

    Returns
    -------
    text : ndarray of int64, shape (n_found,)
        Positions of texts, ascending.
    others : ndarray of int64, shape (n_found,)
        Nodes before those of the texts that are live or come with them; of each text those that share most come first,
        of equals the earlier.
    shared : ndarray of int64, shape (n_found,)
        Number of shared bands, and one more for all of them.
    """
    if not len(nodes):
        return nodes, nodes, nodes
    bands = with_whole(bands)
    order = np.argsort(bands, axis=None)
    keys = bands.ravel()[order]
    which, others = postings.find(keys, most)
    stored = others[others < nodes[0]]
    if most is not None and len(stored) and np.bincount(which).max() >= most and not table.alive(stored).all():
        which, others = postings.find(keys)  # removed nodes may stand before live ones
    text = order[which] // bands.shape[1]
    earlier = others < nodes[text]
    if not earlier.any():  # as of most articles
        none = np.empty(0, dtype=np.int64)
        return none, none, none
    code, shared = np.unique(text[earlier] << _NODE_BITS | others[earlier], return_counts=True)
    text, others = code >> _NODE_BITS, code & ((1 << _NODE_BITS) - 1)
    alive = (others >= nodes[0]) | table.alive(np.minimum(others, nodes[0] - 1))
    text, others, shared = text[alive], others[alive], shared[alive]
    order = np.lexsort((others, -shared, text))
    return text[order], others[order], shared[order]
