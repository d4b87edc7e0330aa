"""What has to stay apart in a graph of similarities, or to come together, whatever the similarities are."""

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_array

#: The similarity of nodes that stay apart: no sum of others makes up for it, and sums with it stay below `KEPT_APART`.
APART, KEPT_APART = -1e12, -1e11


def kept_apart(graph: csr_array, pairs: Iterable[tuple[int, int]]) -> csr_array:
    """A symmetric graph in which the nodes of some pairs can gain by nothing that has both.

    Examples
    --------
    >>> kept_apart(csr_array((2, 2)), [(0, 1)]).toarray() == APART
    array([[False,  True],
           [ True, False]])
    """
    ends = np.array(sorted({tuple(sorted(pair)) for pair in pairs}), dtype=np.int64).reshape(-1, 2)
    if not len(ends):
        return graph
    between = csr_array((np.full(len(ends), APART), (ends[:, 0], ends[:, 1])), shape=graph.shape)
    return (graph + between + between.T).tocsr()
