"""Results of a story index."""

import re
from dataclasses import astuple, dataclass
from typing import Literal

Outcome = Literal["new_story", "report", "near_duplicate", "unchanged", "updated"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an index did with an article.

    Attributes
    ----------
    article_id : str
        Under which the index has it: that of the article that it is an earlier version of, or the same but for the id,
        where that stays; and its canonical URL where its own id is that of another page.
    story_id : str
        As far as it was told (see `Change`), so that it is never taken back: under it `StoryIndex.story` finds the
        story that the article is in by now, of which it may be an alias.
    outcome : {"new_story", "report", "near_duplicate", "unchanged", "updated"}
        "updated" is a later version of an article: the same id, or the same page of a source, with other content.
        "unchanged" is the same content again, or an earlier version of a page; nothing is stored.
    near_duplicate_of : str or None
        Id of the article that it is a copy of.
    similarity : float or None
        Jaccard similarity to that article, or mean similarity to the reports of its story; None for a new story.
    merged : tuple of str
        Ids of stories that were merged into others because of it; they stay valid as aliases.
    episode_id : str
        Id of its episode.
    left : str or None
        Id of the story that an updated article was in, where it belongs to another one now: one whose event its new
        text is of. A version that is a near-duplicate of the former one stays, and so does an article that is alone in
        its story, unless it joins another, of which its story becomes an alias.
    replaces : str or None
        Id of the article of which it is a later version, if that was another. As any id under which a version came, it
        leads to this article from now on.
    """

    article_id: str
    story_id: str
    outcome: Outcome
    near_duplicate_of: str | None = None
    similarity: float | None = None
    merged: tuple[str, ...] = ()
    episode_id: str = ""
    left: str | None = None
    replaces: str | None = None

    def _repr_html_(self) -> str:
        from dedup.html.cards import assignment_card  # only notebooks pay for it

        return assignment_card(*astuple(self)[:6])

    def __repr__(self) -> str:
        facts = [f"{self.article_id!r:.80} in {self.story_id}: {self.outcome}"]
        if self.near_duplicate_of is not None:
            facts.append(f"of {self.near_duplicate_of!r:.80}")
        if self.similarity is not None:
            facts.append(f"similarity {self.similarity:.3f}")
        facts += [f"left {self.left}"] if self.left else []
        facts += [f"replaces {self.replaces!r:.80}"] if self.replaces is not None else []
        if self.merged:
            more = f" and {len(self.merged) - 5:,} more" if len(self.merged) > 5 else ""
            facts.append(f"merged {', '.join(self.merged[:5])}{more}")
        return f"Assignment({', '.join(facts)})"


@dataclass(frozen=True, slots=True)
class Move:
    """An article that `StoryIndex.refine` put into another story."""

    article_id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Similar:
    """A live article and its similarity to the article of the query, in [0, 1].

    Of `StoryIndex.similar` it is that of reports, by which stories are made; of `StoryIndex.copies_of` the Jaccard
    similarity of the two texts.
    """

    article_id: str
    story_id: str
    similarity: float
    episode_id: str = ""


def format_story_id(story: int) -> str:
    """Return the id of the story with this number."""
    return f"s{story}"


def format_episode_id(episode: int) -> str:
    """Return the id of the episode with this number."""
    return f"e{episode}"


def parse_story_id(story_id: str) -> int:
    """Return the number of the story with this id; raise KeyError for another id."""
    match = re.fullmatch("s([1-9][0-9]{0,17})", story_id) if isinstance(story_id, str) else None
    if match is None:
        raise KeyError(f"no story has the id {story_id!r}")
    return int(match[1])
