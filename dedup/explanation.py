"""Why two articles are in one story, or are not."""

from dataclasses import dataclass
from typing import NamedTuple

from dedup.article import Article
from dedup.wording import duration, named, one_line, plural, printable, quoted

#: Characters of a text.
Span = tuple[int, int]


class Passage(NamedTuple):
    """Words that two articles have in common, as the left one writes them, and where they stand in either text."""

    words: str
    left: Span
    right: Span


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What makes two articles alike, and what does not.

    Attributes
    ----------
    left, right : Article
        With the residue that was set aside.
    similarity : float
        What decides on stories: `cosine` times `time_factor`, in [0, 1].
    cosine : float
        Of the words, word pairs and character runs of their titles and reports, in [0, 1].
    time_factor : float
        What the gap between their publications leaves of it, in (0, 1]; 0.7 when a date is missing.
    jaccard : float
        What decides on copies: the share of all their runs of five words that both have, exactly, in [0, 1].
    containment : float
        The share of those of the smaller one that the other has too, in [0, 1].
    terms : tuple of (str, float)
        Words and word pairs that both have, each with its share of the similarity, heaviest first; at most 20, the sum
        of all is 1. One that they write in two ways is given in both: 'Путин / Putin'.
    passages : tuple of Passage
        The longest passages that both texts have, residue apart, longest first; at most 50, of at least three words
        (six characters in scripts without spaces). Each has its words and where they stand in ``left.text`` and
        ``right.text``, as spans of characters.
    verdict : str
        What follows, in a sentence.
    """

    left: Article
    right: Article
    similarity: float
    cosine: float
    time_factor: float
    jaccard: float
    containment: float
    terms: tuple[tuple[str, float], ...]
    passages: tuple[Passage, ...]
    verdict: str

    @property
    def gap(self) -> str:
        """What the time factor stands for, in words."""
        if self.left.published is None or self.right.published is None:
            return "a missing date"
        return duration(abs(self.left.published - self.right.published)) + " between them"

    def _repr_html_(self) -> str:
        from dedup.html.comparison import explanation_card  # only notebooks pay for it

        return explanation_card(self)

    def __repr__(self) -> str:
        rows = [
            ("left", named(self.left)),
            ("right", named(self.right)),
            ("words", f"cosine {self.cosine:.2f} x {self.time_factor:.2f} for {self.gap}"),
            ("terms", ", ".join(f"{one_line(term, 60)} {share:.0%}" for term, share in self.terms[:8])),
            *(("both", quoted(passage.words, 100)) for passage in self.passages[:3]),
            ("copies", f"{self.jaccard:.2f} of five-word runs in common, {self.containment:.2f} of the smaller one's"),
        ]
        for side, article in (("left", self.left), ("right", self.right)):
            if article.residue:
                first = quoted(article.text[slice(*article.residue[0])], 60)
                rows.append(("aside", f"{side} {first}, {plural(len(article.residue), 'passage')}"))
        return printable("\n".join([self.verdict, *(f"  {name:<7} {value}" for name, value in rows if value)]))
