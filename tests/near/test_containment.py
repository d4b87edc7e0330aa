import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.near.containment import contained_candidates
from dedup.near.jaccard import ShingleSets

EXAMPLES = settings(deadline=None, max_examples=100)
TEXTS = st.lists(st.lists(st.integers(0, 60), max_size=40), min_size=1, max_size=8)


def sets_of(texts):
    shingles = np.array([value for text in texts for value in text], dtype=np.uint64)
    return ShingleSets(shingles, np.cumsum([0, *map(len, texts)]), 1)


def found(texts, containment, recall=0.95):
    return sorted(map(tuple, contained_candidates(sets_of(texts), containment, recall).tolist()))


@EXAMPLES
@given(TEXTS, st.sampled_from([0.1, 0.5, 0.9, 1.0]), st.integers(0, 20))
def test_candidates_are_those_of_the_slow_twin(texts, containment, most):
    whole = [len(text) <= most for text in texts]
    wanted = {value for text, all_count in zip(texts, whole, strict=True) if all_count for value in text}
    chosen = [{value for value in text if value % 4 == 0 or value in wanted} for text in texts]
    expected = []
    for i, j in combinations(range(len(texts)), 2):
        shorter = min(i, j, key=lambda k: (len(texts[k]), k))
        least = len(chosen[shorter]) if whole[shorter] else min(len(chosen[i]), len(chosen[j])) / 2
        shared = len(chosen[i] & chosen[j])
        if shared and shared >= containment * least - 1e-9:
            expected.append((i, j))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dedup.near.containment, "longest_whole", lambda *_: most)
        assert found(texts, containment) == expected


@pytest.mark.parametrize(("containment", "least"), [(1.0, 25), (0.8, 20), (0.4, 10)])
def test_half_of_the_samples_that_are_expected_are_enough(containment, least):
    brief = list(range(0, 200, 4))  # fifty samples
    others = list(range(1001, 1200, 4))  # not sampled
    for shared in range(len(brief) + 1):
        article = brief[:shared] + list(range(2000, 2400, 4))
        assert found([article, brief + others * 8], containment) == ([(0, 1)] if shared >= least else [])


@pytest.mark.parametrize(("step", "sampled"), [(1, False), (2, False), (3, False), (4, True)])
def test_one_shingle_in_four_of_a_long_text_is_sampled(step, sampled):
    text = [step + 8 * i for i in range(500)]
    assert found([text, text], 0.5) == ([(0, 1)] if sampled else [])


@pytest.mark.parametrize("recall", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("containment", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("words", [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 40, 100])
def test_briefs_of_every_length_are_found_as_surely_as_asked(words, containment, recall):
    rng = random.Random(words)
    n = 150
    names = [f"w{i}" for i in range(100_000)]
    briefs = [rng.sample(names, words) for _ in range(n)]
    texts = [" ".join([*rng.sample(names, 60 + words), *brief, *rng.sample(names, 60)]) for brief in briefs]
    texts += [" ".join(brief) for brief in briefs]
    pairs = set(map(tuple, dedup.near_duplicates(texts, containment=containment, recall=recall).pairs.tolist()))
    hits = sum((i, n + i) in pairs for i in range(n))
    assert hits >= n * recall - 3 * (n * recall * (1 - recall)) ** 0.5


def test_a_text_shorter_than_a_shingle_is_found_where_its_words_stand_together():
    texts = ["Kim in Russia", "Russia met Kim in", "Today: Kim in Russia again, after years", "Kim", "kim in russia!"]
    found = dedup.near_duplicates(texts, containment=1.0)
    pairs = dict(zip(map(tuple, found.pairs.tolist()), found.containment.tolist(), strict=True))
    assert pairs == dict.fromkeys([(0, 2), (0, 3), (0, 4), (1, 3), (2, 3), (3, 4)], 1.0)
    assert dedup.near_duplicates(texts).pairs.tolist() == [[0, 4]]


def test_numbers_are_compared_in_short_texts_too():
    texts = ["Lyon 2", "Yesterday: Lyon 2, said the referee", "Yesterday: Lyon 3, said the referee"]
    assert dedup.near_duplicates(texts, containment=1.0, compare_numbers=True).pairs.tolist() == [[0, 1]]


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
