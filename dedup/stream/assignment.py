"""What an index tells of articles, and how it writes them down."""

import re
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["new_story", "report", "near_duplicate", "unchanged", "updated"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What became of an article.

    Attributes
    ----------
    article_id, story_id : str
    outcome : {"new_story", "report", "near_duplicate", "unchanged", "updated"}
        "unchanged" is the same id with the same content, "updated" the same id with another.
    near_duplicate_of : str or None
        Id of the article that it is a copy of.
    similarity : float or None
        Jaccard similarity to that one, or else mean similarity to the reports of its story; None for a new story.
    merged : tuple of str
        Stories that went into others because of it; their ids stay valid as aliases.
    """

    article_id: str
    story_id: str
    outcome: Outcome
    near_duplicate_of: str | None = None
    similarity: float | None = None
    merged: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        from dedup.html.cards import assignment_card  # only notebooks pay for it

        return assignment_card(self)

    def __repr__(self) -> str:
        facts = [f"{self.article_id!r:.80} in {self.story_id}: {self.outcome}"]
        if self.near_duplicate_of is not None:
            facts.append(f"of {self.near_duplicate_of!r:.80}")
        if self.similarity is not None:
            facts.append(f"similarity {self.similarity:.3f}")
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
    """A live article and its similarity to the one asked about, in [0, 1]."""

    article_id: str
    story_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """An article that `StoryIndex.add_many` did not take, by its position, and why."""

    position: int
    reason: str


def story_name(story: int) -> str:
    """What users call a story."""
    return f"s{story}"


def story_number(story_id: str) -> int:
    """The story of a name.

    Raises
    ------
    KeyError
        When no story is called like that.
    """
    match = re.fullmatch("s([1-9][0-9]{0,17})", story_id) if isinstance(story_id, str) else None
    if match is None:
        raise KeyError(f"no story has the id {story_id!r}")
    return int(match[1])
