import numpy as np
import pytest
from graphs import slow_tie
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.arrays import numbered_by_first
from dedup.story import by_language, episodes
from dedup.story.by_language import MEANING_TIE_SHARE, stories_by_language
from dedup.story.candidates import FLOOR, Edges
from dedup.story.constraints import Constraints
from dedup.story.encoding import Meanings, Scale
from dedup.story.episodes import EPISODE_MEMORY_DAYS, TIE_SHARE, Episodes, stories_of, stories_of_pairs

pytestmark = pytest.mark.usefixtures("both_paths")
EXAMPLES = settings(deadline=None, max_examples=60)
SCALE = Scale(mean=0.1, chance=0.4)


def random_reports(seed, n, n_languages):
    """Vectors of words, which two languages seldom share, days, labels of episodes, costs and meanings."""
    rng = np.random.default_rng(seed)
    languages = rng.integers(-1, n_languages, n)
    words = rng.random((n, 8)) ** 3
    vectors = np.zeros((n, 8 * (n_languages + 1) + 1), dtype=np.float32)
    for i, language in enumerate(languages):
        vectors[i, 8 * (language + 1) : 8 * (language + 2)] = words[i]
    vectors[:, -1] = 0.2
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    days = np.sort(np.where(rng.random(n) < 0.1, np.nan, rng.random(n) * 30))
    labels = numbered_by_first(rng.integers(0, max(n // 2, 1), n))
    meant = rng.normal(size=(n, 5)) + rng.normal(size=(max(n // 2, 1), 5))[labels] * 2
    meant[rng.random(n) < 0.1] = 0
    return csr_array(vectors), days, labels, rng.random(n) * 0.1, Meanings.of(meant, languages, SCALE)


def slow_stories(vectors, days, labels, costs, meanings, threshold, max_gap_days):
    """Every pair of reports of every pair of episodes looked at."""
    facts = Episodes.of(vectors, days, labels, costs)
    dense, language = vectors.toarray().astype(float), meanings.languages
    unit = meanings.vectors / np.where(meanings.lengths > 0, meanings.lengths, 1)[:, None]
    members = [np.flatnonzero(labels == episode) for episode in range(len(facts.costs))]

    def mean(rows, others, of, wanted):
        found = [float(of[i] @ of[j]) for i in rows for j in others if i != j and wanted(i, j)]
        return np.mean(found) if found else None

    def in_one(i, j):
        return language[i] == language[j]

    def across(i, j):
        return language[i] != language[j] and min(language[i], language[j]) >= 0

    def anything(i, j):
        return True

    edges = []
    for one, rows in enumerate(members):
        for other in range(one + 1, len(members)):
            others = members[other]
            gap = max(facts.first[other] - facts.last[one], 0)
            cosine = mean(rows, others, dense, in_one)
            cosine = mean(rows, others, dense, anything) if cosine is None else cosine
            within = [mean(own, own, dense, in_one) for own in (rows, others)]
            tie = slow_tie((within[0] or 0, len(rows)), (within[1] or 0, len(others)), episodes.WHOLE)
            if not gap <= max_gap_days or cosine < TIE_SHARE * tie:
                continue
            tight = [
                mean(own, own, unit, across) or 0
                for own, known in ((rows, within[0]), (others, within[1]))
                if known is None
            ]
            between = mean(rows, others, unit, across)
            if tight and max(tight) > 0 and between is not None and between < MEANING_TIE_SHARE * max(tight):
                continue
            similarity = cosine * np.exp(-gap / EPISODE_MEMORY_DAYS)
            if similarity >= FLOOR:
                edges.append((one, other, similarity))
    left, right, similarity = zip(*edges, strict=True) if edges else ((), (), ())
    pairs = Edges(np.array(left, dtype=int), np.array(right, dtype=int), np.array(similarity, dtype=float))
    return stories_of_pairs(pairs, facts.costs, threshold)


@EXAMPLES
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 24),
    n_languages=st.integers(2, 4),
    size=st.sampled_from([1, 3, 1024]),
    gap=st.sampled_from([5.0, 21.0]),
    whole=st.sampled_from([2, episodes.WHOLE]),
)
def test_stories_are_those_of_a_plain_loop(seed, n, n_languages, size, gap, whole):
    given = random_reports(seed, n, n_languages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_language, "_BLOCK_ROWS", size)
        patch.setattr(episodes, "WHOLE", whole)
        found = stories_by_language(*given, 0.3, gap, 2)
        if len(np.unique(given[-1].languages[given[-1].languages >= 0])) > 1:
            assert found.tolist() == slow_stories(*given, 0.3, gap).tolist()


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(0, 24), gap=st.sampled_from([0.0, 21.0]))
def test_in_one_language_they_are_those_of_words(seed, n, gap):
    vectors, days, labels, costs, meanings = random_reports(seed, n, 1)
    expected = stories_of(Episodes.of(vectors, days, labels, costs), 0.3, gap)
    assert stories_by_language(vectors, days, labels, costs, meanings, 0.3, gap).tolist() == expected.tolist()


def phases(n_languages, likeness):
    """Two phases of an event, reported in several languages, whose reports in one language are so alike."""
    days, labels = np.repeat([0.0, 4.0], n_languages), np.repeat([0, 1], n_languages)
    languages = np.tile(np.arange(n_languages), 2)
    vectors = np.zeros((2 * n_languages, 2 * n_languages))
    for row, language in enumerate(languages):
        vectors[row, language] = 1.0 if row < n_languages else likeness
        vectors[row, n_languages + language] = 0.0 if row < n_languages else np.sqrt(1 - likeness**2)
    return csr_array(vectors.astype(np.float32)), days, labels, np.full(2 * n_languages, 0.01), languages


@pytest.mark.parametrize("n_languages", [4, 7])
def test_languages_beside_it_do_not_part_the_phases_of_an_event(n_languages):
    *given, languages = phases(n_languages, 0.3)
    meant = np.concatenate([np.tile([1.0, 0.2], (n_languages, 1)), np.tile([0.6, 0.8], (n_languages, 1))])
    assert stories_by_language(*given, Meanings.of(meant, languages, SCALE), 0.12, 21.0).tolist() == [0, 0]
    # By all pairs of reports, most of which are in two languages, they would be two stories.
    assert stories_of(Episodes.of(*given), 0.12, 21.0).tolist() == [0, 1]


def test_events_that_look_alike_stay_apart_where_the_vectors_tell():
    *given, languages = phases(3, 0.3)
    apart = np.concatenate([np.tile([1.0, 0.0], (3, 1)), np.tile([0.5, 0.9], (3, 1))])
    assert stories_by_language(*given, Meanings.of(apart, languages, SCALE), 0.12, 21.0).tolist() == [0, 1]


def test_an_episode_without_two_reports_in_one_language_is_not_called_loose(monkeypatch):
    monkeypatch.setattr(episodes, "WHOLE", 4)
    vectors, days, labels, costs, languages = phases(4, 0.4)
    kept = [0, 1, 2, 3, 4, 4]  # two reports of the second phase, in one language and equal
    given = vectors[kept], days[kept], labels[kept], costs[kept]
    meanings = Meanings.of(np.ones((6, 2)), languages[kept], SCALE)
    assert stories_by_language(*given, meanings, 0.12, 21.0).tolist() == [0, 1]
    monkeypatch.setattr(episodes, "TIE_SHARE", 0.39)  # as alike as the tighter one asks
    assert stories_by_language(*given, meanings, 0.12, 21.0).tolist() == [0, 0]


def test_what_stays_apart_or_comes_together_does_so():
    *given, languages = phases(4, 0.3)
    alike, apart = np.ones((8, 2)), np.repeat([[1.0, 0.0], [0.5, 0.9]], 4, axis=0)
    for vectors, constraints, expected in (
        (alike, Constraints.of(2, [], [(0, 1)]), [0, 1]),
        (apart, Constraints.of(2, [(0, 1)], []), [0, 0]),
    ):
        meanings = Meanings.of(vectors, languages, SCALE)
        assert stories_by_language(*given, meanings, 0.12, 21.0, 1, constraints).tolist() == expected
        assert stories_by_language(*given, meanings, 0.12, 21.0).tolist() != expected
