"""Window against a slow twin that counts anew each time."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dedup.story.extraction import WORD, feature_keys
from dedup.story.weighting import PRIOR_STOP_WORD_ARTICLES
from dedup.stream.text_features import shortened
from dedup.stream.window import STEP, STEPS, Window, _in_earlier_texts, counters, window_start
from dedup.text.tokens import tokenize

# A window takes 32 MB, and shrinking would keep hundreds.
EXAMPLES = settings(deadline=None, max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def features_of(*words):
    """The features that words are."""
    return shortened(feature_keys(tokenize([" ".join(words)]).hashes, WORD))


CHANCES = st.lists(st.booleans(), min_size=12, max_size=12)
STOP_WORD = int(features_of("the")[0])
PRIOR = round(PRIOR_STOP_WORD_ARTICLES)
# Two of each four share a counter, as do two with the stop word.
POOL = [0, 0b01, 1 << 8, 7 << 8 | 2, 0xFFFFFFFE, 0xFFFFFF00, STOP_WORD, STOP_WORD ^ 0b100]
# Such that the window often begins with one of them, or right behind.
NODES = st.builds(
    lambda step, place: step * STEP + place, st.sampled_from([0, 1, 2, 16, 17, 18]), st.sampled_from([0, 511])
)
ARTICLES = st.dictionaries(st.sampled_from(POOL), st.integers(1, 255), max_size=6)
STEPS_TAKEN = st.lists(
    st.one_of(
        st.tuples(st.just("add"), NODES, ARTICLES),
        st.tuples(st.just("remove"), NODES),
        st.tuples(st.just("advance"), NODES),
    ),
    max_size=25,
)


class SlowWindow:
    def __init__(self):
        self.articles, self.first = {}, 0

    def add(self, node, article):
        if node >= self.first:
            self.articles[node] = article

    def remove(self, node):
        self.articles.pop(node, None)

    def advance(self, next_node):
        self.first = max(self.first, STEP * (next_node // STEP - STEPS))
        self.articles = {node: article for node, article in self.articles.items() if node >= self.first}

    def frequencies(self):
        counted = Counter(feature >> 8 for article in self.articles.values() for feature in article)
        counted[STOP_WORD >> 8] += PRIOR
        return [counted[feature >> 8] for feature in POOL]


def arrays(article):
    features = np.array(list(article), dtype=np.uint32)
    return features, np.array(list(article.values()), dtype=np.uint8)


@EXAMPLES
@given(STEPS_TAKEN)
def test_a_window_is_its_slow_twin_whatever_comes_and_goes(steps):
    window, twin = Window(), SlowWindow()
    for name, node, *article in steps:
        if name == "add" and node in twin.articles:
            continue  # no node comes twice
        getattr(window, name)(node, *(arrays(article[0]) if article else ()))
        getattr(twin, name)(node, *article)
        assert (window.count, window.first) == (len(twin.articles), twin.first)
        frequencies = window.frequencies(np.array(POOL, dtype=np.uint32))
        assert frequencies.dtype == np.int64
        assert frequencies.tolist() == twin.frequencies()
    nodes, features, counts, sizes = window.entries()
    assert (features.dtype, counts.dtype) == (np.uint32, np.uint8)
    ends = np.cumsum(sizes)[:-1]
    parts = zip(nodes.tolist(), np.split(features, ends), np.split(counts, ends), strict=False)
    assert {n: dict(zip(f.tolist(), c.tolist(), strict=True)) for n, f, c in parts} == twin.articles
    for node, article in twin.articles.items():
        assert [part.tolist() for part in window.get(node)] == [list(article), list(article.values())]


@EXAMPLES
@given(STEPS_TAKEN)
def test_when_all_have_gone_a_window_is_as_new(steps):
    window = Window()
    added = {node: article[0] for name, node, *article in steps if name == "add"}
    for node, article in added.items():
        window.add(node, *arrays(article))
    for node in added:
        window.remove(node)
    assert window.count == 0
    assert np.array_equal(window._frequencies, Window()._frequencies)


@given(st.integers(0, 50_000), st.integers(0, 50_000))
def test_the_window_begins_at_a_step_and_holds_the_articles_of_its_steps(node, later):
    first = window_start(node)
    assert first % STEP == 0
    assert first <= node
    if first:
        assert STEP * STEPS <= node - first < STEP * (STEPS + 1)
    assert window_start(min(node, later)) <= window_start(max(node, later))


def test_the_window_never_moves_back():
    window = Window()
    window.advance(20_000)
    first = window.first
    window.advance(10_000)
    assert window.first == first == window_start(20_000)


def test_the_window_moves_past_those_before_its_first_node_only():
    window = Window()
    for node in (STEP - 1, STEP, STEP + 1):
        window.add(node, *arrays({7 << 8: 1}))
    window.advance((STEPS + 1) * STEP)
    assert window.first == STEP
    assert window.entries()[0].tolist() == [STEP, STEP + 1]


def test_an_article_from_before_the_window_is_not_taken_in_nor_out():
    window = Window()
    window.advance(20_000)
    window.add(window.first - 1, *arrays({7 << 8: 1}))
    window.remove(window.first - 1)
    assert window.count == 0
    assert window.frequencies(np.array([7 << 8], dtype=np.uint32)).tolist() == [0]
    window.add(window.first, *arrays({7 << 8: 1}))
    assert window.count == 1
    assert window.frequencies(np.array([7 << 8], dtype=np.uint32)).tolist() == [1]


def test_stop_words_of_any_language_have_a_prior_and_other_words_have_none():
    assert Window().frequencies(features_of("the", "und", "это", "armoured", "vladivostok")).tolist() == [
        *[PRIOR] * 3,
        *[0] * 2,
    ]


def test_features_with_the_same_24_highest_bits_share_a_counter():
    assert counters(np.array([0, 0xFF, 0x100, 0xFFFFFFFF], dtype=np.uint32)).tolist() == [0, 0, 1, (1 << 24) - 1]


@pytest.mark.parametrize("empty", [{}, None])
def test_an_article_without_features_counts_and_an_empty_window_has_nothing(empty):
    window = Window()
    if empty is not None:
        window.add(3, *arrays(empty))
    nodes, features, counts, sizes = window.entries()
    assert nodes.tolist() == ([] if empty is None else [3])
    assert sizes.tolist() == [0] * window.count
    assert len(features) == len(counts) == 0


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.lists(st.integers(0, 5), max_size=6), min_size=1, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_entries_in_earlier_texts_are_those_of_a_loop(texts, chances):
    counted = np.array(chances[: len(texts)])
    slots = np.array([slot for text in texts for slot in text], dtype=np.int64)
    text = np.repeat(np.arange(len(texts)), list(map(len, texts)))
    expected = [sum(counted[j] * texts[j].count(slot) for j in range(i)) for i, own in enumerate(texts) for slot in own]
    assert _in_earlier_texts(slots, text, counted).tolist() == expected
