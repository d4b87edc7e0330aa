"""What recurs in the articles of each source of an index: learned as articles come, left out of those that follow."""

from collections.abc import Iterable, Sequence

import numpy as np

from dedup.article import Article, with_residue
from dedup.parameters import StorySettings
from dedup.residue.find import mark_residue
from dedup.residue.recurring import MIN_STORIES, RecurringKeys, learn, sample_size, source_salts
from dedup.residue.title_residue import learn_titles, mark_titles
from dedup.store.protocol import Store
from dedup.store.records import LearnedResidue
from dedup.store.serialization import decode_article, source_of


def same_keys(first: RecurringKeys, other: RecurringKeys) -> bool:
    """Return whether the same is known of two sources."""
    same = np.array_equal(first.keys, other.keys) and np.array_equal(first.anywhere, other.anywhere)
    return first is other or same


class SourceResidue:
    """The residue of sources; what is known of a source changes only when `learn` is called."""

    def __init__(self, store: Store, settings: StorySettings) -> None:
        self._store, self._settings = store, settings
        self._known: dict[str, RecurringKeys] = {}

    def add_residue(self, articles: Sequence[Article]) -> list[Article]:
        """Return articles with their residue, if the settings say so."""
        return self.with_residue(articles, self.known(set(map(source_of, articles))))

    def known(self, sources: Iterable[str]) -> dict[str, RecurringKeys]:
        """Return what is known of each source; nothing if the settings say so."""
        return {source: self._recurring(source) for source in sorted(sources)} if self._settings.cut_residue else {}

    def with_residue(self, articles: Sequence[Article], known: dict[str, RecurringKeys]) -> list[Article]:
        """Return articles with the residue that follows from what is known of their sources."""
        if not known:
            return list(articles)
        (recurring, *others) = known.values()
        if others:  # one alone has its look-up already
            parts = [recurring, *others]
            keys = np.concatenate([each.keys for each in parts])
            recurring = RecurringKeys(keys, np.concatenate([each.anywhere for each in parts])).ascending()
        texts, titles = [self._read(article) for article in articles], [article.plain_title for article in articles]
        sources, fold = [source_of(article) for article in articles], self._settings.near.fold
        salts = source_salts(sources)
        found = mark_residue(texts, salts, titles, recurring, match_titles=False, fold=fold, n_jobs=1)
        of_titles = mark_titles(titles, sources, [article.url for article in articles], salts, recurring, fold)
        return [
            with_residue(article, spans, of_title)
            for article, spans, of_title in zip(articles, found, of_titles, strict=True)
        ]

    def learn(self, since_node: int) -> None:
        """Learn the sources of the articles from this node on again, if enough have come since the last time."""
        if not self._settings.cut_residue:
            return
        for source in self._store.sources_since(since_node):
            former = self._store.learned_residue(source)
            if self._store.count_of_source(source, former.next_node) < max(MIN_STORIES, former.articles // 2):
                continue
            rows = self._store.latest_of_source(source, sample_size(source))
            articles = [decode_article(row.fields) for row in rows]
            salts, fold = source_salts([source] * len(rows)), self._settings.near.fold
            texts, titles = [self._read(article) for article in articles], [article.plain_title for article in articles]
            learned = learn(texts, salts, titles, n_jobs=1, fold=fold).united(learn_titles(titles, salts, fold))
            stored = LearnedResidue(rows[-1].node + 1, len(rows), learned.keys, learned.anywhere)
            self._store.set_learned_residue(source, stored)
            self._known[source] = learned

    def delete_unused(self) -> None:
        """Delete what was learned of sources that have no articles."""
        self._store.delete_unused()
        self.clear()

    def clear(self) -> None:
        """Clear memory, so that what is stored is read again."""
        self._known.clear()

    def _read(self, article: Article) -> str:
        return article.plain_text[: self._settings.max_chars]

    def _recurring(self, source: str) -> RecurringKeys:
        if source not in self._known:
            stored = self._store.learned_residue(source)
            self._known[source] = RecurringKeys(stored.keys, stored.anywhere)
        return self._known[source]
