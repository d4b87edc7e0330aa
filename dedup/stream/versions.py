"""Which stored article one that comes is a version of: by its id, and by the page that it is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dedup.article import Article, canonical_url
from dedup.article.urls import page_of
from dedup.near.jaccard import ShingleSets
from dedup.store.records import Row
from dedup.store.serialization import decode_article, digest_of, page_key
from dedup.stream.state import IndexState
from dedup.stream.text_features import extract_shingles
from dedup.text.limit import readable_texts


class Version(NamedTuple):
    """An article that comes, under the id that the index has it by, and the stored one that it is a version of."""

    article: Article
    node: int
    id: str  # of the stored one
    is_new: bool  # neither the same again nor an earlier one
    is_alike: bool  # a near-duplicate of the stored one


class Versions:
    """The stored articles that some have that come one after the other; what is stored changes as they do.

    With `match_urls` an article of the page of a stored one is its version, whatever its id; and one with the id of a
    stored one is another article if it is another page and no near-duplicate: feeds use ids again. Its id becomes its
    canonical URL.
    """

    def __init__(self, state: IndexState, articles: Sequence[Article]) -> None:
        self._state, self._match_urls = state, state.settings.match_urls
        self._stored = state.store.nodes_and_digests([article.id for article in articles])
        self._ids = set(self._stored)
        pages = {key for article in articles if (key := self._page_key(article)) is not None}
        self._pages: set[int | None] = set(state.store.nodes_of_pages(sorted(pages)))

    def may_know(self, article: Article) -> bool:
        """Return whether an article may be a version of one that is stored or has come; `find` knows."""
        return article.id in self._ids or self._page_key(article) in self._pages

    def add(self, article: Article) -> None:
        """Note that an article is added."""
        self._ids.add(article.id)
        self._pages |= {self._page_key(article)} - {None}

    def find(self, article: Article) -> Version | Article:
        """Return the version that an article is, or the article under its new id if it is none."""
        store = self._state.store
        node, digest = self._stored.get(article.id, (0, b""))
        if digest == digest_of(article):
            return Version(article, node, article.id, is_new=False, is_alike=True)
        row = store.by_id(article.id)
        if row is not None and self._is_another_page(article, decode_article(row.fields)):
            article = replace(article, id=canonical_url(article.url or ""))
            row = store.by_id(article.id)
        row = self._of_page(article) if row is None else row
        if row is None:
            return article
        stored = decode_article(row.fields)
        if self._is_same(article, stored) or (row.id != article.id and _is_earlier(article, stored)):
            return Version(replace(article, id=row.id), row.node, row.id, is_new=False, is_alike=True)
        self._stored.pop(row.id, None)
        return Version(article, row.node, row.id, is_new=True, is_alike=self._is_alike(article, stored))

    def _page_key(self, article: Article) -> int | None:
        return page_key(article) if self._match_urls else None

    def _of_page(self, article: Article) -> Row | None:
        """Return the latest of the stored articles that are the page of an article."""
        key, page = self._page_key(article), page_of(article.source, article.url)
        if key is None:
            return None
        rows = self._state.store.rows(self._state.store.nodes_of_pages([key]).get(key, ())).values()
        stored = ((row, decode_article(row.fields)) for row in rows)
        same = [row for row, found in stored if page_of(found.source, found.url) == page]  # keys may collide
        return max(same, key=lambda row: (-np.inf if row.day is None else row.day, row.node), default=None)

    def _is_another_page(self, article: Article, stored: Article) -> bool:
        if not self._match_urls:
            return False
        pages = [page_of(None, each.url) for each in (article, stored)]  # a source may change its name
        return None not in pages and pages[0] != pages[1] and not self._is_alike(article, stored)

    def _is_same(self, article: Article, stored: Article) -> bool:
        """Return whether an article says what a stored one does; its URL may be another one of the same page."""
        if self._match_urls and page_of(None, article.url) == page_of(None, stored.url) is not None:
            article = replace(article, url=stored.url)
        return digest_of(article) == digest_of(stored)

    def _is_alike(self, article: Article, stored: Article) -> bool:
        """Return whether two articles are near-duplicates, by their exact Jaccard similarity."""
        near = self._state.settings.near
        both = [*self._state.source_residue.add_residue([article]), stored]
        texts = readable_texts(both, self._state.settings.max_chars)
        shingles, counts = extract_shingles(texts, near.shingle_size, near.fold)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        (jaccard,), _ = ShingleSets(shingles, offsets, 1).overlaps(np.array([[0, 1]]))
        return bool(jaccard >= near.threshold)


def _is_earlier(article: Article, stored: Article) -> bool:
    both = article.published, stored.published
    return both[0] is not None and both[1] is not None and both[0] < both[1]
