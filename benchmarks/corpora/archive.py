"""Seeded synthetic news as Parquet files, any number of articles: what an archive of years is like to a job.

articles/*.parquet   id, title, text, published, source; files follow one another in time
labels.parquet       id, story, text: the true story of each article, and the text that it copies, as numbers

Sizes of stories have a heavy tail: 60 % have one article, one in a hundred more than 34, none more than `largest`.
A story begins at any time, lasts up to four days and belongs to one of 300 topics. Each topic has 40 names that are
often in the news. A story has twelve names, four of them those of its topic, and 24 rare words. Of the words of an
article three in ten are those of its story (all names, but only ten of the rare words), an eighth those of the topic,
and the rest come from a vocabulary of 200,000 that follows Zipf's law and begins with English function words. One
article in seven is a copy of an earlier one of its story, with up to 2.5 % of the words changed or a sentence appended.
One story is copied `copies` times within five days, with .1 to 2 % of the words changed. There are 120 sources; a
third of them have template lines at the head or foot of every article. One article in a hundred has no date.

Every word is a hash of seed, article and place, so that a copy is made without its original at hand: memory does not
grow with the texts. The words are made up: use it for speed, memory and mechanics, never to say how good stories are.
"""

from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from benchmarks.corpora.archive_plan import LARGEST, SOURCES, Longs, Plan, make_plan

FUNCTION_WORDS = (
    "the of and to a in for is on that by this with you it not or be are from at as your all have new more an was we "
    "will can us about if my has but our one other do no they he up may what which their out use any there see only so "
    "his when here who also now get she her him than then them these those into over after before because between "
    "through during against under again further once both each few most some such own same too very just should would "
    "could did does had been being were while where why how until below above off down nor"
)
ONSETS = "b d f g k l m n p r s t v z ch st tr"
WORDS, NAMES, TOPICS, TOPIC_WORDS = 200_000, 100_000, 300, 250
COMMON = 2000  # the words of stories and topics have higher ranks
STORY_NAMES, STORY_WORDS, USED_WORDS = 12, 24, 10  # an article uses ten of the words of its story
KNOWN_NAMES, TOPIC_NAMES = 4, 40  # names of a story that are those of its topic, and names of a topic
STORY_SHARE, TOPIC_SHARE = 0.3, 0.12
FORMS = PLAIN, CAPITAL, COMMA, STOP, PARAGRAPH, END = range(6)
WRITTEN = ("{} ", "{} ", "{}, ", "{}. ", "{}.\n\n", "{}.")
WITH_TEMPLATES = 40  # of the sources
BEGINNING = np.datetime64("2020-01-01", "s")
ROW_GROUP = 8192
_QUANTILES = 22  # bits

Hashes = NDArray[np.uint64]


class Corpus(NamedTuple):
    """A plan, and the pieces that texts are made of."""

    seed: int
    plan: Plan
    forms: pa.Array
    quantiles: NDArray[np.int32]
    heads: pa.Array
    feet: pa.Array


# Words


def spellings() -> list[str]:
    """Words by rank, the more frequent ones shorter, and then names."""
    syllables = ["".join(pair) for pair in product(ONSETS.split(), "aeiou")]
    found = dict.fromkeys(FUNCTION_WORDS.split())
    for length in (2, 3):
        order = default_rng(length).permutation(len(syllables) ** length)[: WORDS + 2 * NAMES]
        for number in order.tolist():
            word = ""
            for _ in range(length):
                number, digit = divmod(number, len(syllables))
                word += syllables[digit]
            found.setdefault(word)
    words = list(found)
    return [*words[:WORDS], *(word.capitalize() for word in words[WORDS : WORDS + NAMES])]


def all_forms() -> pa.Array:
    """Every word in every form; word `i` in form `j` is at ``i * len(FORMS) + j``."""
    written = [
        form.format(word[:1].upper() + word[1:] if j == CAPITAL else word)
        for word in spellings()
        for j, form in enumerate(WRITTEN)
    ]
    return pa.array(written)


def zipf_quantiles() -> NDArray[np.int32]:
    """Ranks at evenly spread quantiles of Zipf's law: drawing is a look-up."""
    total = np.cumsum((np.arange(WORDS) + 2.7) ** -1.0)
    quantiles = (np.arange(1 << _QUANTILES) + 0.5) / (1 << _QUANTILES)
    return np.searchsorted(total / total[-1], quantiles).astype(np.int32)


def templates(rng: Generator, forms: pa.Array, lines: int) -> pa.Array:
    """The lines that all articles of a source have; empty for sources without."""
    found = []
    for source in range(SOURCES):
        text = ""
        for _ in range(int(rng.integers(1, lines + 1)) if source % (SOURCES // WITH_TEMPLATES) == 1 else 0):
            ranks = rng.integers(0, COMMON, int(rng.integers(8, 20)))
            line = [forms[int(rank) * len(FORMS) + PLAIN].as_py() for rank in ranks]
            text += "".join(line).capitalize().strip() + ".\n\n"
        found.append(text)
    return pa.array(found)


# Texts


def mixed(*parts: Any) -> Hashes:
    """A hash of numbers, element by element (the finalizer of SplitMix64)."""
    with np.errstate(over="ignore"):
        state = np.uint64(0)
        for part in parts:
            state = (state ^ np.asarray(part).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state ^= state >> np.uint64(31)
    return np.asarray(state)


def share(hashes: Hashes, bits: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) from 16 bits of the hashes."""
    return ((hashes >> np.uint64(bits)) & np.uint64(0xFFFF)) / 65536


def below(hashes: Hashes, n: int) -> Longs:
    return (hashes % np.uint64(n)).astype(np.int64)


def words_at(corpus: Corpus, article: Longs, place: Longs) -> Longs:
    """The word at each place of an article."""
    drawn_hash = mixed(corpus.seed, article, place)
    which = mixed(drawn_hash)
    word = corpus.quantiles[(which >> np.uint64(64 - _QUANTILES)).astype(np.int64)].astype(np.int64)
    kind, story = share(drawn_hash, 0), corpus.plan.story[article]
    (own,) = np.nonzero(kind < STORY_SHARE)
    word[own] = story_word(corpus.seed, story[own], article[own], which[own])
    (own,) = np.nonzero((kind >= STORY_SHARE) & (kind < STORY_SHARE + TOPIC_SHARE))
    topic = topic_of(corpus.seed, story[own])
    rank = (TOPIC_WORDS * share(which[own], 0) ** 2).astype(np.int64)
    word[own] = COMMON + below(mixed(corpus.seed, 3, topic, rank), WORDS - COMMON)
    return word


def topic_of(seed: int, story: Longs) -> Longs:
    return below(mixed(seed, 2, story), TOPICS)


def story_word(seed: int, story: Longs, article: Longs, which: Hashes) -> Longs:
    """One of the names of a story, or one of the words of the story that an article uses."""
    name = share(which, 0) < 0.4
    used = (below(mixed(seed, 4, article), STORY_WORDS) + USED_WORDS * share(which, 16)).astype(np.int64) % STORY_WORDS
    number = np.where(name, (STORY_NAMES * share(which, 16) ** 1.5).astype(np.int64), STORY_NAMES + used)
    found = mixed(seed, 5, story, number)
    known = number < KNOWN_NAMES
    found[known] = mixed(seed, 10, topic_of(seed, story[known]), below(found[known], TOPIC_NAMES))
    return np.where(name, WORDS + below(found, NAMES), COMMON + below(found, WORDS - COMMON))


def bodies(corpus: Corpus, articles: Longs) -> pa.Array:
    """Texts without templates."""
    plan = corpus.plan
    original, length = plan.text[articles], plan.length[articles]
    sizes = length + plan.appended[articles]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    row = np.repeat(np.arange(len(articles)), sizes)
    place = np.arange(offsets[-1]) - offsets[row]
    own = share(mixed(corpus.seed, 6, articles[row], place), 0) < plan.changed[articles][row]
    own |= place >= length[row]
    word = words_at(corpus, np.where(own, articles[row], original[row]), place)
    form = forms_of(corpus.seed, original[row], place, word)
    form[offsets[1:] - 1] = END
    return written(corpus.forms, offsets, word, form)


def forms_of(seed: int, original: Longs, place: Longs, word: Longs) -> Longs:
    """Sentences of 15 words on average, four to a paragraph."""
    mark = share(mixed(seed, 7, original, place), 0)
    form = np.select([mark < 1 / 60, mark < 1 / 15, mark < 1 / 8], [PARAGRAPH, STOP, COMMA], PLAIN)
    opens = np.concatenate([[True], (form[:-1] == STOP) | (form[:-1] == PARAGRAPH)]) | (place == 0)
    return np.where((form == PLAIN) & opens & (word < WORDS), CAPITAL, form)


def titles(corpus: Corpus, articles: Longs) -> pa.Array:
    """Most copies have the title of their original."""
    kept = share(mixed(corpus.seed, 8, articles), 0) < 0.7
    article = np.where(kept, corpus.plan.text[articles], articles)
    sizes = 6 + below(mixed(corpus.seed, 9, article), 5)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    row = np.repeat(np.arange(len(articles)), sizes)
    place = np.arange(offsets[-1]) - offsets[row]
    word = words_at(corpus, article[row], (1 << 20) + place)
    return pc.utf8_rtrim_whitespace(written(corpus.forms, offsets, word, np.where(place == 0, CAPITAL, PLAIN)))


def written(forms: pa.Array, offsets: Longs, word: Longs, form: Longs) -> pa.Array:
    cells = forms.take(pa.array(word * len(FORMS) + form))
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), cells), "")


def ids(articles: Longs) -> pa.Array:
    """Ids that say nothing about the order."""
    return pc.binary_join_element_wise(
        "n", pc.utf8_lpad(pc.cast(pa.array(articles * 7919 % 10**9), "string"), 9, "0"), ""
    )


def table_of(corpus: Corpus, articles: Longs) -> pa.Table:
    plan, source = corpus.plan, pa.array(corpus.plan.source[articles])
    foot = corpus.feet.take(source)
    gap = pc.if_else(pc.equal(foot, ""), "", "\n\n")
    text = pc.binary_join_element_wise(corpus.heads.take(source), bodies(corpus, articles), gap, foot, "")
    seconds = BEGINNING + (plan.days[articles] * 86_400).astype("timedelta64[s]")
    return pa.table(
        {
            "id": ids(articles),
            "title": titles(corpus, articles),
            "text": pc.utf8_rtrim_whitespace(text),
            "published": pa.array(seconds, pa.timestamp("s", "UTC"), mask=plan.undated[articles]),
            "source": pc.binary_join_element_wise("outlet", pc.cast(source, "string"), "-"),
        }
    )


def write(
    folder: Path,
    n: int,
    *,
    words: int = 120,
    a_day: int = 10_000,
    copies: int | None = None,
    largest: int = LARGEST,
    files: int = 16,
    seed: int = 1,
) -> list[Path]:
    """Write a corpus of `n` articles, with `words` words on average, `a_day` of them a day; return their files.

    One story is copied `copies` times, 200,000 or a tenth of `n` by default, whichever is less; the others have at most
    `largest` articles.
    """
    rng = default_rng(seed)
    copies = min(200_000, n // 10) if copies is None else copies
    plan, forms = make_plan(rng, n, words, a_day, copies, largest), all_forms()
    corpus = Corpus(seed, plan, forms, zipf_quantiles(), templates(rng, forms, 1), templates(rng, forms, 3))
    (folder / "articles").mkdir(parents=True)
    labels = pa.table({"id": ids(np.arange(n)), "story": plan.story, "text": plan.text})
    pq.write_table(labels, folder / "labels.parquet")
    paths = []
    for number, part in enumerate(np.array_split(np.arange(n), files)):
        paths.append(folder / "articles" / f"part-{number:03d}.parquet")
        articles = rng.permutation(part)
        with pq.ParquetWriter(paths[-1], table_of(corpus, part[:1]).schema, compression="zstd") as writer:
            for first in range(0, len(articles), ROW_GROUP):
                writer.write_table(table_of(corpus, articles[first : first + ROW_GROUP]), row_group_size=ROW_GROUP)
    return paths
