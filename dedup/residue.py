"""Articles -> the same, with what belongs to their sites set aside."""

from dataclasses import replace

from dedup.article import Batch
from dedup.progress import Report, silent
from dedup.text.fold import Fold
from dedup.text.residue import find_residue


def set_aside(batch: Batch, max_chars: int, fold: Fold, n_jobs: int | None, report: Report = silent) -> Batch:
    """The articles of a batch with their residue, which their `Article.full_text` then leaves out.

    Of each text so many characters are read.
    """
    ordered = [batch.articles[i] for i in batch.order]
    found = find_residue(
        [article.text[:max_chars] for article in ordered],
        [article.source for article in ordered],
        [article.title for article in ordered],
        fold=fold,
        n_jobs=n_jobs,
        report=report,
    )
    articles = list(batch.articles)
    for i, spans in zip(batch.order, found, strict=True):
        if spans:
            articles[i] = replace(articles[i], residue=tuple(spans))
    return batch._replace(articles=articles)
