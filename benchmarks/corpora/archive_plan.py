"""Who publishes what and when, for the articles of `archive`: known before any text is written."""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

TAIL, LARGEST, LASTS_DAYS = 1.3, 600, 4.0
COPIES, MAX_CHANGED, APPENDED = 0.15, 0.025, 12
VIRAL_DAYS, VIRAL_CHANGED = 5.0, (0.001, 0.02)
SOURCES, UNDATED = 120, 0.01

Longs = NDArray[np.int64]


class Plan(NamedTuple):
    """Facts of each article, in order of time."""

    days: NDArray[np.float64]
    story: Longs
    text: Longs  # the article that it copies; itself if none
    length: Longs
    changed: NDArray[np.float64]  # share of the words
    appended: Longs
    source: Longs
    undated: NDArray[np.bool_]


def make_plan(rng: Generator, n: int, words: int, a_day: int, copies: int, largest: int) -> Plan:
    """The plan of `n` articles; see `archive.write` for the others."""
    sizes = np.append(story_sizes(rng, n - copies, largest), copies)[: None if copies else -1]
    story = np.repeat(np.arange(len(sizes)), sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    viral = np.arange(n) >= n - copies
    days = publication_days(rng, sizes, n / a_day, viral)
    order = np.lexsort((days, story))
    days, rank = days[order], np.arange(n) - first
    copied = viral | (rng.random(n) < COPIES)
    earlier = first + np.where(viral, 0, rng.random(n) * rank).astype(np.int64)
    text = np.where(copied & (rank > 0), earlier, np.arange(n))
    while (text[text] != text).any():
        text = text[text]
    changed = np.where(viral, rng.uniform(*VIRAL_CHANGED, n), rng.uniform(0, MAX_CHANGED, n))
    is_copy = text != np.arange(n)
    appended = np.where(is_copy & ~viral & (rng.random(n) < 0.3), APPENDED, 0)
    length = np.clip(rng.lognormal(np.log(words) - 0.1, 0.45, n), words / 4, words * 6).astype(np.int64)
    prominence = (np.arange(SOURCES) + 3.0) ** -0.8
    source = rng.choice(SOURCES, n, p=prominence / prominence.sum())
    by_time = np.argsort(days, kind="stable")
    place = np.argsort(by_time)
    columns = (days, story, place[text], length[text], np.where(is_copy, changed, 0.0), appended)
    return Plan(*(column[by_time] for column in columns), source[by_time], rng.random(n) < UNDATED)


def story_sizes(rng: Generator, n: int, largest: int) -> Longs:
    """Sizes of stories that have `n` articles together."""
    sizes = np.minimum(rng.random(n) ** (-1 / TAIL), largest).astype(np.int64)
    total = np.cumsum(sizes)
    last = int(np.searchsorted(total, n))
    sizes = sizes[: last + 1]
    sizes[-1:] -= total[last] - n
    return sizes


def publication_days(rng: Generator, sizes: Longs, days: float, viral: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The day of each article; most articles come soon after the beginning of their story."""
    lasts = rng.uniform(0.1, LASTS_DAYS, len(sizes))
    begins = rng.uniform(0, max(days - LASTS_DAYS / 2, days / 2), len(sizes))
    found = np.repeat(begins, sizes) + np.repeat(lasts, sizes) * rng.beta(1, 3, len(viral))
    found[viral] = 0.4 * days + min(VIRAL_DAYS, days / 2) * rng.random(int(viral.sum()))
    return found
