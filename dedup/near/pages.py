"""Versions of one page -> one article: its latest version stands for the others, and for the copies of all.

Whatever their similarity, articles under one URL of a source are versions of one page. But some sources give the URL of
a section, or of the feed, to every article: where the versions have nothing in common, the URL is no article's.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from dedup.arrays import (
    Flags,
    Floats,
    Hashes,
    Integers,
    connected_labels,
    first_members,
    joined,
    numbered_by_first,
    run_starts,
)
from dedup.article import Article
from dedup.article.urls import page_of
from dedup.near.jaccard import ShingleSets
from dedup.near.shingles import shingle_hashes
from dedup.parameters import Fold
from dedup.text.tokens import blocks, tokenize

#: Two versions have something in common if they have one headline, or the larger one has this share of the word pairs
#: of the smaller one. Of pairs of articles of one source on two events, 1% to 15% do, by set of the benchmarks; of
#: reports of one event, half.
LEAST_SHARED = 0.1

#: At least this share of the versions of a page have something in common with the version before them.
LEAST_RELATED = 0.5


class CopyGroups(NamedTuple):
    """Articles in groups of copies and versions."""

    labels: Integers  # (n_articles,): group of each article, in the order of `canonical`
    canonical: Integers  # (n_groups,): position of the article that stands for each group, ascending
    latest: Integers  # (n_articles,): position of the latest version of the page of each article, often its own


def page_keys(articles: Iterable[Article]) -> Hashes:
    """A number for the page of each article, shape (n_articles,); 0 for one whose URL identifies none.

    Examples
    --------
    >>> urls = ["http://example.com/kim?utm_source=rss", "https://www.example.com/kim/", "https://example.com/"]
    >>> first, second, front = page_keys([Article("a", "", url=url) for url in urls]).tolist()
    >>> first == second, front
    (True, 0)
    """
    pages = (page_of(article.source, article.url) for article in articles)
    return np.array([0 if page is None else _number("\n".join(page)) for page in pages], dtype=np.uint64)


def headline_keys(articles: Iterable[Article]) -> Hashes:
    """A number for the headline of each article, shape (n_articles,)."""
    return np.array([_number(article.headline) for article in articles], dtype=np.uint64)


def _number(text: str) -> int:
    """A number of 64 bits that is not 0."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return max(1, int.from_bytes(digest))


def latest_of_articles(articles: Sequence[Article], texts: Sequence[str], labels: Integers, fold: Fold) -> Integers:
    """Position of the latest version of the page of each article; see `latest_versions`.

    `texts` are what is read of the articles.
    """
    days = np.array([article.day for article in articles], dtype=np.float64)
    return latest_versions(texts, labels, page_keys(articles), headline_keys(articles), days, fold)


def are_repeated(pages: Hashes) -> Flags:
    """Whether each article has a page that another one has too, shape (n_articles,)."""
    _, numbers, counts = np.unique(pages, return_inverse=True, return_counts=True)
    return np.asarray((counts[numbers] > 1) & (pages > 0))


def latest_versions(
    texts: Sequence[str], labels: Integers, pages: Hashes, headlines: Hashes, days: Floats, fold: Fold
) -> Integers:
    """Position of the latest version of the page of each article, its own where there is no other.

    Articles are in canonical order; a dated version counts as later than one without a date. Of `texts`, those of
    repeated pages are read. `labels` has the group of near-duplicates of each article, and `pages`, `headlines` and
    `days` are `page_keys`, `headline_keys` and `Article.day`.
    """
    latest = np.arange(len(pages))
    known = np.flatnonzero(are_repeated(pages))
    order = known[np.argsort(pages[known], kind="stable")]
    versions = np.split(order, run_starts(pages[order])[1:]) if len(order) else []
    # Copies are related without a look: of each group of them, the first version is compared with that of the next one.
    distinct = [own[np.sort(np.unique(labels[own], return_index=True)[1])] for own in versions]
    pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *(np.stack([d[:-1], d[1:]], axis=1) for d in distinct)])
    related = _are_related(pairs, texts, headlines, fold)
    done = 0
    for own, compared in zip(versions, distinct, strict=True):
        found = related[done : done + len(compared) - 1]
        done += len(found)
        if found.sum() >= LEAST_RELATED * len(found):
            dated = own[~np.isnan(days[own])]
            latest[own] = dated[-1] if len(dated) else own[-1]
    return latest


def _are_related(pairs: Integers, texts: Sequence[str], headlines: Hashes, fold: Fold) -> Flags:
    """Whether the versions of each pair have something in common."""
    members, places = np.unique(pairs, return_inverse=True)
    hashes, counts = [np.empty(0, dtype=np.uint64)], [np.zeros(1, dtype=np.int64)]
    compared = [texts[i] for i in members.tolist()]
    for block in blocks(compared):
        tokens = tokenize(compared[block], fold)
        hashes.append(shingle_hashes(tokens, 2))
        counts.append(np.diff(tokens.offsets))
    word_pairs = ShingleSets(joined(hashes, np.uint64), np.cumsum(np.concatenate(counts)), n_jobs=1)
    shared = word_pairs.overlaps(places.reshape(pairs.shape))[1]
    return np.asarray((headlines[pairs[:, 0]] == headlines[pairs[:, 1]]) | (shared >= LEAST_SHARED))


def parted(groups: CopyGroups, apart: Iterable[tuple[int, int]]) -> CopyGroups:
    """Groups in which no two articles of some pairs are; each article is in the first part of its group that has none.

    Examples
    --------
    >>> parted(copy_groups(np.array([0, 0, 0, 1]), np.arange(4)), [(0, 1)])
    CopyGroups(labels=array([0, 1, 0, 2]), canonical=array([0, 1, 3]), latest=array([0, 1, 2, 3]))
    """
    others: dict[int, set[int]] = {}
    for one, other in apart:
        others.setdefault(one, set()).add(other)
        others.setdefault(other, set()).add(one)
    labels, latest = groups.labels.copy(), groups.latest.copy()
    wrong = {int(labels[one]) for one, those in others.items() if labels[list(those)].tolist().count(labels[one])}
    following = len(groups.canonical)
    for group in sorted(wrong):
        parts: list[list[int]] = []
        for article in np.flatnonzero(groups.labels == group).tolist():
            free = (part for part in parts if others.get(article, set()).isdisjoint(part))
            part = next(free, None)
            if part is None:
                parts.append([article])
            else:
                part.append(article)
        for part in parts:
            labels[part], following = following, following + 1
            latest[part] = _latest_among(groups.latest, part)
    numbers = numbered_by_first(labels)
    canonical, numbers = np.unique(latest[first_members(numbers)][numbers], return_inverse=True)
    return CopyGroups(numbers, canonical, latest)


def _latest_among(latest: Integers, part: list[int]) -> list[int]:
    """The latest version of each article of a part, among those that are in it."""
    return [int(latest[i]) if int(latest[i]) in part else max(j for j in part if latest[j] == latest[i]) for i in part]


def latest_in_groups(labels: Integers, pages: Hashes, days: Floats) -> Integers:
    """Position of the latest version of the page of each article, among those of its group of copies and versions.

    As in `latest_versions`, articles are in canonical order, and one without a date is earlier than one with one.

    Examples
    --------
    >>> pages = np.array([7, 7, 0, 7], dtype=np.uint64)
    >>> latest_in_groups(np.array([0, 0, 0, 1]), pages, np.array([1.0, 2.0, 3.0, 4.0]))
    array([1, 1, 2, 3])
    """
    latest = np.arange(len(pages))
    known = np.flatnonzero(are_repeated(pages))
    order = known[np.lexsort((known, ~np.isnan(days[known]), labels[known], pages[known]))]
    starts = np.flatnonzero(
        np.diff(pages[order], prepend=np.uint64(0)).astype(np.bool_) | (np.diff(labels[order], prepend=-1) != 0)
    )
    sizes = np.diff(np.append(starts, len(order)))
    latest[order] = np.repeat(order[starts + sizes - 1], sizes)
    return latest


def are_versions(one: Article, other: Article, texts: Sequence[str], fold: Fold) -> bool:
    """Whether two articles of one page have something in common; `texts` are what is read of them."""
    return bool(_are_related(np.array([[0, 1]]), texts, headline_keys([one, other]), fold)[0])


def copy_groups(labels: Integers, latest: Integers) -> CopyGroups:
    """Groups of articles that copies, by their labels, and versions connect.

    The first article of a group stands for it, or the latest version of its page.

    Examples
    --------
    >>> copy_groups(np.array([0, 1, 1, 2]), np.array([3, 1, 2, 3]))
    CopyGroups(labels=array([1, 0, 0, 1]), canonical=array([1, 3]), latest=array([3, 1, 2, 3]))
    """
    everyone = np.arange(len(labels))
    others = np.concatenate([first_members(labels)[labels], latest])
    groups = connected_labels(np.concatenate([everyone, everyone]), others, len(labels))
    canonical, numbers = np.unique(latest[first_members(groups)][groups], return_inverse=True)
    return CopyGroups(numbers, canonical, latest)
