"""Memory on hostile text: at most so many times the text, and twice as much of it takes no more than twice as much."""

import json
import random
import sys
import tracemalloc

import numpy as np
import pytest

import dedup
from dedup import Article, StoryIndex, archive
from dedup.residue.find import find_residue
from dedup.residue.titles import MOST_SIZES, Openings
from dedup.story.features import count_features
from dedup.story.weighting import vectorize
from dedup.text.clusters import clusters_of
from dedup.text.tokens import tokenize

#: Bytes at most for each byte of the text in UTF-8, and what is there for any text: tables, and arrays of a part of it.
TIMES, TABLES = 40, 4 << 20

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
HAN = [chr(code) for code in range(0x4E00, 0x9000)]


def drawn(characters, count, joint=""):
    return joint.join(random.Random(1).choices(characters, k=count))


#: One text of about so many characters.
ATTACKS = {
    "an opening of phrases": lambda n: "/a" * (n // 2),
    "one letter": lambda n: "a " * (n // 2),
    "letters": lambda n: drawn(LETTERS, n // 2, " "),
    "capitals": lambda n: drawn([letter.upper() for letter in LETTERS], n // 2, " "),
    "words of three letters": lambda n: " ".join(
        drawn(LETTERS, n).replace("", " ")[k : k + 6].replace(" ", "") for k in range(0, 3 * n // 2, 6)
    ),
    "digits": lambda n: drawn("0123456789", n // 2, " "),
    "sentences of a letter": lambda n: "a." * (n // 2),
    "short lines": lambda n: drawn(LETTERS, n // 2, "\n"),
    "line feeds": lambda n: "\n" * n,
    "punctuation": lambda n: ".,;:!?()" * (n // 8),
    "dashes": lambda n: "—!?… " * (n // 5),
    "one word": lambda n: "x" * n,
    "one word of many letters": lambda n: drawn(LETTERS, n),
    "spaced letters": lambda n: "B E R L I N " * (n // 12),
    "Han": lambda n: drawn(HAN, n),
    "Han, repeated": lambda n: "金正恩" * (n // 3),
    "Thai": lambda n: "เยือน" * (n // 5),
    "a letter under marks": lambda n: "ก" + "ิ" * (n - 1),
    "Cyrillic letters": lambda n: "и " * (n // 2),
    "Serbian letters": lambda n: "ђ " * (n // 2),
    "emoji": lambda n: "🎉" * n,
    "NULs": lambda n: "\0" * n,
    "letters and NULs": lambda n: "a\0" * (n // 2),
    "an accent on an accent": lambda n: "a" + "\u0301" * (n - 1),
    "accents": lambda n: "e\u0301 " * (n // 3),
    "soft hyphens": lambda n: "a\u00ad" * (n // 2),
    "broken lines": lambda n: "a-\n" * (n // 3),
    "surrogates": lambda n: "\ud83d\ude00" * (n // 2),
    "links": lambda n: "@a " * (n // 3),
    "addresses": lambda n: "www." + "a." * (n // 2),
    "known phrases": lambda n: "Share\n" * (n // 6),
}


def cluster(articles):
    dedup.cluster(articles, n_jobs=1)


def near_duplicates(articles):
    dedup.near_duplicates(articles, n_jobs=1)


def explain(articles):
    if len(articles) > 1:
        dedup.explain(*articles[:2])
        return
    text = articles[0].text
    half = len(text) // 2
    dedup.explain(Article("a", text[:half]), Article("b", text[half:]))


class Index:
    """Adds to an index, which is there before."""

    def __init__(self):
        self.index = StoryIndex(":memory:")

    def __call__(self, articles):
        self.index.add_many(articles)


DOORS = {
    "cluster": lambda: cluster,
    "near_duplicates": lambda: near_duplicates,
    "explain": lambda: explain,
    "index": Index,
}

#: Of all attacks those that once took most, which run always.
OFTEN = [
    ("cluster", "an opening of phrases"),
    ("cluster", "short lines"),
    ("near_duplicates", "punctuation"),
    ("near_duplicates", "an accent on an accent"),
    ("explain", "letters"),
    ("index", "one letter"),
]
SELDOM = [(door, attack) for door in DOORS for attack in ATTACKS if (door, attack) not in OFTEN]


def peak(work, articles):
    """Bytes that work on articles holds at once beyond what there was, and those of the articles."""
    size = sum(
        len(part.encode("utf-8", "surrogatepass")) for article in articles for part in (article.text, article.title)
    )
    tracemalloc.start()
    try:
        work(articles)
        return tracemalloc.get_traced_memory()[1], size
    finally:
        tracemalloc.stop()


def check(work, articles_of, n):
    """Twice the text takes twice the memory at most, which is bounded."""
    work(articles_of(2_000))  # what is made once is made
    (small, small_size), (large, large_size) = (peak(work, articles_of(size)) for size in (n // 2, n))
    assert small <= TIMES * small_size + TABLES
    assert large <= TIMES * large_size + TABLES
    assert large - small <= 1.1 * TIMES * (large_size - small_size)
    return large / large_size


def check_text(door, attack, n):
    check(DOORS[door](), lambda size: [Article("a", ATTACKS[attack](size))], n)


@pytest.mark.parametrize(("door", "attack"), OFTEN)
def test_memory_is_bounded(door, attack):
    check_text(door, attack, 200_000)


@pytest.mark.soak
@pytest.mark.parametrize(("door", "attack"), SELDOM)
def test_memory_is_bounded_for_any_text(door, attack):
    check_text(door, attack, 600_000)


# Many articles

#: Bytes that an article takes however short it is: itself, its story and a row in each table.
AN_ARTICLE = 4_000

MANY = {
    "titles of many lengths that open alike": lambda n: (
        [Article(f"{i}", "", "a " * (4 + i), source="s") for i in range(int(n**0.5))]
        + [Article("a", "a " * (n // 4), source="s")]
    ),
    "titles that open alike": lambda n: [Article(f"{i}", "", f"a b c d {i}", source="s") for i in range(n // 14)],
    "texts of all lengths": lambda n: [Article(f"{i}", "a " * i, source="s") for i in range(1, int(n**0.5))],
    "texts of letters": lambda n: [
        Article(f"{i}", drawn(LETTERS, 5_000, " ")[i:], source="s") for i in range(n // 9_999)
    ],
    "one template": lambda n: [Article(f"{i}", f"a b c d e f g h {i}", source="s") for i in range(n // 20)],
}


@pytest.mark.soak
@pytest.mark.parametrize("door", ["cluster", "near_duplicates", "index"])
@pytest.mark.parametrize("attack", MANY)
def test_memory_is_bounded_for_many_articles(door, attack):
    work = DOORS[door]()
    for n in (50_000, 200_000):
        articles = [Article(f"{n}-{a.id}", a.text, a.title, source=a.source) for a in MANY[attack](n)]
        taken, size = peak(work, articles)
        assert taken <= TIMES * size + TABLES + AN_ARTICLE * len(articles)


@pytest.mark.soak
@pytest.mark.parametrize("attack", ["an opening of phrases", "short lines", "Han", "words of three letters"])
def test_memory_of_an_archive_is_bounded(tmp_path, attack):
    def work(articles):
        folder = tmp_path / f"{len(articles[0].text)}"
        folder.mkdir(exist_ok=True)
        row = {"id": "a", "text": articles[0].text}
        (folder / "articles.jsonl").write_text(json.dumps(row), "utf-8")
        archive.cluster([folder / "articles.jsonl"], folder / f"{len(list(folder.iterdir()))}", n_jobs=1)

    check(work, lambda n: [Article("a", ATTACKS[attack](n))], 600_000)


# Part by part

TEXTS = [
    *(article.text[:1_500] for language in ("fr", "zh") for article in dedup.sample_articles(language)[:4]),
    "Share\nกขคเยือน 金正恩が B E R L I N\nVer-\nhandlung 12 mai 2023\n\nLIRE AUSSI a b c d e f — C++ e\u0301ﷺ",
    "a b c d e f g a b c d e f g " * 3,
    "...",
    "",
]


def everything_of(texts):
    """What is found of texts, in every way that goes part by part."""
    titles = [text[:40] for text in texts]
    pages = [f"{text}\nFollow us on many sites today\n{titles[i - 1]}" for i, text in enumerate(texts)]
    counts = count_features(texts, 1, languages=[None] * len(texts))
    vectors, vocabulary = vectorize(counts, 1)
    stories = dedup.cluster(
        [Article(f"{i}", page, title) for i, (page, title) in enumerate(zip(pages, titles, strict=True))]
    )
    found = (
        dedup.explain(texts[0], f"{texts[1]} {texts[0][300:900]} {texts[8]}"),
        dedup.explain(texts[4], texts[5] + texts[4][100:400]),
    )
    arrays = [*counts.keys, *counts.counts, *counts.offsets, *vectors.data, *vectors.indices, *vocabulary.frequencies]
    arrays += [*tokenize(texts).hashes, *clusters_of(tokenize(texts)).hashes, *stories.labels, *stories.membership]
    residue = find_residue(pages, None, titles, n_jobs=1)
    return [float(value) for value in arrays], residue, [(each.terms, each.passages, each.jaccard) for each in found]


def test_what_is_found_does_not_depend_on_the_parts(monkeypatch):
    whole = everything_of(TEXTS)
    assert any(whole[1])
    assert all(found[0] and found[1] for found in whole[2])
    modules = [module for name, module in sys.modules.items() if name.startswith("dedup.") and hasattr(module, "PART")]
    assert len(modules) > 8
    for module in modules:
        monkeypatch.setattr(module, "PART", 7)
    assert everything_of(TEXTS) == whole


# Titles that open alike


def test_of_each_opening_the_least_sizes_are_kept():
    rng = np.random.default_rng(3)
    keys, sizes = rng.integers(0, 5, 4_000).astype(np.uint64), rng.integers(4, 200, 4_000)
    openings = Openings(keys, sizes)
    last, count = openings.sizes_of(np.arange(7, dtype=np.uint64))
    for key in range(7):
        found = openings.sizes[int(last[key]) - int(count[key]) + 1 : int(last[key]) + 1].tolist() if count[key] else []
        assert found == sorted({int(size) for size in sizes[keys == key]})[:MOST_SIZES]


def test_no_openings_are_found_in_nothing():
    none = np.empty(0, dtype=np.uint64)
    assert Openings(none, none.astype(np.int64)).sizes_of(np.arange(3, dtype=np.uint64))[1].tolist() == [0, 0, 0]
