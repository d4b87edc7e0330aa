"""All articles at once: near_duplicates, which does not need scikit-learn."""

import logging
from typing import Any

import numpy as np

from dedup.article import read_articles
from dedup.near.pipeline import find_near_duplicates
from dedup.near.result import NearDuplicates
from dedup.parameters import (
    FOLD,
    MAX_CHARS,
    NEAR_THRESHOLD,
    NUM_PERM,
    RECALL,
    SHINGLE_SIZE,
    Fold,
    NearSettings,
    check,
    check_near,
)
from dedup.progress import Progress, split_progress, track
from dedup.residue.batch import add_residue
from dedup.text.limit import readable_texts, warn_truncated

_logger = logging.getLogger(__name__)

# Shares of the time (measured: residue 0.80 to 0.87).
_RESIDUE, _NEAR = 0.83, 0.17


def near_duplicates(
    articles: Any,
    *,
    threshold: float = NEAR_THRESHOLD,
    recall: float = RECALL,
    num_perm: int = NUM_PERM,
    shingle_size: int = SHINGLE_SIZE,
    containment: float | None = None,
    compare_numbers: bool = False,
    cut_residue: bool = False,
    fold: Fold = FOLD,
    max_chars: int = MAX_CHARS,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> NearDuplicates:
    """Find articles whose texts are copies of each other, or nearly.

    Parameters
    ----------
    articles : iterable of str, mapping, object or Article; or a data frame
        Titles count as part of the texts.
    threshold : float, default 0.7
        Least Jaccard similarity of the sets of word shingles of two near-duplicates, in (0, 1]. Every pair found is
        checked exactly. The default lies in a wide gap: on two labelled sets of rewritten copies in English news,
        copies have 0.96 and more, all other pairs 0.20 and less.
    recall : float, default 0.95
        Least probability of finding a pair that is exactly at the threshold, in (0, 1); it is higher for more similar
        pairs (at 0.8 instead of 0.7: 0.997). Higher recall takes more time.
    num_perm : int, default 128
        Most values in a MinHash signature, at least 1. Only those that `recall` needs are computed: 44 by default.
    shingle_size : int, default 5
        Words in a shingle (characters in scripts without spaces), at least 1.
    containment : float, optional
        If given, two texts are also near-duplicates when the larger one has at least this share of the smaller one's
        shingles, in (0, 1]. It finds a brief within a long article, and a copy under a new lead and footer, with a
        probability of `recall` at least. A text of fewer words than a shingle is contained where they stand together.
    compare_numbers : bool, default False
        Whether two near-duplicates must also be as similar in their sets of numbers: words with a digit, with their
        minus signs, and Han numerals; 1,250 and 1.250 are 1250. It keeps bulletins of one outlet (weather, markets,
        results) apart that differ only in their figures.
    cut_residue : bool, default False
        Whether text that belongs to sites, not to reports, is left out first, as in `dedup.cluster`.
    fold : {"unidecode", "marks"}, default "unidecode"
        How letters become plain ones; see `StoryClusterer`.
    max_chars : int, default 1,000,000
        Number of characters that are read of each article, title and text, at least 1; the rest is kept and shown, but
        not compared. Longer articles are noted in the log "dedup".
    n_jobs : int, optional
        Threads; None or -1 means all processors. The result does not depend on it.
    progress : bool or callable, default False
        Whether to show a bar, or a callable that is given done and total; see `StoryClusterer`.

    Returns
    -------
    NearDuplicates

    Raises
    ------
    TypeError, ValueError
        For an article or a parameter that is not as above; the message names it.

    Notes
    -----
    Spelling does not matter: letters in other forms, vowel signs that may be left out, the digits of each script, the
    apostrophe that is typed, and words that are broken at a line end are the same (see `dedup.text.fold`). Symbols and
    punctuation do not matter either, except in texts of fewer words than a shingle, where "C++" is not "C#" (symbols
    only), and in texts without words, which are copies when all their signs are equal.

    Time is linear in the text plus the number of candidate pairs; memory is 8 bytes a word and 4 bytes a
    permutation for each article, beyond the texts.

    Templates, measured by ``benchmarks/near/quality.py``: two different reports under one footer of 120 words are
    near-duplicates when they have 20 words each, not when they have 30 (with ``containment=0.7``: up to 40). Bulletins
    of 200 words that differ in their figures are near-duplicates while figures are at most one word in 50;
    `compare_numbers` keeps nearly all of them apart, except for copies of one.

    Examples
    --------
    >>> wire = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said"
    >>> found = near_duplicates([wire, wire.upper() + "!", "Something else happened."])
    >>> found.pairs.tolist(), found.jaccard.tolist(), found.labels.tolist()
    ([[0, 1]], [1.0], [0, 0, 1])
    """
    settings = NearSettings(threshold, recall, num_perm, shingle_size, containment, compare_numbers, fold)
    check_near(settings, threshold="threshold")
    check(cut_residue=cut_residue, max_chars=max_chars, n_jobs=n_jobs, progress=progress)
    batch = read_articles(articles)
    warn_truncated(batch.articles, max_chars)
    _logger.info("looking for near-duplicates among %d articles", len(batch.articles))
    with track(progress, len(batch.articles)) as on_progress:
        residue, copies = split_progress(on_progress, _RESIDUE * cut_residue, _NEAR)
        if cut_residue:
            batch = add_residue(batch, max_chars, fold, n_jobs, residue)
        # Found in canonical order, so that the order of the input does not matter.
        texts = readable_texts([batch.articles[i] for i in batch.order], max_chars)
        found = find_near_duplicates(texts, settings, n_jobs, copies)
    _logger.info("%d near-duplicate pairs among %d articles", len(found.pairs), len(batch.articles))
    return found.renumbered(np.array(batch.order, dtype=np.int64))
