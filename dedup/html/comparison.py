"""Notebook card of an explanation: two texts side by side."""

from collections.abc import Sequence
from itertools import pairwise

from dedup.article import Article
from dedup.html.fields import bar, card, facts_of, folded, line, link, listed, name_of, safe
from dedup.wording import plural

Span = tuple[int, int]

#: Most characters of each text and most passages of a card.
MAX_CHARACTERS, MAX_PASSAGES = 6000, 20


def comparison_card(
    articles: tuple[Article, Article],
    verdict: str,
    measures: Sequence[tuple[str, float, str]],
    terms: Sequence[tuple[str, float]],
    passages: Sequence[tuple[str, Span, Span]],
) -> str:
    """Two texts with what they share marked and their residue greyed; see `dedup.Explanation`.

    `measures` has the name, the value in [0, 1] and a note of each measure.
    """
    bars = [(name, bar(value, f"{value:.3f}{note}")) for name, value, note in measures]
    rows = "".join(f"<tr><th>{name}</th><td>{shown}</td></tr>" for name, shown in bars)
    parts = [f"<p><strong>{line(verdict, 600)}</strong></p><table>{rows}</table>"]
    if terms:
        parts.append(f"<p>{', '.join(f'{line(term, 80)} <small>{share:.0%}</small>' for term, share in terms)}</p>")
    if passages:
        shared = listed([line(words, 300) for words, _, _ in passages[:MAX_PASSAGES]], len(passages), "passages")
        parts.append(folded(plural(len(passages), "shared passage"), shared))
    sides = [left for _, left, _ in passages], [right for _, _, right in passages]
    columns = [
        f"<div><p>{link(article.url, name_of(article))}<br><small>{facts_of(article)}</small></p>"
        f'<div class="dedup-text" dir="auto">{_marked(article.plain_text, spans, article.residue)}</div></div>'
        for article, spans in zip(articles, sides, strict=True)
    ]
    return card(f'{"".join(parts)}<div class="dedup-columns">{"".join(columns)}</div>')


def _marked(text: str, passages: list[Span], residue: tuple[Span, ...]) -> str:
    """The beginning of a text with its passages marked and its residue greyed."""
    stop = min(len(text), MAX_CHARACTERS)
    spans = [(*span, "mark") for span in passages] + [(*span, "s") for span in residue]
    spans = [span for span in spans if span[0] < stop]
    bounds = sorted({0, stop, *(min(bound, stop) for begin, end, _ in spans for bound in (begin, end))})
    parts = []
    for begin, end in pairwise(bounds):
        inner = safe(text[begin:end])
        tag = next((tag for first, last, tag in spans if first <= begin and end <= last), None)
        parts.append(f"<{tag}>{inner}</{tag}>" if tag else inner)
    if len(text) > stop:
        parts.append(f"<p><small>and {len(text) - stop:,} more characters</small></p>")
    return "".join(parts)
