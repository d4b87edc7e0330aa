"""Results -> rows."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dedup.near.result import NearDuplicates
    from dedup.stories import Stories
    from dedup.story.result import Story

ARTICLE_COLUMNS = ("id", "story_id", "near_duplicate_group", "is_representative", "membership")
STORY_COLUMNS: tuple[str, ...] = ("story_id", "size", "first", "last", "representative", "headline", "reason")
STORY_COLUMNS += ("terms", "sources", "cohesion", "articles", "near_duplicates")
PAIR_COLUMNS = ("left", "right", "jaccard", "containment")
GROUP_COLUMNS = ("near_duplicate_group", "size", "articles")


def article_rows(stories: "Stories") -> Iterator[dict[str, Any]]:
    """Yield a row for each article, in the order of the input."""
    representatives = set(stories.representative_indices.tolist())
    columns = (stories.labels, stories.near_duplicate_labels, stories.membership)
    for i, (label, group, membership) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        values = (stories.articles[i].id, stories[label].id, group, i in representatives, round(membership, 6))
        yield dict(zip(ARTICLE_COLUMNS, values, strict=True))


def story_row(story: "Story") -> dict[str, Any]:
    """Return the row of a story."""
    values = (
        story.id,
        len(story),
        _written(story.first),
        _written(story.last),
        story.representative.id,
        story.headline,
        story.reason,
        list(story.terms),
        list(story.sources),
        round(story.cohesion, 6),
        [article.id for article in story.articles],
        [[article.id for article in copies] for copies in story.near_duplicates],
    )
    return dict(zip(STORY_COLUMNS, values, strict=True))


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def pair_rows(found: "NearDuplicates", ids: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each pair."""
    columns = (found.pairs, found.jaccard, found.containment)
    for (left, right), jaccard, containment in zip(*(column.tolist() for column in columns), strict=True):
        values = (ids[left], ids[right], round(jaccard, 6), round(containment, 6))
        yield dict(zip(PAIR_COLUMNS, values, strict=True))


def group_rows(found: "NearDuplicates", ids: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each group of copies, its members in the order of the input."""
    for group in found.groups:
        values = (int(found.labels[group[0]]), len(group), [ids[position] for position in group])
        yield dict(zip(GROUP_COLUMNS, values, strict=True))
