"""Random graphs of similarities for the tests of stories, and what decides on them by plain loops."""

import numpy as np
from scipy.sparse import csr_array

from dedup.story.candidates import FLOOR
from dedup.story.episodes import PART_SHARE
from dedup.story.partition import join_costs


def random_graph(seed, n, density=0.6):
    """Similarities without ties, of which some are high and most are low."""
    rng = np.random.default_rng(seed)
    values = 0.05 + 0.95 * rng.random((n, n)) * rng.choice([0.1, 0.3, 1.0], (n, n))
    upper = np.triu(values * (rng.random((n, n)) < density), 1)
    return csr_array(upper + upper.T)


def tied_graph(seed, n):
    """Few distinct similarities, some of which are thresholds of the tests."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.choice([0.0, 0.06, 0.12, 0.3, 0.6], (n, n)), 1)
    return csr_array(upper + upper.T)


def planted_graph(seed, sizes):
    """Stories of high similarity, low similarity between them, nodes in random order; and the stories."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = len(labels)
    inside = labels[:, None] == labels
    values = np.where(inside, rng.uniform(0.5, 0.9, (n, n)), rng.uniform(0.05, 0.1, (n, n)))
    upper = np.triu(values * (inside | (rng.random((n, n)) < 0.3)), 1)
    return csr_array(upper + upper.T), labels


def random_sizes(seed, n):
    """How many reports each node stands for."""
    return np.random.default_rng([seed, 1]).integers(1, 5, n)


def random_costs(seed, sizes):
    """What the reports of each node pay together."""
    rng = np.random.default_rng([seed, 2])
    return np.array([join_costs(rng.integers(0, 600, size)).sum() for size in sizes.tolist()], dtype=np.float64)


def slow_objective(adjacency, labels, threshold, costs, sizes):
    """Similarity less threshold over the pairs of each story, less the mean cost of its reports for all but one."""
    dense, total = adjacency.toarray(), 0.0
    for label in set(labels.tolist()):
        nodes = [i for i in range(len(labels)) if labels[i] == label]
        reports = [i for i in nodes for _ in range(sizes[i])]
        total += sum(dense[i, j] for i in nodes for j in nodes if i < j)
        total -= sum(threshold for i in range(len(reports)) for _ in range(i))
        total -= sum(costs[i] for i in nodes) / len(reports) * (len(reports) - 1)
    return total


def slow_tie(one, other, whole):
    """The tie that two episodes are compared by, given how tight each is and its number of reports."""
    (loose, size), (tight, part) = sorted([one, other])
    return loose if loose >= FLOOR and size >= whole and part <= PART_SHARE * size else tight
