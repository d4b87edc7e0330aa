"""What notebooks show of stories, of copies, and of what an index did with an article.

However much there is to show, a card has a few hundred kilobytes at most: what is left out is counted.
"""

from dedup.html.fields import bar, card, facts_of, folded, line, link, listed, name_of
from dedup.near.result import NearDuplicates
from dedup.stories import Stories, Story
from dedup.stream.assignment import Assignment
from dedup.wording import period, plural

#: So many stories open to view, articles of each, groups of copies, and members of a group.
MOST_STORIES, MOST_ARTICLES, MOST_GROUPS, MOST_COPIES = 20, 10, 5, 5

_MOST_PAIRS = 20
_MOST_OUTLETS = 8


def stories_card(stories: Stories) -> str:
    """The largest stories, each folded, and how many others there are."""
    told = [folded(_heading(story), _body(story)) for story in stories[:MOST_STORIES]]
    more = len(stories) - len(told)
    counts = f"{plural(len(stories.articles), 'article')} in {plural(len(stories), 'story', 'stories')}"
    rest = f"<p><small>and {more:,} smaller ones</small></p>" if more else ""
    return card(f"<p><strong>{counts}</strong></p>{''.join(told)}{rest}")


def story_card(story: Story) -> str:
    """One story, open."""
    return card(f"<p>{_heading(story)}</p>{_body(story)}")


def near_duplicates_card(found: NearDuplicates) -> str:
    """How many copies there are, and the closest pairs."""
    groups = found.groups
    counts = (
        f"{plural(len(found.labels), 'text')}: {plural(len(found.pairs), 'pair')} of near-duplicates, "
        f"{sum(map(len, groups)):,} texts in {plural(len(groups), 'group')}"
    )
    closest = (-found.jaccard).argsort(kind="stable")[:_MOST_PAIRS]
    columns = found.pairs[closest].tolist(), found.jaccard[closest].tolist(), found.containment[closest].tolist()
    rows = "".join(
        f"<tr><td>{left}</td><td>{right}</td><td>{jaccard:.3f}</td><td>{containment:.3f}</td></tr>"
        for (left, right), jaccard, containment in zip(*columns, strict=True)
    )
    table = f"<table><tr><th>text</th><th>text</th><th>Jaccard</th><th>containment</th></tr>{rows}</table>"
    if len(found.pairs) > _MOST_PAIRS:
        table += f"<p><small>the closest {_MOST_PAIRS} of {len(found.pairs):,}</small></p>"
    largest = sorted(groups, key=len, reverse=True)[:MOST_STORIES]
    members = [
        ", ".join(map(str, group[:MOST_STORIES])) + ("…" if len(group) > MOST_STORIES else "") for group in largest
    ]
    shown = folded("closest pairs", table) + folded("largest groups", listed(members, len(groups), "groups"))
    note = f"<p><small>Jaccard similarity of at least {found.threshold:g}</small></p>"
    return card(f"<p><strong>{counts}</strong></p>{note}{shown if groups else ''}")


def assignment_card(got: Assignment) -> str:
    """What became of an article."""
    rows = [("article", line(got.article_id)), ("story", line(got.story_id)), ("outcome", line(got.outcome))]
    if got.near_duplicate_of is not None:
        rows.append(("copy of", line(got.near_duplicate_of)))
    if got.similarity is not None:
        rows.append(("similarity", bar(got.similarity, f"{got.similarity:.3f}")))
    if got.merged:
        shown = ", ".join(map(line, got.merged[:MOST_STORIES]))
        rows.append(
            ("merged", shown + (f" and {len(got.merged) - MOST_STORIES:,} more" if got.merged[MOST_STORIES:] else ""))
        )
    return card(f"<table>{''.join(f'<tr><th>{name}</th><td>{value}</td></tr>' for name, value in rows)}</table>")


def _heading(story: Story) -> str:
    """Headline, size, outlets and days of a story."""
    copies = sum(len(group) - 1 for group in story.near_duplicates)
    facts = [plural(len(story), "article")]
    if copies:
        facts.append(plural(copies, "copy", "copies"))
    if story.sources:
        facts.append(plural(len(story.sources), "outlet"))
    facts.append(period(story.first, story.last))
    return f"<strong>{line(story.headline)}</strong> <small>{', '.join(facts)}</small>"


def _body(story: Story) -> str:
    """The representative and the reason for it, terms, cohesion, articles and copies."""
    shown, outlets = story.representative, ", ".join(line(source, 60) for source in story.sources[:_MOST_OUTLETS])
    more = len(story.sources) - _MOST_OUTLETS
    parts = [
        f"<p>{link(shown.url, name_of(shown))} <small>{facts_of(shown)}</small><br>"
        f"<small>{line(story.reason, 400)}</small></p>",
    ]
    if len(story) > 1:
        label = f"cohesion {story.cohesion:.2f}, threshold {story.threshold:g}"
        parts.append(f"<p><small>{bar(story.cohesion, label)}</small></p>")
    if story.terms:
        parts.append(f"<p><small>{', '.join(line(term, 60) for term in story.terms)}</small></p>")
    if outlets:
        parts.append(f"<p><small>{outlets}{f' and {more:,} more' if more > 0 else ''}</small></p>")
    if len(story) > 1:
        parts.append(folded(plural(len(story), "article"), _articles(story)))
    if story.near_duplicates:
        parts.append(folded(plural(len(story.near_duplicates), "group") + " of copies", _copies(story)))
    return "".join(parts)


def _articles(story: Story) -> str:
    """The first articles, each with its similarity to the others."""
    items = [
        f"{link(article.url, name_of(article))} <small>{facts_of(article)}, {membership:.2f}</small>"
        for article, membership in zip(story.articles[:MOST_ARTICLES], story.membership, strict=False)
    ]
    return listed(items, len(story), "articles")


def _copies(story: Story) -> str:
    groups = []
    for group in story.near_duplicates[:MOST_GROUPS]:
        copies = [f"{name_of(copy)} <small>{facts_of(copy)}</small>" for copy in group[:MOST_COPIES]]
        groups.append(listed(copies, len(group), "copies"))
    return listed(groups, len(story.near_duplicates), "groups")
