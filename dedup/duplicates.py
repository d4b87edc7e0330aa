"""All articles at once: near_duplicates, which does not need scikit-learn."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, NamedTuple, TypedDict, Unpack, overload

import numpy as np

from dedup.arrays import Floats, Integers
from dedup.article import Article, Batch, Duplicates, Errors, TextArticles, read_articles, texts_alone
from dedup.near.across import Copies, copies_across
from dedup.near.pipeline import find_near_duplicates, make_sketches
from dedup.near.result import NearDuplicates
from dedup.near.stored import StoredSketches
from dedup.near.verify import Times, Verified
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
    suggests_names,
)
from dedup.progress import Progress, ProgressCallback, no_progress, split_progress, track
from dedup.residue.batch import add_residue
from dedup.text.limit import readable_texts, warn_truncated
from dedup.text.on_disk import ArticlesOnDisk

_logger = logging.getLogger(__name__)

# Shares of the time (measured: residue 0.80 to 0.87).
_RESIDUE, _NEAR = 0.83, 0.17


class _Parameters(TypedDict, total=False):
    threshold: float
    recall: float
    num_perm: int
    shingle_size: int
    containment: float | None
    compare_numbers: bool
    max_days_apart: float | None
    cut_residue: bool
    fold: Fold
    max_chars: int
    timezone: str | tzinfo | None
    n_jobs: int | None
    progress: Progress
    errors: Errors
    duplicates: Duplicates | None


@overload
def near_duplicates(articles: Any, *, against: None = None, **parameters: Unpack[_Parameters]) -> NearDuplicates: ...
@overload
def near_duplicates(articles: Any, *, against: Any, **parameters: Unpack[_Parameters]) -> Copies: ...
@suggests_names
def near_duplicates(
    articles: Any,
    *,
    against: Any = None,
    threshold: float = NEAR_THRESHOLD,
    recall: float = RECALL,
    num_perm: int = NUM_PERM,
    shingle_size: int = SHINGLE_SIZE,
    containment: float | None = None,
    compare_numbers: bool = False,
    max_days_apart: float | None = None,
    cut_residue: bool = False,
    fold: Fold = FOLD,
    max_chars: int = MAX_CHARS,
    timezone: str | tzinfo | None = None,
    n_jobs: int | None = None,
    progress: Progress = False,
    errors: Errors = "raise",
    duplicates: Duplicates | None = None,
) -> NearDuplicates | Copies:
    """Find articles whose texts are copies of each other, or nearly.

    Parameters
    ----------
    articles : iterable of str, mapping, object or Article; or a data frame
        Titles count as part of the texts.
    against : the same, or StoredSketches; optional
        Old articles, or what `dedup.sketches.read` returns of them. Then only pairs of a new and an old one are looked
        for. Residue is found in the new and in the old ones apart.
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
        probability of `recall` at least. A text of fewer words than a shingle is contained where they stand together,
        but not among stored sketches, which have no words.
    compare_numbers : bool, default False
        Whether two near-duplicates must also be as similar in their sets of numbers: words with a digit, with their
        minus signs, and Han numerals; 1,250 and 1.250 are 1250. It keeps bulletins of one outlet (weather, markets,
        results) apart that differ only in their figures.
    max_days_apart : float, optional
        Most days between the publications of two near-duplicates, at least 0; by default any. It keeps what returns
        each year apart: greetings, anniversaries, forecasts. An undated article may be a copy of any.
    cut_residue : bool, default False
        Whether text that belongs to sites, not to reports, is left out first, as in `dedup.cluster`.
    fold : {"unidecode", "marks", "east-asian"}, default "unidecode"
        How letters become plain ones; see `StoryClusterer`.
    max_chars : int, default 1,000,000
        Number of characters that are read of each article, title and text, at least 1; the rest is kept and shown, but
        not compared. Longer articles are noted in the log "dedup".
    timezone : str or tzinfo, optional
        The zone of publication times without one; by default they are refused.
    n_jobs : int, optional
        Threads; None or -1 means all processors. The result does not depend on it.
    progress : bool or callable, default False
        Whether to show a bar, or a callable that is given done and total; see `StoryClusterer`.
    errors : {"raise", "skip", "undated"}, default "raise"
        What an article that is not allowed does. It raises an error; with "skip" it is listed in
        `NearDuplicates.refusals` and keeps its position, as a text without words; with "undated" one whose date is no
        date counts as undated and is listed, and any other fault raises an error.
    duplicates : {"first", "last"}, optional
        Which article of those with one id stays; the others are listed. By default `errors` decides.

    Returns
    -------
    NearDuplicates, or Copies if there is `against`

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
    >>> near_duplicates(["Something new happened.", wire], against=[wire]).original.tolist()
    [-1, 0]
    """
    settings = NearSettings(threshold, recall, num_perm, shingle_size, containment, compare_numbers, fold)
    check_near(settings, threshold="threshold")
    check(cut_residue=cut_residue, max_chars=max_chars, n_jobs=n_jobs, progress=progress, timezone=timezone)
    check(max_days_apart=max_days_apart, errors=errors, duplicates=duplicates)
    search = _Search(settings, max_days_apart, cut_residue, max_chars, n_jobs)
    if isinstance(articles, ArticlesOnDisk):
        accept = articles.accept(max_chars)
        given: dict[str, Any] = {"timezone": timezone, "errors": errors, "duplicates": duplicates, "accept": accept}
        # No name for the batch, whose lists are no longer needed once the texts are in order.
        return search.within(articles.in_order(read_articles(articles, **given)), progress, articles)
    alone = None if cut_residue else texts_alone(articles)
    batch = alone or read_articles(articles, timezone=timezone, errors=errors, duplicates=duplicates)
    if against is None:
        return search.within(batch, progress)
    if not isinstance(against, StoredSketches):
        against = _read_old(against, timezone, errors, duplicates)
    return search.across(batch, against, progress)


def _read_old(articles: Any, timezone: str | tzinfo | None, errors: Errors, duplicates: Duplicates | None) -> Batch:
    """Read old articles; an error about one says that it is not about a new one."""
    try:
        return read_articles(articles, timezone=timezone, errors=errors, duplicates=duplicates)
    except (TypeError, ValueError) as error:
        if not str(error).startswith("article"):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"against: {error}".replace("against: articles is", "against is")) from error


@dataclass(frozen=True, slots=True)
class _Search:
    """A search for near-duplicates, with checked parameters."""

    settings: NearSettings
    max_days_apart: float | None
    cut_residue: bool
    max_chars: int
    n_jobs: int | None

    def within(self, batch: Batch, progress: Progress, on_disk: ArticlesOnDisk | None = None) -> NearDuplicates:
        """Copies among the articles of a batch, whose texts may be on disk."""
        n_articles, refusals = len(batch.articles), batch.refusals
        _logger.info("looking for near-duplicates among %d articles", n_articles)
        with track(progress, n_articles) as on_progress:
            residue, copies = split_progress(on_progress, _RESIDUE * self.cut_residue, _NEAR)
            read = self._read(batch, residue, on_disk)
            del batch  # its lists are large where the texts are on disk
            times = self._times(read.days)
            found = find_near_duplicates(read.texts, self.settings, self.n_jobs, copies, times)
        _logger.info("%d near-duplicate pairs among %d articles", len(found.pairs), n_articles)
        found = found.renumbered(read.positions)
        return replace(found, refusals=refusals, articles=read.articles)

    def across(self, batch: Batch, old: "Batch | StoredSketches", progress: Progress) -> Copies:
        """Articles of a batch that are copies of old ones."""
        _logger.info("looking for copies of old articles among %d articles", len(batch.articles))
        if isinstance(old, StoredSketches):
            old.require(self.settings, self.max_chars, cut_residue=self.cut_residue)
        with track(progress, len(batch.articles)) as on_progress:
            residue, reading = split_progress(on_progress, _RESIDUE * self.cut_residue, _NEAR)
            new = self._read(batch, residue)
            if isinstance(old, StoredSketches):
                sketches = make_sketches(new.texts, self.settings, self.n_jobs, reading)
                before, days, old_ids = old.sketches(self.settings), old.days, old.ids
                old_positions, contained = np.arange(len(old_ids)), sketches.contained[:0]
            else:
                known = self._read(old, no_progress)
                both = make_sketches([*known.texts, *new.texts], self.settings, self.n_jobs, reading)
                before, sketches = both.parted(len(known.texts))
                contained = both.contained
                days, old_ids = known.days, [article.id for article in known.articles]
                old_positions = known.positions
            times = self._times(np.concatenate([days, new.days]))
            verified = copies_across(before, sketches, contained, self.settings, self.n_jobs, times)
        found = _copies(verified, old_positions, new, old_ids, batch)
        return found if isinstance(old, StoredSketches) else replace(found, old_refusals=old.refusals)

    def _read(self, batch: Batch, progress: ProgressCallback, on_disk: ArticlesOnDisk | None = None) -> "_Texts":
        """What is read of a batch, in canonical order, so that the order of the input does not matter."""
        if isinstance(batch.articles, TextArticles):
            return self._read_alone(batch.articles, batch.order)
        warn_truncated(batch.articles, self.max_chars)
        if self.cut_residue:
            batch = add_residue(batch, self.max_chars, self.settings.fold, self.n_jobs, progress)
        ordered = [batch.articles[i] for i in batch.order]
        left_out = sorted(set(range(batch.size)).difference(batch.positions))
        days = np.array([article.day for article in ordered] + [np.nan] * len(left_out))
        positions = np.array([*(batch.positions[i] for i in batch.order), *left_out], dtype=np.int64)
        given = list(batch.articles)
        if left_out:
            given = [Article(str(position), "") for position in range(batch.size)]
            for position, article in zip(batch.positions, batch.articles, strict=True):
                given[position] = article
        if on_disk is not None:
            return _Texts(on_disk.texts(batch, len(left_out)), days, positions, tuple(given))
        texts = [*readable_texts(ordered, self.max_chars), *("" for _ in left_out)]
        return _Texts(texts, days, positions, tuple(given))

    def _read_alone(self, articles: TextArticles, order: list[int]) -> "_Texts":
        texts = articles.plain_texts(order)
        if max(map(len, articles.texts)) >= self.max_chars:
            warn_truncated(articles, self.max_chars)
            texts = [text[: self.max_chars] for text in texts]
        return _Texts(texts, np.full(len(texts), np.nan), np.array(order), articles)

    def _times(self, days: Floats) -> Times | None:
        return None if self.max_days_apart is None else Times(days, self.max_days_apart)


class _Texts(NamedTuple):
    """Texts in canonical order; those that were refused are blank."""

    texts: Sequence[str]
    days: Floats  # NaN for unknown
    positions: Integers  # in the input
    articles: Sequence[Article]  # by position in the input


def _copies(verified: Verified, old_positions: Integers, new: _Texts, old_ids: list[str], batch: Batch) -> Copies:
    """The result for texts in the order of the input."""
    n_old = len(old_positions)
    pairs = np.stack([new.positions[verified.pairs[:, 1] - n_old], old_positions[verified.pairs[:, 0]]], axis=1)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, jaccard, containment = pairs[order], verified.jaccard[order], verified.containment[order]
    original = np.full(len(new.positions), -1, dtype=np.int64)
    best = np.lexsort((pairs[:, 1], -jaccard, pairs[:, 0]))[::-1]
    original[pairs[best, 0]] = pairs[best, 1]  # the last one written is the best
    new_ids = [article.id for article in new.articles]
    return Copies(pairs, jaccard, containment, original, new_ids, old_ids, batch.refusals)
