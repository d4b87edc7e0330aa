"""What an encoder says of articles."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article
from dedup.encoders import Encoder
from dedup.progress import ProgressCallback, no_progress
from dedup.samples import sample_articles
from dedup.story.encoding import Meanings, Scale, measured_scale
from dedup.text.language import guess_languages

#: An encoder is given the title and the beginning, as that says what happened and reading costs time.
MAX_CHARACTERS = 300

#: ... of so many articles at a time.
TEXTS_AT_ONCE = 64


def read_meanings(articles: Sequence[Article], encoder: Encoder, progress: ProgressCallback = no_progress) -> Meanings:
    """What an encoder says of articles.

    Raises
    ------
    TypeError, ValueError
        When the encoder does not return one finite row of numbers for each text.
    """
    # The embeddings of one encoder have one scale: that is learnt once.
    scale = (_scale if isinstance(encoder, Hashable) else _scale.__wrapped__)(encoder)
    return Meanings(_encode(articles, encoder, progress), _languages(articles), scale)


@lru_cache(maxsize=8)
def _scale(encoder: Encoder) -> Scale:
    """How the encoder sees unrelated reports: the first one of each event of the sample."""
    firsts: dict[str, Article] = {}
    for article in sample_articles():
        firsts.setdefault(article.event, article)
    articles = list(firsts.values())
    return measured_scale(_encode(articles, encoder), _languages(articles))


def _encode(
    articles: Sequence[Article], encoder: Encoder, progress: ProgressCallback = no_progress
) -> NDArray[np.float32]:
    """Vectors of unit length, shape (n_articles, n_dimensions); a zero vector stays."""
    rows = list(_rows(articles, encoder, progress))
    vectors = np.concatenate(rows) if rows else np.zeros((0, 1))
    # By the largest number first: squares of very large or small ones have no place in a float.
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    vectors /= np.where(largest > 0, largest, 1)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def _rows(articles: Sequence[Article], encoder: Encoder, progress: ProgressCallback) -> Iterator[NDArray[np.float64]]:
    """What the encoder returns, a batch at a time, checked."""
    dimensions = None
    for first in range(0, len(articles), TEXTS_AT_ONCE):
        texts = [article.full_text[:MAX_CHARACTERS] for article in articles[first : first + TEXTS_AT_ONCE]]
        try:
            rows = np.asarray(encoder(texts))
        except ValueError as error:
            if "inhomogeneous" not in str(error):
                raise
            raise ValueError("encoder returned rows of unequal length; allowed: an array (n_texts, d)") from error
        if rows.dtype.kind not in "fiu":
            raise TypeError(f"encoder returned {rows.dtype} values; allowed: real numbers")
        if rows.ndim != 2 or len(rows) != len(texts) or rows.shape[1] != (dimensions or rows.shape[1]) or not rows.size:
            allowed = f"({len(texts)}, {dimensions or 'd'})"
            raise ValueError(
                f"encoder returned an array of shape {rows.shape} for {len(texts)} texts; allowed: {allowed}"
            )
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            article = articles[first + int(finite.argmin())]
            raise ValueError(f"encoder returned a number that is not finite for article {article.id!r}")
        dimensions = rows.shape[1]
        yield rows.astype(np.float64)
        progress(min(first + TEXTS_AT_ONCE, len(articles)) / len(articles))


def _languages(articles: Sequence[Article]) -> NDArray[np.int64]:
    """A number for the language of each article, -1 where nothing tells."""
    guessed = guess_languages([article.full_text for article in articles])
    declared = [article.language and article.language.strip().casefold() for article in articles]
    # "fr", "fra" and "fr-CA" are one language: a declaration means what most texts that bear it seem to be in, which is
    # also right where one of them is too short to tell.
    votes: dict[str, Counter[str]] = {}
    for said, guess in zip(declared, guessed, strict=True):
        if said and guess:
            votes.setdefault(said, Counter())[guess] += 1
    meant = {said: min(count, key=lambda code: (-count[code], code)) for said, count in votes.items()}
    named = [meant.get(said, said) if said else guess for said, guess in zip(declared, guessed, strict=True)]
    numbers = {name: i for i, name in enumerate(sorted({name for name in named if name}))}
    return np.array([numbers[name] if name else -1 for name in named], dtype=np.int64)
