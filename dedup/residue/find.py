"""Find the residue of texts: what recurs in their source, known phrases, linked titles, dates, and small gaps."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import PART, Flags, Hashes, slices
from dedup.kernel import kernel
from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress, split_progress
from dedup.residue.bylines import byline_spans
from dedup.residue.cuts import cut_spans
from dedup.residue.layout import INVERSE, Cover, Layout, layout_of
from dedup.residue.phrases import site_phrases
from dedup.residue.recurring import ENDS, LINE, RecurringKeys, learn, source_salts
from dedup.residue.title_residue import has_word, link_spans
from dedup.residue.titles import Titles, titles_of
from dedup.text.tokens import blocks, tokenize

Span = tuple[int, int]

#: The longest gap between two pieces of residue that is residue too, in words other than numbers and dates, and in all
#: tokens: a city between the temperature and the date, a section in a menu.
_GAP_WORDS, _GAP_TOKENS = 3, 12

#: The shortest run of numbers and names of months or days that is a date with its time.
_DATE_TOKENS = 3

#: Words of the shortest known phrase in a text without line breaks, and one less at the very head or foot; twice as
#: many characters in scripts without spaces. Shorter ones are words of reports too.
_PHRASE_WORDS = 3

#: A line is residue if at least this share of it is.
_LINE_SHARE = 0.8

_KINDS = np.array([LINE, *ENDS])  # of candidates

# Shares of the time for learning what recurs (measured: 0.05 to 0.25, by the number of sources) and for marking it.
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
    r"""Return the residue of each text as ascending spans of characters, in time linear in the characters.

    Residue is a line or run of words that recurs in the stories of a source; a line that sites are known to use; the
    title of another article of the source; small gaps between those; and links and handles. An article's own title is
    never residue, and a text that would be nothing else and has no title has none. What recurs is counted by story, not
    by article, so that an outlet that updates a wire story ten times does not erase it.

    The texts come in order of publication, which decides from which articles of a large source residue is learned.
    Without `sources` all are of one source.

    Examples
    --------
    >>> text = "22.2 C\nParis\nmardi 12 septembre 2023\nKim est arrivé en Russie.\nLAISSER UN COMMENTAIRE"
    >>> [text[start:stop] for start, stop in find_residue([text])[0]]
    ['22.2 C\nParis\nmardi 12 septembre 2023', 'LAISSER UN COMMENTAIRE']
    """
    salts = source_salts(sources if sources is not None else [None] * len(texts))
    learning, marking = split_progress(progress, _LEARNING, _MARKING)
    titles = titles or [None] * len(texts)
    recurring = learn(texts, salts, [title or "" for title in titles], n_jobs, fold, learning)
    return mark_residue(texts, salts, titles, recurring, fold=fold, n_jobs=n_jobs, progress=marking)


def mark_residue(
    texts: Sequence[str],
    salts: Hashes,
    titles: Sequence[str | None],
    recurring: RecurringKeys,
    *,
    match_titles: bool = True,
    all_titles: Titles | None = None,
    fold: Fold = "unidecode",
    n_jobs: int | None = None,
    progress: ProgressCallback = no_progress,
) -> list[list[Span]]:
    """Return the residue of texts, given what recurs in their sources; see `find_residue`.

    Without `match_titles` each text has the residue that it has alone: titles of other articles are none. `all_titles`
    are those of all articles, where `titles` are only some of them.
    """
    title_salts = salts if match_titles else np.arange(len(texts), dtype=np.uint64)
    known = titles_of(titles, title_salts, fold) if match_titles else None
    if known is not None and all_titles is not None:
        known = replace(all_titles, own=known.own, own_sizes=known.own_sizes)

    def of_block(block: slice) -> list[list[Span]]:
        layout = layout_of(tokenize(texts[block], fold))
        if known is not None:
            return of_layout(layout, range(block.start, block.stop), known.of(block))
        found: list[list[Span]] = [[] for _ in texts[block]]
        some = np.flatnonzero(may_have_residue(layout, salts[block], recurring))
        if len(some):  # few, and the titles of others need not be found
            places = (block.start + some).tolist()
            if len(some) < len(found):
                layout = layout_of(tokenize([texts[i] for i in places], fold))
            own = titles_of([titles[i] for i in places], title_salts[places], fold)
            for i, spans in zip(some.tolist(), of_layout(layout, places, own), strict=True):
                found[i] = spans
        return found

    def of_layout(layout: Layout, places: Sequence[int], own: Titles) -> list[list[Span]]:
        anywhere, edge = _certain(layout, salts[places], recurring)
        other_titles, own_title = own.find(layout, title_salts[places])
        titled = np.array([bool((titles[i] or "").strip()) for i in places])
        return _spans(layout, _marked(layout, anywhere | other_titles, edge, own_title), titled)

    found = list(chain.from_iterable(ordered_map(of_block, blocks(texts), n_jobs, progress)))
    columns = zip(texts, found, titles, strict=True)
    return [_with_lines_and_links(text, spans, (title or "").strip()) for text, spans, title in columns]


def may_have_residue(layout: Layout, salts: Hashes, recurring: RecurringKeys) -> Flags:
    """Whether each text of a layout has anything that may be residue, but for titles of others, shape (n_texts,)."""
    compiled = kernel()
    if compiled is None:
        return _may_have_residue(layout, salts, recurring)
    tokens, phrases = layout.tokens, site_phrases(layout.tokens.fold)
    may = np.empty(len(salts), dtype=np.bool_)
    of_tokens = layout.sums, layout.masked.view(np.uint8), tokens.folded, np.ascontiguousarray(tokens.starts)
    of_texts = tokens.offsets, len(salts), layout.line_starts, salts
    known = *recurring.lookup.table, np.ascontiguousarray(recurring.anywhere).view(np.uint8)
    of_sites = *phrases.keys.table, phrases.opening.view(np.uint8), *phrases.first_tokens.table
    given = *of_tokens, *of_texts, int(INVERSE), _KINDS, *known, *of_sites, phrases.sizes, len(phrases.sizes)
    compiled.may_have_residue(*given, may.view(np.uint8))
    return may


def _may_have_residue(layout: Layout, salts: Hashes, recurring: RecurringKeys) -> Flags:
    """What the kernel does, in NumPy."""
    anywhere, edge = _certain(layout, salts, recurring)
    found = anywhere | _near_edge(layout, edge | _phrases(layout, anywhere)[1])
    return np.asarray(np.bincount(layout.texts[found], minlength=len(salts)) > 0)


def _certain(layout: Layout, salts: Hashes, recurring: RecurringKeys) -> tuple[Flags, Flags]:
    """Whether each token is residue anywhere, and at head and foot, whatever is beside it."""
    anywhere, edge = recurring.find(layout, salts)
    anywhere |= np.repeat(site_phrases(layout.tokens.fold).lines(layout), layout.line_sizes)
    return anywhere, edge | _dates(layout)


def _with_lines_and_links(text: str, spans: list[Span], title: str) -> list[Span]:
    """Spans of residue, and by-lines, links and the mark of a cut between them.

    A text without a title has none where nothing else is left of it.
    """
    for found in (byline_spans(text, title), link_spans(text), cut_spans(text)):
        apart = [(a, b) for a, b in found if not any(first < b and a < stop for first, stop in spans)]
        both = sorted(spans + apart)
        spans = both if title or has_word(text, both) else spans
    return spans


def _near_edge(layout: Layout, marked: Flags) -> Flags:
    """The marked tokens that are near enough to an end of their text for a gap."""
    offsets, near = layout.tokens.offsets, np.zeros(len(marked), dtype=np.bool_)
    for part in slices(0, len(marked), PART):
        place = part.start + np.flatnonzero(marked[part])
        texts = layout.texts[place]
        near[place] = np.minimum(place - offsets[texts], offsets[texts + 1] - 1 - place) <= _GAP_TOKENS
    return near


def _marked(layout: Layout, anywhere: Flags, edge: Flags, own_title: Flags) -> Flags:
    """Whether each token is residue, given those that are residue anywhere, and at head and foot only."""
    beside, phrases = _phrases(layout, anywhere)
    anywhere = (anywhere | beside) & ~own_title
    edge = _with_gaps(layout, (anywhere | edge | phrases) & ~own_title, own_title)
    marked = (edge & _at_edge(layout, edge | own_title)) | _with_gaps(layout, anywhere, own_title)
    return _with_whole_lines(layout, marked, own_title)


def _dates(layout: Layout) -> Flags:
    """Whether each token is of a date or time, or of a line of nothing but numbers."""
    starts, sizes = _runs(layout.masked, layout.lines)
    opens = np.zeros(len(layout.masked) + 1, dtype=np.bool_)
    opens[layout.line_starts] = True
    whole_line = opens[starts] & opens[starts + sizes]
    return np.asarray(layout.masked & np.repeat((sizes >= _DATE_TOKENS) | whole_line, sizes))


def _phrases(layout: Layout, anywhere: Flags) -> tuple[Flags, Flags]:
    """Whether each token, in texts without line breaks, is of a known phrase beside residue, and of a long one."""
    offsets, texts = layout.tokens.offsets, layout.texts
    lines = np.bincount(texts[layout.line_starts[:-1]], minlength=len(offsets) - 1)
    first, sizes = site_phrases(layout.tokens.fold).runs(layout, np.flatnonzero((lines == 1)[texts]))
    start, stop = offsets[texts[first]], offsets[texts[first] + 1]
    residue = np.concatenate([[False], anywhere, [False]])
    beside = (residue[first] & (first > start)) | (residue[first + sizes + 1] & (first + sizes < stop))
    away = np.minimum(first - start, stop - first - sizes)
    least = np.where(away > 0, _PHRASE_WORDS, _PHRASE_WORDS - 1) * np.where(layout.tokens.unspaced[first], 2, 1)
    long = sizes >= least
    return layout.within(first[beside], sizes[beside]), layout.within(first[long], sizes[long])


def _with_gaps(layout: Layout, marked: Flags, own_title: Flags) -> Flags:
    """The marked tokens, and those in small gaps between them or between one and an end of the text."""
    starts, sizes = _runs(marked, layout.texts)
    if not len(starts):
        return marked
    words = np.add.reduceat(~layout.masked, starts, dtype=np.int32)
    whole_text = sizes == np.diff(layout.tokens.offsets)[layout.texts[starts]]
    small = (words <= _GAP_WORDS) & (sizes <= _GAP_TOKENS) & ~whole_text & ~np.logical_or.reduceat(own_title, starts)
    return np.asarray(marked | np.repeat(small, sizes))


def _at_edge(layout: Layout, passed: Flags) -> Flags:
    """Whether all tokens between each token and an end of its text are passed."""
    offsets, sizes = layout.tokens.offsets, np.diff(layout.tokens.offsets)
    stops = np.zeros(len(passed) + 1, dtype=np.int32)
    np.cumsum(~passed, out=stops[1:])
    at_edge: Flags = stops[1:] == np.repeat(stops[offsets[:-1]], sizes)  # at the head
    at_edge |= stops[:-1] == np.repeat(stops[offsets[1:]], sizes)  # at the foot
    return at_edge


def _with_whole_lines(layout: Layout, marked: Flags, own_title: Flags) -> Flags:
    """The marked tokens, and all tokens of lines that are mostly marked."""
    if not len(marked):
        return marked
    text_sizes, mostly = np.diff(layout.tokens.offsets), Cover(len(marked))
    for lines in slices(0, len(layout.line_begins), PART):
        bounds = layout.line_starts[lines.start : lines.stop + 1]
        first, sizes = bounds[:-1], np.diff(bounds)
        share = np.add.reduceat(marked[: bounds[-1]], first, dtype=np.int64) / sizes
        residue = (share >= _LINE_SHARE) & (sizes < text_sizes[layout.texts[first]])
        mostly.add(first[residue], sizes[residue])
    return np.asarray(marked | (mostly.flags() & ~own_title))


def _spans(layout: Layout, marked: Flags, titled: Flags) -> list[list[Span]]:
    """Marked tokens of each text as spans of characters, which include the signs at the ends of lines.

    A text that is nothing but residue stays whole, unless it has a title.
    """
    tokens, texts = layout.tokens, layout.texts
    spans: list[list[Span]] = [[] for _ in tokens.offsets[1:]]
    left = np.bincount(texts[~marked], minlength=len(spans))
    marked = marked & ((left > 0) | titled)[texts]
    firsts, sizes = _runs(marked, texts)
    firsts, sizes = firsts[marked[firsts]], sizes[marked[firsts]]
    lasts = firsts + sizes - 1
    lines = layout.lines
    opens = layout.line_starts[lines[firsts]] == firsts
    closes = layout.line_starts[lines[lasts] + 1] == lasts + 1
    starts = np.where(opens, layout.line_begins[lines[firsts]], layout.begins[firsts])
    stops = np.where(closes, layout.line_ends[lines[lasts]], layout.ends[lasts])
    of = texts[firsts]
    origins = tokens.text_starts[of]
    for text, start, stop in zip(of.tolist(), (starts - origins).tolist(), (stops - origins).tolist(), strict=True):
        spans[text].append((start, stop))
    return spans


def _runs(marked: Flags, groups: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First tokens and sizes of the longest runs that are all marked, or all unmarked, within one group."""
    begins = np.ones(len(marked), dtype=np.bool_)
    begins[1:] = (marked[1:] != marked[:-1]) | (groups[1:] != groups[:-1])
    starts = np.flatnonzero(begins).astype(np.int32)
    return starts, np.diff(starts, append=np.int32(len(marked)))
