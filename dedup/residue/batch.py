"""Find the residue of a batch of articles."""

import logging

from dedup.article import Batch, with_residue
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress
from dedup.residue.find import find_residue
from dedup.residue.title_residue import find_title_residue

_logger = logging.getLogger(__name__)


def add_residue(
    batch: Batch, max_chars: int, fold: Fold, n_jobs: int | None, progress: ProgressCallback = no_progress
) -> Batch:
    """Return the batch with the residue of each article, which `Article.full_text` then leaves out.

    Only the first `max_chars` characters of each text are read.
    """
    _logger.debug("looking for residue in %d articles", len(batch.articles))
    ordered = [batch.articles[i] for i in batch.order]
    texts = [article.plain_text[:max_chars] for article in ordered]
    titles = [article.plain_title for article in ordered]
    sources, urls = [article.source for article in ordered], [article.url for article in ordered]
    found = find_residue(texts, sources, titles, fold=fold, n_jobs=n_jobs, progress=progress)
    of_titles = find_title_residue(titles, sources, urls, fold)
    articles = list(batch.articles)
    for i, spans, of_title in zip(batch.order, found, of_titles, strict=True):
        articles[i] = with_residue(articles[i], spans, of_title)
    _logger.debug("%d of %d articles have residue", sum(map(bool, found)), len(articles))
    return batch._replace(articles=articles)
