"""Residue: text that belongs to the site, not to the report."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress, split_progress
from dedup.residue.layout import Layout, layout_of, mark_runs
from dedup.residue.phrases import known_phrases
from dedup.residue.recurring import (
    LEAST_UNMASKED_ANYWHERE,
    RUN_WORDS,
    Recurring,
    learn,
    line_marks,
    run_marks,
    source_salts,
)
from dedup.residue.titles import Titles, titles_of
from dedup.text.tokens import blocks, tokenize

Span = tuple[int, int]

#: Between two pieces of residue so many words are residue too, numbers and dates not counted: a city between the
#: temperature and the date, a section in a menu.
_GAP_WORDS, _GAP_TOKENS = 3, 12

#: So many numbers and names of months or days in a row are a date with its time.
_DATE_TOKENS = 3

#: In a text without line breaks a known phrase has so many words, or one less at the very head or foot; twice as many
#: characters where there are no spaces. Shorter ones are words of reports too.
_PHRASE_WORDS = 3

#: A line of which so much is residue is residue.
_MOST_OF_A_LINE = 0.8

# Of the time, learning what recurs (measured: 0.05 to 0.25, by how many sources there are) and marking it.
_LEARNING, _MARKING = 0.15, 0.85


def find_residue(
    texts: Sequence[str],
    sources: Sequence[str | None] | None = None,
    titles: Sequence[str | None] | None = None,
    *,
    fold: Fold = "unidecode",
    n_jobs: int | None = None,
    progress: ProgressCallback = no_progress,
) -> list[list[Span]]:
    r"""Where the residue of each text stands, as spans of characters.

    Residue is a line or run of words that recurs in the stories of a source; a line known to belong to sites; the
    title of another article of the source; and the little that stands between those. A title of an article's own is
    never residue, and a text that would be nothing else has none.

    Parameters
    ----------
    texts : sequence of str
        In order of publication, on which it depends which articles of a large source are learned from.
    sources : sequence of str or None, optional
        Who published each. Without, all are taken to be of one source.
    titles : sequence of str or None, optional
    fold : {"unidecode", "marks"}
        How letters become plain ones.
    n_jobs : int, optional
        Threads; the result does not depend on it.
    report : callable
        Is told what share is done.

    Returns
    -------
    list of list of (int, int)
        Start and stop of each piece, ascending.

    Notes
    -----
    Linear in the characters. What recurs is counted by story, not by article, so that a wire story which an outlet
    updates ten times does not erase itself.

    Examples
    --------
    >>> text = "22.2 C\nParis\nmardi 12 septembre 2023\nKim est arrivé en Russie.\nLAISSER UN COMMENTAIRE"
    >>> [text[start:stop] for start, stop in find_residue([text])[0]]
    ['22.2 C\nParis\nmardi 12 septembre 2023', 'LAISSER UN COMMENTAIRE']
    """
    salts = source_salts(sources if sources is not None else [None] * len(texts))
    learning, marking = split_progress(progress, _LEARNING, _MARKING)
    recurring = learn(texts, salts, n_jobs, fold, learning)
    titles = titles or [None] * len(texts)
    return mark_residue(texts, salts, titles, recurring, fold=fold, n_jobs=n_jobs, progress=marking)


def mark_residue(
    texts: Sequence[str],
    salts: NDArray[np.uint64],
    titles: Sequence[str | None],
    recurring: Recurring,
    *,
    linked: bool = True,
    linkable: Titles | None = None,
    fold: Fold = "unidecode",
    n_jobs: int | None = None,
    progress: ProgressCallback = no_progress,
) -> list[list[Span]]:
    """Residue of texts, given what recurs in their sources; without `linked` each text is as if it came alone.

    `linkable` has the titles of all articles when these are only some of them.
    """
    title_salts = salts if linked else np.arange(len(texts), dtype=np.uint64)
    known = titles_of(titles, title_salts, fold) if linked else None
    if known is not None and linkable is not None:
        known = replace(linkable, own=known.own)

    def of_block(block: slice) -> list[list[Span]]:
        layout = layout_of(tokenize(texts[block], fold))
        anywhere, edge = _recurring_runs(layout, salts[block], recurring)
        anywhere |= np.repeat(known_phrases(fold).lines(layout), layout.line_sizes)
        edge |= _dates(layout)
        if not linked and not anywhere.any() and not _near_edge(layout, edge | _known_runs(layout, anywhere)[1]).any():
            return [[] for _ in texts[block]]  # as most do; titles need not be looked for
        found = known or titles_of(titles[block], title_salts[block], fold)
        others, own = found.find(layout, title_salts[block], found.own[block] if known else found.own)
        return _spans(layout, _marked(layout, anywhere | others, edge, own))

    return list(chain.from_iterable(ordered_map(of_block, blocks(texts), n_jobs, progress)))


def _near_edge(layout: Layout, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same without what is too far from both ends of its text for any gap."""
    offsets, texts, place = layout.tokens.offsets, layout.texts, np.arange(len(marked))
    away = np.minimum(place - offsets[texts], offsets[texts + 1] - 1 - place)
    return np.asarray(marked & (away <= _GAP_TOKENS))


def _marked(
    layout: Layout, anywhere: NDArray[np.bool_], edge: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which tokens are residue, of those that are it anywhere, and those that are it at head and foot only."""
    beside, known = _known_runs(layout, anywhere)
    anywhere = (anywhere | beside) & ~kept
    edge = _closed(layout, (anywhere | edge | known) & ~kept, kept)
    marked = (edge & _at_edge(layout, edge | kept)) | _closed(layout, anywhere, kept)
    return _whole_lines(layout, marked, kept)


def _recurring_runs(
    layout: Layout, salts: NDArray[np.uint64], recurring: Recurring
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tokens recur in their source, in many stories and in some."""
    anywhere, edge = np.zeros((2, len(layout.masked)), dtype=np.bool_)
    lines, keys = line_marks(layout, salts)
    lines = lines[recurring.strength(keys) > 0]
    mark_runs(anywhere, layout.line_starts[lines], layout.line_sizes[lines])
    first, sizes, keys = run_marks(layout, salts)
    strength = recurring.strength(keys)
    short = sizes < RUN_WORDS  # a name may open or end many reports too
    mark_runs(edge, first[strength > short], sizes[strength > short])
    unmasked = np.concatenate([[0], np.cumsum(~layout.masked)])
    telling = (strength > 1) & ~short & (unmasked[first + sizes] - unmasked[first] >= LEAST_UNMASKED_ANYWHERE)
    mark_runs(anywhere, first[telling], sizes[telling])
    return anywhere, edge


def _dates(layout: Layout) -> NDArray[np.bool_]:
    """Which tokens are of a date or time, or of lines of nothing but numbers: runs of them that are long or a line."""
    starts = np.flatnonzero(
        _ends_of_runs(layout.masked, np.repeat(np.arange(len(layout.line_sizes)), layout.line_sizes))[0]
    )
    sizes = np.diff(np.append(starts, len(layout.masked)))
    opens = np.isin(starts, layout.line_starts)
    closes = np.isin(starts + sizes, layout.line_starts)
    return layout.masked & np.repeat((sizes >= _DATE_TOKENS) | (opens & closes), sizes)


def _known_runs(layout: Layout, anywhere: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tokens of texts without line breaks are of known phrases: those right beside residue, and all."""
    offsets, texts = layout.tokens.offsets, layout.texts
    lines = np.bincount(texts[layout.line_starts[:-1]], minlength=len(offsets) - 1)
    first, sizes = known_phrases(layout.tokens.fold).runs(layout, np.flatnonzero((lines == 1)[texts]))
    start, stop = offsets[texts[first]], offsets[texts[first] + 1]
    residue = np.concatenate([[False], anywhere, [False]])
    beside = (residue[first] & (first > start)) | (residue[first + sizes + 1] & (first + sizes < stop))
    away = np.minimum(first - start, stop - first - sizes)
    least = np.where(away > 0, _PHRASE_WORDS, _PHRASE_WORDS - 1) * np.where(layout.tokens.unspaced[first], 2, 1)
    marks = np.zeros((2, len(texts)), dtype=np.bool_)
    for marked, telling in zip(marks, (beside, sizes >= least), strict=True):
        mark_runs(marked, first[telling], sizes[telling])
    return marks[0], marks[1]


def _closed(layout: Layout, marked: NDArray[np.bool_], kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same with small gaps between marked tokens, or between one and an end of the text, marked too."""
    texts = layout.texts
    starts = np.flatnonzero(_ends_of_runs(marked, texts)[0])
    if not len(starts):
        return marked
    sizes = np.diff(np.append(starts, len(marked)))
    words = np.add.reduceat(~layout.masked, starts, dtype=np.int64)
    whole = sizes == np.diff(layout.tokens.offsets)[texts[starts]]
    own = np.add.reduceat(kept, starts, dtype=np.int64) > 0
    small = (words <= _GAP_WORDS) & (sizes <= _GAP_TOKENS) & ~whole & ~own
    return np.asarray(marked | np.repeat(small, sizes))


def _at_edge(layout: Layout, passed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which tokens have nothing but those passed between themselves and an end of their text."""
    offsets, texts = layout.tokens.offsets, layout.texts
    stops = np.concatenate([[0], np.cumsum(~passed)])
    head = stops[1:] == stops[offsets[texts]]
    foot = stops[:-1] == stops[offsets[texts + 1]]
    return np.asarray(head | foot)


def _whole_lines(layout: Layout, marked: NDArray[np.bool_], kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same with the whole of each line that is marked for the most part."""
    if not len(marked):
        return marked
    part = np.add.reduceat(marked, layout.line_starts[:-1], dtype=np.int64) / layout.line_sizes
    whole_text = layout.line_sizes == np.diff(layout.tokens.offsets)[layout.texts[layout.line_starts[:-1]]]
    mostly = np.repeat((part >= _MOST_OF_A_LINE) & ~whole_text, layout.line_sizes)
    return np.asarray(marked | (mostly & ~kept))


def _spans(layout: Layout, marked: NDArray[np.bool_]) -> list[list[Span]]:
    """Marked tokens as spans of characters of each text, the signs at the ends of a line with them."""
    tokens, texts = layout.tokens, layout.texts
    n = len(tokens.offsets) - 1
    left = np.bincount(texts[~marked], minlength=n)
    marked = marked & (left > 0)[texts]  # what is nothing but residue is left whole
    begins, lasts = (np.flatnonzero(marked & edge) for edge in _ends_of_runs(marked, texts))
    lines = np.repeat(np.arange(len(layout.line_begins)), layout.line_sizes)
    opens = layout.line_starts[lines[begins]] == begins
    closes = layout.line_starts[lines[lasts] + 1] == lasts + 1
    starts = np.where(opens, layout.line_begins[lines[begins]], layout.begins[begins])
    stops = np.where(closes, layout.line_ends[lines[lasts]], layout.ends[lasts])
    origins = tokens.text_starts[texts[begins]]
    spans: list[list[Span]] = [[] for _ in range(n)]
    for text, start, stop in zip(
        texts[begins].tolist(), (starts - origins).tolist(), (stops - origins).tolist(), strict=True
    ):
        spans[text].append((start, stop))
    return spans


def _ends_of_runs(marked: NDArray[np.bool_], texts: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tokens are marked otherwise than the one before, or open a text; and the same of the one behind."""
    change = (marked[1:] != marked[:-1]) | (texts[1:] != texts[:-1])
    return np.append(True, change)[: len(marked)], np.append(change, True)[: len(marked)]
