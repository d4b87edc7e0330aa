"""The longest runs of tokens that two texts share, against every pair of places."""

import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.text.passages import MAX_PASSAGES, shared_passages
from dedup.text.tokens import tokenize

WORDS = st.lists(st.sampled_from(["kim", "train", "russia", "a", "金", "正"]), max_size=20)


def found(left, right, barred=()):
    """Runs as (place in left, place in right, tokens), and the folded tokens of both."""
    tokens = tokenize([left, right])
    mask = np.zeros(len(tokens.hashes), dtype=np.bool_)
    mask[list(barred)] = True
    runs = shared_passages(tokens, mask)
    split = int(tokens.offsets[1])
    strings = tokens.strings()
    places = zip(runs.left.tolist(), (runs.right - split).tolist(), runs.sizes.tolist(), strict=True)
    return list(places), strings[:split], strings[split:]


def maximal_runs(left, right, allowed):
    """Every common run that is longer at neither end, from every pair of places."""
    same = lambda i, j: i < len(left) and j < len(right) and left[i] == right[j] and allowed(i, j)  # noqa: E731
    for i in range(len(left)):
        for j in range(len(right)):
            if same(i, j) and not (i and j and same(i - 1, j - 1)):
                size = 1
                while same(i + size, j + size):
                    size += 1
                yield i, j, size


def weight(words):
    return sum(1 if word.decode() in "金正" else 2 for word in words)


def holds(words, part):
    return any(words[i : i + len(part)] == part for i in range(len(words)))


@settings(deadline=None)
@given(WORDS, WORDS, st.sets(st.integers(0, 39), max_size=3))
def test_passages_are_maximal_equal_runs_and_say_all_that_is_shared(left, right, barred):
    count = len(left) + len(right)
    barred = {place for place in barred if place < count}
    runs, one, other = found(" ".join(left), " ".join(right), barred)
    every = list(maximal_runs(one, other, lambda i, j: i not in barred and j + len(one) not in barred))
    long = [run for run in every if weight(one[run[0] : run[0] + run[2]]) >= 6]
    assert set(runs) <= set(long)
    words = [one[i : i + size] for i, _, size in runs]
    weights = list(map(weight, words))
    assert weights == sorted(weights, reverse=True)
    assert weights[:1] == sorted((weight(one[i : i + size]) for i, _, size in long), reverse=True)[:1]
    for i, _, size in long:  # of every run, a passage has its words
        assert any(holds(passage, one[i : i + size]) for passage in words)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_no_passage_lies_within_another(left, right):
    runs, _, _ = found(" ".join(left), " ".join(right))
    for a in runs:
        for b in runs:
            if a is not b:
                for side in (0, 1):
                    assert not (b[side] <= a[side] and a[side] + a[2] <= b[side] + b[2])


@pytest.mark.parametrize("texts", [("", ""), ("Kim", ""), ("", "Kim en Russie"), ("Kim en Russie", "?!")])
def test_blank_texts_share_nothing(texts):
    assert found(*texts)[0] == []


def test_runs_of_two_words_and_five_characters_are_too_short():
    assert found("Kim Jong arrived", "with Kim Jong")[0] == []
    assert found("Kim Jong Un arrived", "with Kim Jong Un")[0] == [(0, 1, 3)]
    assert found("金正恩抵达", "金正恩抵达?")[0] == []
    assert found("金正恩抵达俄", "他金正恩抵达俄")[0] == [(0, 1, 6)]


def test_no_passage_goes_across_a_barred_token():
    text = "one two three four five six seven"
    assert found(text, text, [3])[0] == [(0, 0, 3), (4, 4, 3)]


def test_passages_are_no_more_than_the_most():
    words = [f"w{i}" for i in range(600)]
    parts = [" ".join(words[i : i + 3]) for i in range(0, 600, 3)]
    runs, _, _ = found(" x ".join(parts), " y ".join(reversed(parts)))
    assert len(runs) == MAX_PASSAGES


@pytest.mark.parametrize("kind", ["one word", "one text", "chance"])
def test_texts_of_many_words_are_compared_in_moments(kind):
    source = random.Random(1)
    words = [f"w{i}" for i in range(200)]
    left = " ".join(source.choices(words, k=100_000)) if kind != "one word" else "the " * 100_000
    right = left if kind != "chance" else " ".join(source.choices(words, k=100_000))
    began = time.perf_counter()
    runs, _, _ = found(left, right)
    assert time.perf_counter() - began < 20  # comparing every pair of places takes hours
    assert runs == [(0, 0, 100_000)] if kind != "chance" else 0 < len(runs) <= MAX_PASSAGES
