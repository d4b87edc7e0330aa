"""Vectors by the frequencies of the window, against plain loops; and the kernel against NumPy, to the bit."""

from math import log, log1p, sqrt

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dedup.arrays import ranks_in_runs
from dedup.kernel import kernel
from dedup.story.weighting import FAMILY_WEIGHT, PRIOR_ARTICLES
from dedup.stream import vectors as of_features
from dedup.stream.postings import Postings
from dedup.stream.text_features import LANGUAGE, TextFeatures, languages_of
from dedup.stream.vectors import WeightedTexts, flat, keyed_vectors, present_weights, sorted_rows, text_dot_products
from dedup.stream.window import Window, _in_earlier_texts, counters

# A window takes 32 MB, and shrinking would keep hundreds.
EXAMPLES = settings(deadline=None, max_examples=60, phases=(Phase.explicit, Phase.reuse, Phase.generate))
MANY = settings(deadline=None, max_examples=80)
# A hash of 30 bits over a family: some share a counter, some their low 16 bits.
POOL = [place << 16 | low << 4 | place % 3 for place in range(1, 9) for low in (0, 1, 40)] + [0, 2**32 - 2]
# Stop words, which are taken to be common, and a pair of words that shares the counter of one.
STOP_WORDS = np.flatnonzero(Window().tables[1])[[0, 100, -1]].tolist()
POOL += [STOP_WORDS[0] << 8, STOP_WORDS[1] << 8 | 1, STOP_WORDS[2] << 8]
MARKS = [(number << 2 | LANGUAGE) for number in (1, 150, 1023)]
FEATURES = st.lists(st.sampled_from(POOL), unique=True, max_size=14)
TEXT = st.tuples(FEATURES, st.sampled_from([*MARKS, None, None]), st.integers(1, 255))
TEXTS = st.lists(TEXT, max_size=9)

if kernel() is None:
    pytest.skip("the package was installed without a C compiler", allow_module_level=True)


def rows_of(texts):
    """Features, in any order, and counts of texts."""
    rows = [(own + [mark] * (mark is not None), count) for own, mark, count in texts]
    return [
        (np.array(own, dtype=np.uint32), ((np.arange(len(own)) * 37 + count) % 256).astype(np.uint8))
        for own, count in rows
    ]


def window_of(texts):
    window = Window()
    for node, (features, counts) in enumerate(rows_of(texts)):
        window.add(node, features, counts)
    return window


@EXAMPLES
@given(TEXTS, TEXTS)
def test_present_weights_are_those_of_numpy_to_the_bit(known, texts):
    window, given_ = window_of(known), flat(rows_of(texts))
    for ours, theirs in zip(
        present_weights(window, *given_), of_features._present_weights(window, *given_), strict=True
    ):
        assert ours.tobytes() == theirs.tobytes()


@EXAMPLES
@given(TEXTS, TEXTS, st.data())
def test_what_earlier_texts_have_is_counted_as_in_numpy_and_the_window_stays(known, texts, data):
    window, (features, _, starts) = window_of(known), flat(rows_of(texts))
    text = np.repeat(np.arange(len(texts)), np.diff(starts))
    counted = np.array(data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts))), dtype=np.bool_)
    before, numbers = window.tables[0].tobytes(), counters(features, languages_of(features, text, len(texts))[text])
    found, expected = (count(numbers, text, counted) for count in (window._in_earlier_texts, _in_earlier_texts))
    assert found.tolist() == expected.tolist()
    assert window.tables[0].tobytes() == before


@EXAMPLES
@given(TEXTS, TEXTS)
def test_vectors_have_the_weights_of_plain_loops(known, texts):
    window, rows = window_of(known), rows_of(texts)
    keys, vectors = keyed_vectors(window, rows)
    assert keys.tolist() == sorted({feature for features, _ in rows for feature in features.tolist()})
    for row, (features, counts) in enumerate(rows):
        language = next((f >> 2 & 1023 for f in features.tolist() if f & 3 == LANGUAGE), 0)
        weights = {}
        for feature, count in zip(features.tolist(), counts.tolist(), strict=True):
            frequency = int(window.frequencies(np.array([feature], dtype=np.uint32), language)[0])
            idf = max(0.0, log((window.totals[language] + PRIOR_ARTICLES + 1) / (frequency + 0.5)))
            once = feature & 3 == 1 and frequency <= 1
            weights[feature] = 0.0 if once else log1p(count) * idf * float(FAMILY_WEIGHT[feature & 3])
        length = max(sqrt(sum(weight**2 for weight in weights.values())), 1e-9)
        own = slice(*vectors.indptr[row : row + 2])
        assert keys[vectors.indices[own]].tolist() == sorted(weights)
        assert vectors.data[own] == pytest.approx([weights[feature] / length for feature in sorted(weights)])


@MANY
@given(st.lists(st.lists(st.one_of(st.sampled_from(POOL), st.integers(0, 2**32 - 1)), unique=True, max_size=30)))
def test_entries_of_rows_are_sorted_as_in_numpy(rows):
    features = np.array([feature for row in rows for feature in row], dtype=np.uint32)
    starts = np.cumsum([0, *map(len, rows)])
    values = np.arange(len(features)) / 7
    found = sorted_rows(features, values, starts)
    for ours, theirs in zip(found, of_features._sorted_rows(features, values, starts), strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)
    distinct, columns, of_entries = found
    assert distinct.tolist() == sorted(set(features.tolist()))
    for start, row in zip(starts.tolist(), rows, strict=False):
        own = slice(start, start + len(row))
        assert distinct[columns[own]].tolist() == sorted(row)
        assert [features[round(7 * value)] for value in of_entries[own]] == sorted(row)


def test_features_made_to_share_a_slot_are_sorted_all_the_same():
    inverse, count = pow(0x9E3779B1, -1, 2**32), 3000
    features = np.array([(inverse * place) % 2**32 for place in range(count)], dtype=np.uint32)
    values, starts = np.arange(count) / 7, np.array([0, count // 2, count])
    found = sorted_rows(features, values, starts)
    for ours, theirs in zip(found, of_features._sorted_rows(features, values, starts), strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_many_rows_in_order_and_not_are_sorted_as_in_numpy():
    rng = np.random.default_rng(7)
    rows = [
        rng.choice(20_000, size, replace=False).astype(np.uint32) * np.uint32(3) for size in rng.integers(0, 400, 90)
    ]
    rows[::2] = map(np.sort, rows[::2])
    features, starts = np.concatenate(rows), np.cumsum([0, *map(len, rows)])
    values = rng.random(len(features))
    found = sorted_rows(features, values, starts)
    for ours, theirs in zip(found, of_features._sorted_rows(features, values, starts), strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def text_of(features, rng):
    """A text with these features and any weights."""
    nothing = np.empty(0, np.uint64), np.zeros(2, np.int64), np.empty((1, 0), np.uint64)
    features = np.array(sorted(features), dtype=np.uint32)
    texts = TextFeatures(
        *nothing, features, np.ones(len(features), np.uint8), np.array([0, len(features)]), np.zeros((1, 0), np.int8)
    )
    factors, weights = rng.random((2, len(features)))
    return WeightedTexts(texts, factors, weights, np.ones(1, np.float32), [], np.ones(len(features), np.int64))


@EXAMPLES
@given(FEATURES, TEXTS, st.integers(0, 2**32))
def test_what_texts_share_is_that_of_numpy_to_the_bit(own, texts, seed):
    rng = np.random.default_rng(seed)
    weighted, others = text_of(own, rng), flat(rows_of(texts))
    rows = rng.integers(len(texts), size=2 * len(texts)) if texts else np.empty(0, dtype=np.int64)
    slots = np.full(1 << 16, -1, dtype=np.int32)
    found = [text_dot_products(weighted, 0, others, rows, slots) for _ in range(2)]  # what is lent comes back as it was
    assert (slots == -1).all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dedup.stream.vectors.kernel", lambda: None)
        found.append(text_dot_products(weighted, 0, others, rows, slots))
    assert len({b"".join(np.asarray(part).tobytes() for part in parts) for parts in found}) == 1


@MANY
@given(
    st.sampled_from([np.uint32, np.uint64]),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0, 1, 70, 2**20, 2**31])), min_size=1, max_size=8),
    st.integers(0, 2**32),
    st.sampled_from([None, 1, 2]),
)
def test_nodes_are_found_in_the_order_of_numpy(dtype, clusters, seed, most):
    # Keys as far from where evenly spread ones would be as can be: about a few places, wide or all the same.
    rng, top = np.random.default_rng(seed), np.iinfo(dtype).max
    postings, known = Postings(dtype), [np.array([0, top], dtype=dtype)]
    for node, (place, width) in enumerate(clusters):
        middle = min(int(place * float(top)), top)
        some = [min(max(middle + int(step), 0), top) for step in rng.integers(-width, width + 1, rng.integers(1, 300))]
        known.append(np.array(some, dtype=dtype))
        postings.add(known[-1], np.full(len(some), node))
    found_keys = np.concatenate(known)
    keys = np.unique(np.concatenate([found_keys, found_keys + dtype(1), found_keys - dtype(1)]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dedup.stream.postings._ROOM", 7)
        found = postings.find(keys, most)
    for ours, theirs in zip(found, postings._find(keys, most), strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_one_key_that_very_many_nodes_have_is_found_as_fast_as_any():
    postings = Postings(np.uint32)
    postings.add(np.full(100_000, 5, dtype=np.uint32), np.arange(100_000))
    which, nodes = postings.find(np.array([4, 5, 6], dtype=np.uint32), 3)
    assert (which.tolist(), nodes.tolist()) == ([1, 1, 1], [0, 1, 2])
    assert ranks_in_runs(which).tolist() == [0, 1, 2]
