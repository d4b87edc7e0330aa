"""Versions of one page: which articles are some, and which of them stands for the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.article import Article
from dedup.near.pages import (
    LEAST_RELATED,
    LEAST_SHARED,
    are_repeated,
    copy_groups,
    headline_keys,
    latest_of_articles,
    latest_versions,
    page_keys,
)

KHASAN = "The green train of Kim Jong Un crossed the border at Khasan on Tuesday morning"
ECB = "In Frankfurt, rates went up again by a quarter of a point, to the surprise of few economists"
RAIN = "Ferries between both islands remain in port while heavy rain and wind last"


def keys(values):
    return np.array(values, dtype=np.uint64)


def latest_of(texts, pages=None, headlines=None, labels=None, days=None):
    n = len(texts)
    days = np.arange(n, dtype=np.float64) if days is None else np.array(days, dtype=np.float64)
    labels = np.arange(n) if labels is None else np.array(labels)
    pages, headlines = keys(pages or [1] * n), keys(headlines or range(1, n + 1))
    return latest_versions(texts, labels, pages, headlines, days, "unidecode").tolist()


def test_versions_that_share_words_are_one_article():
    assert latest_of([KHASAN, f"{KHASAN}, and went on to the north", ECB], pages=[1, 1, 2]) == [1, 1, 2]


def test_a_tenth_of_the_word_pairs_of_the_smaller_text_is_enough():
    words = [f"word{i}" for i in range(21)]
    few, less = [*words[:3], *map(str, range(18))], [*words[:2], *map(str, range(19))]
    assert LEAST_SHARED == 2 / 20
    assert latest_of([" ".join(words), " ".join(few)]) == [1, 1]
    assert latest_of([" ".join(words), " ".join(less)]) == [0, 1]


def test_one_headline_is_enough():
    assert latest_of([KHASAN, ECB], headlines=[5, 5]) == [1, 1]


def test_what_has_nothing_in_common_is_not_one_article():
    assert latest_of([KHASAN, ECB]) == [0, 1]
    assert latest_of([KHASAN, ECB, RAIN, KHASAN, ECB], labels=[0, 1, 2, 0, 1]) == [0, 1, 2, 3, 4]


def test_copies_are_versions_without_a_look():
    assert latest_of(["?", "!"], labels=[0, 0]) == [1, 1]


def test_copies_of_a_section_do_not_make_it_a_page():
    """Of a section that is read every hour, most articles are copies of the one before."""
    assert latest_of([KHASAN, KHASAN, KHASAN, ECB, ECB, ECB], labels=[0, 0, 0, 1, 1, 1]) == [0, 1, 2, 3, 4, 5]


def test_half_of_the_versions_decide_for_the_page():
    assert LEAST_RELATED == 1 / 2
    longer = f"{KHASAN}, and went on to the north"
    assert latest_of([KHASAN, longer, ECB]) == [2, 2, 2]
    assert latest_of([KHASAN, longer, ECB, RAIN]) == [0, 1, 2, 3]


def test_a_dated_version_is_later_than_one_without_a_date():
    assert latest_of([KHASAN] * 3, labels=[0, 0, 0], days=[1, 2, np.nan]) == [1, 1, 1]
    assert latest_of([KHASAN] * 3, labels=[0, 0, 0], days=[np.nan] * 3) == [2, 2, 2]


def test_an_article_without_a_page_is_alone():
    assert latest_of([KHASAN] * 3, pages=[0, 0, 0], labels=[0, 0, 0]) == [0, 1, 2]
    assert are_repeated(keys([0, 0, 7, 8, 8])).tolist() == [False, False, False, True, True]


def test_nothing_has_no_versions():
    assert latest_of([]) == []
    labels, canonical, latest = copy_groups(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    assert [labels.tolist(), canonical.tolist(), latest.tolist()] == [[], [], []]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (
            {"source": "A", "url": "http://a.example/x"},
            {"source": "A", "url": "https://www.a.example/x/?fbclid=1"},
            True,
        ),
        ({"source": "A", "url": "http://a.example/x"}, {"source": "B", "url": "http://a.example/x"}, False),
        ({"source": None, "url": "http://a.example/x"}, {"source": "", "url": "//a.example/x"}, True),
        ({"source": "A", "url": "http://a.example/x"}, {"source": "A", "url": "http://a.example/X"}, False),
        ({"source": "A\nhttps://a.example", "url": "//x/y"}, {"source": "A", "url": "//x/y"}, False),
    ],
)
def test_keys_of_pages(one, other, same):
    first, second = page_keys([Article("a", "", **one), Article("b", "", **other)]).tolist()
    assert first > 0
    assert (first == second) == same


@pytest.mark.parametrize("url", [None, "", "kim", "https://", "https://a.example/", "urn:isbn:1"])
def test_no_page(url):
    assert page_keys([Article("a", "", source="A", url=url)]).tolist() == [0]


def test_keys_of_headlines_are_those_of_what_is_shown():
    texts = [Article("a", "Kim\nmore", "Putin"), Article("b", "Putin\nless"), Article("c", "Kim\nmore")]
    first, second, third = headline_keys(texts).tolist()
    assert first == second != third
    assert headline_keys([Article("a", "\ud800")]).tolist()[0] > 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), max_size=12))
def test_groups_are_what_copies_and_versions_connect(rows):
    """Against a search from each article: versions are of one headline here."""
    n, labels = len(rows), np.array([row[0] for row in rows], dtype=np.int64)
    labels = np.unique(labels, return_index=True, return_inverse=True)[2] if n else labels
    pages, days = [row[1] for row in rows], sorted([float(row[2]) if row[2] else np.nan for row in rows])
    latest = latest_versions([""] * n, labels, keys(pages), keys([1] * n), np.array(days), "unidecode").tolist()
    for i in range(n):
        versions = [j for j in range(n) if pages[j] == pages[i] > 0] or [i]
        dated = [j for j in versions if not np.isnan(days[j])]
        assert latest[i] == (dated or versions)[-1]
    groups = copy_groups(labels, np.array(latest, dtype=np.int64))
    for i in range(n):
        seen, left = {i}, [i]
        while left:
            one = left.pop()
            new = {j for j in range(n) if labels[j] == labels[one] or pages[j] == pages[one] > 0} - seen
            seen, left = seen | new, left + sorted(new)
        assert {j for j in range(n) if groups.labels[j] == groups.labels[i]} == seen
        assert groups.canonical[groups.labels[i]] == latest[min(seen)]
    assert groups.canonical.tolist() == sorted(set(groups.canonical.tolist()))


def test_articles_are_compared_by_what_is_read_of_them():
    both = [Article(name, "", name, source="A", url="https://a.example/x") for name in "ab"]
    assert latest_of_articles(both, [KHASAN, KHASAN.upper()], np.arange(2), "unidecode").tolist() == [1, 1]
    assert latest_of_articles(both, [KHASAN, ECB], np.arange(2), "unidecode").tolist() == [0, 1]
