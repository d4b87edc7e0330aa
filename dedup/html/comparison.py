"""What notebooks show of an explanation: two texts side by side."""

from itertools import pairwise

from dedup.explanation import Explanation, Span
from dedup.html.fields import bar, card, facts_of, folded, line, link, listed, name_of, safe
from dedup.wording import plural

#: So many characters of each text are shown, and so many passages.
MOST_CHARACTERS, MOST_PASSAGES = 6000, 20


def explanation_card(found: Explanation) -> str:
    """The verdict, the numbers, the terms, and both texts with what they share marked and residue greyed."""
    numbers = [
        ("similarity", bar(found.similarity, f"{found.similarity:.3f}")),
        ("cosine", bar(found.cosine, f"{found.cosine:.3f}, words, word pairs and character runs")),
        ("time", bar(found.time_factor, f"{found.time_factor:.3f} for {found.gap}")),
        ("Jaccard", bar(found.jaccard, f"{found.jaccard:.3f}, runs of five words")),
        ("containment", bar(found.containment, f"{found.containment:.3f} of the smaller one's")),
    ]
    rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in numbers)
    terms = ", ".join(f"{line(term, 80)} <small>{share:.0%}</small>" for term, share in found.terms)
    passages = [line(passage.words, 300) for passage in found.passages[:MOST_PASSAGES]]
    parts = [f"<p><strong>{line(found.verdict, 600)}</strong></p><table>{rows}</table>"]
    if terms:
        parts.append(f"<p>{terms}</p>")
    if passages:
        shared = listed(passages, len(found.passages), "passages")
        parts.append(folded(plural(len(found.passages), "shared passage"), shared))
    sides = (found.left, [p.left for p in found.passages]), (found.right, [p.right for p in found.passages])
    columns = [
        f"<div><p>{link(article.url, name_of(article))}<br><small>{facts_of(article)}</small></p>"
        f'<div class="dedup-text" dir="auto">{_marked(article.text, spans, article.residue)}</div></div>'
        for article, spans in sides
    ]
    return card(f'{"".join(parts)}<div class="dedup-columns">{"".join(columns)}</div>')


def _marked(text: str, passages: list[Span], residue: tuple[Span, ...]) -> str:
    """The beginning of a text with its passages marked and its residue greyed."""
    stop = min(len(text), MOST_CHARACTERS)
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
