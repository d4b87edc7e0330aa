"""The compiled loops of the story tier find what their twins in NumPy find, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array

from dedup.arrays import numbered_by_first
from dedup.kernel import kernel
from dedup.sorted_keys import SortedKeys
from dedup.story import candidates, cells, day_sums, episodes, features, partition, recurrence, similarity, weighting
from dedup.story.features import count_features

pytestmark = pytest.mark.skipif(kernel() is None, reason="the package was installed without a C compiler")

EXAMPLES = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 2**32)
SIZES = st.integers(0, 40)


def random_rows(rng, n, n_columns, density, *, shuffled=True):
    """Rows of positive float32, some of them empty, whose columns are in any order."""
    rows = csr_array(random_array((n, n_columns), density=density, rng=rng, dtype=np.float32, format="csr"))
    rows.data += np.float32(1e-3)
    for row in range(n) if shuffled else ():
        entries = slice(rows.indptr[row], rows.indptr[row + 1])
        order = rng.permutation(rows.indices[entries])
        rows.indices[entries] = order
    return rows


def assert_equal_to_the_bit(found, expected):
    assert [column.dtype for column in found] == [column.dtype for column in expected]
    assert [column.tobytes() for column in found] == [column.tobytes() for column in expected]


@EXAMPLES
@given(SEEDS, SIZES, st.sampled_from([(1, 0.6), (7, 0.1), (90, 0.6), (40_000, 0.001)]), st.integers(0, 60))
def test_dot_products(seed, n, shape, count):
    rng, (n_columns, density) = np.random.default_rng(seed), shape
    rows, others = (random_rows(rng, size, n_columns, density) for size in (n, n + 3))
    left = np.sort(rng.integers(0, n, count if n else 0))
    right = rng.integers(0, n + 3, len(left))
    found = similarity.dot_products(rows, left, right, others)
    assert_equal_to_the_bit(found, similarity._dot_products(rows, others, left, right))


@EXAMPLES
@given(SEEDS, st.integers(1, 40), st.sampled_from([np.float32, np.float64]))
def test_sums_of_days(seed, n, dtype):
    rng = np.random.default_rng(seed)
    labels = numbered_by_first(rng.integers(0, 5, n))
    days, k = np.where(rng.random(n) < 0.2, np.nan, rng.uniform(0, 4, n)), int(labels.max()) + 1
    sums = day_sums.DaySums.of(random_rows(rng, n, 25, 0.3).astype(dtype), days, labels, k)
    pairs, episodes_of_all = np.triu_indices(k, 1), np.arange(k)
    found = sums.between(*pairs), sums.within(episodes_of_all)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(day_sums, "kernel", lambda: None)
        assert_equal_to_the_bit(found, (sums.between(*pairs), sums.within(episodes_of_all)))


@EXAMPLES
@given(SEEDS, SIZES, st.integers(1, 60), st.sampled_from([0.05, 0.3]), st.integers(0, 50), st.integers(0, 50))
def test_products(seed, n, n_columns, density, first, other):
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, n, n_columns, density)
    postings = candidates.postings_of(random_rows(rng, n + 2, n_columns, density, shuffled=False))
    found, expected = (
        sorted(zip(*(column.tolist() for column in search(rows, first, postings, other)), strict=True))
        for search in (candidates.products, candidates._products)
    )
    assert found == expected


@EXAMPLES
@given(SEEDS, SIZES, st.integers(1, 60), st.sampled_from([0, 1, 5, 40, 3000]), st.sampled_from([2, 9, 4000]))
def test_rarest_features(seed, n, n_columns, most, highest):
    rng = np.random.default_rng(seed)
    rows, frequencies = random_rows(rng, n, n_columns, 0.5), rng.integers(0, highest, n_columns)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "MAX_POSTINGS", most)
        found, kept = candidates.rarest(rows, frequencies), candidates._rarest(rows, frequencies)
    assert (found.data.tolist(), found.indices.tolist()) == (rows.data[kept].tolist(), rows.indices[kept].tolist())
    assert found.indptr.tolist() == np.searchsorted(kept, rows.indptr).tolist()


@EXAMPLES
@given(SEEDS, SIZES, st.integers(1, 60), st.sampled_from([0, 1, 5, 40, 500]), st.sampled_from([2, 9, 400]))
def test_heaviest_features(seed, n, n_columns, most, highest):
    rng = np.random.default_rng(seed)
    rows, frequencies = random_rows(rng, n, n_columns, 0.5), rng.integers(0, highest, n_columns)
    if seed % 3:  # equal weights, or some that are no weights
        rows.data = rows.data.round(1) if seed % 3 == 1 else rows.data * 2 - np.float32(0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(episodes, "_POSTINGS", most)
        found, kept = episodes.heaviest(rows, frequencies), episodes._heaviest(rows, frequencies)
    assert (found.data.tolist(), found.indices.tolist()) == (rows.data[kept].tolist(), rows.indices[kept].tolist())
    assert found.indptr.tolist() == np.searchsorted(kept, rows.indptr).tolist()


@settings(deadline=None, max_examples=200)
@given(SEEDS, SIZES, st.sampled_from([0.1, 0.5]), st.sampled_from([0.1, 0.12, 0.3]), st.booleans(), st.booleans())
def test_local_moves(seed, n, density, threshold, tied, alone):
    rng = np.random.default_rng(seed)
    # With ties many gains are equal, but for rounding: sums of tenths depend on the order.
    values = rng.integers(1, 7, (n, n)) / 10 if tied else rng.random((n, n))
    upper = np.triu(values * (rng.random((n, n)) < density), 1)
    sizes = np.ones(n, dtype=np.int64) if tied else rng.integers(1, 5, n)
    costs = rng.integers(0, 3, n) / 10 if tied else rng.random(n) * 0.3
    nodes = partition._Nodes(csr_array(upper + upper.T), sizes, costs)
    start = np.arange(n) if alone else rng.integers(0, max(n, 1), n)
    totals = np.bincount(start, weights=sizes, minlength=n).astype(np.int64)
    paying = np.bincount(start, weights=nodes.costs, minlength=n).astype(np.float64)
    before = start.copy()
    found = partition._local_moves(nodes, start, threshold)
    assert_equal_to_the_bit([found], [partition._moved(nodes, start, threshold, totals, paying)])
    assert start.tolist() == before.tolist()


@EXAMPLES
@given(SEEDS, SIZES, st.sampled_from([1, 3, 9, 48, 64]), st.integers(0, 60))
def test_places_of_keys(seed, n, bits, n_wanted):
    rng = np.random.default_rng(seed)
    crowded = rng.integers(0, 1 << min(bits, 6), n, dtype=np.uint64)  # many have the same leading bits
    keys = np.unique(np.concatenate([crowded, rng.integers(0, 1 << bits, n, dtype=np.uint64)]))
    wanted = np.concatenate([keys, rng.integers(0, 1 << bits, n_wanted, dtype=np.uint64)])
    lookup = SortedKeys(keys, bits)
    assert_equal_to_the_bit([lookup.find(wanted)], [lookup._found(wanted)])


WORDS = st.lists(st.sampled_from(["Kim", "train", "Путин", "the", "金正恩", "der", "rates"]), max_size=9)
LANGUAGES = st.sampled_from(["en", "de", "tr", None])


@EXAMPLES
@given(st.lists(st.tuples(WORDS, LANGUAGES), max_size=7), st.lists(WORDS, max_size=3), st.integers(0, 3))
def test_cells_and_weights(rows, others, entries):
    texts, languages = [" ".join(words) for words, _ in rows], [language for _, language in rows]
    counts = count_features(texts, 1, languages=languages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "_BUCKET_ENTRIES", 1 << entries)
        patch.setattr(cells, "_BUCKETS_AT_ONCE", 3)
        every = cells._cells_of(counts)
        assert_equal_to_the_bit(cells.cells_of(counts), every)
        assert_equal_to_the_bit(cells.cells_of(counts, shared=True), cells.shared_cells(*every))
    # By their own frequencies, and by those of others, which know few of their features.
    own, other = (weighting.Vocabulary.of(each) for each in (counts, count_features(list(map(" ".join, others)), 1)))
    for vocabulary in own, other:
        given_texts = counts.keys, counts.offsets, counts.languages
        found, expected = (
            weigh(vocabulary, *given_texts, np.log1p(counts.counts))
            for weigh in (weighting._weighed, weighting._weighed_in_numpy)
        )
        assert_equal_to_the_bit(found, expected)


TEXTS = st.lists(st.text(st.sampled_from("abcXYZéßЖи東京ก́ .\n'-7"), max_size=60), max_size=8)


@settings(deadline=None, max_examples=150)
@given(TEXTS, st.lists(LANGUAGES, min_size=8, max_size=8), st.sampled_from([1, 12]), st.booleans())
def test_counts_of_features(texts, languages, repeats, lists):
    texts = [(text + " ") * repeats for text in texts]  # long words, and features of several weights
    languages = ["vi" if code == "tr" else code for code in languages]
    found = []
    with pytest.MonkeyPatch.context() as patch:
        if lists:  # every other text is a list of reports
            patch.setattr(features, "are_lists", lambda places, n, bits: np.arange(n) % 2 == 1)
        for _ in range(2):
            found.append(count_features(texts, 1, languages=languages[: len(texts)]))
            patch.setattr(features, "kernel", lambda: None)
    columns = [(each.keys, each.counts, each.offsets, each.uses) for each in found]
    assert_equal_to_the_bit(*columns)


@EXAMPLES
@given(SEEDS, SIZES, st.integers(1, 60), st.sampled_from([0.05, 0.6]))
def test_squared_lengths_of_rows(seed, n, n_columns, density):
    rows = random_rows(np.random.default_rng(seed), n, n_columns, density).astype(np.float64)
    assert_equal_to_the_bit([episodes._squares(rows)], [episodes._squares_in_numpy(rows)])


@EXAMPLES
@given(SEEDS, st.integers(0, 400), st.sampled_from([1, 3, 40]), st.integers(1, 5))
def test_pairs_of_equal_words(seed, count, n_words, n_texts):
    rng = np.random.default_rng(seed)
    words = rng.integers(0, n_texts, count) << 6 | rng.integers(0, n_words, count)
    found_in = np.sort(words.astype(np.uint64) << np.uint64(4) | rng.integers(0, 10, count).astype(np.uint64))
    found, expected = (pairs(found_in, n_texts, 6) for pairs in (recurrence._pairs, recurrence._pairs_in_numpy))
    assert_equal_to_the_bit(found, expected)
