"""A large labelled corpus: six labelled sets of real news, repeated in parallel worlds with other words.

World 0 has the texts of the sets. Every further world has all of them again with other
words: vowels become other vowels and consonants other consonants, in the same way wherever a word occurs in that world.
Its reports of an event are as similar to each other as the originals, while reports of different worlds share no names.
Which words change:

common    the most frequent words, 40 % of the running words of their set, stay in every world
rare      words in at most 2 % of the articles of their set, or in at most 2 % of its stories (a story of forty reports
          makes its names frequent), change in every world
middling  the others stay in a fifth of the worlds, drawn for each word; if they all stayed, a story would share most of
          its words with its likeness in another world, and the two would be one story by any measure

Numbers and single letters stay.

The first report of a story falls anywhere in the window of days. The others keep their distance from it, at most the
length of the window, so that a few come after the end of the window. Where the set has no dates, a report comes an
exponential delay of mean 1 day after the start of its story, and a tenth of the reports stay without a date. Articles
come in the order of publication.

The texts are other people's: the corpus belongs in a temporary folder.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator, default_rng

from benchmarks.corpora.labelled import SETS, Article, Labels, load, numbered

START = datetime(2026, 1, 1, tzinfo=UTC)
RARE = 0.02  # share of the articles or of the stories of a set
COMMON = 0.4  # share of the running words of a set
KEPT = 0.2  # share of the worlds that keep a middling word
SHORTEST = 2  # a single letter has too few others to become
UNDATED = 0.1  # share of the articles without a date that stay so
TRIES = 40  # substitutions of a world, for words that earlier substitutions make the same as another word
VOWELS, CONSONANTS = "aeiouy", "bcdfghjklmnpqrstvwxz"

Words = dict[str, str]
Row = tuple[float, Article, int]  # day of publication, article, story

_WORDS = re.compile(r"(\w+)")


class Set(NamedTuple):
    """A labelled set, split into words once for all worlds."""

    name: str
    articles: list[Article]
    titles: list[list[str]]  # separators and words in turn
    texts: list[list[str]]
    gaps: list[float | None]  # days from the first report of its story; None without a date
    gold: Labels
    written: set[str]  # every word as it is written
    rare: frozenset[str]  # in lower case
    middling: frozenset[str]  # in lower case


# The sets


def split(folder: str | Path, name: str) -> Set:
    articles, gold = load(folder, name)
    titles = [_WORDS.split(article["title"]) for article in articles]
    texts = [_WORDS.split(article["text"]) for article in articles]
    found = [title[1::2] + text[1::2] for title, text in zip(titles, texts, strict=True)]
    gaps = days_after_first([moment(article["published"]) for article in articles], gold)
    written = {word for words in found for word in words}
    return Set(name, articles, titles, texts, gaps, gold, written, *rare_and_middling(found, gold))


def rare_and_middling(written: Sequence[Sequence[str]], gold: Labels) -> tuple[frozenset[str], frozenset[str]]:
    """The rare and the middling words of a set, of those that can be renamed, given the words of each article."""
    running = Counter(word.lower() for words in written for word in words)
    articles = [{word.lower() for word in words} for words in written]
    stories: list[set[str]] = [set() for _ in range(int(gold.max()) + 1)]
    for words, story in zip(articles, gold.tolist(), strict=True):
        stories[story] |= words
    by_article, by_story = (Counter(word for words in groups for word in words) for groups in (articles, stories))
    few_articles, few_stories = max(2.0, RARE * len(articles)), max(2.0, RARE * len(stories))
    able = {word for word in by_article if sum(map(str.isalpha, word)) >= SHORTEST}
    rare = {word for word in able if by_article[word] <= few_articles or by_story[word] <= few_stories}
    ranked = sorted(running, key=lambda word: (-running[word], word))
    upto = np.cumsum([running[word] for word in ranked])
    common = set(ranked[: int(np.searchsorted(upto, COMMON * running.total()))])
    return frozenset(rare - common), frozenset(able - rare - common)


def moment(published: str | None) -> datetime | None:
    """A publication time, in UTC where it names no zone."""
    if published is None:
        return None
    found = datetime.fromisoformat(published)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def days_after_first(moments: Sequence[datetime | None], gold: Labels) -> list[float | None]:
    first: dict[int, datetime] = {}
    for when, story in zip(moments, gold.tolist(), strict=True):
        if when:
            first[story] = min(when, first.get(story, when))
    return [
        (when - first[story]) / timedelta(days=1) if when else None
        for when, story in zip(moments, gold.tolist(), strict=True)
    ]


# Other words


def substitution(rng: Generator, alphabet: Iterable[str]) -> dict[int, str]:
    """A letter for each letter, a vowel for a vowel and a consonant for a consonant, with the same accents."""
    plain = {
        before: str(after)
        for letters in (VOWELS, CONSONANTS)
        for before, after in zip(letters, rng.permutation(list(letters)), strict=True)
    }
    return {ord(letter): accented(plain, letter) for letter in alphabet}


def accented(plain: Words, letter: str) -> str:
    """The substitute of a letter, with as many of its accents as make one letter: a mark alone would end the word."""
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if base not in plain:
        return letter
    while len(found := unicodedata.normalize("NFC", plain[base] + "".join(marks))) > 1:
        del marks[0]  # the one next to the letter; the tone of a Vietnamese vowel comes last
    return found


def renamed(words: Iterable[str], known: frozenset[str], seed: Sequence[int]) -> Words:
    """Another word for each: no two the same, and none of them known."""
    rng = default_rng(seed)
    ordered = sorted(words)
    alphabet = sorted({letter for word in ordered for letter in word})
    tables = [substitution(rng, alphabet) for _ in range(TRIES)]
    found: Words = {}
    taken: set[str] = set()
    for word in ordered:
        for table in tables:
            other = word.translate(table)
            if other not in taken and other not in known:
                found[word] = other
                taken.add(other)
                break
    return found  # a word that no table can rename stays as it is


def spelt_like(word: str, other: str) -> str:
    """A word with the capitals of another."""
    if word.islower():
        return other
    if len(other) != len(word):
        return other.capitalize()
    return "".join(b.upper() if a.isupper() else b for a, b in zip(word, other, strict=True))


# Worlds


def worlds(folder: str | Path, n: int, days: float = 30, seed: int = 0) -> tuple[list[Article], Labels]:
    """`n` articles in order of publication, and the story of each.

    As many whole worlds as there is room for, then stories of the next in random order; at most one story is cut.
    """
    sets = [split(folder, name) for name in SETS]
    known = frozenset(word.lower() for own in sets for word in own.written)
    everything = frozenset().union(*(own.rare | own.middling for own in sets))
    rows: list[Row] = []
    first_story = 0
    for world in count():
        if len(rows) >= n:
            break
        other = renamed(everything, known, (seed, world)) if world else {}
        made: list[Row] = []
        for own in sets:
            rng = default_rng((seed, world, SETS.index(own.name)))
            spelling = spellings(own, other, rng)
            stories = (own.gold + first_story).tolist()
            made += zip(days_of(own, days, rng), rewritten(own, world, spelling), stories, strict=True)
            first_story += int(own.gold.max()) + 1
        rows += made if len(rows) + len(made) <= n else cut(made, n - len(rows), default_rng((seed, world, len(SETS))))
    rng = default_rng((seed, len(rows)))
    rows.sort(key=lambda row: row[0])
    for (day, article, _), draw in zip(rows, rng.random(len(rows)).tolist(), strict=True):
        # An undated article has a day all the same, for its place among the others.
        dated = article.pop("dated") or draw >= UNDATED
        article["published"] = (START + timedelta(days=day)).isoformat(timespec="seconds") if dated else None
    return [article for _, article, _ in rows], numbered(np.array([story for *_, story in rows], dtype=np.int64))


def spellings(own: Set, other: Words, rng: Generator) -> Words:
    """The word that a world has for each word of a set that changes, both as they are written."""
    middling = sorted(own.middling)
    draws = rng.random(len(middling)).tolist()
    changed = own.rare | {word for word, draw in zip(middling, draws, strict=True) if draw >= KEPT}
    return {
        word: spelt_like(word, other[word.lower()])
        for word in own.written
        if word.lower() in changed and word.lower() in other
    }


def rewritten(own: Set, world: int, spelling: Words) -> Iterator[Article]:
    """The articles of a set in a world."""
    for i, (article, title, text) in enumerate(zip(own.articles, own.titles, own.texts, strict=True)):
        yield article | {
            "id": f"{world}-{own.name}-{i}",
            "title": "".join([spelling.get(word, word) for word in title]),
            "text": "".join([spelling.get(word, word) for word in text]),
            "url": in_world(article["url"], world) if article["url"] else None,
            "dated": own.gaps[i] is not None,
        }


def in_world(url: str, world: int) -> str:
    """The URL of a page of its own in each world: a fragment alone would leave it the same page."""
    return f"{url}{'&' if '?' in url else '?'}world={world}"


def days_of(own: Set, days: float, rng: Generator) -> list[float]:
    """When each article of a set is published in a world, in days from the start of the window."""
    starts = rng.uniform(0, days, int(own.gold.max()) + 1)
    delays = rng.exponential(1.0, len(own.gold))
    gaps = [delay if gap is None else gap for gap, delay in zip(own.gaps, delays.tolist(), strict=True)]
    return [float(day) for day in starts[own.gold] + np.minimum(gaps, days)]


def cut(rows: Sequence[Row], n: int, rng: Generator) -> list[Row]:
    """`n` of the articles of a world: whole stories in random order, and a part of one where nothing else fits."""
    stories: dict[int, list[Row]] = {}
    for row in rows:
        stories.setdefault(row[2], []).append(row)
    kept: list[Row] = []
    left_out: list[Row] = []
    in_turn = list(stories.values())
    for i in rng.permutation(len(in_turn)).tolist():
        story = in_turn[i]
        (kept if len(kept) + len(story) <= n else left_out).extend(story)
    return kept + left_out[: n - len(kept)]


def kinds(articles: Iterable[Article]) -> list[tuple[str, str]]:
    """World and set of each article."""
    parts = (article["id"].split("-") for article in articles)
    return [(world, name) for world, name, _ in parts]
