"""Notebook cards of stories, of near-duplicates, and of what an index did with an article.

A card has a few hundred kilobytes at most: what is left out is counted.
"""

from collections.abc import Sequence
from itertools import islice

from dedup.arrays import Floats, Integers
from dedup.html.facts import EpisodeFacts, StoriesFacts, StoryFacts
from dedup.html.fields import bar, card, facts_of, folded, line, link, listed, name_of
from dedup.wording import period, plural

#: Most stories of a card, episodes and articles of a story, groups of copies of a story, and members of a group.
MAX_STORIES, MAX_EPISODES, MAX_ARTICLES, MAX_GROUPS, MAX_COPIES = 20, 10, 10, 5, 5

_MAX_PAIRS = 20
_MAX_OUTLETS = 8


def stories_card(stories: StoriesFacts) -> str:
    """The largest stories, each folded, and how many others there are."""
    shown = "".join(folded(_heading(story), _body(story)) for story in islice(stories, MAX_STORIES))
    more = len(stories) - MAX_STORIES
    counts = f"{plural(len(stories.articles), 'article')} in {plural(len(stories), 'story', 'stories')}"
    rest = f"<p><small>and {more:,} smaller ones</small></p>" if more > 0 else ""
    return card(f"<p><strong>{counts}</strong></p>{shown}{rest}")


def story_card(story: StoryFacts) -> str:
    """One story, unfolded."""
    return card(f"<p>{_heading(story)}</p>{_body(story)}")


def near_duplicates_card(
    pairs: Integers,
    jaccard: Floats,
    containment: Floats,
    groups: Sequence[Sequence[int]],
    n_texts: int,
    threshold: float,
) -> str:
    """How many copies there are, the closest pairs and the largest groups; see `dedup.NearDuplicates`."""
    counts = (
        f"{plural(n_texts, 'text')}: {plural(len(pairs), 'pair')} of near-duplicates, "
        f"{sum(map(len, groups)):,} texts in {plural(len(groups), 'group')}"
    )
    closest = (-jaccard).argsort(kind="stable")[:_MAX_PAIRS].tolist()
    rows = "".join(
        f"<tr><td>{pairs[i, 0]}</td><td>{pairs[i, 1]}</td><td>{jaccard[i]:.3f}</td><td>{containment[i]:.3f}</td></tr>"
        for i in closest
    )
    table = f"<table><tr><th>text</th><th>text</th><th>Jaccard</th><th>containment</th></tr>{rows}</table>"
    if len(pairs) > _MAX_PAIRS:
        table += f"<p><small>the closest {_MAX_PAIRS} of {len(pairs):,}</small></p>"
    largest = [
        ", ".join(map(str, group[:MAX_STORIES])) + ("…" if len(group) > MAX_STORIES else "")
        for group in sorted(groups, key=len, reverse=True)[:MAX_STORIES]
    ]
    shown = folded("closest pairs", table) + folded("largest groups", listed(largest, len(groups), "groups"))
    note = f"<p><small>Jaccard similarity of at least {threshold:g}</small></p>"
    return card(f"<p><strong>{counts}</strong></p>{note}{shown if groups else ''}")


def assignment_card(
    article_id: str,
    story_id: str,
    outcome: str,
    near_duplicate_of: str | None,
    similarity: float | None,
    merged: Sequence[str],
) -> str:
    """What an index did with an article; see `dedup.Assignment`."""
    rows = [("article", line(article_id)), ("story", line(story_id)), ("outcome", line(outcome))]
    if near_duplicate_of is not None:
        rows.append(("copy of", line(near_duplicate_of)))
    if similarity is not None:
        rows.append(("similarity", bar(similarity, f"{similarity:.3f}")))
    if merged:
        rest = f" and {len(merged) - MAX_STORIES:,} more" if len(merged) > MAX_STORIES else ""
        rows.append(("merged", ", ".join(map(line, merged[:MAX_STORIES])) + rest))
    return card(f"<table>{''.join(f'<tr><th>{name}</th><td>{value}</td></tr>' for name, value in rows)}</table>")


def _heading(story: StoryFacts) -> str:
    """Headline, size, outlets and days of a story."""
    episodes = len(story.episodes)
    return f"<strong>{line(story.headline)}</strong> <small>{_counts(story, episodes if episodes > 1 else 0)}</small>"


def _counts(episode: EpisodeFacts, episodes: int = 0) -> str:
    copies, outlets = sum(len(group) - 1 for group in episode.near_duplicates), len(episode.sources)
    facts = [
        plural(len(episode), "article"),
        plural(episodes, "episode") if episodes else "",
        plural(copies, "copy", "copies") if copies else "",
        plural(outlets, "outlet") if outlets else "",
        period(episode.first, episode.last),
    ]
    return ", ".join(filter(None, facts))


def _body(story: StoryFacts) -> str:
    """The representative and the reason for it, cohesion, terms, outlets, episodes, articles and copies."""
    shown, terms, sources = story.representative, story.terms, story.sources
    parts = [
        f"<p>{link(shown.url, name_of(shown))} <small>{facts_of(shown)}</small><br>"
        f"<small>{line(story.reason, 400)}</small></p>"
    ]
    if len(story) > 1:
        label = f"cohesion {story.cohesion:.2f}, threshold {story.threshold:g}"
        parts.append(f"<p><small>{bar(story.cohesion, label)}</small></p>")
    if terms:
        parts.append(f"<p><small>{', '.join(line(term, 60) for term in terms)}</small></p>")
    if sources:
        outlets = ", ".join(line(source, 60) for source in sources[:_MAX_OUTLETS])
        rest = f" and {len(sources) - _MAX_OUTLETS:,} more" if len(sources) > _MAX_OUTLETS else ""
        parts.append(f"<p><small>{outlets}{rest}</small></p>")
    if len(story.episodes) > 1:
        parts.append(listed(list(map(_episode, story.episodes[:MAX_EPISODES])), len(story.episodes), "episodes"))
    if len(story) > 1:
        parts.append(folded(plural(len(story), "article"), _articles(story)))
    if story.near_duplicates:
        parts.append(folded(plural(len(story.near_duplicates), "group") + " of copies", _copies(story)))
    return "".join(parts)


def _episode(episode: EpisodeFacts) -> str:
    """Headline of an episode, its size, outlets and days."""
    return f"{link(episode.representative.url, line(episode.headline))} <small>{_counts(episode)}</small>"


def _articles(story: StoryFacts) -> str:
    """The first articles, each with its similarity to the others."""
    items = [
        f"{link(article.url, name_of(article))} <small>{facts_of(article)}, {membership:.2f}</small>"
        for article, membership in zip(story.articles[:MAX_ARTICLES], story.membership, strict=False)
    ]
    return listed(items, len(story), "articles")


def _copies(story: StoryFacts) -> str:
    groups = []
    for group in story.near_duplicates[:MAX_GROUPS]:
        copies = [f"{name_of(copy)} <small>{facts_of(copy)}</small>" for copy in group[:MAX_COPIES]]
        groups.append(listed(copies, len(group), "copies"))
    return listed(groups, len(story.near_duplicates), "groups")
