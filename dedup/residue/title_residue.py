"""Find the residue of titles: the name of the outlet, labels such as "LIVE:", links and handles."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from dedup.arrays import Hashes, Integers, joined, run_starts
from dedup.parameters import Fold
from dedup.residue.layout import layout_of
from dedup.residue.recurring import KEY_SHIFT, RecurringKeys, samples, source_salts
from dedup.text.headings import bracket_of, ending_of, is_label, opening_of
from dedup.text.tokens import mix, tokenize

Span = tuple[int, int]

#: An ending such as " - Daily News" that this many different titles of a source have belongs to the source. Where this
#: many titles, and this share of them, have some ending, as in feeds of many outlets, all endings do.
_TITLES_WITH_ENDING, _TITLES_WITH_ANY, _SHARE_WITH_ANY = 4, 5, 0.6

_LINK = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24}/\S*[\w/]|(?<!\w)@\w[\w.-]*",
    re.IGNORECASE,
)
# So many parts at either end of a title are taken off.
_MOST_PARTS = 4

_LINK_SIGNS = "://", "www.", "@"

# Links without a scheme are looked for in posts, which are no longer than this.
_POST_CHARACTERS = 500

# A title without these has one part and no links.
_PART_SIGNS = frozenset("-–—|•·:：/@[(【〔（")

_DOMAIN = re.compile(r"(?:[\w-]+\.)+[a-z]{2,6}", re.IGNORECASE)

_END, _ANY = np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)


def find_title_residue(
    titles: Sequence[str], sources: Sequence[str | None], urls: Sequence[str | None], fold: Fold = "unidecode"
) -> list[tuple[Span, ...]]:
    """Return the residue of titles, which come in order of publication; see `mark_titles`.

    Examples
    --------
    >>> title = "LIVE: Kim Jong Un arrives in Russia - The New York Times"
    >>> ((first, stop), (behind, _)), = find_title_residue([title], ["nytimes.com"], [None])
    >>> title[stop:behind]
    'Kim Jong Un arrives in Russia'
    """
    salts = source_salts(sources)
    sampled = joined(list(samples(salts)), np.int64)
    learned = learn_titles([titles[i] for i in sampled.tolist()], salts[sampled], fold)
    return mark_titles(titles, sources, urls, salts, learned, fold)


def mark_titles(
    titles: Sequence[str],
    sources: Sequence[str | None],
    urls: Sequence[str | None],
    salts: Hashes,
    recurring: RecurringKeys,
    fold: Fold = "unidecode",
) -> list[tuple[Span, ...]]:
    """Return the residue of titles as ascending spans of characters, given what recurs in their sources.

    A title that would be nothing else has none. `salts` are those of the sources; see `source_salts`.
    """
    endings = [ending_of(title, len(title)) for title in titles]
    some = [i for i, (_, part) in enumerate(endings) if part]
    starts = [len(title) for title in titles]
    recurs = np.zeros(len(some), dtype=np.bool_)
    if some and len(recurring.keys):  # an index reads one title at a time, and few have an ending
        ends, anys = _keys([endings[i][1] for i in some], salts[some], fold)
        recurs = (recurring.levels(ends) > 0) | (recurring.levels(anys) > 0)
    for i, known in zip(some, recurs.tolist(), strict=True):
        starts[i] = endings[i][0] if known else starts[i]
    return [
        _spans(title, start, _names_of(source, _host_of(url)))
        for title, start, source, url in zip(titles, starts, sources, urls, strict=True)
    ]


def learn_titles(titles: Sequence[str], salts: Hashes, fold: Fold = "unidecode") -> RecurringKeys:
    """Return the endings that belong to sources, as keys for `mark_titles`; see `dedup.residue.recurring.learn`."""
    endings = [ending_of(title, len(title)) for title in titles]
    stems = [title[:start] for title, (start, _) in zip(titles, endings, strict=True)]
    ends, anys = _keys([ending for _, ending in endings], salts, fold)
    stem, _ = _keys(stems, np.zeros(len(titles), dtype=np.uint64), fold)
    has_end = np.array([bool(ending) for _, ending in endings], dtype=np.bool_)
    keys, counts = _distinct_titles(ends[has_end], stem[has_end])
    sources, with_any = _distinct_titles(anys[has_end], stem[has_end])
    all_sources, totals = _distinct_titles(anys, stem)
    share = with_any / np.maximum(totals[np.searchsorted(all_sources, sources)], 1)
    anywhere = sources[(with_any >= _TITLES_WITH_ANY) & (share >= _SHARE_WITH_ANY)]
    known = np.concatenate([keys[counts >= _TITLES_WITH_ENDING], anywhere])
    return RecurringKeys(known, np.zeros(len(known), dtype=np.bool_)).ascending()


def link_spans(text: str) -> list[Span]:
    """Return the links and handles of a text."""
    if any(sign in text for sign in _LINK_SIGNS) or ("/" in text and len(text) <= _POST_CHARACTERS):
        return [match.span() for match in _LINK.finditer(text)]
    return []


def _keys(parts: Sequence[str], salts: Hashes, fold: Fold) -> tuple[Hashes, Hashes]:
    """Keys of parts of titles in their sources, and keys of any part in these sources."""
    tokens = tokenize(parts, fold)
    keys = layout_of(tokens).keys(tokens.offsets[:-1], np.diff(tokens.offsets))
    return mix(keys ^ _END ^ salts) >> KEY_SHIFT, mix(salts ^ _ANY) >> KEY_SHIFT


def _distinct_titles(keys: Hashes, stems: Hashes) -> tuple[Hashes, Integers]:
    """Distinct keys, ascending, and the number of different stems of each."""
    order = np.lexsort((stems, keys))
    keys, stems = keys[order], stems[order]
    is_new = np.ones(len(keys), dtype=np.int64)
    is_new[1:] = (keys[1:] != keys[:-1]) | (stems[1:] != stems[:-1])
    starts = run_starts(keys)
    return keys[starts], np.add.reduceat(is_new, starts) if len(starts) else starts


def _spans(title: str, stop: int, names: frozenset[str]) -> tuple[Span, ...]:
    """Residue of one title, from `stop` on and before it."""
    if stop == len(title) and _PART_SIGNS.isdisjoint(title) and "www." not in title:
        return ()  # the usual case
    links = link_spans(title)
    stop = _without_end(title, stop, names, links)
    start = _without_opening(title, stop, names)
    spans = [(0, start), *(span for span in links if start <= span[0] and span[1] <= stop), (stop, len(title))]
    spans = [(first, last) for first, last in spans if title[first:last].strip()]
    return tuple(spans) if has_word(title, spans) else ()


def _without_end(title: str, stop: int, names: frozenset[str], links: Sequence[Span]) -> int:
    """Where a title ends without the outlets, labels and links at its end."""
    for _ in range(_MOST_PARTS):
        before = stop
        for first, last in links:
            if not title[last:stop].strip(" .…"):
                stop = min(stop, first)
        stop = len(title[:stop].rstrip())
        for start, part in (ending_of(title, stop), bracket_of(title, stop)):
            if part and start < stop and (is_label(part) or _is_name(part, names) or _DOMAIN.fullmatch(part)):
                stop = start
                break
        if stop == before:
            break
    return stop


def _without_opening(title: str, stop: int, names: frozenset[str]) -> int:
    """Where a title begins without the outlets and labels before it."""
    start = 0
    for _ in range(_MOST_PARTS):
        part, behind = opening_of(title, start, stop)
        if not (is_label(part) or _is_name(part, names)):
            break
        start = behind
    return start


def has_word(title: str, spans: Sequence[Span]) -> bool:
    """Whether any letter or digit of a title is outside the spans."""
    bounds = [0, *(bound for span in spans for bound in span), len(title)]
    return any(any(map(str.isalnum, title[start:stop])) for start, stop in zip(bounds[::2], bounds[1::2], strict=True))


def _is_name(part: str, names: frozenset[str]) -> bool:
    """Whether a part of a title is the name of the outlet, with a section behind it or not."""
    words = re.findall(r"\w+", part.casefold())
    words = words[1:] if words[:1] == ["the"] else words
    if not words:
        return False
    # "The New York Times" is nytimes.com, "CNN Politics" is cnn.com.
    spelt = {"".join(words[:k]) for k in range(1, len(words) + 1)}
    spelt |= {"".join(word[0] for word in words[:k]) + "".join(words[k:]) for k in range(1, len(words) + 1)}
    return not names.isdisjoint(name for name in spelt if len(name) > 1)


def _host_of(url: str | None) -> str:
    match = re.match(r"\w+://([^/?#]+)", url or "")
    return match[1] if match else ""


@lru_cache(maxsize=4096)
def _names_of(source: str | None, host: str) -> frozenset[str]:
    """The names by which a title may call its outlet, in small letters without spaces."""
    names = set()
    for given in ((source or "").casefold(), host.casefold()):
        words = re.findall(r"\w+", given)
        names.add("".join(words[1:] if words[:1] == ["the"] else words))
        names.update(re.findall(r"(?:^|[.:/])([\w-]{2,})\.(?:com?\.)?\w{2,6}(?=$|[/:])", given))
    return frozenset(names - {""})
