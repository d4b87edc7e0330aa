from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.archive.stories import OpenGraph, settle
from dedup.arrays import connected_labels, numbered_by_first
from dedup.metrics import bcubed
from dedup.story.candidates import Edges
from dedup.story.merging import Reports, merged
from dedup.story.partition import join_costs, objective, partition

EXAMPLES = settings(deadline=None, max_examples=40)
SEEDS = st.integers(0, 2**32)
THRESHOLDS = st.sampled_from([0.05, 0.12, 0.3])


def stream(seed, n, reach, density=0.5):
    """Similar pairs ``i < j < i + reach`` of `n` reports, without ties."""
    rng = np.random.default_rng(seed)
    left, right = np.triu_indices(n, 1)
    values = 0.05 + 0.95 * rng.random(len(left)) * rng.choice([0.1, 0.3, 1.0], len(left))
    kept = (right - left < reach) & (rng.random(len(left)) < density)
    costs = join_costs(rng.integers(0, 400, n))
    return SimpleNamespace(n=n, reach=reach, left=left[kept], right=right[kept], values=values[kept], costs=costs)


def short_lived(seed, n, reach):
    """Pairs whose components are no longer than the reach: reports of events that end."""
    rng = np.random.default_rng(seed)
    pairs, event = stream(seed, n, reach), np.empty(n, dtype=np.int64)
    begins = np.arange(n) // (reach // 2 + 1)
    event[:] = 4 * begins + rng.integers(0, 4, n)  # four at a time, within half the reach
    same = event[pairs.left] == event[pairs.right]
    pairs.left, pairs.right, pairs.values = pairs.left[same], pairs.right[same], pairs.values[same]
    return pairs


def adjacency(pairs):
    upper = csr_array((pairs.values, (pairs.left, pairs.right)), shape=(pairs.n, pairs.n))
    return (upper + upper.T).tocsr()


def no_vectors(positions):
    """Vectors without features, by which no stories are merged."""
    return csr_array((len(positions), 1))


def batch_of(pairs, threshold):
    """The stories of the pairs as a batch finds them, by edges alone."""
    edges, n = Edges(pairs.left, pairs.right, pairs.values), pairs.n
    labels = partition(adjacency(pairs), threshold, pairs.costs)
    reports = Reports(np.zeros(n), no_vectors, np.arange(n))
    return merged(reports, edges, labels, threshold, pairs.costs)


def steps(pairs, sizes, threshold, order=None):
    """Yield every step of `settle` over the pairs, with its input, when `sizes` reports are added at a time."""
    none, zero = np.empty(0, dtype=np.int64), np.empty(0)
    graph = OpenGraph(none, none, zero, none, none, zero, none, none)
    order = np.arange(len(pairs.left)) if order is None else order
    first = 0
    for i, size in enumerate(sizes):
        stop = first + size
        new = order[(pairs.right[order] >= first) & (pairs.right[order] < stop)]
        coming = np.arange(first, stop)
        graph = OpenGraph(
            np.concatenate([graph.nodes, coming]),
            np.concatenate([graph.sizes, np.ones(size, dtype=np.int64)]),
            np.concatenate([graph.costs, pairs.costs[coming]]),
            np.concatenate([graph.left, pairs.left[new]]),
            np.concatenate([graph.right, pairs.right[new]]),
            np.concatenate([graph.similarity, pairs.values[new]]),
            np.concatenate([graph.reports, coming]),
            np.concatenate([graph.owners, coming]),
        )
        may_move = (graph.nodes > stop - pairs.reach) & (i + 1 < len(sizes))
        step = settle(graph, np.zeros(len(graph.reports)), no_vectors, threshold, may_move)
        yield graph, may_move, step
        graph, first = step.graph, stop


def cut(seed, n):
    """Sizes of steps, some of them empty."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, n + 1, rng.integers(0, 6)))
    return np.diff([0, *cuts, n]).tolist()


def labels_of(pairs, found):
    settled, stories = (np.concatenate([getattr(step, name) for *_, step in found]) for name in ("settled", "stories"))
    return connected_labels(settled, stories, pairs.n)


# One step


@EXAMPLES
@given(SEEDS, st.integers(1, 40), THRESHOLDS)
def test_one_step_is_the_partition_of_the_batch(seed, n, threshold):
    pairs = stream(seed, n, reach=n)
    ((_, _, step),) = found = list(steps(pairs, [n], threshold))
    assert labels_of(pairs, found).tolist() == batch_of(pairs, threshold).tolist()
    assert all(len(part) == 0 for part in step.graph)


@EXAMPLES
@given(SEEDS, st.integers(1, 40), THRESHOLDS)
def test_when_everything_may_move_nothing_settles_and_the_graph_stays(seed, n, threshold):
    pairs = stream(seed, n, reach=n)
    each, ones = np.arange(n), np.ones(n, dtype=np.int64)
    graph = OpenGraph(each, ones, pairs.costs, pairs.left, pairs.right, pairs.values, each, each)
    step = settle(graph, np.zeros(n), no_vectors, threshold, np.ones(n, dtype=np.bool_))
    assert len(step.settled) == len(step.stories) == 0
    assert step.graph.nodes.tolist() == graph.nodes.tolist()
    assert step.graph.sizes.tolist() == graph.sizes.tolist()
    assert step.graph.costs.tolist() == graph.costs.tolist()
    assert step.graph.reports.tolist() == step.graph.owners.tolist() == each.tolist()
    after = (zip(*(part.tolist() for part in step.graph[3:6]), strict=True), zip(*graph[3:6], strict=True))
    assert sorted(after[0]) == sorted(after[1])


# Several


@EXAMPLES
@given(SEEDS, SEEDS, st.integers(1, 60), st.integers(2, 20), THRESHOLDS)
def test_steps_do_not_matter_to_components_that_settle_in_one(seed, cuts, n, reach, threshold):
    pairs = short_lived(seed, n, reach)
    found = list(steps(pairs, cut(cuts, n), threshold))
    component, step_of = connected_labels(pairs.left, pairs.right, n), np.full(n, -1)
    for number, (*_, step) in enumerate(found):
        step_of[step.settled] = np.where(step_of[step.settled] < 0, number, step_of[step.settled])
    # One that settles in two steps may come to another local optimum: its settled stories move as wholes.
    at_once = [len(np.unique(step_of[component == own])) == 1 for own in component]
    stepwise, batch = labels_of(pairs, found), batch_of(pairs, threshold)
    assert numbered_by_first(stepwise[at_once]).tolist() == numbered_by_first(batch[at_once]).tolist()


@EXAMPLES
@given(SEEDS, SEEDS, st.integers(1, 60), st.integers(2, 20), THRESHOLDS)
def test_every_report_settles_once_and_not_before_it_is_out_of_sight(seed, cuts, n, reach, threshold):
    pairs, seen, first_steps = stream(seed, n, reach), 0, {}
    for graph, may_move, step in steps(pairs, cut(cuts, n), threshold):
        seen = max(seen, int(graph.nodes.max(initial=-1)) + 1)
        assert not set(graph.nodes[may_move].tolist()) & set(step.settled.tolist())
        for node, story in zip(step.settled.tolist(), step.stories.tolist(), strict=True):
            assert story <= node  # the first of them that settle
            if node in first_steps:  # it speaks for a part, which may only become one with others
                assert node in first_steps.values()
            first_steps.setdefault(node, story)
    assert first_steps.keys() == set(range(n))


@EXAMPLES
@given(SEEDS, SEEDS, st.integers(1, 60), st.integers(2, 20), THRESHOLDS)
def test_what_is_settled_keeps_company(seed, cuts, n, reach, threshold):
    pairs, found, before = stream(seed, n, reach), [], None
    for step in steps(pairs, cut(cuts, n), threshold):
        found.append(step)
        labels = labels_of(pairs, found)
        if before is not None:
            assert len(np.unique(np.stack([before, labels]), axis=1)[0]) == before.max() + 1
        before = labels


@EXAMPLES
@given(SEEDS, SEEDS, st.integers(1, 60), st.integers(2, 20), THRESHOLDS)
def test_the_graph_has_the_sums_of_the_slow_twin(seed, cuts, n, reach, threshold):
    pairs, found = stream(seed, n, reach), []
    dense = adjacency(pairs).toarray()
    for graph, may_move, step in steps(pairs, cut(cuts, n), threshold):
        found.append((graph, may_move, step))
        labels, moving = labels_of(pairs, found), set(graph.nodes[may_move].tolist())
        settled = set(range(int(graph.nodes.max(initial=-1)) + 1)) - moving
        of_node = {}
        for node in step.graph.nodes.tolist():
            own = [i for i in settled if labels[i] == labels[node]]
            of_node[node] = [node] if node in moving else own
            assert node == of_node[node][0]
        assert moving <= of_node.keys()
        assert step.graph.sizes.tolist() == [len(own) for own in of_node.values()]
        assert step.graph.costs == pytest.approx([pairs.costs[own].sum() for own in of_node.values()])
        owners = {report: node for node, own in of_node.items() for report in own}
        assert dict(zip(step.graph.reports.tolist(), step.graph.owners.tolist(), strict=True)) == owners
        sums = dict(zip(zip(step.graph.left, step.graph.right, strict=True), step.graph.similarity, strict=True))
        assert len(sums) == len(step.graph.left)
        for one, own in of_node.items():
            for other, theirs in of_node.items():
                if one < other and {one, other} & moving:
                    assert sums.pop((one, other), 0.0) == pytest.approx(dense[np.ix_(own, theirs)].sum())
        assert all(not {one, other} & moving for one, other in sums)
        # A settled part stays as long as it is similar to what may move.
        beside = {node for node, own in of_node.items() if dense[np.ix_(own, sorted(moving))].any()}
        assert of_node.keys() == moving | beside


@EXAMPLES
@given(SEEDS, SEEDS, st.integers(1, 60), st.integers(2, 20), THRESHOLDS)
def test_the_order_of_pairs_does_not_matter(seed, cuts, n, reach, threshold):
    pairs = stream(seed, n, reach)
    order = np.random.default_rng(seed).permutation(len(pairs.left))
    found = [labels_of(pairs, list(steps(pairs, cut(cuts, n), threshold, own))) for own in (None, order)]
    assert found[0].tolist() == found[1].tolist()


@pytest.mark.parametrize("step", [60, 100, 200])
def test_steps_cost_little_when_stories_outlive_them(step):
    """Every tenth of 600 reports is of one endless story, the others are of short ones."""
    rng = np.random.default_rng(step)
    n, reach = 600, 50
    story = np.where(np.arange(n) % 10 == 0, 0, 1 + np.arange(n) // 12)
    left, right = np.triu_indices(n, 1)
    same = story[left] == story[right]
    values = np.where(same, rng.uniform(0.3, 0.9, len(left)), rng.uniform(0.05, 0.1, len(left)))
    kept = (right - left < reach) & (same | (rng.random(len(left)) < 0.2))
    costs = np.full(n, 0.05)
    pairs = SimpleNamespace(n=n, reach=reach, left=left[kept], right=right[kept], values=values[kept], costs=costs)
    batch = partition(adjacency(pairs), 0.12, costs)
    found = numbered_by_first(labels_of(pairs, list(steps(pairs, [step] * (n // step), 0.12))))
    assert bcubed(batch, found).f1 > 0.95
    least = 0.97 * objective(adjacency(pairs), batch, 0.12, costs, np.ones(n))
    assert objective(adjacency(pairs), found, 0.12, costs, np.ones(n)) > least
