"""The copies of an article that an index has: all of them, exactly as similar, in order, and nothing is added."""

import random

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article, StoryIndex
from dedup.stream import copies
from dedup.stream.text_features import extract_features

THRESHOLD = 0.5
WIRE = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said in a statement"
URL = "https://wire.example/kim"


def open_index(path=":memory:", **parameters):
    return StoryIndex(path, near_threshold=THRESHOLD, cut_residue=False, **parameters)


def pool(rng):
    """Texts that come from a few by changing some words; some are shorter than a shingle, one is blank."""
    vocabulary = [f"w{number}" for number in range(200)]
    originals = [rng.choices(vocabulary, k=size) for size in (40, 25, 9, 4, 1)]
    texts = [""]
    for _ in range(16):
        words = list(rng.choice(originals))
        for _ in range(rng.choice([0, 0, 1, 2]) if len(words) > 4 else 0):
            words[rng.randrange(len(words))] = rng.choice(vocabulary)
        texts.append(" ".join(words))
    return texts


def slow_shingles(text):
    words = text.split()
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))} if words else set()


def slow_jaccard(left, right):
    left, right = slow_shingles(left), slow_shingles(right)
    return len(left & right) / len(left | right) if left and right else 0.0


def slow_copies(live, text, keys):
    """All live articles, one after the other: ids and similarities of those that share a band and are alike."""
    found = []
    for name, other in live.items():  # in the order in which they came
        jaccard = slow_jaccard(text, other)
        if (keys[text] == keys[other]).any() and jaccard >= THRESHOLD:
            found.append((name, jaccard))
    return sorted(found, key=lambda copy: -copy[1])


def told(found):
    return [(copy.article_id, copy.similarity) for copy in found]


@settings(max_examples=7, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # an index takes 32 MB
@given(st.integers(0, 2**32))
def test_copies_are_those_among_all_live_articles(seed):
    rng = random.Random(seed)
    texts, live = pool(rng), {}
    with open_index() as index:
        keys = dict(zip(texts, extract_features(texts, index._session.state.bands, 5).bands, strict=True))
        for _ in range(2):
            articles = [Article(str(name), rng.choice(texts)) for name in rng.sample(range(20), 10)]
            for article, added in zip(articles, index.add_many(articles), strict=True):
                if added.outcome != "unchanged":
                    live.pop(article.id, None)  # a later version comes last
                    live[article.id] = article.text
            for name in rng.sample(sorted(live), 2):
                assert index.remove(name)
                del live[name]
        for text in rng.sample(texts, 4):
            expected = slow_copies(live, text, keys)
            assert told(index.copies_of(text)) == told(index.copies_of(Article("new", text))) == expected
        for name in rng.sample(sorted(live), 2):
            others = [copy for copy in slow_copies(live, live[name], keys) if copy[0] != name]
            found = index.copies_of(article_id=name)
            assert told(found) == told(index.copies_of(Article(name, live[name]))) == others
            assert all(copy.story_id == index.story_id(copy.article_id) for copy in found)


@settings(max_examples=4, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 2**32))
def test_copies_are_those_that_a_batch_finds_against_old_articles(seed):
    rng = random.Random(seed)
    texts = pool(rng)
    old, new = texts[:12], [*texts[12:], "nothing like it"]
    batch = dedup.near_duplicates(new, against=old, threshold=THRESHOLD)
    with open_index() as index:
        index.add_many([Article(str(i), text) for i, text in enumerate(old)])
        for i, text in enumerate(new):
            own = batch.pairs[:, 0] == i
            pairs = zip(map(str, batch.pairs[own, 1].tolist()), batch.jaccard[own].tolist(), strict=True)
            found = index.copies_of(text)
            assert sorted(told(found)) == sorted(pairs)
            assert (int(found[0].article_id) if found else -1) == batch.original[i]


def test_the_first_is_the_one_that_the_article_becomes_a_copy_of_when_it_is_added():
    asked = 0
    with StoryIndex(":memory:") as index:
        for article in dedup.sample_articles("en")[:24]:
            found = index.copies_of(article)
            added = index.add(article)
            assert (
                (added.near_duplicate_of, added.similarity) == told(found)[0] if found else not added.near_duplicate_of
            )
            assert told(found) == told(index.copies_of(article_id=article.id))
            asked += bool(found)
    assert asked > 1


def test_a_text_that_came_often_has_all_its_copies_the_first_first():
    count = 70
    with open_index() as index:
        index.add_many([Article(str(i), f"{WIRE} {'again' * (i % 2)}") for i in range(count)])
        even, odd = ([str(i) for i in range(start, count, 2)] for start in (0, 1))
        found = index.copies_of(WIRE)
        assert [copy.article_id for copy in found] == even + odd
        assert {copy.similarity for copy in found[: len(even)]} == {1.0}
        assert [copy.article_id for copy in index.copies_of(article_id="1")] == odd[1:] + even


def test_how_surely_copies_are_found_is_what_recall_says():
    rng = random.Random(5)
    texts = [[f"w{rng.randrange(10**6)}" for _ in range(40)] for _ in range(100)]
    with open_index(recall=0.3) as index:
        index.add_many([Article(str(i), " ".join(words)) for i, words in enumerate(texts)])
        found, chances = [], []
        for i, words in enumerate(texts):
            edited = [*words[:20], "x", *words[21:], *("new" for _ in range(rng.randrange(9)))]
            own = index.copies_of(" ".join(edited))
            found.append([copy.article_id for copy in own] == [str(i)])
            jaccard = slow_jaccard(" ".join(words), " ".join(edited))
            assert jaccard >= THRESHOLD
            assert not own or own[0].similarity == jaccard
            chances.append(index._session.state.bands.retrieval_probability(jaccard))
    chances = np.array(chances)
    assert 0.5 < chances.mean() < 0.9
    assert abs(sum(found) - chances.sum()) < 3 * np.sqrt((chances * (1 - chances)).sum())


def test_not_all_are_compared_and_that_is_logged(monkeypatch, caplog):
    with open_index() as index:
        index.add_many([Article(str(i), f"{WIRE} {'again' * (i % 2)}") for i in range(6)])
        monkeypatch.setattr(copies, "_MOST_COMPARED", 4)
        assert [copy.article_id for copy in index.copies_of(WIRE)] == ["0", "2", "4", "1"]
        assert "shares bands with 6 others; it is compared with 4" in caplog.text
        monkeypatch.setattr(copies, "_MOST_ENTRIES", 1)
        assert [copy.article_id for copy in index.copies_of(WIRE)] == ["0"]
        assert len(caplog.records) == 2
        caplog.clear()
        assert index.copies_of("Something else happened in Paris") == ()
        assert not caplog.records


def test_what_belongs_to_the_site_is_set_aside_on_both_sides():
    page = "22.2 C\nParis\nmardi 12 septembre 2023\nKim est arrivé en Russie.\nLAISSER UN COMMENTAIRE"
    with StoryIndex(":memory:") as index:
        index.add_many([{"id": "page", "text": page}, {"id": "report", "text": "Kim est arrivé en Russie."}])
        for text in (page, "Kim est arrivé en Russie."):
            assert told(index.copies_of(text)) == [("page", 1.0), ("report", 1.0)]
        assert told(index.copies_of(article_id="page")) == [("report", 1.0)]


def test_texts_without_words_have_copies_and_blank_ones_have_none():
    with open_index() as index:
        index.add_many([Article("up", "👍"), Article("down", "👎"), Article("blank", ""), Article("c", "C++")])
        asked = {
            text: [copy.article_id for copy in index.copies_of(text)] for text in ("👍", "👎", "", " ", "C++", "C")
        }
        assert asked == {"👍": ["up"], "👎": ["down"], "": [], " ": [], "C++": ["c"], "C": []}
        assert index.copies_of(article_id="blank") == ()


def test_a_copy_is_as_similar_as_the_threshold_or_more():
    words = WIRE.split()
    texts = [" ".join(words[:8]), " ".join(words[:12]), " ".join(words[:13])]  # of 4, 8 and 9 shingles
    with open_index(recall=0.999) as index:
        index.add_many([Article(str(i), text) for i, text in enumerate(texts)])
        assert told(index.copies_of(texts[0])) == [("0", 1.0), ("1", 0.5)]


def test_an_empty_index_has_no_copies():
    with open_index() as index:
        assert index.copies_of(WIRE) == ()


def test_an_earlier_version_is_no_copy():
    page = {"url": URL, "source": "Wire"}
    with open_index() as index:
        index.add_many([{"id": "a", "text": WIRE, **page}, {"id": "other", "text": WIRE}])
        assert index.add({"id": "b", "text": f"{WIRE} again", **page}).replaces == "a"
        for name in ("a", "b"):  # "a" leads to "b"
            assert [copy.article_id for copy in index.copies_of({"id": name, "text": WIRE})] == ["other"]
            assert [copy.article_id for copy in index.copies_of(article_id=name)] == ["other"]
        assert [copy.article_id for copy in index.copies_of({"text": WIRE, **page})] == ["other", "b"]
        index.add({"text": WIRE, "url": "https://post.example/kim"})
        asked = {"text": WIRE, "url": "https://post.example/kim?utm_source=x"}
        assert [copy.article_id for copy in index.copies_of(asked)] == ["other", "b"]
        assert [copy.article_id for copy in index.copies_of(WIRE)] == ["other", "https://post.example/kim", "b"]


def test_an_article_or_an_id_that_is_there():
    with open_index() as index:
        index.add({"id": "a", "text": WIRE})
        for unknown in ("b", "\ud800", 5):
            with pytest.raises(KeyError, match="no article has the id"):
                index.copies_of(article_id=unknown)
        with pytest.raises(TypeError, match="got neither an article nor an article_id; allowed: one of the two"):
            index.copies_of()
        with pytest.raises(TypeError, match="got both an article and an article_id; allowed: one of the two"):
            index.copies_of(WIRE, article_id="a")
        with pytest.raises(ValueError, match=r"article 0 .*fields 'text' and 'title' are missing"):
            index.copies_of({"id": "x"})


def test_a_reader_answers_as_of_the_last_transaction(tmp_path):
    path = tmp_path / "index.db"
    with open_index(path) as index, open_index(path, read_only=True) as reader:
        for name in "abc":
            index.add({"id": name, "text": WIRE})
            assert reader.copies_of(WIRE) == index.copies_of(WIRE)
            assert len(reader.copies_of(WIRE)) == len(index)
        index.remove("a")
        assert [copy.article_id for copy in reader.copies_of(WIRE)] == ["b", "c"]
        assert [copy.article_id for copy in reader.copies_of(article_id="b")] == ["c"]
    with open_index(path) as index:
        assert [copy.article_id for copy in index.copies_of(WIRE)] == ["b", "c"]
