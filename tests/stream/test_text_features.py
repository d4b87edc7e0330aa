"""What texts come to, one by one and together, and which of them are copies."""

import random
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dedup import Article, StoryIndex
from dedup.near.lsh import Bands
from dedup.story.extraction import CHARACTER_RUN, KEY_BITS, WORD, WORD_PAIR, families
from dedup.story.features import count_features
from dedup.stream import crowds, matching, text_features
from dedup.stream.live import LiveArticles
from dedup.stream.text_features import extract_features, extract_shingles, shortened
from dedup.stream.window import counters

EXAMPLES = settings(deadline=None, max_examples=50)
BANDS = Bands(11, 4)
COLUMNS = ("shingles", "bands", "features", "counts")

WORDS = st.sampled_from(["Kim", "kim", "Путин", "the", "x", "œuvre", "É", "2023", "한국", "armoured", "金正恩", "ไทย"])
JOINTS = st.sampled_from([" ", " ", " ", ". ", ", ", "\n", "-", "! — "])
TEXT = st.lists(st.tuples(WORDS, JOINTS), max_size=15).map(lambda parts: "".join(w + j for w, j in parts))
TEXTS = st.lists(st.one_of(TEXT, st.sampled_from(["", " ...\n", "x, " * 300])), min_size=1, max_size=6)


def assert_same(together, parts):
    for name in COLUMNS:
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert getattr(together, name).dtype == joined.dtype
        assert np.array_equal(getattr(together, name), joined)
    for name in ("offsets", "shingle_offsets"):
        sizes = np.concatenate([np.diff(getattr(part, name)) for part in parts])
        assert getattr(together, name).tolist() == np.cumsum([0, *sizes]).tolist()
    assert together.blank.tolist() == [blank for part in parts for blank in part.blank.tolist()]
    assert len(together) == sum(map(len, parts))


@EXAMPLES
@given(TEXTS, st.integers(1, 6))
def test_texts_come_to_the_same_together_as_alone(texts, shingle_size):
    alone = [extract_features([text], BANDS, shingle_size) for text in texts]
    assert_same(extract_features(texts, BANDS, shingle_size), alone)


@pytest.mark.parametrize("characters", [1, 100, 1000])
def test_blocks_do_not_change_what_texts_come_to(monkeypatch, characters):
    rng = random.Random(0)
    texts = [" ".join(rng.choices(["Kim", "to", "Россия", "a"], k=rng.randrange(60))) for _ in range(60)]
    texts[7] = texts[59] = ""
    whole, shingles = extract_features(texts, BANDS, 5), extract_shingles(texts, 5)
    monkeypatch.setattr(text_features, "_BLOCK_CHARACTERS", characters)
    assert_same(whole, [extract_features(texts, BANDS, 5)])
    for one, other in zip(shingles, extract_shingles(texts, 5), strict=True):
        assert np.array_equal(one, other)


@EXAMPLES
@given(TEXTS, st.integers(1, 6))
def test_shingles_can_be_made_again(texts, shingle_size):
    found = extract_features(texts, BANDS, shingle_size)
    shingles, counts = extract_shingles(texts, shingle_size)
    assert np.array_equal(shingles, found.shingles)
    assert counts.tolist() == np.diff(found.shingle_offsets).tolist()


@EXAMPLES
@given(TEXTS)
def test_features_are_those_of_a_batch_in_fewer_bits(texts):
    found, counted = extract_features(texts, BANDS, 5), count_features(texts)
    assert found.offsets.tolist() == counted.offsets.tolist()
    assert np.array_equal(found.features, shortened(counted.keys))
    assert np.array_equal(found.counts, np.minimum(counted.counts, 255))
    for start, stop in zip(found.offsets[:-1], found.offsets[1:], strict=True):
        assert (np.diff(found.features[start:stop].astype(np.int64)) > 0).all()


@given(st.lists(st.tuples(st.integers(0, 2**46 - 1), st.sampled_from([WORD, WORD_PAIR, CHARACTER_RUN]))))
def test_a_shortened_key_keeps_the_family_and_30_bits_of_hash(features):
    keys = np.array([hashed << 2 | family for hashed, family in features], dtype=np.uint64)
    short = shortened(keys)
    assert short.dtype == np.uint32
    assert (keys < 1 << KEY_BITS).all()
    assert families(short).tolist() == [family for _, family in features]
    assert (short >> 2).tolist() == [hashed >> 16 for hashed, _ in features]
    assert counters(short).tolist() == [hashed >> 22 for hashed, _ in features]


def test_no_count_is_above_255():
    counts = extract_features(["kim " * 1000, "kim " * 10], BANDS, 5).counts
    assert counts.max() == 255
    assert counts.min() < 255


def test_blank_texts_come_to_nothing():
    found = extract_features(["", " \t\n", "Kim", "\u200b"], BANDS, 5)
    assert found.blank.tolist() == [True, True, False, True]
    assert np.diff(found.offsets).astype(bool).tolist() == [False, False, True, False]
    assert found.bands.shape == (4, BANDS.bands)


def test_no_texts_have_no_shingles():
    assert [len(part) for part in extract_shingles([], 5)] == [0, 0]


ROWS = st.lists(st.tuples(*[st.integers(0, 3)] * 4), min_size=2, max_size=14)


@settings(deadline=None, max_examples=80, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # an index takes 32 MB
@given(ROWS, st.lists(st.booleans(), min_size=14, max_size=14), st.integers(1, 13), st.integers(1, 4))
def test_near_candidates_are_the_live_nodes_that_share_most_bands(rows, dead, first, most):
    first, nodes, ones = min(first, len(rows) - 1), np.arange(1, len(rows) + 1), np.ones(len(rows))
    bands = np.array(rows, dtype=np.uint64) * np.uint64(4) + np.arange(4, dtype=np.uint64)
    live = LiveArticles()
    live.add_bands(nodes[:first], bands[:first])
    live.nodes.add(nodes[:first], days=ones[:first], norms=ones[:first], sizes=ones[:first], is_canonical=ones[:first])
    live.nodes.assign(nodes[:first], 1)
    gone = [place for place in range(first) if dead[place]]
    live.nodes.remove(nodes[gone])
    live.add_bands(nodes[first:], bands[first:])
    expected, asked = [], []
    for i in range(first, len(rows)):
        shared = {j: sum(map(int.__eq__, rows[i], rows[j])) for j in range(i) if j not in gone}
        best = sorted((j for j in shared if shared[j]), key=lambda j: (-shared[j], j))
        if len(best) > most and shared[best[0]] < 4:  # a crowd without a word-for-word copy
            asked.append((i - first, [j + 1 for j in best]))
            rare = [j for j in reversed(best) if j % 2][: most // 2]
            best = rare + [j for j in best if j not in rare]
        expected += [(i - first, j + 1) for j in best[:most]]
    told = []

    def sharing_rare(place, candidates):
        told.append((place, candidates.tolist()))
        return candidates[::-1][candidates[::-1] % 2 == 0]

    place, others = live.near_candidates(nodes[first:], bands[first:], most, sharing_rare)
    assert told == asked
    assert list(zip(place.tolist(), others.tolist(), strict=True)) == expected


def near_copies(rng, count):
    """Texts that come from a few by changing some words; some are short, some blank."""
    vocabulary = [f"w{number}" for number in range(300)]
    originals = [rng.choices(vocabulary, k=size) for size in (60, 60, 40, 25, 4, 1, 0)]
    texts = []
    for _ in range(count):
        words = list(rng.choice(originals))
        for _ in range(rng.choice([0, 0, 1, 1, 2, 3]) if len(words) > 4 else 0):
            words[rng.randrange(len(words))] = rng.choice(vocabulary)
        texts.append(" ".join(words + rng.choices(vocabulary, k=rng.choice([0, 0, 1, 5]) if words else 0)))
    return texts


def slow_shingles(text):
    words = text.split()
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))} if words else set()


def slow_rare(texts, i, candidates):
    """The candidates that share sampled shingles which few of them have, those that share most first."""
    sampled = {j: {int(s) for s in extract_shingles([texts[j]], 5)[0] if s % 2 == 0} for j in [i, *candidates]}
    few = {s for s in sampled[i] if sum(s in sampled[j] for j in candidates) <= crowds.RARE}
    counts = {j: len(few & sampled[j]) for j in candidates}
    return sorted((j for j in counts if counts[j]), key=lambda j: (-counts[j], j))


def slow_original(texts, bands, i, live, most):
    """Place of the text that i is a copy of, and their similarity: of those that share most bands, the best."""
    shared = {j: int((bands[i] == bands[j]).sum()) for j in live if texts[i].split() and texts[j].split()}
    compared = sorted((j for j in shared if shared[j]), key=lambda j: (-shared[j], j))
    if len(compared) > most and shared[compared[0]] < bands.shape[1]:
        rare = slow_rare(texts, i, compared)[: most // 2]
        compared = rare + [j for j in compared if j not in rare]
    compared = compared[:most]
    sets = {j: slow_shingles(texts[j]) for j in [i, *compared]}
    jaccard = {j: len(sets[i] & sets[j]) / len(sets[i] | sets[j]) for j in compared}
    best = min(jaccard, key=lambda j: (-jaccard[j], j), default=None)
    return (best, jaccard[best]) if best is not None and jaccard[best] >= 0.5 else (None, None)


@pytest.mark.parametrize("most", [64, 6, 2])
@pytest.mark.parametrize("seed", range(4))
def test_a_copy_is_that_of_the_most_similar_the_earlier_of_equals(monkeypatch, seed, most):
    monkeypatch.setattr(matching, "_MAX_COMPARED", most)
    monkeypatch.setattr(crowds, "RARE", 2)
    rng = random.Random(seed)
    texts = near_copies(rng, 60)
    articles = [Article(str(i), text, "", datetime(2023, 9, 12, i % 24, tzinfo=UTC)) for i, text in enumerate(texts)]
    live, canonical, told = [], {}, 0
    with StoryIndex(":memory:", near_threshold=0.5, cut_residue=False) as index:
        bands = extract_features(texts, index._session.state.bands, 5).bands
        while told < len(texts):
            stop = min(told + rng.choice([1, 2, 7, 20]), len(texts))
            for i, assignment in enumerate(index.add_many(articles[told:stop]), told):
                original, jaccard = slow_original(texts, bands, i, live, most)
                assert (assignment.outcome == "near_duplicate") == (original is not None)
                if original is not None:
                    assert (assignment.near_duplicate_of, assignment.similarity) == (str(original), jaccard)
                    assert index.story_id(str(i)) == index.story_id(str(original))
                canonical[i] = i if original is None else canonical[original]
                assert index._session.store.by_id(str(i)).canonical == canonical[i] + 1
                live.append(i)
            told = stop
    assert 20 < sum(canonical != i for i, canonical in canonical.items()) < 60


def test_a_removed_article_has_no_copies_any_more():
    text = " ".join(f"w{number}" for number in range(40))
    with StoryIndex(":memory:") as index:
        index.add_many([Article("a", text), Article("b", f"{text} more"), Article("c", f"{text} and more")])
        index.remove("a")
        again = index.add(Article("d", text))
        assert (again.outcome, again.near_duplicate_of) == ("near_duplicate", "b")
