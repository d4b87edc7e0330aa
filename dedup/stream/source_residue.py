"""What recurs in the articles of each source of an index: learned as they come, left out of what follows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dedup.article import Article
from dedup.parameters import StorySettings
from dedup.residue.find import mark_residue
from dedup.residue.recurring import ARTICLES_PER_SOURCE, LEAST_STORIES, Recurring, learn, source_salts
from dedup.store.protocol import Store
from dedup.store.records import LearnedResidue, decoded, source_of

#: A source is learned from its latest articles, and again when so many more have come, or half as many more as it was
#: last learned from.
_MORE = 64


class SourceResidue:
    """The residue of sources.

    What is known of a source changes only when `learn` is called.
    """

    def __init__(self, store: Store, settings: StorySettings) -> None:
        self._store, self._settings = store, settings
        self._known: dict[str, Recurring] = {}

    def add_residue(self, articles: Sequence[Article]) -> list[Article]:
        """The articles with their residue, if that is to be left out."""
        if not self._settings.cut_residue:
            return list(articles)
        sources = [source_of(article) for article in articles]
        known = [self._recurring(source) for source in sorted(set(sources))]
        recurring = Recurring(
            np.concatenate([each.keys for each in known]), np.concatenate([each.anywhere for each in known])
        ).ascending()
        texts, titles = [self._read(article) for article in articles], [article.title for article in articles]
        salts, fold = source_salts(sources), self._settings.near.fold
        found = mark_residue(texts, salts, titles, recurring, linked=False, fold=fold, n_jobs=1)
        return [
            replace(article, residue=tuple(spans)) if spans else article
            for article, spans in zip(articles, found, strict=True)
        ]

    def learn(self, since_node: int) -> None:
        """Learn again the sources that have brought enough since they were learned, if they brought any since then."""
        if not self._settings.cut_residue:
            return
        for source in self._store.sources_since(since_node):
            former = self._store.learned_residue(source)
            if self._store.count_of_source(source, former.next_node) < _due(former.articles):
                continue
            rows = self._store.latest_of_source(source, ARTICLES_PER_SOURCE)
            texts = [self._read(decoded(row.fields)) for row in rows]
            learned = learn(texts, source_salts([source] * len(rows)), n_jobs=1, fold=self._settings.near.fold)
            self._store.set_learned_residue(
                source, LearnedResidue(rows[-1].node + 1, len(rows), learned.keys, learned.anywhere)
            )
            self._known[source] = learned

    def forget(self) -> None:
        """Forget the sources that have no articles any more."""
        self._store.delete_unused_residue()
        self.forget_memory()

    def forget_memory(self) -> None:
        """Read again what is stored of sources."""
        self._known.clear()

    def _read(self, article: Article) -> str:
        return article.text[: self._settings.max_chars]

    def _recurring(self, source: str) -> Recurring:
        if source not in self._known:
            stored = self._store.learned_residue(source)
            self._known[source] = Recurring(stored.keys, stored.anywhere)
        return self._known[source]


def _due(articles: int) -> int:
    """How many articles have to come after so many were learned from."""
    return min(_MORE, max(LEAST_STORIES, articles // 2))
