"""Sample articles, written for this project: on public facts and invented local events, in invented outlets."""

import json
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from dedup.article import Article

LANGUAGES = ("de", "en", "es", "fr", "pt", "ru", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleArticle(Article):
    """An article with the labels of an editor.

    Attributes
    ----------
    near_duplicate_group : str
        Id of the article that it is a copy of; its own id if it is no copy.
    story : str
        Its story among the reports of its language.
    event : str
        Its event among the reports of all languages.
    """

    near_duplicate_group: str
    story: str
    event: str


def sample_articles(*languages: str) -> list[SampleArticle]:
    """Sample articles by publication, with the labels of an editor.

    Reports of Kim Jong Un's trip to Russia in September 2023, of similar events, and of others.

    Parameters
    ----------
    *languages : {"de", "en", "es", "fr", "pt", "ru", "zh"}
        Languages of the articles; all by default.

    Raises
    ------
    ValueError
        For another language.

    Examples
    --------
    >>> articles = sample_articles("fr", "ru")
    >>> articles[0].event, articles[0].published.year
    ('notre-dame-fire', 2019)
    """
    for language in languages:
        if language not in LANGUAGES:
            raise ValueError(f"language is {language!r}; allowed: {', '.join(map(repr, LANGUAGES))}")
    rows = (
        json.loads(line)
        for language in languages or LANGUAGES
        for line in files("dedup").joinpath("samples", f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    )
    articles = [SampleArticle(**row | {"published": datetime.fromisoformat(row["published"])}) for row in rows]
    return sorted(articles, key=lambda article: (article.day, article.id))
