"""Articles -> their embeddings and languages."""

from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Floats, Integers
from dedup.article import Article
from dedup.encoders import Encoder
from dedup.encoders.declared_languages import DeclaredLanguages
from dedup.parameters import FOLD, Fold
from dedup.progress import ProgressCallback, no_progress
from dedup.samples import sample_articles
from dedup.story.encoding import Meanings, Scale, measured_scale, whole_numbers
from dedup.story.kinds import are_roundups
from dedup.text.language import guess_languages

#: Characters of an article that are encoded: title and beginning say what happened, and encoding takes time.
MAX_CHARACTERS = 300

#: Number of texts that an encoder receives at a time.
BATCH_SIZE = 64


def read_meanings(
    articles: Sequence[Article], encoder: Encoder, progress: ProgressCallback = no_progress, fold: Fold = FOLD
) -> Meanings:
    """Embeddings of articles by an encoder, which must return one finite row of numbers for each text."""
    scale = scale_of(encoder, fold)
    titles, texts = [article.plain_title for article in articles], [article.full_text for article in articles]
    roundups = are_roundups(titles, texts, fold)
    vectors = encoded(articles, encoder, progress)
    vectors[roundups] = 0  # of many stories, a round-up is like no report
    return Meanings.of_whole(vectors, _languages(articles, fold), scale)


def scale_of(encoder: Encoder, fold: Fold) -> Scale:
    """The scale of an encoder, which is measured once."""
    return (_scale if isinstance(encoder, Hashable) else _scale.__wrapped__)(encoder, fold)


@lru_cache(maxsize=8)
def _scale(encoder: Encoder, fold: Fold) -> Scale:
    """The scale of an encoder, measured on the first report of each event of the sample."""
    firsts: dict[str, Article] = {}
    for article in sample_articles():
        firsts.setdefault(article.event, article)
    articles = list(firsts.values())
    return measured_scale(encoded(articles, encoder), _languages(articles, fold))


def encoded_text(article: Article) -> str:
    """What an encoder is given of an article."""
    return article.full_text[:MAX_CHARACTERS]


def encoded(
    articles: Sequence[Article], encoder: Encoder, progress: ProgressCallback = no_progress
) -> NDArray[np.int8]:
    """Vectors of whole numbers, shape (n_articles, n_dimensions)."""
    rows = [whole_numbers(part) for part in _rows(articles, encoder, progress)]
    return np.concatenate(rows) if rows else np.zeros((0, 1), dtype=np.int8)


def _rows(articles: Sequence[Article], encoder: Encoder, progress: ProgressCallback) -> Iterator[Floats]:
    """The rows that the encoder returns, checked, one batch at a time."""
    dimensions = None
    for first in range(0, len(articles), BATCH_SIZE):
        texts = list(map(encoded_text, articles[first : first + BATCH_SIZE]))
        try:
            rows = np.asarray(encoder(texts))
        except ValueError as error:
            if "inhomogeneous" not in str(error):
                raise
            raise ValueError("encoder returned rows of unequal length; allowed: an array (n_texts, d)") from error
        if rows.dtype.kind not in "fiu":
            raise TypeError(f"encoder returned {rows.dtype} values; allowed: real numbers")
        if rows.ndim != 2 or len(rows) != len(texts) or rows.shape[1] != (dimensions or rows.shape[1]) or not rows.size:
            problem = f"encoder returned an array of shape {rows.shape} for {len(texts)} texts"
            raise ValueError(f"{problem}; allowed: ({len(texts)}, {dimensions or 'd'})")
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            article = articles[first + int(finite.argmin())]
            raise ValueError(f"encoder returned a number that is not finite for article {article.id!r}")
        dimensions = rows.shape[1]
        yield rows.astype(np.float64)
        progress(min(first + BATCH_SIZE, len(articles)) / len(articles))


def _languages(articles: Sequence[Article], fold: Fold) -> Integers:
    """A number for the language of each article, -1 for an unknown one."""
    guessed = guess_languages([article.full_text for article in articles], fold)
    declared, languages = [article.language for article in articles], DeclaredLanguages()
    languages.add(declared, guessed)
    return languages.numbers(declared, guessed)
