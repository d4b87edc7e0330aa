"""Results -> rows."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dedup.wording import period, visible, visible_line

if TYPE_CHECKING:
    from dedup.near.keeping import Kept
    from dedup.near.result import NearDuplicates
    from dedup.stories import Stories
    from dedup.story.result import Episode, Story

#: The position of a new article, the id of an old one that it is a copy of, Jaccard similarity and containment.
Pair = tuple[int, str, float, float]

#: The id of an old article, and the similarities of a copy to it.
Original = tuple[str, float, float]

ARTICLE_COLUMNS = ("id", "story_id", "episode_id", "near_duplicate_group", "is_representative", "membership")
_COLUMNS: tuple[str, ...] = ("size", "first", "last", "representative", "headline", "reason", "terms", "sources")
_COLUMNS += ("cohesion", "articles", "near_duplicates")
STORY_COLUMNS = ("story_id", *_COLUMNS, "episodes")
EPISODE_COLUMNS = ("episode_id", "story_id", *_COLUMNS)
PAIR_COLUMNS = ("left", "right", "jaccard", "containment")
GROUP_COLUMNS = ("near_duplicate_group", "size", "articles")
ACROSS_COLUMNS = ("new", "old", "jaccard", "containment")
REMOVED_COLUMNS = ("removed", "kept", "jaccard", "containment")
REMOVED_FOR_OLD_COLUMNS = (*REMOVED_COLUMNS, "kept_in")


def article_rows(stories: "Stories") -> Iterator[dict[str, Any]]:
    """Yield a row for each article, in the order of the input."""
    representatives = set(stories.representative_indices.tolist())
    episodes = [episode.id for story in stories for episode in story.episodes]
    columns = (stories.labels, stories.episode_labels, stories.near_duplicate_labels, stories.membership)
    for i, (label, episode, group, share) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        ids = stories.articles[i].id, stories[label].id, episodes[episode]
        yield dict(zip(ARTICLE_COLUMNS, (*ids, group, i in representatives, round(share, 6)), strict=True))


def story_row(story: "Story") -> dict[str, Any]:
    """Return the row of a story, with those of its episodes in the last column."""
    episodes = [{"episode_id": episode.id, **_facts(episode)} for episode in story.episodes]
    return {"story_id": story.id, **_facts(story), "episodes": episodes}


def episode_rows(stories: Iterable["Story"]) -> Iterator[dict[str, Any]]:
    """Yield a row for each episode, the episodes of a story one after the other."""
    for story in stories:
        for episode in story.episodes:
            yield {"episode_id": episode.id, "story_id": story.id, **_facts(episode)}


def _facts(episode: "Episode") -> dict[str, Any]:
    """Return what is said of an episode, and of a story."""
    values = (
        len(episode),
        _written(episode.first),
        _written(episode.last),
        episode.representative.id,
        episode.headline,
        episode.reason,
        list(episode.terms),
        list(episode.sources),
        round(episode.cohesion, 6),
        [article.id for article in episode.articles],
        [[article.id for article in copies] for copies in episode.near_duplicates],
    )
    return dict(zip(_COLUMNS, values, strict=True))


def story_lines(story: "Story") -> str:
    """Return a story as lines for people: its own, and one for each chapter if it has several."""
    name = f"{visible_line(story.id, 40):>8}"
    lines = [f"{name} {told(len(story), story.first, story.last)}{visible(story.headline)}\n"]
    if len(story.episodes) > 1:
        below = " " * len(name)
        for episode in story.episodes:
            facts = told(len(episode), episode.first, episode.last)
            lines.append(f"{below} {facts}  {visible(episode.headline)}\n")
    return "".join(lines)


def told(size: int, first: datetime | None, last: datetime | None) -> str:
    """Return the size and the time of a story or an episode, as columns of a line for people."""
    return f"{size:>5}  {period(first, last):<24}  "


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


def removed_rows(kept: "Kept", ids: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each copy that goes, with the article that stays for it."""
    figures = kept.jaccard.tolist(), kept.containment.tolist()
    for goes, stays, jaccard, containment in zip(kept.removed.tolist(), kept.kept_for.tolist(), *figures, strict=True):
        values = ids[goes], ids[stays], round(jaccard, 6), round(containment, 6)
        yield dict(zip(REMOVED_COLUMNS, values, strict=True))


def across_rows(pairs: Iterable[Pair], ids: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each pair of a new and an old article."""
    for new, old, jaccard, containment in pairs:
        values = ids[new], old, round(jaccard, 6), round(containment, 6)
        yield dict(zip(ACROSS_COLUMNS, values, strict=True))


def removed_for_old_rows(
    originals: dict[int, Original], kept: "Kept", rest: list[int], ids: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each new article that goes, by position: for an old one, or for one of the rest that stays."""
    gone = {new: ((ids[new], *original), "old") for new, original in originals.items()}
    among = removed_rows(kept, [ids[position] for position in rest])
    for position, row in zip(kept.removed.tolist(), among, strict=True):
        gone[rest[position]] = tuple(row.values()), "new"
    for _, ((goes, stays, jaccard, containment), where) in sorted(gone.items()):
        values = goes, stays, round(jaccard, 6), round(containment, 6), where
        yield dict(zip(REMOVED_FOR_OLD_COLUMNS, values, strict=True))
