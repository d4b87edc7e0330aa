"""LiveArticles against loops over articles and features."""

from collections import Counter
from itertools import pairwise
from math import log, log1p, nan, sqrt

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dedup.near.lsh import Bands
from dedup.story.candidates import REACH_DAYS
from dedup.story.extraction import WORD_PAIR
from dedup.story.similarity import time_factor
from dedup.story.weighting import FAMILY_WEIGHT, PRIOR_ARTICLES
from dedup.stream import live as live_articles
from dedup.stream.live import CANDIDATE_FLOOR, INDEXED_FEATURES, LiveArticles, _descending
from dedup.stream.text_features import TextFeatures, extract_features

pytestmark = pytest.mark.usefixtures("both_paths")

# An index takes 32 MB, and shrinking would keep hundreds.
EXAMPLES = settings(deadline=None, max_examples=60, phases=(Phase.explicit, Phase.reuse, Phase.generate))
MANY = settings(deadline=None, max_examples=80)
# A hash of 30 bits over a family: some share a counter, some their low 16 bits.
POOL = [place << 16 | low << 4 | place % 3 for place in range(1, 9) for low in (0, 1, 40)] + [0, 2**32 - 2]
TEXT = st.dictionaries(st.sampled_from(POOL), st.one_of(st.integers(1, 4), st.integers(1, 255)), max_size=12)
TEXTS = st.lists(TEXT, min_size=1, max_size=12)
CHANCES = st.lists(st.booleans(), min_size=12, max_size=12)
DAYS = st.lists(st.one_of(st.just(nan), st.floats(100.0, 104.0), st.floats(90.0, 130.0)), min_size=12, max_size=12)
DEAD = st.lists(st.sampled_from([False, False, False, True]), min_size=12, max_size=12)
LIMITS = st.lists(st.sampled_from([0, 3, 14, 14, 14]), min_size=12, max_size=12)
NEAR = 1e-6


def features_of(texts):
    """Text features without shingles and bands."""
    ordered = [sorted(text.items()) for text in texts]
    offsets = np.cumsum([0, *map(len, ordered)])
    features, counts = np.array([entry for text in ordered for entry in text], dtype=np.int64).reshape(-1, 2).T
    nothing = np.empty(0, np.uint64), np.zeros(len(texts) + 1, np.int64), np.empty((len(texts), 0), np.uint64)
    vectors = np.zeros((len(texts), 0), np.int8)
    return TextFeatures(*nothing, features.astype(np.uint32), counts.astype(np.uint8), offsets, vectors)


def add_to_window(live, first, weighted, counted):
    """Add the counted texts to the window; nodes are numbered from the first."""
    for i in np.flatnonzero(counted).tolist():
        own = slice(*weighted.texts.offsets[i : i + 2])
        live.window.add(first + i, weighted.texts.features[own], weighted.texts.counts[own])


def bits(parts):
    """All weights of texts in parts, to the bit."""
    columns = ("factors", "weights", "norms", "frequencies")
    order = [(own - a).tolist() for part in parts for own, a in zip(part.by_weight, part.texts.offsets, strict=False)]
    return order, [b"".join(getattr(part, name).tobytes() for part in parts) for name in columns]


@EXAMPLES
@given(TEXTS, TEXTS, CHANCES, st.sets(st.integers(1, 11)))
def test_it_makes_no_difference_how_many_texts_are_weighted_at_once(known, texts, chances, cuts):
    counted = np.array(chances[: len(texts)])
    answers = []
    for cut in ([], range(1, len(texts)), sorted(cuts)):
        live, parts = LiveArticles(), []
        add_to_window(
            live, 1, live.weight_texts(features_of(known), np.ones(len(known), dtype=np.bool_)), np.ones(len(known))
        )
        for first, stop in pairwise([0, *(place for place in cut if place < len(texts)), len(texts)]):
            parts.append(live.weight_texts(features_of(texts[first:stop]), counted[first:stop]))
            add_to_window(live, 100 + first, parts[-1], counted[first:stop])
        answers.append(bits(parts))
    assert answers[0] == answers[1] == answers[2]


@EXAMPLES
@given(TEXTS, CHANCES)
def test_texts_are_weighted_by_the_frequencies_that_they_find(texts, chances):
    counted = np.array(chances[: len(texts)])
    weighted = LiveArticles().weight_texts(features_of(texts), counted)
    seen, count, entry = Counter(), 0, 0
    for i, text in enumerate(texts):
        squares, first = 0.0, entry
        for feature, occurrences in sorted(text.items()):
            frequency, family = seen[feature >> 8] + 1, feature & 3
            idf = max(0.0, log((count + 1 + PRIOR_ARTICLES + 1) / (frequency + 0.5)))
            scale = 0.0 if family == WORD_PAIR and frequency == 1 else idf * float(FAMILY_WEIGHT[family])
            assert weighted.frequencies[entry] == frequency
            assert weighted.factors[entry] == pytest.approx(scale)
            assert weighted.weights[entry] == pytest.approx(log1p(occurrences) * scale)
            squares, entry = squares + weighted.weights[entry] ** 2, entry + 1
        assert weighted.norms[i] == pytest.approx(sqrt(squares))
        own = weighted.weights[weighted.by_weight[i]].astype(np.float32)
        assert sorted(weighted.by_weight[i].tolist()) == list(range(first, entry))
        assert (np.diff(own) <= 0).all()
        if counted[i]:
            seen.update(feature >> 8 for feature in text)
            count += 1


@MANY
@given(st.lists(st.one_of(st.floats(0, 1e9), st.sampled_from([0.0, 1.0, 1.0 + 1e-12, 2.5]))))
def test_descending_is_sorted(weights):
    single = np.array(weights, dtype=np.float32)
    expected = sorted(range(len(weights)), key=lambda place: (-single[place], place))
    assert _descending(np.array(weights)).tolist() == expected


def arrive(live, texts, days):
    """Articles come as nodes from 1, all of them reports."""
    everyone = np.ones(len(texts), dtype=np.bool_)
    weighted, nodes = live.weight_texts(texts, everyone), np.arange(1, len(texts) + 1)
    live.nodes.add(nodes, days=days, norms=weighted.norms, sizes=np.diff(texts.offsets), is_canonical=everyone)
    live.nodes.assign(nodes, 1)
    add_to_window(live, 1, weighted, everyone)
    live.add_features(nodes, days, [texts.features[own[:INDEXED_FEATURES]] for own in weighted.by_weight])
    return weighted, nodes


def slow_pair(weighted, i, text, norm):
    """What a text's features promise to text i, their cosine, and the days after which it has fallen to 1/e."""
    own = slice(*weighted.texts.offsets[i : i + 2])
    mine = zip(weighted.texts.features[own].tolist(), weighted.weights[own], weighted.factors[own], strict=True)
    shared = [(weight, scale * log1p(text[feature])) for feature, weight, scale in mine if feature in text]
    promise = sum(weight**2 for weight, _ in shared) / max(weighted.norms[i] ** 2, NEAR)
    norm = max(norm, sqrt(sum(other**2 for _, other in shared)))
    cosine = min(1.0, sum(weight * other for weight, other in shared) / max(weighted.norms[i] * norm, 1e-9))
    parts = [weight * other for weight, other in shared]
    evidence = sum(parts) ** 2 / sum(part**2 for part in parts) if any(parts) else 0.0
    return float(promise), float(cosine), min(1.5 + evidence / 20, 15.0)


@EXAMPLES
@given(TEXTS, DAYS, DEAD, st.integers(1, 14), TEXTS, DAYS, LIMITS)
def test_similar_reports_are_those_of_a_loop_over_all(texts, days, dead, first, asked, asked_days, limits):
    live, days, asked_days = LiveArticles(), np.array(days[: len(texts)]), np.array(asked_days[: len(asked)])
    _, nodes = arrive(live, features_of(texts), days)
    for node in (node for node in nodes.tolist() if dead[node - 1]):
        live.nodes.remove(np.array([node]))
        live.window.remove(node)
    live.window.first = first  # those before it are stored, in another order
    stored = {node: features_of([text]) for node, text in enumerate(texts[: first - 1], 1)}
    stored = {node: (own.features[::-1], own.counts[::-1]) for node, own in stored.items()}
    weighted = live.weight_texts(features_of(asked), np.zeros(len(asked), dtype=np.bool_))
    found = live.story_candidates(weighted, asked_days, np.array(limits[: len(asked)]))
    similarities = live.similarities(weighted, asked_days, *found, lambda few: {n: stored[n] for n in few.tolist()})
    pairs = list(zip(*(column.tolist() for column in found), strict=True))
    found_similarity = dict(zip(pairs, similarities.tolist(), strict=True))
    assert [i for i, _ in found_similarity] == sorted(i for i, _ in pairs)  # no pair comes twice
    for i in range(len(asked)):
        promises = {}
        for node, text in enumerate(texts, 1):
            promise, cosine, memory = slow_pair(weighted, i, text, float(live.nodes.norms(nodes)[node - 1]))
            factor = float(time_factor(asked_days[i], days[node - 1], memory))
            promises[node] = promise * float(time_factor(asked_days[i], days[node - 1]))
            if dead[node - 1] or node >= limits[i] or promises[node] < CANDIDATE_FLOOR - NEAR:
                assert (i, node) not in found_similarity
            elif (i, node) in found_similarity:
                assert found_similarity[i, node] == pytest.approx(cosine * factor, abs=NEAR)
            elif not abs(asked_days[i] - days[node - 1]) > REACH_DAYS:
                assert promises[node] < CANDIDATE_FLOOR + NEAR
                # By Cauchy and Schwarz nothing so similar is missed, whatever its features.
                assert cosine * factor <= sqrt(CANDIDATE_FLOOR) + NEAR
        ranked = [promises[node] for text, node in found_similarity if text == i]
        assert all(best > second - 3 * NEAR for best, second in pairwise(ranked))


@EXAMPLES
@given(TEXTS, CHANCES, st.integers(1, 14))
def test_vectors_are_those_of_the_present_frequencies_and_of_unit_length(texts, chances, first):
    live, features, counted = LiveArticles(), features_of(texts), np.array(chances[: len(texts)])
    add_to_window(live, 1, live.weight_texts(features, counted), np.ones(len(texts), dtype=np.bool_))
    expected = np.zeros((len(texts), len(POOL)))
    seen = Counter(feature >> 8 for text in texts for feature in text)
    for i, text in enumerate(texts):
        for feature, occurrences in text.items():
            idf = max(0.0, log((len(texts) + PRIOR_ARTICLES + 1) / (seen[feature >> 8] + 0.5)))
            once = feature & 3 == WORD_PAIR and seen[feature >> 8] == 1
            weight = 0.0 if once else idf * float(FAMILY_WEIGHT[feature & 3])
            expected[i, POOL.index(feature)] = log1p(occurrences) * weight
        expected[i] /= max(sqrt((expected[i] ** 2).sum()), NEAR)
    live.window.first = first  # those before it are loaded
    single = enumerate((features_of([text]) for text in texts), 1)
    stored = {node: (own.features, own.counts) for node, own in single}
    nodes = np.random.default_rng(first).permutation(len(texts)) + 1
    vectors = live.vectors(nodes, lambda few: {node: stored[node] for node in few.tolist()})
    known = [POOL.index(feature) for feature in sorted({feature for text in texts for feature in text})]
    assert vectors.toarray() == pytest.approx(expected[nodes - 1][:, known], abs=1e-9)


@pytest.fixture(scope="module")
def reports(sample):
    """The sample as live articles, which met each other as they came."""
    live, days = LiveArticles(), np.array([article.day for article in sample])
    weighted, nodes = arrive(live, extract_features([article.full_text for article in sample], Bands(2, 2), 5), days)
    return live, weighted, days, nodes


def test_hardly_an_article_of_the_sample_misses_one_that_is_similar(reports, monkeypatch):
    live, weighted, days, nodes = reports
    everyone = np.tril_indices(len(nodes), -1)
    similarities = live.similarities(weighted, days, everyone[0], nodes[everyone[1]], lambda none: {})
    wanted = {(i, j + 1) for i, j in np.stack(everyone, axis=1)[similarities >= 0.2].tolist()}
    found = set(zip(*(column.tolist() for column in live.story_candidates(weighted, days, nodes)), strict=True))
    assert len(wanted) > 50
    assert len(wanted - found) <= 0.01 * len(wanted)


def test_the_best_candidates_are_looked_at_and_no_more_than_have_so_many_features(reports, monkeypatch):
    live, weighted, days, nodes = reports
    whole = np.stack(live.story_candidates(weighted, days, nodes), axis=1)
    monkeypatch.setattr(live_articles, "MAX_ENTRIES", 800)
    few = np.stack(live.story_candidates(weighted, days, nodes), axis=1)
    by_text = [whole[whole[:, 0] == i] for i in range(len(nodes))]
    expected = [best[: max(1, np.sum(np.cumsum(live.nodes.sizes(best[:, 1])) <= 800))] for best in by_text]
    assert np.array_equal(few, np.concatenate(expected))
