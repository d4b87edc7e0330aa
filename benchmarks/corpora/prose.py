"""Made-up prose in four scripts, for the corpora of `synthetic`.

An article is first an array of codes (which word, in which form) and then rendered in a script, so that the Latin,
French, Russian and Chinese variants of a corpus have the same copies and the same number of tokens. Words follow Zipf's
law, one in fifty is a figure, and lengths are lognormal with a mean near 380 words.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

WORDS = 20_000
MEAN_WORDS = 380
FORMS = PLAIN, CAPITAL, COMMA, STOP, OPEN, CLOSE = range(6)

Codes = NDArray[np.int32]


class Script(NamedTuple):
    """How words look and are put together."""

    onsets: str
    vowels: str
    endings: str
    gap: str = " "
    comma: str = ","
    stop: str = "."
    quotes: str = '""'
    elided: tuple[str, ...] = ()


SCRIPTS = {
    "latin": Script(
        "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr pl sh sk st th tr",
        "a e i o u ai ea oo ou",
        "n r s t l m nd st ng",
    ),
    "french": Script(
        "b c d f g h j l m n p qu r s t v b c d l m n p r s t br ch cl dr fl gr pl tr ç",
        "a e i o u a e i o u a e i o u ai au ou eu é é è ê à â î ô û œu",
        "n r s t l x nt",
        quotes="“”",
        elided=("l’", "d’", "qu’"),
    ),
    "russian": Script(
        "б в г д ж з к л м н п р с т ф х ц ч ш щ бр гр ст тр пр",
        "а е и о у а е и о у ё ы э ю я",
        "й н р с т л м ст ть в х",
        quotes="„“",
    ),
    "chinese": Script("", "", "", gap="", comma="，", stop="。", quotes="“”"),
}


def spellings(script: Script) -> list[str]:
    """The vocabulary of a script, the most frequent word first; shorter words tend to be more frequent."""
    rng = Random(1)
    if not script.onsets:  # one character is one token
        return [chr(0x4E00 + i) for i in rng.sample(range(WORDS), WORDS)]
    onsets, vowels, endings = script.onsets.split(), script.vowels.split(), script.endings.split()
    found: dict[str, str] = {}
    while len(found) < WORDS:
        syllables = rng.choice((1, 2, 2, 2, 3, 3, 4))
        word = "".join(rng.choice(onsets) + rng.choice(vowels) for _ in range(syllables))
        word += rng.choice(endings) if rng.random() < 0.5 else ""
        # No two words may be the same without their accents.
        found.setdefault("".join(c for c in unicodedata.normalize("NFD", word) if c.isalpha()), word)
    return sorted(found.values(), key=lambda word: len(word) + rng.gauss(0, 2))


@cache
def rendered_forms(name: str) -> list[str]:
    """Each word of a script in each of its forms: what the codes stand for."""
    script = SCRIPTS[name]
    words = spellings(script)
    for rank in range(150, WORDS, 6):  # names
        words[rank] = words[rank].capitalize()
    for rank, word in zip((3, 7, 40), script.elided, strict=False):
        words[rank] = word
    for rank in range(37, WORDS, 50):  # figures, which no neighbour may touch
        words[rank] = f"{'' if script.gap else ' '}{rank * 7919 % 2100}"
    forms = []
    for word in words:
        upper = word[:1].upper() + word[1:]
        closed = word + script.stop
        forms += [word, upper, word + script.comma, closed, script.quotes[0] + upper, closed + script.quotes[1]]
    return forms


def render(articles: Sequence[Codes], script: str = "latin") -> list[str]:
    """Articles as texts of a script."""
    forms, gap = rendered_forms(script), SCRIPTS[script].gap
    return [gap.join(map(forms.__getitem__, codes.tolist())).replace("’ ", "’").strip() for codes in articles]


@cache
def frequencies() -> NDArray[np.float64]:
    """Cumulative probabilities of the words by rank (Zipf-Mandelbrot)."""
    weights = (np.arange(WORDS) + 2.7) ** -1.05
    return np.cumsum(weights / weights.sum())


def draw(rng: Generator, size: int, *, figures: bool = True) -> Codes:
    """Words without punctuation, as codes."""
    ranks = np.minimum(np.searchsorted(frequencies(), rng.random(size)), WORDS - 1)
    if not figures:
        ranks += ranks % 50 == 37
    return (ranks * len(FORMS)).astype(np.int32)


def prose(rng: Generator, size: int, *, figures: bool = True) -> Codes:
    """Sentences of 8 to 27 words, some quoted."""
    forms = np.where(rng.random(size) < 0.06, COMMA, PLAIN)
    ends = np.cumsum(rng.integers(8, 28, size // 8 + 1)) - 1
    ends = np.append(ends[ends < size - 1], size - 1)
    starts = np.append(0, ends[:-1] + 1)
    quoted = rng.random(len(ends)) < 0.08
    forms[starts] = np.where(quoted, OPEN, CAPITAL)
    forms[ends] = np.where(quoted, CLOSE, STOP)
    return draw(rng, size, figures=figures) + forms.astype(np.int32)


def length(rng: Generator) -> int:
    """Words of an article: lognormal, mean near 380, at least 40."""
    return max(40, round(MEAN_WORDS * rng.lognormal(-0.125, 0.5)))
