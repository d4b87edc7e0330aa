"""A large labelled corpus: six labelled sets of real news, told again in parallel worlds.

python benchmarks/worlds.py DATA [N]

DATA holds the six sets as `*.jsonl.gz`. World 0 has their texts. Every further world has all of them again with other
words: vowels become other vowels and consonants other consonants, the same way wherever a word occurs in that world, so
that its reports of an event match each other as they did while those of different worlds share no names. Which words:

common    the most frequent ones that make up 40 % of the running words of their set stay in every world
rare      those that at most 2 % of the articles of their set have, or 2 % of its stories (a story of forty reports
          makes its names frequent), change in every world
middling  the others stay in a fifth of the worlds, drawn for each; if they all stayed, a story and its likeness in
          another world would have most words in common, and be one story by any measure

Numbers and single letters stay.

The first report of a story falls anywhere in the window of days, and the others keep their distance from it, at most
the length of the window: a few come after its end. Where the set has no dates, a report comes an exponential delay of
mean 1 day after the start of its story, and a tenth stay without a date. Articles come in the order of publication.

The texts are other people's: the corpus belongs into a temporary folder. Called as a script, it prints what it is like.
"""

import argparse
import gzip
import json
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

SETS = "basil", "ecb", "vi", "allsides", "og_fra", "og_deu"
START = datetime(2026, 1, 1, tzinfo=UTC)
RARE = 0.02  # share of the articles or of the stories of a set
COMMON = 0.4  # share of the running words of a set
KEPT = 0.2  # share of the worlds that keep a middling word
SHORTEST = 2  # a single letter has too few others to become
UNDATED = 0.1  # share of the articles without a date that stay so
TRIES = 40  # substitutions of a world for words that would meet another under the ones before
VOWELS, CONSONANTS = "aeiouy", "bcdfghjklmnpqrstvwxz"

Article = dict[str, Any]
Labels = NDArray[np.int64]
Words = dict[str, str]

_WORDS = re.compile(r"(\w+)")


class Set(NamedTuple):
    """A labelled set, taken apart once for all worlds."""

    name: str
    articles: list[Article]
    titles: list[list[str]]  # separators and words in turn
    texts: list[list[str]]
    gaps: list[float | None]  # days from the first report of its story; None without a date
    gold: Labels
    rare: frozenset[str]  # in lower case, as those that follow
    middling: frozenset[str]


# The sets


def load(folder: Path, name: str) -> tuple[list[Article], Labels]:
    """Articles of a set and the story of each, with ids that do not repeat from set to set."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    articles = [
        {
            "id": f"{name}-{i}",
            "title": row["title"] or "",
            "text": row["text"] or "",
            "published": row["date"],
            "source": row["source"],
            "url": row["url"],
            "language": row["lang"],
        }
        for i, row in enumerate(rows)
    ]
    return articles, numbered([str(row["cluster_id"]) for row in rows])


def as_they_are(folder: str | Path) -> tuple[list[Article], Labels]:
    """The six sets together, with their own texts and dates; ids like those of world 0."""
    articles, parts, stories = [], [], 0
    for name in SETS:
        found, gold = load(Path(folder), name)
        articles += [article | {"id": f"0-{article['id']}"} for article in found]
        parts.append(gold + stories)
        stories += int(gold.max()) + 1
    return articles, np.concatenate(parts)


def numbered(labels: Sequence[str] | Labels) -> Labels:
    return np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int64)


def taken_apart(folder: Path, name: str) -> Set:
    articles, gold = load(folder, name)
    titles = [_WORDS.split(article["title"]) for article in articles]
    texts = [_WORDS.split(article["text"]) for article in articles]
    words = [{word.lower() for word in title[1::2] + text[1::2]} for title, text in zip(titles, texts, strict=True)]
    gaps = days_after_first([moment(article["published"]) for article in articles], gold)
    running = Counter(word.lower() for found in (*titles, *texts) for word in found[1::2])
    return Set(name, articles, titles, texts, gaps, gold, *classes(words, running, gold))


def classes(words: Sequence[set[str]], running: Counter[str], gold: Labels) -> tuple[frozenset[str], frozenset[str]]:
    """The rare and the middling words of a set, of those that can be renamed."""
    stories: list[set[str]] = [set() for _ in range(int(gold.max()) + 1)]
    for found, story in zip(words, gold.tolist(), strict=True):
        stories[story] |= found
    by_article, by_story = (Counter(word for found in groups for word in found) for groups in (words, stories))
    articles, told = max(2.0, RARE * len(words)), max(2.0, RARE * len(stories))
    able = {word for word in by_article if sum(map(str.isalpha, word)) >= SHORTEST}
    rare = {word for word in able if by_article[word] <= articles or by_story[word] <= told}
    ranked = sorted(running, key=lambda word: (-running[word], word))
    upto = np.cumsum([running[word] for word in ranked])
    common = set(ranked[: int(np.searchsorted(upto, COMMON * running.total()))])
    return frozenset(rare - common), frozenset(able - rare - common)


def moment(published: str | None) -> datetime | None:
    """A publication time; a few of the Vietnamese set are like 5/11/2013 9:15."""
    if published is None:
        return None
    try:
        found = datetime.fromisoformat(published)
    except ValueError:
        found = datetime.strptime(published, "%d/%m/%Y %H:%M").replace(tzinfo=UTC)
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
    """A letter for each, a vowel for a vowel and a consonant for a consonant, with its accents where there is one."""
    plain = {
        before: str(after)
        for letters in (VOWELS, CONSONANTS)
        for before, after in zip(letters, rng.permutation(list(letters)), strict=True)
    }
    return {ord(letter): accented(plain, letter) for letter in alphabet}


def accented(plain: Words, letter: str) -> str:
    """Its substitute under as many of its accents as make one letter: a mark alone would end the word."""
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if base not in plain:
        return letter
    while len(found := unicodedata.normalize("NFC", plain[base] + "".join(marks))) > 1:
        del marks[0]  # the one next to the letter; the tone of a Vietnamese vowel comes last
    return found


def renamed(rare: Iterable[str], known: frozenset[str], seed: Sequence[int]) -> Words:
    """Another word for each rare one: no two the same, and none of them known."""
    rng = default_rng(seed)
    words = sorted(rare)
    alphabet = sorted({letter for word in words for letter in word})
    tables = [substitution(rng, alphabet) for _ in range(TRIES)]
    found: Words = {}
    taken: set[str] = set()
    for word in words:
        for table in tables:
            other = word.translate(table)
            if other not in taken and other not in known:
                found[word] = other
                taken.add(other)
                break
    return found  # one that meets others whatever is tried stays as it is, which is a known word and so meets none


def spelt_like(word: str, other: str) -> str:
    """A word with the capitals of another."""
    if word.islower():
        return other
    if len(other) != len(word):
        return other.capitalize()
    return "".join(b.upper() if a.isupper() else b for a, b in zip(word, other, strict=True))


def surfaces(parts: Set) -> set[str]:
    """Every word of a set as it is written."""
    return {word for found in (*parts.titles, *parts.texts) for word in found[1::2]}


# Worlds


def worlds(folder: str | Path, n: int, days: float = 30, seed: int = 0) -> tuple[list[Article], Labels]:
    """`n` articles in order of publication, and the story of each.

    As many whole worlds as there is room for, then stories of the next in random order; at most one of them is cut.
    """
    sets = [taken_apart(Path(folder), name) for name in SETS]
    written = [surfaces(parts) for parts in sets]
    known = frozenset(word.lower() for words in written for word in words)
    everything = frozenset().union(*(parts.rare | parts.middling for parts in sets))
    rows: list[tuple[float, Article, int]] = []
    first_story = 0
    for world in count():
        if len(rows) >= n:
            break
        other = renamed(everything, known, (seed, world)) if world else {}
        told: list[tuple[float, Article, int]] = []
        for parts, words in zip(sets, written, strict=True):
            rng = default_rng((seed, world, SETS.index(parts.name)))
            middling = sorted(parts.middling)
            draws = rng.random(len(middling))
            gone = parts.rare | {word for word, draw in zip(middling, draws.tolist(), strict=True) if draw >= KEPT}
            spelling = {
                word: spelt_like(word, other[word.lower()])
                for word in words
                if word.lower() in gone and word.lower() in other
            }
            told += zip(
                days_of(parts, days, rng),
                retold(parts, world, spelling),
                (parts.gold + first_story).tolist(),
                strict=True,
            )
            first_story += int(parts.gold.max()) + 1
        rows += told if len(rows) + len(told) <= n else cut(told, n - len(rows), default_rng((seed, world, len(SETS))))
    rng = default_rng((seed, len(rows)))
    rows.sort(key=lambda row: row[0])
    for (day, article, _), draw in zip(rows, rng.random(len(rows)).tolist(), strict=True):
        # Undated ones have a day all the same, for their place among the others.
        dated = article.pop("dated") or draw >= UNDATED
        article["published"] = (START + timedelta(days=day)).isoformat(timespec="seconds") if dated else None
    return [article for _, article, _ in rows], numbered(np.array([story for *_, story in rows], dtype=np.int64))


def retold(parts: Set, world: int, spelling: Words) -> Iterator[Article]:
    """The articles of a set in a world."""
    for i, (article, title, text) in enumerate(zip(parts.articles, parts.titles, parts.texts, strict=True)):
        yield article | {
            "id": f"{world}-{parts.name}-{i}",
            "title": "".join([spelling.get(word, word) for word in title]),
            "text": "".join([spelling.get(word, word) for word in text]),
            "url": f"{article['url']}#{world}" if article["url"] else None,
            "dated": parts.gaps[i] is not None,
        }


def days_of(parts: Set, days: float, rng: Generator) -> list[float]:
    """When each article of a set is published in a world, in days from the start of the window."""
    starts = rng.uniform(0, days, int(parts.gold.max()) + 1)
    delays = rng.exponential(1.0, len(parts.gold))
    gaps = [delay if gap is None else gap for gap, delay in zip(parts.gaps, delays.tolist(), strict=True)]
    return [float(day) for day in starts[parts.gold] + np.minimum(gaps, days)]


def cut(told: Sequence[tuple[float, Article, int]], n: int, rng: Generator) -> list[tuple[float, Article, int]]:
    """`n` of the articles of a world: whole stories in random order, and a part of one where nothing else fits."""
    stories: dict[int, list[tuple[float, Article, int]]] = {}
    for row in told:
        stories.setdefault(row[2], []).append(row)
    kept: list[tuple[float, Article, int]] = []
    left_out: list[tuple[float, Article, int]] = []
    in_turn = list(stories.values())
    for i in rng.permutation(len(in_turn)).tolist():
        story = in_turn[i]
        (kept if len(kept) + len(story) <= n else left_out).extend(story)
    return kept + left_out[: n - len(kept)]


# Files


def write(path: str | Path, articles: Iterable[Article], gold: Labels) -> None:
    """An article a line, with its story."""
    with open(path, "w", encoding="utf-8") as file:
        told = zip(articles, gold.tolist(), strict=True)
        file.writelines(json.dumps(article | {"story": story}, ensure_ascii=False) + "\n" for article, story in told)


def read(path: str | Path) -> tuple[list[Article], Labels]:
    with open(path, encoding="utf-8") as lines:
        articles = [json.loads(line) for line in lines]
    return articles, np.array([article.pop("story") for article in articles], dtype=np.int64)


def kinds(articles: Iterable[Article]) -> list[tuple[str, str]]:
    """World and set of each article."""
    parts = (article["id"].split("-") for article in articles)
    return [(world, name) for world, name, _ in parts]


# What it is like


def words_of(article: Article) -> list[str]:
    return [word.lower() for word in _WORDS.findall(f"{article['title']}\n{article['text']}")]


def show_shared(articles: Sequence[Article]) -> None:
    """What worlds 0 and 1 have in common, set by set."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for kind, article in zip(kinds(articles), articles, strict=True):
        if kind[0] in ("0", "1"):
            found.setdefault(kind, Counter()).update(words_of(article))
    print("\nset         articles' word types   shared with world 1   running words that are shared")
    for name in SETS:
        here, there = found.get(("0", name), Counter()), found.get(("1", name), Counter())
        if here and there:
            both = here.keys() & there.keys()
            running = sum(here[word] for word in both) / here.total()
            print(f"{name:<12}{len(here):21,}{len(both) / len(here):22.3f}{running:32.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the labelled sets")
    parser.add_argument("n", type=int, nargs="?", default=10_000)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    start = time.perf_counter()
    articles, gold = worlds(given.data, given.n, given.days, given.seed)
    seconds = time.perf_counter() - start
    sizes = np.bincount(gold)
    dates = Counter(str(article["published"])[:10] for article in articles)
    undated = dates.pop("None", 0)
    print(
        f"{len(articles):,} articles of {len({world for world, _ in kinds(articles)})} worlds, {len(sizes):,} stories "
        f"of {sizes.mean():.1f} articles (the largest {sizes.max()}), made in {seconds:.1f} s\n"
        f"{sum(len(words_of(article)) for article in articles) / len(articles):.0f} words an article; "
        f"{np.median(list(dates.values())):.0f} articles a day (median), {undated:,} without a date"
    )
    show_shared(articles)


if __name__ == "__main__":
    main()
