"""How much of a site's own text is found, how much of the body is lost, and what that does to copies and stories.

python -m benchmarks.residue.quality [--seed 0] [--mistakes 5]

The pages of site_templates.py, with line breaks and as one line, with their sources named and not:

found    share of the tokens of residue that are found
lost     share of the tokens of the headline and the body that are wrongly taken for residue, and that of the worst page
near     precision and recall of pairs of copies: two pages of one sample article, or of two that are copies themselves
stories  BCubed precision, recall and F1 against the editor's stories, each language by itself

The last two are with the residue cut, with the residue left in, and for the same articles on no site at all: the best
that cutting can reach. A token is a word, or one character of Chinese or Japanese. "One page a site" is the case where
no site can be learned: each call has one page of each. `--mistakes` lists the most frequent runs missed and lost, by
site.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dedup
from benchmarks import harness
from benchmarks.corpora.site_templates import SITES, Page, pages
from dedup.metrics import bcubed
from dedup.residue.find import find_residue

TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
CALLS = 10  # of one page a site
VARIANTS = [(line_breaks, sources) for line_breaks in (True, False) for sources in (True, False)]

Spans = Sequence[tuple[int, int]]


def covered(text: str, spans: Spans) -> NDArray[np.bool_]:
    """Whether each token of a text starts in a span."""
    inside = np.zeros(len(text), dtype=bool)
    for start, stop in spans:
        inside[start:stop] = True
    return inside[[token.start() for token in TOKEN.finditer(text)]]


def residue_of(found: Sequence[Page], *, sources: bool) -> list[Spans]:
    articles = [page.article for page in found]
    return find_residue(
        [article.text for article in articles],
        sources=[article.source for article in articles] if sources else None,
        titles=[article.title for article in articles],
    )


# Tokens


def counts(page: Page, spans: Spans) -> NDArray[np.int64]:
    """Tokens of residue, the found ones among them, tokens of headline and body, the lost ones among them."""
    truth, cut = covered(page.article.text, page.residue), covered(page.article.text, spans)
    return np.array([truth.sum(), (truth & cut).sum(), (~truth).sum(), (~truth & cut).sum()])


def shares(rows: Sequence[NDArray[np.int64]]) -> dict[str, Any]:
    """The sums and shares of the counts of some pages."""
    residue, found, body, lost = np.sum(rows, axis=0).tolist()
    return {
        "pages": len(rows),
        "residue": residue,
        "share": round(residue / (residue + body), 4),
        "found": round(found / residue, 4),
        "lost": round(lost / body, 5),
        "worst": round(max(float(row[3] / row[2]) for row in rows), 4),
    }


def token_scores(corpus: Sequence[Page], spans: Sequence[Spans]) -> dict[str, dict[str, Any]]:
    """Shares for each site and for all."""
    rows = [counts(page, cut) for page, cut in zip(corpus, spans, strict=True)]
    by_site = {
        site.name: shares([row for page, row in zip(corpus, rows, strict=True) if page.article.source == site.name])
        for site in SITES
    }
    return by_site | {"all": shares(rows)}


def one_page_a_site(corpus: Sequence[Page]) -> dict[str, Any]:
    """Shares where each call has one page of each site, so that no site can be learned."""
    by_site = [[page for page in corpus if page.article.source == site.name] for site in SITES]
    rows = []
    for call in zip(*(own[:CALLS] for own in by_site), strict=True):
        rows += [counts(page, cut) for page, cut in zip(call, residue_of(call, sources=True), strict=True)]
    return shares(rows)


# Copies and stories


def copies(corpus: Sequence[Page]) -> set[tuple[int, int]]:
    """Pairs of pages of one sample article, or of two that are near-duplicates on no site."""
    originals = dedup.sample_articles()
    pairs = dedup.near_duplicates(originals).pairs.tolist()
    alike = {frozenset((originals[i].id, originals[j].id)) for i, j in pairs}
    return {
        (i, j)
        for (i, one), (j, other) in combinations(enumerate(corpus), 2)
        if one.original_id == other.original_id or {one.original_id, other.original_id} in alike
    }


def story_labels(articles: Sequence[dedup.Article], **settings: bool) -> list[str]:
    """Stories of each language by itself: those of the editor have one language each."""
    labels = [""] * len(articles)
    for language in sorted({article.language for article in articles}):
        places = [i for i, article in enumerate(articles) if article.language == language]
        found = dedup.cluster([articles[i] for i in places], **settings).labels.tolist()
        for i, label in zip(places, found, strict=True):
            labels[i] = f"{language} {label}"
    return labels


def group_scores(
    corpus: Sequence[Page], articles: Sequence[dedup.Article], truth: set[tuple[int, int]], **settings: bool
) -> dict[str, Any]:
    """Scores of the copies and stories found among `articles`, which are the pages of the corpus in order."""
    found = set(map(tuple, dedup.near_duplicates(articles, **settings).pairs.tolist()))
    wrong_here = sum(corpus[i].article.source == corpus[j].article.source for i, j in found - truth)
    stories = bcubed([page.story for page in corpus], story_labels(articles, **settings))
    return {
        "near": {
            "precision": round(len(found & truth) / max(1, len(found)), 4),
            "recall": round(len(found & truth) / len(truth), 4),
            "wrong_pairs_of_one_site": wrong_here,
        },
        "stories": {key: round(score, 4) for key, score in stories._asdict().items()},
    }


def without_sites(corpus: Sequence[Page]) -> list[dedup.Article]:
    """The sample article of each page, in its place."""
    text = {article.id: article.text for article in dedup.sample_articles()}
    return [replace(page.article, text=text[page.original_id]) for page in corpus]


# All of it


def measure(seed: int, line_breaks: bool, sources: bool, mistakes: int) -> dict[str, Any]:
    corpus = pages(seed, line_breaks=line_breaks)
    spans = residue_of(corpus, sources=sources)
    if mistakes:
        show_mistakes(corpus, spans, mistakes)
    articles = [page.article if sources else replace(page.article, source=None) for page in corpus]
    truth = copies(corpus)
    return {
        "line_breaks": line_breaks,
        "sources": sources,
        "tokens": token_scores(corpus, spans),
        "cut": group_scores(corpus, articles, truth, cut_residue=True),
        "left_in": group_scores(corpus, articles, truth, cut_residue=False),
    }


def name_of(line_breaks: bool, sources: bool) -> str:
    return f"{'lines' if line_breaks else 'one line'}, {'sources' if sources else 'no sources'}"


def show(runs: Sequence[dict[str, Any]], alone: dict[str, dict[str, Any]], clean: dict[str, Any]) -> None:
    rows = []
    for run in runs:
        tokens = [{"site": site} | row for site, row in run["tokens"].items()]
        name = name_of(run["line_breaks"], run["sources"])
        harness.show(name, tokens)
        rows += [{"": f"{name}, {key}"} | scores_of(run[key]) for key in ("cut", "left_in")]
    harness.show("One page a site", [{"": name} | row for name, row in alone.items()])
    harness.show("Copies and stories", [{"": "on no site"} | scores_of(clean), *rows])


def scores_of(row: dict[str, Any]) -> dict[str, Any]:
    return {f"{kind} {key}": value for kind, scores in row.items() for key, value in scores.items()}


# Mistakes


def runs_of(text: str, marks: Iterable[bool]) -> Iterator[str]:
    """The stretches of a text whose tokens are marked."""
    for marked, tokens in groupby(zip(TOKEN.finditer(text), marks, strict=True), key=lambda pair: bool(pair[1])):
        if marked:
            stretch = [token for token, _ in tokens]
            yield " / ".join(text[stretch[0].start() : stretch[-1].end()].split("\n"))


def show_mistakes(corpus: Sequence[Page], spans: Sequence[Spans], most: int) -> None:
    found: Counter[tuple[str, str, str]] = Counter()
    for page, cut_here in zip(corpus, spans, strict=True):
        text, site = page.article.text, page.article.source
        truth, cut = covered(text, page.residue), covered(text, cut_here)
        for kind, marks in (("missed", truth & ~cut), ("lost", ~truth & cut)):
            # Digits are masked, so that runs with the same words count as the same.
            found.update((site, kind, re.sub(r"\d+", "0", run)) for run in runs_of(text, marks))
    for site in SITES:
        for kind in ("missed", "lost"):
            of_site = Counter({run: n for (name, sort, run), n in found.items() if (name, sort) == (site.name, kind)})
            for run, n in of_site.most_common(most):
                print(f"{site.name:<24}{kind:<8}{n:>4}  {run[:120]}")


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the pages")
    parser.add_argument("--mistakes", type=int, default=0, help="how many of each kind to list for each site")
    given = parser.parse_args()
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    runs = [measure(given.seed, *variant, given.mistakes) for variant in VARIANTS]
    corpus = pages(given.seed)
    alone = {
        name: one_page_a_site(pages(given.seed, line_breaks=line_breaks))
        for name, line_breaks in (("lines", True), ("one line", False))
    }
    clean = group_scores(corpus, without_sites(corpus), copies(corpus))
    show(runs, alone, clean)
    results |= {"seed": given.seed, "pages": len(corpus)}
    results |= {"variants": runs, "one_page_a_site": alone, "on_no_site": clean}
    harness.write_results(given.results, "residue_quality", results)


if __name__ == "__main__":
    main()
