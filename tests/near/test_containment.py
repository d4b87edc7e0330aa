from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.near.containment import contained_candidates
from dedup.near.jaccard import ShingleSets

EXAMPLES = settings(deadline=None, max_examples=100)
TEXTS = st.lists(st.lists(st.integers(0, 60), max_size=40), min_size=1, max_size=8)


def sets_of(texts):
    shingles = np.array([value for text in texts for value in text], dtype=np.uint64)
    return ShingleSets(shingles, np.cumsum([0, *map(len, texts)]), 1)


def found(texts, containment):
    return sorted(map(tuple, contained_candidates(sets_of(texts), containment).tolist()))


@EXAMPLES
@given(TEXTS, st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_candidates_are_those_of_the_slow_twin(texts, containment):
    samples = [{value for value in text if value % 4 == 0} for text in texts]
    expected = []
    for i, j in combinations(range(len(texts)), 2):
        shared = len(samples[i] & samples[j])
        if shared and shared >= containment * min(len(samples[i]), len(samples[j])) / 2:
            expected.append((i, j))
    assert found(texts, containment) == expected


@pytest.mark.parametrize(("containment", "least"), [(1.0, 5), (0.8, 4), (0.4, 2)])
def test_half_of_the_samples_that_are_expected_are_enough(containment, least):
    brief = list(range(0, 40, 4))  # ten samples
    for shared in range(len(brief) + 1):
        article = brief[:shared] + list(range(1000, 1400, 4))
        assert found([article, brief], containment) == ([(0, 1)] if shared >= least else [])


@pytest.mark.parametrize(("step", "sampled"), [(1, False), (2, False), (3, False), (4, True)])
def test_one_shingle_in_four_is_sampled(step, sampled):
    text = [step + 8 * i for i in range(10)]
    assert found([text, text], 0.5) == ([(0, 1)] if sampled else [])


def test_nearly_all_briefs_at_the_threshold_are_candidates():
    rng = np.random.default_rng(0)
    texts, containment, size = [], 0.8, 100
    for _ in range(200):
        brief = rng.integers(0, 2**63, size)
        rest = rng.integers(0, 2**63, 500)
        texts += [brief.tolist(), [*brief[: int(containment * size)].tolist(), *rest.tolist()]]
    pairs = set(found(texts, containment))
    assert pairs <= {(i, i + 1) for i in range(0, 400, 2)}
    assert len(pairs) >= 0.99 * 200


def test_texts_that_share_a_template_are_candidates_with_the_shortest_alone():
    template = list(range(0, 400, 4))
    texts = [template + list(range(10_000 * i, 10_000 * i + 4 * i, 4)) for i in range(1, 81)]
    assert found(texts, 0.9) == [(0, i) for i in range(1, 80)]
