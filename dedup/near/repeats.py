"""Texts -> the passages that recur in several of them: paragraphs, lines, or runs of words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import run_starts
from dedup.article import frame_of, read_articles
from dedup.near.occurrences import Occurrences, count_texts, repeated_units, runs, stretches, units
from dedup.parallel import ordered_map
from dedup.parameters import FOLD, Fold, check
from dedup.text.tokens import blocks, tokenize
from dedup.wording import plural, printable, quoted

Unit = Literal["paragraph", "line", "run"]

_UNITS = ("paragraph", "line", "run")

# Line feeds that part two units.
_LINE_FEEDS = {"line": 1, "paragraph": 2}


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedPassages:
    """Passages that recur, by text and place; those of one text do not overlap.

    Attributes
    ----------
    texts, starts, stops : ndarray of int64, shape (n,)
        Passage `i` is ``text[starts[i]:stops[i]]`` of the text at position ``texts[i]``.
    counts : ndarray of int64, shape (n,)
        Number of texts that have it; of a run, the most that have `min_words` words of it.
    are_first : ndarray of bool, shape (n,)
        Whether it stands here for the first time. A run is cut where what is new in a text begins or ends.
    first_texts, first_starts : ndarray of int64, shape (n,)
        Where it, or the beginning of a run, stands for the first time: that text, and the character there.
    """

    texts: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    counts: NDArray[np.int64]
    are_first: NDArray[np.bool_]
    first_texts: NDArray[np.int64]
    first_starts: NDArray[np.int64]
    documents: Sequence[str] = field(repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    def removed(self, *, keep_first: bool = True) -> list[str]:
        r"""The texts without the passages, but for those that stand there for the first time if `keep_first`.

        Examples
        --------
        >>> footer = "Subscribe to our newsletter for more stories like this one"
        >>> found = repeated_passages([f"Kim arrives.\n{footer}", f"Rates rise.\n{footer}"], unit="line")
        >>> found.removed()[1], found.removed(keep_first=False)
        ('Rates rise.', ['Kim arrives.', 'Rates rise.'])
        """
        gone = np.flatnonzero(~self.are_first) if keep_first else np.arange(len(self))
        left = list(self.documents)
        texts, spans = self.texts[gone], np.stack([self.starts[gone], self.stops[gone]], axis=1)
        starts = run_starts(texts)
        for at, own in zip(texts[starts].tolist(), np.split(spans, starts[1:]), strict=False):
            text = left[at]
            begins, ends = [0, *own[:, 1].tolist()], [*own[:, 0].tolist(), len(text)]
            left[at] = "".join(text[begin:end] for begin, end in zip(begins, ends, strict=True)).strip()
        return left

    def to_frame(self, *, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """One row for each passage: columns text, start, stop, count, is_first, first_text, first_start, passage.

        Raises
        ------
        ValueError
            For another backend.
        ImportError
            When the backend is not installed.
        """
        spans = zip(self.texts.tolist(), self.starts.tolist(), self.stops.tolist(), strict=True)
        columns = {
            "text": self.texts.tolist(),
            "start": self.starts.tolist(),
            "stop": self.stops.tolist(),
            "count": self.counts.tolist(),
            "is_first": self.are_first.tolist(),
            "first_text": self.first_texts.tolist(),
            "first_start": self.first_starts.tolist(),
            "passage": [printable(self.documents[i][start:stop]) for i, start, stop in spans],
        }
        return frame_of(columns, backend)

    def __repr__(self) -> str:
        if not len(self):
            return f"RepeatedPassages(none in {plural(len(self.documents), 'text')})"
        most = int(self.counts.argmax())
        passage = self.documents[self.texts[most]][self.starts[most] : self.stops[most]]
        return f"RepeatedPassages({len(self):,}; in {self.counts[most]:,} texts: {quoted(passage, 60)})"


def repeated_passages(
    articles: Any,
    *,
    unit: Unit = "paragraph",
    min_words: int = 10,
    min_texts: int = 2,
    fold: Fold = FOLD,
    n_jobs: int | None = None,
) -> RepeatedPassages:
    """Find the passages that several texts have in common.

    Parameters
    ----------
    articles : iterable of str, mapping, object or Article; or a data frame
        Of articles, texts are read, and titles are not.
    unit : {"paragraph", "line", "run"}, default "paragraph"
        Whole paragraphs, which blank lines part; whole lines; or runs of words, wherever they begin and end.
    min_words : int, default 10
        Words that a passage has at least (characters in scripts without spaces).
    min_texts : int, default 2
        Texts that have a passage at least.
    fold : {"unidecode", "marks", "east-asian"}, default "unidecode"
        How letters become plain ones; see `StoryClusterer`. Case, accents and punctuation do not count.
    n_jobs : int, optional
        Threads; None or -1 means all processors. The result does not depend on it.

    Returns
    -------
    RepeatedPassages

    Raises
    ------
    TypeError, ValueError
        For an article or a parameter that is not as above.

    Notes
    -----
    Two passages are equal when their 64-bit hashes are. O(n log n) time for n words; about 100 bytes a word of memory
    for runs, less for lines. For runs compare Lee et al. (2021), "Deduplicating training data makes language models
    better", who sort the suffixes of all texts.

    Examples
    --------
    >>> wire = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train"
    >>> found = repeated_passages([f"MOSCOW - {wire}, said the Kremlin.", f"{wire}."], unit="run")
    >>> found.texts.tolist(), found.starts.tolist(), found.counts.tolist(), found.are_first.tolist()
    ([0, 1], [9, 0], [2, 2], [True, False])
    """
    if unit not in _UNITS:
        raise ValueError(f"unit is {unit!r}; allowed: {', '.join(map(repr, _UNITS))}")
    check(min_words=min_words, min_texts=min_texts, fold=fold, n_jobs=n_jobs)
    documents = [article.text for article in read_articles(articles, unique_ids=False).articles]
    parts = list(blocks(documents))

    def read(block: slice) -> Occurrences:
        tokens = tokenize(documents[block], fold)
        found = runs(tokens, min_words) if unit == "run" else units(tokens, _LINE_FEEDS[unit], min_words)
        return found._replace(texts=found.texts + np.int32(block.start))

    occurrences = Occurrences.joined(list(ordered_map(read, parts, n_jobs)))
    counts, first = count_texts(occurrences, min_texts)
    if unit == "run":
        found = stretches(occurrences, counts, first, min_words)
    else:
        found = repeated_units(occurrences, counts, first)
    return RepeatedPassages(*found, documents)
