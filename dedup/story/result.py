"""Story and Episode, the results of the story tier."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dedup.article import Article
from dedup.explanation import Explanation
from dedup.story.encoding import ArticleMeanings
from dedup.story.kinds import are_roundups
from dedup.story.terms import top_terms
from dedup.story.weighting import TermWeighting
from dedup.text.limit import first_texts
from dedup.wording import period, plural


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """The reports of one moment of an event: the announcement of a visit, its arrival, its end.

    Attributes
    ----------
    id : str
        The id of its first article.
    representative : Article
        The article to show.
    reason : str
        Why that one, in a sentence with its numbers.
    articles : tuple of Article
        By publication, undated last.
    near_duplicates : tuple of tuple of Article
        Groups of copies among them, each of at least two: first the one that counts as a report, then the others by
        publication. Versions of one page, whose latest counts, are copies too.
    membership : tuple of float
        Mean similarity of each of `articles` to the other reports of the episode (copies count as one), in [0, 1]; 1
        for a report alone. An article near the threshold, or below it, is doubtful.
    cohesion : float
        Mean similarity of two reports of the episode, in [0, 1]; 1 for a report alone.
    threshold : float
        Mean similarity from which reports form an episode.
    """

    id: str
    representative: Article
    reason: str
    articles: tuple[Article, ...]
    near_duplicates: tuple[tuple[Article, ...], ...]
    membership: tuple[float, ...]
    cohesion: float
    threshold: float
    _weighting: TermWeighting
    _meanings: ArticleMeanings | None

    @property
    def first(self) -> datetime | None:
        """When its first dated article was published; None when none is dated."""
        return min((a.published for a in self.articles if a.published), default=None)

    @property
    def last(self) -> datetime | None:
        """When its last dated article was published; None when none is dated."""
        return max((a.published for a in self.articles if a.published), default=None)

    @property
    def sources(self) -> tuple[str, ...]:
        """Its outlets, in the order of their first article."""
        return tuple(dict.fromkeys(a.source for a in self.articles if a.source))

    @property
    def terms(self) -> tuple[str, ...]:
        """Up to eight words that say what it is about, heaviest first.

        Computed at each access, from the first 1,000,000 characters of its articles together.
        """
        texts = first_texts(self.articles)
        return top_terms(
            texts, self._weighting, languages=[article.language for article in self.articles[: len(texts)]]
        )

    @property
    def is_roundup(self) -> bool:
        """Whether it is a list of many stories, as a morning briefing: such an article is alone.

        Told by the title, or by a text whose words come back within a few sentences only. Computed at each access, from
        the first 1,000,000 characters.
        """
        shown = [self.representative]
        return bool(are_roundups([shown[0].plain_title], first_texts(shown), self._weighting.fold)[0])

    @property
    def headline(self) -> str:
        """Title of the representative, or the beginning of its text."""
        return self.representative.headline

    def __len__(self) -> int:
        return len(self.articles)

    def __repr__(self) -> str:
        facts = f"{plural(len(self), 'article')}, {period(self.first, self.last)}: {self.headline!r}"
        return f"{type(self).__name__}({facts})"


@dataclass(frozen=True, slots=True)
class Edit:
    """What was decided on a story by hand: by an editor of an index, or by `together` and `apart` of `cluster`.

    Attributes
    ----------
    decision : int or None
        What `StoryIndex.undo` takes; None in a batch.
    kind : str
        That of the `Change` that told of it; "together" or "apart" in a batch.
    article_ids : tuple of str
        Of the articles that it is about.
    sentence : str
        What was decided.
    """

    decision: int | None
    kind: str
    article_ids: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Story(Episode):
    """The articles that report one event, from its announcement to its end: one episode or several.

    It has all that an episode has. Its `articles` are those of all episodes, and its `representative` is that of the
    episode with the most reports, or by the rule that was given. `membership` is that in the episode of each article,
    and `cohesion` that of the episode with the most reports.

    Attributes
    ----------
    episodes : tuple of Episode
        By publication.
    title : str or None
        The headline that an editor has chosen; see `StoryIndex.pin`.
    edits : tuple of Edit
        What was decided on it by hand, the earliest first.
    """

    episodes: tuple[Episode, ...]
    _explain: Callable[["Story", Any], Explanation]
    title: str | None = None
    edits: tuple[Edit, ...] = ()

    @property
    def headline(self) -> str:
        """The headline that an editor has chosen, or the title of the representative, or the beginning of its text."""
        return self.title or self.representative.headline

    def edits_of(self, *articles: Article) -> str:
        """What was decided by hand on some articles, in sentences; empty when nothing."""
        ids = {article.id for article in articles}
        return " ".join(edit.sentence for edit in self.edits if not ids.isdisjoint(edit.article_ids))

    def episode_of(self, article: Article) -> Episode:
        """The episode with one of `articles`."""
        return next(episode for episode in self.episodes if any(article is own for own in episode.articles))

    def explain(self, article: Any) -> Explanation:
        """Why an article belongs to the story, or how close it is to it; see `dedup.explain`.

        Parameters
        ----------
        article : str, mapping, object or Article
            An id is that of an article of the story.

        Returns
        -------
        Explanation
            Of the article and the closest report of its episode, or of the episode that it is most similar to. The
            verdict has the mean similarity to all other reports of the episode, what it has to be, and the number of
            copies.

        Raises
        ------
        KeyError
            When the story has no article of that id.
        TypeError, ValueError
            For something else than an article, or the only article of the story.
        """
        return self._explain(self, article)

    def _repr_html_(self) -> str:
        from dedup.html.cards import story_card  # only notebooks pay for it

        return story_card(self)
