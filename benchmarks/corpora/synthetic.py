"""Seeded synthetic news for the benchmarks, and what is exactly true about it.

python benchmarks/corpus.py [N]

An article is first an array of codes (which word, with which punctuation) and then rendered in a script, so that the
Latin, French, Russian and Chinese variants of a corpus have the same copies and the same number of tokens. Lengths are
lognormal with a mean near 380 words, words follow Zipf's law, one in fifty is a figure. The words are made up: use it
for speed, estimators and mechanics, never to say how much real news is copied.

news        40 % of the stories have edited copies, 30 % of the texts a publisher's footer
viral       one story makes up half of the corpus
graded      independent pairs whose Jaccard similarity covers a range evenly
cuts        briefs and reframed copies, whose Jaccard similarity is low, among texts that share only a footer
templates   pairs of different reports under one long footer
bulletins   daily bulletins of an outlet that differ in figures only, each with a copy
flood       texts under one template that makes them meet in the bands without being copies
quoted      long articles that quote one report
far_copies  verbatim copies of a viral text among edited ones

`exact_pairs` and `overlaps` share no code with the package. Called as a script, it prints what the variants are like.
"""

import argparse
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from scipy import sparse

SHINGLE = 5
WORDS = 20_000
MEAN_WORDS = 380
FORMS = PLAIN, CAPITAL, COMMA, STOP, OPEN, CLOSE = range(6)
BULLETINS = {"weather": (8, 32), "markets": (1000, 10_000), "results": (0, 6)}

Codes = NDArray[np.int32]
Pairs = NDArray[np.int64]


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


# Words and texts


def spellings(script: Script) -> list[str]:
    """The vocabulary of a script, the most frequent word first; shorter ones tend to be more frequent."""
    rng = Random(1)
    if not script.onsets:  # one character is one token
        return [chr(0x4E00 + i) for i in rng.sample(range(WORDS), WORDS)]
    onsets, vowels, endings = script.onsets.split(), script.vowels.split(), script.endings.split()
    found: dict[str, str] = {}
    while len(found) < WORDS:
        syllables = rng.choice((1, 2, 2, 2, 3, 3, 4))
        word = "".join(rng.choice(onsets) + rng.choice(vowels) for _ in range(syllables))
        word += rng.choice(endings) if rng.random() < 0.5 else ""
        # No two words may meet once accents are gone.
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
    """Cumulated probabilities of the words by rank (Zipf-Mandelbrot)."""
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
    """News of which one story, lightly edited each time, makes up half."""
    rng = default_rng([seed, 2])
    original = prose(rng, MEAN_WORDS)
    copies = [reworded(rng, original, rng.uniform(0, 0.02)) for _ in range(n // 2)]
    return render(shuffled(rng, copies + list(stories(rng, n - n // 2))), script)


def graded(pairs: int, *, low: float = 0.5, words: int | None = None, seed: int = 0) -> list[str]:
    """Pairs of texts, 2 i and 2 i + 1, unrelated to all others, with Jaccard similarities about even in [low, 1)."""
    rng = default_rng([seed, 3])
    articles = []
    for wanted in rng.uniform(low - 0.02, 1, pairs).tolist():
        original = prose(rng, words or length(rng))
        # An edit takes five shingles from either text.
        edits = len(original) * (1 - wanted) / (1 + wanted) / SHINGLE
        articles += [original, replaced(rng, original, max(1, round(edits + rng.uniform(-0.5, 0.5))))]
    return render(articles)


def cuts(n: int, *, seed: int = 0) -> tuple[list[str], Pairs, list[str]]:
    """Texts that hold others: `n` of each kind, two unrelated texts for each, and all others the holders.

    Returns
    -------
    texts : list of str
    pairs : ndarray of int64, shape (2 * n, 2)
        The text held and its holder, ``i < j``.
    kinds : list of str
        "brief": 150 words cut out of an article of 800, with up to 8 words edited; "framed": a report of 200 words,
        and its copy behind another lead of 40 words and before a footer of 60. Two unrelated texts of 20 to 400
        words share that footer with it, which is one of ten.
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
    """Two different reports, 2 i and 2 i + 1, under one footer; another footer for each pair."""
    rng = default_rng([seed, 5, report_words])
    articles = []
    for _ in range(pairs):
        footer = prose(rng, footer_words)
        articles += [np.concatenate([prose(rng, report_words), footer]) for _ in range(2)]
    return render(articles)


def flood(n: int, *, template_words: int = 360, seed: int = 0) -> list[str]:
    """Texts that are three quarters one template, made to meet in the bands: Jaccard similarity near 0.6, no copies.

    Only that the last fifth are copies, with three words edited, of the first fifth.
    """
    rng = default_rng([seed, 8])
    template = prose(rng, template_words)
    own = [prose(rng, template_words // 3) for _ in range(n - n // 5)]
    own += [replaced(rng, report, 3) for report in own[: n // 5]]
    return render([np.concatenate([report, template]) for report in own])


def bulletins(kind: str, density: float, outlets: int, days: int, *, words: int = 200, seed: int = 0) -> list[str]:
    """Bulletins 2 i and their copies 2 i + 1, which have ten words before them; `days` in a row are of one outlet.

    All of an outlet have the same words. `density` of them are figures, in the same places, drawn anew each day from
    the range of `kind` in `BULLETINS`.
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
    """Unrelated articles of 750 words that all quote one report of 150, and last the report."""
    rng = default_rng([seed, 7])
    report = prose(rng, 150)
    articles = [np.concatenate([prose(rng, 300), report, prose(rng, 300)]) for _ in range(holders)]
    return render([*articles, report])


def far_copies(verbatim: int, far: int, *, seed: int = 0) -> list[str]:
    """Copies of a viral text of 400 words: 20 with 7 of them edited, `verbatim` ones, and last `far` ones with 13."""
    rng = default_rng([seed, 8])
    original = prose(rng, 400)
    near = [replaced(rng, original, 7) for _ in range(20)]
    return render([*near, *[original] * verbatim, *(replaced(rng, original, 13) for _ in range(far))])


# What is true


def tokens(text: str) -> list[str]:
    """Words in lower case; each Chinese character is one."""
    return re.findall(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+", text.lower())


def shingles(text: str) -> set[str]:
    """Runs of five words; of fewer words, all of them; of none, nothing."""
    words = tokens(text)
    return {" ".join(words[i : i + SHINGLE]) for i in range(max(bool(words), len(words) - SHINGLE + 1))}


def overlaps(texts: Sequence[str], pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact Jaccard similarity and containment of pairs of texts, by Python's sets."""
    jaccard, containment = [], []
    for i, j in pairs.tolist():
        left, right = shingles(texts[i]), shingles(texts[j])
        shared = len(left & right)
        jaccard.append(shared / max(1, len(left | right)))
        containment.append(shared / max(1, min(len(left), len(right))))
    return np.array(jaccard), np.array(containment)


def shingle_matrix(texts: Sequence[str]) -> tuple[sparse.csr_array, NDArray[np.int64]]:
    """Which text has which shingle, for those of at least two texts, and the number of shingles of each text."""
    columns: dict[str, int] = {}
    parts, sizes = [], []
    for text in texts:
        found = shingles(text)
        parts.append(np.fromiter((columns.setdefault(s, len(columns)) for s in found), np.int64, len(found)))
        sizes.append(len(found))
    column = np.concatenate(parts)
    rows = np.repeat(np.arange(len(texts)), sizes)
    matrix = sparse.csr_array((np.ones(len(rows), np.int32), (rows, column)), shape=(len(texts), len(columns)))
    return matrix[:, np.flatnonzero(np.bincount(column) > 1)], np.array(sizes)


def exact_pairs(texts: Sequence[str], floor: float = 0.5) -> tuple[Pairs, NDArray[np.float64]]:
    """All pairs ``i < j`` with a Jaccard similarity of at least `floor`, and their similarities.

    A matrix product over the strings of all shingles: slow and large (some 50 kB a text), but sure.
    """
    matrix, sizes = shingle_matrix(texts)
    other = matrix.T.tocsr()
    pairs, jaccard = [np.empty((0, 2), np.int64)], [np.empty(0)]
    for first in range(0, len(texts), 1000):
        product = (matrix[first : first + 1000] @ other).tocoo()
        i, j = product.coords[0].astype(np.int64) + first, product.coords[1].astype(np.int64)
        similar = product.data / (sizes[i] + sizes[j] - product.data)
        kept = (i < j) & (similar >= floor)
        pairs.append(np.stack([i[kept], j[kept]], axis=1))
        jaccard.append(similar[kept])
    return np.concatenate(pairs), np.concatenate(jaccard)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int, nargs="?", default=1000)
    n = parser.parse_args().n
    for script in SCRIPTS:
        texts = news(n, script=script)
        words = sum(len(tokens(text)) for text in texts)
        print(f"\n{script}: {words / n:.1f} tokens, {sum(map(len, texts)) / n:.0f} characters a text")
        print(texts[0][:300])
    pairs, jaccard = exact_pairs(news(n))
    counts = np.histogram(jaccard, np.linspace(0.5, 1, 6))[0].tolist()
    print(f"\nnews: {len(pairs)} pairs with Jaccard from 0.5; by tenths {counts}, verbatim {(jaccard == 1).sum()}")
    texts = graded(n)
    jaccard = overlaps(texts, np.arange(2 * n).reshape(-1, 2))[0]
    print("graded by tenths:", np.histogram(jaccard, np.linspace(0.4, 1, 7))[0].tolist())
    texts, held, kinds = cuts(n // 10)
    jaccard, containment = overlaps(texts, held)
    for kind in sorted(set(kinds)):
        chosen = [k == kind for k in kinds]
        print(f"cuts, {kind}: Jaccard {jaccard[chosen].mean():.3f}, containment {containment[chosen].mean():.3f}")
    print("bulletin:", bulletins("weather", 0.1, 1, 1)[0][:300])


if __name__ == "__main__":
    main()
