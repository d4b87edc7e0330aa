"""A list of strings gives what the same texts give as mappings, though no article is made of them beforehand."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.article import Article, read_articles
from dedup.article.texts import TextArticles, texts_alone

TEXTS = st.lists(
    st.sampled_from(["", "b", "a", "a\n", "A&amp;B", "<p>Kim</p>", "é", "\ud800", "京"]) | st.text(), max_size=8
)


@settings(deadline=None, max_examples=100)
@given(TEXTS.filter(bool))
def test_a_batch_of_texts_is_the_one_that_their_reader_makes(texts):
    found, expected = texts_alone(texts), read_articles(texts)
    assert list(found.articles) == [found.articles[i] for i in range(len(texts))] == list(expected.articles)
    assert found.articles.plain_texts(found.order) == [expected.articles[i].full_text for i in expected.order]
    rest = [
        (batch.order, batch.named, batch.refusals, list(batch.positions), batch.size) for batch in (found, expected)
    ]
    assert rest[0] == rest[1]


class Text(str):
    """A text with something of its own."""

    __slots__ = ()


@pytest.mark.parametrize(
    "articles", [[], ["a", 5], ["a", None], [Text("a")], iter(["a"]), "a", {"a": 1}, np.array(["a"])]
)
def test_all_else_is_left_to_the_reader(articles):
    assert texts_alone(articles) is None


def test_articles_are_taken_like_those_of_a_tuple():
    articles = TextArticles(["a", "b", "c"])
    assert articles[1:] == (Article("1", "b"), Article("2", "c"))
    assert articles[-1] == Article("2", "c")
    assert Article("1", "b") in articles
    assert list(pickle.loads(pickle.dumps(articles))) == list(articles)
    with pytest.raises(IndexError):
        articles[3]


def test_a_list_that_changes_later_changes_no_result():
    texts = ["Kim arrives in Russia by train", "kim arrives in Russia by train", "Nothing else"]
    found = dedup.near_duplicates(texts)
    texts.clear()
    assert found.articles[1].text == "kim arrives in Russia by train"
    assert found.pairs.tolist() == [[0, 1]]


@pytest.mark.parametrize("max_chars", [1_000_000, 30, 5])
def test_near_duplicates_of_texts_are_those_of_mappings(max_chars, caplog):
    wire = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train"
    texts = [f"<p>{wire}</p>", wire, f"{wire}!", "AT&amp;T", "AT&T", "", f"Today {wire}"]
    results = []
    for given_texts in (texts, tuple(texts), [{"text": text} for text in texts]):
        caplog.clear()
        found = dedup.near_duplicates(given_texts, max_chars=max_chars)
        figures = found.pairs.tolist(), found.jaccard.tolist(), found.labels.tolist(), found.token_counts.tolist()
        results.append((*figures, list(found.articles), caplog.messages))
    assert results[0] == results[1] == results[2]
