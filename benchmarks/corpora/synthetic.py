"""Seeded synthetic news with copies of known kinds.

The words are made up (see `prose`): use it for speed, estimators and mechanics, never to say how much real news is
copied. What is true of the texts is computed by `exact`.

news        40 % of the stories have edited copies, 30 % of the texts a publisher's footer
viral       one story makes up half of the corpus
graded      independent pairs whose Jaccard similarity covers a range evenly
cuts        briefs and reframed copies, whose Jaccard similarity is low, among texts that share only a footer
templates   pairs of different reports under one long footer
bulletins   daily bulletins of an outlet that differ in figures only, each with a copy
flood       texts under one template that makes them candidates without being copies
quoted      long articles that quote one report
far_copies  verbatim copies of a viral text among edited ones
crowd       many texts under one template, each with a copy
figured     many bulletins that differ in figures only, each with a reworded copy
briefs      short texts, each word for word inside a long one
planted     families of texts of known kinds, copies and others, to remove copies from
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from benchmarks.corpora.exact import SHINGLE, Pairs
from benchmarks.corpora.prose import FORMS, MEAN_WORDS, WORDS, Codes, draw, length, prose, render

BULLETINS = {"weather": (8, 32), "markets": (1000, 10_000), "results": (0, 6)}


# Copies


def replaced(rng: Generator, codes: Codes, edits: int) -> Codes:
    """A copy with other words in `edits` places."""
    copy = codes.copy()
    places = rng.choice(len(codes), min(edits, len(codes)), replace=False)
    copy[places] = draw(rng, len(places))
    return copy


def reworded(rng: Generator, codes: Codes, rate: float) -> Codes:
    """A copy in which a share of the words is replaced (half of them), dropped or followed by another."""
    fate = rng.random(len(codes)) / max(rate, 1e-9)
    counts = np.where((fate >= 0.5) & (fate < 0.75), 0, np.where((fate >= 0.75) & (fate < 1), 2, 1))
    copy = np.repeat(np.where(fate < 0.5, draw(rng, len(codes)), codes), counts)
    inserted = np.cumsum(counts)[counts == 2] - 1
    copy[inserted] = draw(rng, len(inserted))
    return copy


def republished(rng: Generator, codes: Codes) -> Codes:
    """A copy as another outlet prints it: verbatim or reworded, perhaps cut at the end or under a new lead."""
    rate = 0.0 if rng.random() < 0.15 else float(np.exp(rng.uniform(np.log(0.002), np.log(0.12))))
    copy = reworded(rng, codes, rate)
    if rng.random() < 0.25:
        copy = copy[: round(len(copy) * rng.uniform(0.6, 0.95))]
    if rng.random() < 0.15:
        copy = np.concatenate([prose(rng, int(rng.integers(6, 31))), copy])
    return copy


def stories(rng: Generator, n: int) -> Iterator[Codes]:
    """Articles story by story."""
    footers = [prose(rng, int(rng.integers(20, 61))) for _ in range(40)]
    made = 0
    while made < n:
        original = prose(rng, length(rng))
        copies = min(12, int(rng.geometric(0.35))) if rng.random() < 0.4 else 0
        for k in range(min(copies + 1, n - made)):
            article = republished(rng, original) if k else original
            footed = rng.random() < 0.3
            yield np.concatenate([article, footers[rng.integers(len(footers))]]) if footed else article
            made += 1


def shuffled(rng: Generator, articles: Sequence[Codes]) -> list[Codes]:
    return [articles[i] for i in rng.permutation(len(articles)).tolist()]


# Corpora


def news(n: int, *, seed: int = 0, script: str = "latin") -> list[str]:
    """News with edited copies and footers, in random order."""
    rng = default_rng([seed, 1])
    return render(shuffled(rng, list(stories(rng, n))), script)


def viral(n: int, *, seed: int = 0, script: str = "latin") -> list[str]:
    """News with one story as half of the texts, lightly edited each time."""
    rng = default_rng([seed, 2])
    original = prose(rng, MEAN_WORDS)
    copies = [reworded(rng, original, rng.uniform(0, 0.02)) for _ in range(n // 2)]
    return render(shuffled(rng, copies + list(stories(rng, n - n // 2))), script)


def graded(pairs: int, *, low: float = 0.5, words: int | None = None, seed: int = 0) -> list[str]:
    """Pairs of texts, 2 i and 2 i + 1, unrelated to all others; Jaccard about even in [low, 1)."""
    rng = default_rng([seed, 3])
    articles = []
    for wanted in rng.uniform(low - 0.02, 1, pairs).tolist():
        original = prose(rng, words or length(rng))
        # An edit takes five shingles from either text.
        edits = len(original) * (1 - wanted) / (1 + wanted) / SHINGLE
        articles += [original, replaced(rng, original, max(1, round(edits + rng.uniform(-0.5, 0.5))))]
    return render(articles)


def cuts(n: int, *, seed: int = 0) -> tuple[list[str], Pairs, list[str]]:
    """Texts that are contained in others, `n` of each kind, and two unrelated texts for each.

    Returns
    -------
    texts : list of str
    pairs : ndarray of int64, shape (2 * n, 2)
        A text and the one that contains it, ``i < j``.
    kinds : list of str
        "brief": 150 words cut out of an article of 800, with up to 8 words edited; "framed": an article of 200 words,
        and its copy behind another lead of 40 words and before one of ten footers of 60 words. Two unrelated texts of
        20 to 400 words have that footer too.
    """
    rng = default_rng([seed, 4])
    footers = [prose(rng, 60) for _ in range(10)]
    articles, pairs, kinds = [], [], []
    for _ in range(n):
        footer = footers[rng.integers(len(footers))]
        long, wire = prose(rng, 800), prose(rng, 200)
        first = int(rng.integers(0, 650))
        brief = replaced(rng, long[first : first + 150], int(rng.integers(0, 9)))
        unrelated = [prose(rng, round(np.exp(rng.uniform(np.log(20), np.log(400))))) for _ in range(2)]
        at = len(articles)
        articles += [brief, long, wire, np.concatenate([prose(rng, 40), wire, footer])]
        articles += [np.concatenate([text, footer]) for text in unrelated]
        pairs += [(at, at + 1), (at + 2, at + 3)]
        kinds += ["brief", "framed"]
    return render(articles), np.array(pairs), kinds


def templates(pairs: int, report_words: int, *, footer_words: int = 120, seed: int = 0) -> list[str]:
    """Pairs of different reports, 2 i and 2 i + 1, with one footer; another footer for each pair."""
    rng = default_rng([seed, 5, report_words])
    articles = []
    for _ in range(pairs):
        footer = prose(rng, footer_words)
        articles += [np.concatenate([prose(rng, report_words), footer]) for _ in range(2)]
    return render(articles)


def flood(n: int, *, template_words: int = 360, seed: int = 0) -> list[str]:
    """Texts that are three quarters one template: candidates with Jaccard similarity near 0.6, and not copies.

    The last fifth are copies of the first fifth, with three words edited.
    """
    rng = default_rng([seed, 8])
    template = prose(rng, template_words)
    own = [prose(rng, template_words // 3) for _ in range(n - n // 5)]
    own += [replaced(rng, report, 3) for report in own[: n // 5]]
    return render([np.concatenate([report, template]) for report in own])


def bulletins(kind: str, density: float, outlets: int, days: int, *, words: int = 200, seed: int = 0) -> list[str]:
    """Bulletins 2 i and their copies 2 i + 1, which begin with ten more words; `days` in a row are of one outlet.

    All bulletins of an outlet have the same words. A share of them, `density`, are figures, in the same places, drawn
    again each day from the range of `kind` in `BULLETINS`.
    """
    rng = default_rng([seed, 6, round(1000 * density), *kind.encode()])
    texts = []
    for _ in range(outlets):
        template = render([prose(rng, words, figures=False)])[0].split(" ")
        places = rng.choice(words, max(1, round(density * words)), replace=False).tolist()
        for _ in range(days):
            figures = rng.integers(*BULLETINS[kind], len(places)).astype(str).tolist()
            bulletin = template.copy()
            for place, figure in zip(places, figures, strict=True):
                bulletin[place] = figure
            lead = render([prose(rng, 10, figures=False)])[0]
            texts += [" ".join(bulletin), f"{lead} {' '.join(bulletin)}"]
    return texts


def quoted(holders: int, *, seed: int = 0) -> list[str]:
    """Unrelated articles of 750 words that all quote one report of 150 words, and the report at the end."""
    rng = default_rng([seed, 7])
    report = prose(rng, 150)
    articles = [np.concatenate([prose(rng, 300), report, prose(rng, 300)]) for _ in range(holders)]
    return render([*articles, report])


def far_copies(verbatim: int, far: int, *, seed: int = 0) -> list[str]:
    """Copies of a viral text of 400 words: 20 with 7 words edited, `verbatim` ones, and `far` ones with 13 edited."""
    rng = default_rng([seed, 8])
    original = prose(rng, 400)
    near = [replaced(rng, original, 7) for _ in range(20)]
    return render([*near, *[original] * verbatim, *(replaced(rng, original, 13) for _ in range(far))])


def crowd(pairs: int, *, own: int = 45, template: int = 150, edits: int = 6, seed: int = 0) -> list[str]:
    """Texts 2 i of `own` words and one template, and copies 2 i + 1 with other words in some places."""
    rng = default_rng([seed, 9])
    shared = prose(rng, template)
    texts = [np.concatenate([prose(rng, own), shared]) for _ in range(pairs)]
    return render([text for one in texts for text in (one, replaced(rng, one, edits) if edits else one)])


def figured(pairs: int, figures: int, *, words: int = 200, edits: int = 2, seed: int = 0) -> list[str]:
    """Bulletins 2 i, which differ in figures below 100 only, and copies 2 i + 1 with other words in some places.

    The word before a figure says what it counts, and is the same in both.
    """
    rng = default_rng([seed, 10, figures])
    template = render([prose(rng, words, figures=False)])[0].split(" ")
    places = rng.permutation(words)
    rest = np.setdiff1d(places[figures:], places[:figures] - 1)
    texts = []
    for _ in range(pairs):
        bulletin = template.copy()
        for place, figure in zip(places[:figures].tolist(), rng.integers(0, 100, figures).tolist(), strict=True):
            bulletin[place] = str(figure)
        copy = bulletin.copy()
        other = render([draw(rng, edits, figures=False)])[0].split(" ")
        for place, word in zip(rng.choice(rest, edits, replace=False).tolist(), other, strict=True):
            copy[place] = word
        texts += [" ".join(bulletin), " ".join(copy)]
    return texts


def briefs(n: int, words: int, *, edits: int = 0, frame: int = 200, seed: int = 0) -> list[str]:
    """Briefs 2 i of so many words, and texts 2 i + 1 in which they stand between two other reports.

    No two begin with one word. The briefs themselves have other words in some places, not close to each other.
    """
    rng = default_rng([seed, 11, words])
    firsts = rng.permutation(WORDS)
    firsts = firsts[firsts % 50 != 37][:n]  # without figures, some of which are equal
    texts = []
    for first in firsts.tolist():
        brief = draw(rng, words)
        brief[0] = first * len(FORMS)
        other = brief.copy()
        other[np.linspace(0, words - 1, edits + 2).astype(int)[1:-1]] = draw(rng, edits)
        texts += [other, np.concatenate([prose(rng, frame), brief, prose(rng, frame)])]
    return render(texts)


class Planted(NamedTuple):
    """Texts, the family of each, and the kind of each family."""

    texts: list[str]
    families: NDArray[np.int64]
    kinds: list[str]  # by family


def planted(families: int, *, words: int = 150, seed: int = 0) -> Planted:
    """Families of texts of these kinds in turn, in random order; a copy is one with a Jaccard similarity of 0.7.

    "verbatim": a text twice. "edited": and a copy with one word in fifty replaced. "cut": and nine tenths of it.
    "framed": and a copy behind ten more words. "hourly": 24 states of a page of ten paragraphs, of which one is new
    each time: each is a copy of the one before and after it, and of no other. "template": ten reports under one
    template of their length, which are copies of none. "alone": one text.
    """
    rng = default_rng([seed, 12])
    makers = {
        "verbatim": lambda text: [text, text],
        "edited": lambda text: [text, replaced(rng, text, words // 50)],
        "cut": lambda text: [text, text[: words * 9 // 10]],
        "framed": lambda text: [text, np.concatenate([prose(rng, 10), text])],
        "hourly": lambda _: hourly(rng, words // 10),
        "template": lambda text: [np.concatenate([prose(rng, words), text]) for _ in range(10)],
        "alone": lambda text: [text],
    }
    kinds = [list(makers)[i % len(makers)] for i in range(families)]
    made = [makers[kind](prose(rng, words)) for kind in kinds]
    family = np.repeat(np.arange(families), list(map(len, made)))
    order = rng.permutation(len(family))
    codes = [text for texts in made for text in texts]
    return Planted(render([codes[i] for i in order.tolist()]), family[order], kinds)


def hourly(rng: Generator, words: int, *, states: int = 24, paragraphs: int = 10) -> list[Codes]:
    """States of a page on which a paragraph comes at the top each hour, and the last one goes."""
    told = [prose(rng, words) for _ in range(states + paragraphs - 1)]
    return [np.concatenate(told[hour : hour + paragraphs][::-1]) for hour in range(states)]
