"""Stories as one self-contained page."""

from html import escape

from dedup.article import Article
from dedup.stories import Stories, Story, period, plural

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border-top: 1px solid #8886; padding: .6rem 0; }
summary { cursor: pointer; }
small { opacity: .75; }
"""


def render(stories: Stories) -> str:
    """The page. Articles are untrusted: every field is escaped, and addresses are shown but not linked."""
    title = f"{plural(len(stories.articles), 'article')} in {plural(len(stories), 'story', 'stories')}"
    body = "\n".join(map(_story, stories))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def _story(story: Story) -> str:
    copies = sum(len(group) - 1 for group in story.near_duplicates)
    facts = plural(len(story), "article")
    if copies:
        facts += f", {plural(copies, 'copy', 'copies')}"
    outlets = ", ".join(map(escape, story.sources))
    return (
        f"<details>\n<summary><strong>{escape(story.headline)}</strong><br>\n"
        f"<small>{facts}; {period(story)}; {outlets}</small></summary>\n"
        f"<p>{escape(story.reason)}</p>\n<p><small>{escape(', '.join(story.terms))}</small></p>\n"
        f"<ul>\n{''.join(map(_article, story.articles))}</ul>\n</details>"
    )


def _article(article: Article) -> str:
    when = f"{article.published:%Y-%m-%d %H:%M %Z}" if article.published else "undated"
    title = article.title or article.text[:120]
    facts = " ".join(escape(fact) for fact in (article.source, when, article.url) if fact)
    return f"<li>{escape(title)} <small>{facts}</small></li>\n"
