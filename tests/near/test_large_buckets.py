"""What rare shingles tell of texts that share a template: no similar pair is lost, and the work is bounded."""

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import dedup
from dedup.arrays import numbered_by_first
from dedup.near import large_buckets
from dedup.near.jaccard import ShingleSets
from dedup.near.large_buckets import Overlap, crowds, names_of, rare_pairs


def sets_of(texts):
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    return ShingleSets(np.array([2 * element for text in texts for element in text], dtype=np.uint64), offsets)


def jaccard(left, right):
    return len(left & right) / len(left | right)


@st.composite
def texts_in_crowds(draw):
    texts = draw(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=8), min_size=2, max_size=12))
    return texts, draw(st.lists(st.integers(0, 1), min_size=len(texts), max_size=len(texts)))


@given(texts_in_crowds(), st.sampled_from([0.3, 0.5, 0.7, 1.0]), st.integers(1, 4))
def test_similar_texts_of_a_crowd_share_something_rare_or_are_both_undecided(drawn, threshold, rare):
    texts, crowd = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_buckets, "RARE", rare)
        found = rare_pairs(
            sets_of(texts), np.arange(len(texts)), np.array(crowd, dtype=np.uint64), Overlap(threshold, None)
        )
    pairs, undecided = set(map(tuple, found.pairs.tolist())), set(found.undecided.tolist())
    sets = [set(text) for text in texts]
    for i, j in combinations(range(len(texts)), 2):
        shared = sets[i] & sets[j] if crowd[i] == crowd[j] else set()
        owners = {e: sum(e in own for own, where in zip(sets, crowd, strict=True) if where == crowd[i]) for e in shared}
        shares_rare = any(count <= rare for count in owners.values())
        if crowd[i] == crowd[j] and jaccard(sets[i], sets[j]) >= threshold:
            assert (i, j) in pairs if shares_rare else {i, j} <= undecided
        if (i, j) in pairs:
            assert shares_rare
    assert {text for bucket in found.buckets for text in bucket.tolist()} <= undecided
    for bucket in found.buckets:
        assert len(bucket) > 1
        assert set.intersection(*(sets[text] for text in bucket.tolist()))


@given(texts_in_crowds(), st.integers(1, 4))
def test_what_is_found_in_a_crowd_does_not_depend_on_other_crowds(drawn, rare):
    texts, crowd = drawn
    sets, numbers = sets_of(texts), numbered_by_first(np.array(crowd))
    names = names_of(sets, np.arange(len(texts)), numbers)
    assume(len(set(names.tolist())) == len(set(crowd)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_buckets, "RARE", rare)
        together = rare_pairs(sets, np.arange(len(texts)), names, Overlap(0.5, None))
        apart = []
        for number in set(numbers.tolist()):
            own = np.flatnonzero(numbers == number)
            alone = names_of(sets, own, np.zeros(len(own), dtype=np.int64))
            apart.append(rare_pairs(sets, own, alone, Overlap(0.5, None)))
    assert set(map(tuple, together.pairs.tolist())) == {
        pair for own in apart for pair in map(tuple, own.pairs.tolist())
    }
    assert together.undecided.tolist() == sorted(np.concatenate([own.undecided for own in apart]).tolist())
    buckets = [tuple(bucket.tolist()) for own in apart for bucket in own.buckets]
    assert sorted(tuple(bucket.tolist()) for bucket in together.buckets) == sorted(buckets)


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=5, unique=True), min_size=1, max_size=8))
def test_buckets_that_share_a_text_are_one_crowd(buckets):
    texts, crowd = crowds([np.array(sorted(bucket)) for bucket in buckets])
    merged = []
    for bucket in map(set, buckets):
        merged = [m for m in merged if not m & bucket] + [set().union(bucket, *(m for m in merged if m & bucket))]
    assert texts.tolist() == sorted(set().union(*merged))
    assert {frozenset(texts[crowd == label].tolist()) for label in set(crowd.tolist())} == set(map(frozenset, merged))


@pytest.mark.parametrize("parts", [1, 4])
def test_memory_is_bounded_by_parts_and_the_result_is_the_same(monkeypatch, parts):
    rng = random.Random(0)
    texts = [[*range(30), *rng.sample(range(100, 400), 20)] for _ in range(60)]
    arguments = sets_of(texts), np.arange(60), np.zeros(60, dtype=np.uint64), Overlap(0.5, None)
    whole = rare_pairs(*arguments)
    monkeypatch.setattr(large_buckets, "_AT_ONCE", 50 * 60 // parts)
    found = rare_pairs(*arguments)
    assert found.pairs.tolist() == whole.pairs.tolist()
    assert found.undecided.tolist() == whole.undecided.tolist()
    assert [bucket.tolist() for bucket in found.buckets] == [bucket.tolist() for bucket in whole.buckets]


def crowd_of_pairs(n, seed, own=45, template=150, edits=6):
    """Texts with a template, each followed by a copy with some words changed."""
    rng = random.Random(seed)
    shared = [f"t{rng.randrange(20_000)}" for _ in range(template)]
    texts = []
    for _ in range(n):
        text = [f"w{rng.randrange(20_000)}" for _ in range(own)] + shared
        copy = list(text)
        for place in rng.sample(range(len(copy)), edits):
            copy[place] = f"w{rng.randrange(20_000)}"
        texts += [" ".join(text), " ".join(copy)]
    return texts


def shingles_of(text):
    words = text.split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


@pytest.mark.parametrize("n", [100, 500, 1500])
def test_copies_in_a_crowd_are_found_as_surely_as_promised(n):
    texts = crowd_of_pairs(n, seed=n)
    similarities = [jaccard(shingles_of(texts[2 * i]), shingles_of(texts[2 * i + 1])) for i in range(n)]
    found = dedup.near_duplicates(texts)
    pairs = set(map(tuple, found.pairs.tolist()))
    promised = found.expected_recall(similarities)
    copies = promised > 0
    hits = np.array([(2 * i, 2 * i + 1) in pairs for i in range(n)])
    scatter = np.sqrt((promised * (1 - promised)).sum())
    assert hits[copies].sum() >= promised.sum() - 3 * scatter
    assert not hits[~copies].any()
    assert len(pairs) == hits.sum()
    assert found.given_up == 0
