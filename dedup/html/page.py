"""Stories as one self-contained page.

Articles are untrusted. Their fields enter the page twice: as JSON in which no character can end the script element,
and, for browsers without JavaScript, as escaped HTML. The script of the page turns them into text nodes, and a
Content-Security-Policy allows that script and its style sheet by their hashes and nothing else, no network either.
"""

import json
import os
import re
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC
from hashlib import sha256
from urllib.parse import quote

import numpy as np

from dedup.article import Article
from dedup.article.urls import page_of
from dedup.disk import complete_file
from dedup.html.alike import Near, comparisons
from dedup.html.facts import Compare, EpisodeFacts, StoriesFacts, StoryFacts
from dedup.html.fields import asset, link, safe, web_address
from dedup.wording import one_line, period, plural, printable

_MAX_CHARACTERS = 5_000  # of one text
_MAX_ALL_CHARACTERS = 50_000_000  # of all texts: no browser holds a string of 512 MB
_BLOCK = 128  # texts that the browser parses together, when it needs one of them
_CLOSE = 0.15  # a call is close within this share of the threshold
_NEIGHBOURS = 5  # most stories that are named as nearly one with a story
SCRIPTS = ("story.js", "chapters.js", "compare.js", "saving.js", "page.js")
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}

# No-break, thin and ideographic spaces stay: they are part of how a title is written.
_BLANKS = re.compile(r"[ \t-\r\x1c-\x1f\x85\u2028\u2029]+")


def write(stories: StoriesFacts, path: str | os.PathLike[str], compare: Compare) -> None:
    """Write the page to a file, which appears or replaces an earlier one only when all of it is on the disk."""
    # The policy has hashes of the style sheet and the script: newline="" keeps every byte of them.
    with complete_file(path) as name, open(name, "w", encoding="utf-8", newline="") as file:
        file.writelines(render(stories, compare))


def render(stories: StoriesFacts, compare: Compare) -> Iterator[str]:
    """The page in pieces, so that a page of a hundred thousand articles is never in memory as a whole."""
    style = asset("page.css")
    script = "".join(map(asset, SCRIPTS))
    limit = _text_limit(stories)
    title = f"{plural(len(stories.articles), 'article')} in {plural(len(stories), 'story', 'stories')}"
    parts: dict[str, Callable[[], Iterable[str]]] = {
        "policy": lambda: [_policy(style, script)],
        "title": lambda: [title],
        "facts": lambda: [_facts(stories)],
        "style": lambda: [style],
        "script": lambda: [script],
        "data": lambda: [_json(_data(stories, limit, compare))],
        "texts": lambda: _texts(stories, limit),
        "plain": lambda: map(_plain_story, stories),
        "note": lambda: [f"Of each text the page holds the first {limit:,} characters. Times are in UTC."],
    }
    # The template is split before articles come in, so that they cannot have placeholders.
    for place, piece in enumerate(re.split(r"\{\{(\w+)\}\}", asset("page.html"))):
        yield from parts[piece]() if place % 2 else [piece]


def _policy(style: str, script: str) -> str:
    hashes = [b64encode(sha256(content.encode()).digest()).decode() for content in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _json(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return printable(json.dumps(value, ensure_ascii=False, separators=(",", ":"))).translate(_ESCAPES)


def _line(text: str, limit: int) -> str:
    return one_line(text[: 2 * limit], limit, "…", blanks=_BLANKS)


def _title(article: Article) -> str:
    return _line(article.plain_title, 300) or _line(article.plain_text, 120) or "(no text)"


def _text_limit(stories: StoriesFacts) -> int:
    """Most characters of a text that the page holds: fewer where there are very many texts."""
    lengths = np.array([len(article.plain_text) for article in stories.articles])
    limits = range(1, _MAX_CHARACTERS + 1)
    return bisect_right(limits, _MAX_ALL_CHARACTERS, key=lambda limit: int(np.minimum(lengths, limit).sum()))


def _facts(stories: StoriesFacts) -> str:
    moments = (moment for story in stories for moment in (story.first, story.last) if moment)
    days = sorted(f"{moment.astimezone(UTC).date()}" for moment in moments)
    outlets = len({article.source for article in stories.articles if article.source})
    languages = len({article.language for article in stories.articles if article.language})
    facts = [
        f"{days[0]} to {days[-1]}" if days else "",
        plural(outlets, "outlet") if outlets else "",
        plural(languages, "language") if languages else "",
        f"threshold {stories.threshold:g}",
    ]
    return " · ".join(filter(None, facts))


def _data(stories: StoriesFacts, limit: int, compare: Compare) -> dict[str, object]:
    near = _near_misses(stories)
    within, across = comparisons(stories, near, compare)
    told = [_story(story, limit) for story in stories]
    for place, story in enumerate(told):
        pairs = (across.get((min(place, other), max(place, other)), []) for other, _ in near[place])
        story["near"] = [[*call, *pair] for call, pair in zip(near[place], pairs, strict=True)]
        story["pairs"] = within[place]
    return {
        "threshold": round(stories.threshold, 6),
        "doubtful": stories.threshold * (1 + _CLOSE),
        "limit": limit,
        "block": _BLOCK,
        "stories": told,
    }


def _near_misses(stories: StoriesFacts) -> list[list[Near]]:
    """For each story the positions of those that it is nearly one with, and how similar they are."""
    places = {id(story): place for place, story in enumerate(stories)}
    near: list[list[Near]] = [[] for _ in stories]
    for doubt in stories.least_certain(10 * max(1, len(stories))):
        if doubt.other is None or abs(doubt.similarity - doubt.needed) > _CLOSE * doubt.needed:
            continue
        for one, other in ((doubt.story, doubt.other), (doubt.other, doubt.story)):
            if len(near[places[id(one)]]) < _NEIGHBOURS:
                near[places[id(one)]].append((places[id(other)], round(doubt.similarity, 4)))
    return near


def _story(story: StoryFacts, limit: int) -> dict[str, object]:
    # Copies share a number; every other article has its own.
    copies = {id(article): number for number, group in enumerate(story.near_duplicates) for article in group}
    pages = _pages(story.near_duplicates)
    places = {id(article): place for place, article in enumerate(story.articles)}
    facts = {
        "id": _id(story),
        "headline": _title(story.representative),
        "reason": _line(story.reason, 1_000),
        "terms": [_line(term, 60) for term in story.terms],
        "cohesion": round(story.cohesion, 4),
        "shown": places[id(story.representative)],
        "articles": [
            _article(article, membership, copies.get(id(article), -1 - place), limit) | pages.get(id(article), {})
            for place, (article, membership) in enumerate(zip(story.articles, story.membership, strict=True))
        ],
    }
    if len(story.episodes) == 1:
        return facts
    episodes = [_episode(episode, places) for episode in story.episodes]
    return facts | {"episodes": episodes}


def _pages(groups: Sequence[Sequence[Article]]) -> dict[int, dict[str, int]]:
    """Return for the articles of groups of copies which of them have the URL of one page."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for article in (article for group in groups for article in group):
        if (page := page_of(article.source, article.url)) is not None:
            numbers.setdefault(page, []).append(id(article))
    several = (own for own in numbers.values() if len(own) > 1)
    return {name: {"page": number} for number, own in enumerate(several) for name in own}


def _episode(episode: EpisodeFacts, places: dict[int, int]) -> dict[str, object]:
    return {
        "shown": places[id(episode.representative)],
        "cohesion": round(episode.cohesion, 4),
        "articles": [places[id(article)] for article in episode.articles],
    }


def _id(story: StoryFacts) -> str:
    return _line(story.id, 200)


def _article(article: Article, membership: float, copy: int, limit: int) -> dict[str, object]:
    fields = {
        "id": _line(article.id, 200),
        "title": _title(article),
        "published": _when(article),
        "source": _line(article.source or "", 200),
        "url": web_address(article.url),
        "language": _line(article.language or "", 40),
        "length": len(article.plain_text) if len(article.plain_text) > limit else 0,
    }
    return {name: value for name, value in fields.items() if value} | {"membership": round(membership, 4), "copy": copy}


def _when(article: Article) -> str:
    """The minute in UTC, as a string that sorts by time."""
    return article.published.astimezone(UTC).isoformat(" ")[:16] if article.published else ""


def _texts(stories: StoriesFacts, limit: int) -> Iterator[str]:
    """Texts in the order of the stories, in blocks after the script: the list shows before they have loaded."""
    articles = [article for story in stories for article in story.articles]
    for block in range(-(-len(articles) // _BLOCK)):
        texts = [printable(article.plain_text[:limit]) for article in articles[block * _BLOCK : (block + 1) * _BLOCK]]
        yield f'<script type="application/json" id="texts-{block}">{_json(texts)}</script>\n'


def _plain_story(story: StoryFacts) -> str:
    """A story with the articles of each of its episodes; its heading is what a link to the story leads to."""
    episodes = story.episodes if len(story.episodes) > 1 else []
    chapters = "".join(map(_plain_episode, episodes))
    # In a link and in this name, characters are escaped alike: what browsers compare first is the two as they stand.
    name = "story-" + quote(_id(story).encode("utf-8", "replace"), safe="!*'()")
    return (
        f'<h2 id="{safe(name)}" dir="auto">{safe(_title(story.representative))}</h2>\n'
        f"<p>{plural(len(story), 'article')}, {period(story.first, story.last)}. "
        f"{safe(_line(story.reason, 1_000))}</p>\n"
    ) + (f"<ol>\n{chapters}</ol>\n" if episodes else _plain_articles(story))


def _plain_episode(episode: EpisodeFacts) -> str:
    copies, outlets = sum(len(group) - 1 for group in episode.near_duplicates), len(episode.sources)
    facts = [
        period(episode.first, episode.last),
        plural(len(episode), "article"),
        plural(copies, "copy", "copies") if copies else "",
        plural(outlets, "outlet") if outlets else "",
    ]
    return (
        f'<li>\n<h3 dir="auto">{safe(_title(episode.representative))}</h3>\n'
        f"<p>{', '.join(filter(None, facts))}</p>\n{_plain_articles(episode)}</li>\n"
    )


def _plain_articles(episode: EpisodeFacts) -> str:
    return f"<ul>\n{''.join(map(_plain_article, episode.articles))}</ul>\n"


def _plain_article(article: Article) -> str:
    facts = ", ".join(safe(_line(fact, 200)) for fact in (article.source, _when(article)) if fact)
    return f'<li dir="auto">{link(article.url, safe(_title(article)))} <small>{facts}</small></li>\n'
