"""Sample articles, written for this project: of public facts and of made-up local events, in made-up outlets."""

import json
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from dedup.article import Article

LANGUAGES = ("de", "en", "es", "fr", "pt", "ru", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleArticle(Article):
    """An article with what a careful editor says of it.

    Attributes
    ----------
    near_duplicate_group : str
        Id of the text it is a copy of; its own id when it is no copy.
    story : str
        Its story among the reports of its own language.
    event : str
        Its event, whatever the language.
    """

    near_duplicate_group: str
    story: str
    event: str


def sample_articles(*languages: str) -> list[SampleArticle]:
    """Sample articles, by publication.

    Reports of Kim Jong Un's trip to Russia in September 2023, of events easily confused with it, and of others.

    Parameters
    ----------
    *languages : {"de", "en", "es", "fr", "pt", "ru", "zh"}
        Which to return; all when none is given.

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
