"""Explanation: what two articles share, and what that means for stories."""

from dataclasses import dataclass
from typing import NamedTuple

from dedup.article import Article
from dedup.wording import duration, minute, plural, printable, quoted, visible_line


class Passage(NamedTuple):
    """Words that two articles have in common, as the left one writes them, and where they stand in both texts."""

    words: str
    left: tuple[int, int]
    right: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What makes two articles alike, and what does not.

    Attributes
    ----------
    left, right : Article
        With their residue.
    similarity : float
        What decides on stories: `cosine` plus `meaning`, times `time_factor`, in [0, 1].
    cosine : float
        Cosine of the words, word pairs and character runs of their titles and bodies, in [0, 1].
    meaning : float
        What the vectors of an encoder add to it, negative where they speak against one event; 0 without an encoder. The
        fewer the words of two reports in one language are, the more it is. In two languages it makes up for the words.
    time_factor : float
        Factor for the time between their publications, in [0, 1]; 0.7 when a date is missing. It falls the more slowly,
        the more `evidence` there is.
    evidence : float
        Effective number of words, pairs and runs that the cosine rests on: 1 where one makes it, 0 without any.
    needed : float
        Similarity from which two reports of their lengths are a story: the threshold, and more the shorter they are.
    jaccard : float
        What decides on copies: the exact share of all their five-word shingles that both have, in [0, 1].
    containment : float
        The exact share of the shingles of the smaller one that the other has too, in [0, 1].
    terms : tuple of (str, float)
        Words and word pairs that both have, each with its share of the similarity, heaviest first; at most 20, the sum
        of all shares is 1. A term that they write in two ways has both: 'Путин / Putin'.
    passages : tuple of Passage
        The longest passages that both texts have without their residue, longest first; at most 50, of at least three
        words (six characters in scripts without spaces). Each has its spans of characters in the two texts.
    verdict : str
        What follows from the numbers, in a sentence.
    """

    left: Article
    right: Article
    similarity: float
    cosine: float
    time_factor: float
    evidence: float
    needed: float
    jaccard: float
    containment: float
    terms: tuple[tuple[str, float], ...]
    passages: tuple[Passage, ...]
    verdict: str
    meaning: float = 0.0

    @property
    def gap(self) -> str:
        """The reason for the time factor, in words."""
        if self.left.published is None or self.right.published is None:
            return "a missing date"
        return duration(abs(self.left.published - self.right.published)) + " between them"

    def _repr_html_(self) -> str:
        from dedup.html.comparison import comparison_card  # only notebooks pay for it

        measures = [
            ("similarity", self.similarity, ""),
            ("needed", self.needed, " by two reports of these lengths"),
            ("cosine", self.cosine, f", resting on {self.evidence:.0f} words, word pairs and character runs"),
            *([("meaning", self.meaning, ", what the vectors of the encoder add")] if self.meaning else []),
            ("time", self.time_factor, f" for {self.gap}"),
            ("Jaccard", self.jaccard, ", runs of five words"),
            ("containment", self.containment, " of the smaller one's"),
        ]
        return comparison_card((self.left, self.right), self.verdict, measures, self.terms, self.passages)

    def __repr__(self) -> str:
        rows = [
            ("left", named(self.left)),
            ("right", named(self.right)),
            (
                "words",
                f"cosine {self.cosine:.2f} x {self.time_factor:.2f} for {self.gap}, evidence {self.evidence:.0f}",
            ),
            ("meaning", f"adds {self.meaning:+.2f} to the cosine" if self.meaning else ""),
            ("terms", ", ".join(f"{visible_line(term, 60)} {share:.0%}" for term, share in self.terms[:8])),
            *(("both", quoted(passage.words, 100)) for passage in self.passages[:3]),
            ("copies", f"{self.jaccard:.2f} of five-word runs in common, {self.containment:.2f} of the smaller one's"),
        ]
        for side, article in (("left", self.left), ("right", self.right)):
            if article.residue:
                first = quoted(article.plain_text[slice(*article.residue[0])], 60)
                rows.append(("aside", f"{side} {first}, {plural(len(article.residue), 'passage')}"))
        return printable("\n".join([self.verdict, *(f"  {name:<7} {value}" for name, value in rows if value)]))


def named(article: Article) -> str:
    """An article on a line of a terminal: its title or how its text begins, its source and time."""
    source = f"{visible_line(article.source, 40)}, " if article.source else ""
    return (
        f"{quoted(article.plain_title.strip() or article.plain_text[:200], 80)} ({source}{minute(article.published)})"
    )
