import re
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.parameters import FOLDS
from dedup.text.composition import context_dependent
from dedup.text.fold import fold_parts
from dedup.text.tokens import MIN_CHARACTERS, blocks, mix, sentence_starts, tokenize
from dedup.text.words import MAX_TOKEN_BYTES

BOTH_PATHS = pytest.mark.usefixtures("both_paths")
EXAMPLES = settings(deadline=None, max_examples=100)

ALPHABET = (
    "abcXYZ019 \t\n.,!?-'_:\0\x7f"  # ASCII with separators and controls
    "éÉçßœŒﬁİıñ½²ªǅ"  # Latin
    "путинЁъьЩеи"  # Cyrillic
    "αΩς"  # Greek
    "金正恩京々〇豈龍𠀀𪚥"  # Han, two of them astral
    "かなカナーｱﾞｶは\u3099\u309a"  # Kana
    "한국각가\u1100\u1161\u11a8"  # Hangul, three of them conjoining
    "กำ่ไทยລາວ"  # Thai, Lao
    "မြန်ខ្មែរ"  # Myanmar, Khmer
    "مرحباع؟۔٣"  # Arabic
    "אבגहिन्दी।አማ።"  # Hebrew, Devanagari, Ethiopic
    "𐌰𐌱𞤀ꓐꙮꚠ"  # scripts that Unidecode hardly knows
    "😀👍🏽🇫🇷€…。！"  # emoji and signs
    "\u0301\u0308\u0306\u0323\u0653\u0654\u0655\u093c"  # marks
    "\u00ad\u200b\u200c\u200d\ufeff\u3000\xa0"  # what leaves no trace
    "ﷲﻻ½ŀͅʼʻ߁๒\u064eـکی\u05b0"  # other spellings
    "നര\u0d4dত\u09cd\u0e4d\u0ecd\u0e49าາำຳ"  # chillu, khanda ta and sara am in parts
    "\u2010\r"  # a hyphen and the end of a line
    "\ud800\udbff\udc00\udfff"  # lone surrogates
)
ANY_CHARACTER = st.one_of(
    st.sampled_from(ALPHABET), st.sampled_from("ab éж京"), st.characters(), st.characters(categories=["Cs"])
)
SERBIAN = st.text("ЂђјЏшЧц w.京\u0306", max_size=20)
BROKEN = st.text("-\u2010\u00ad\n\raBéЖщ\u0301 \u06cc\u200c.", max_size=20)
SPACED_PARTS = ["A", "b", "é", "щ", "и", "É", "ẞ", "京", "1", "'", ".", "e\u0301", "ab", *"KIMN", "-\n"]
GAPS = [*[" "] * 8, "  ", "    ", "\n", "\u200b "]
SPACED = st.lists(st.sampled_from([a + b for a in SPACED_PARTS for b in GAPS]), max_size=14).map("".join)
ANY_TEXT = st.one_of(
    BROKEN, SPACED, st.text(ANY_CHARACTER, max_size=40), SERBIAN, st.text("aB. é가京", min_size=60, max_size=150)
)
ANY_TEXTS = st.lists(ANY_TEXT, max_size=6)


ANY_FOLD = st.sampled_from(FOLDS)

PARTS = {c: unicodedata.decomposition(c).split() for c in map(chr, range(sys.maxunicode + 1))}
TWO_PARTS = {c: [chr(int(part, 16)) for part in two] for c, two in PARTS.items() if len(two) == 2 and two[0][0] != "<"}
COMPOSED = {first + second: c for c, (first, second) in TWO_PARTS.items() if not unicodedata.combining(first)}
SECONDS = {pair[1] for pair in COMPOSED} | set(map(chr, [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)])) | set("ﾞﾟ")
GAJ = dict(zip("абвгдђежзијклљмнњопрстћуфхцчџш", "abvgdđežzijklǉmnǌoprstćufhcčǆš", strict=True))


def slow_composite(first, second):
    """The one character that two make, or nothing."""
    first, second = (unicodedata.normalize("NFKC", c) if "ｦ" <= c <= "ﾟ" else c for c in (first, second))
    if "\u1100" <= second < "\u1200":
        pair = unicodedata.normalize("NFC", first + second)
        return pair if len(pair) == 1 else None
    return COMPOSED.get(first + second)


JOINED = {
    "ണ\u0d4d": "ൺ",
    "ന\u0d4d": "ൻ",
    "ര\u0d4d": "ർ",
    "ല\u0d4d": "ൽ",
    "ള\u0d4d": "ൾ",
    "ക\u0d4d": "ൿ",
    "ত\u09cd": "ৎ",
}


def is_arabic(character):
    return any(
        low <= character <= high for low, high in ("\u0600\u06ff", "ݐݿ", "\u08a0\u08ff", "\ufb50\ufdff", "\ufe70\ufeff")
    )


def slow_joined(text):
    """As `slow_resolved`, for joiners, non-joiners and sara am only."""
    found = list(text)
    for i, c in enumerate(text):
        if c == "\u200c" and i and is_arabic(text[i - 1]):
            found[i] = " "
        if c == "\u200d" and text[max(i - 2, 0) : i] in JOINED:
            found[i - 2 : i] = JOINED[text[i - 2 : i]], ""
        for tone in ("", *"\u0e48\u0e49\u0e4a\u0e4b\u0ec8\u0ec9\u0eca\u0ecb"):
            for parts, whole in (("\u0e4d{}\u0e32", "\u0e33"), ("\u0ecd{}\u0eb2", "\u0eb3")):
                if text.startswith(parts.format(tone), i):
                    found[i : i + 2 + len(tone)] = [*tone, whole, ""]
    return found


def slow_resolved(text):
    """What to fold for each character of a text; an empty string for one that is part of another."""
    found = slow_joined(text)
    for i, c in enumerate(text):
        base = i - 1
        while i - base < 30 and base > 0 and (unicodedata.combining(text[base]) or text[base] in SECONDS):
            base -= 1
        if c in SECONDS and base >= 0 and (composite := slow_composite(found[base], c)):
            found[base], found[i] = composite, ""
    letters = set("".join(found).lower())
    if letters & set("ђјљњћџ") and not letters & set("ёйщъыьэюяєіїґў"):
        found = [GAJ.get(c.lower(), c) for c in found]
    return found


CONTEXT = set(map(chr, context_dependent().tolist()))


def is_cased(character):
    return character < "\u3000" and unicodedata.category(character) in {"Ll", "Lu", "Lt"}


def is_of_words(character):
    return character >= "\u3000" or unicodedata.category(character)[0] in "LMN" or character in "'’-"


def slow_broken_lines(text, folds):
    """Places of hyphens and line ends within words."""
    kept = [i for i, c in enumerate(text) if folds[i] or c not in CONTEXT or c in "\u00ad\u2010"]
    found = set()
    for match in re.finditer("[-\u00ad\u2010]\r?\n", "".join(text[i] for i in kept)):
        around = kept[max(match.start() - 1, 0) : match.start()], kept[match.end() : match.end() + 1]
        before, after = ("".join(text[i] for i in places) for places in around)
        if before and after and is_cased(before) and is_cased(after) and unicodedata.category(after) == "Ll":
            found |= {kept[k] for k in range(match.start(), match.end())}
    return found


def slow_spaced(text, folds, fold):
    """Places of blanks within words in spaced letters."""
    kept = [i for i in range(len(text)) if folds[i]]
    plain = "".join(text[i] for i in kept)
    found = set()
    single = "".join("x" if is_cased(c) else "w" if is_of_words(c) else " " if c == " " else "." for c in plain)
    for stretch in re.finditer("(?<![xw])x(?: {1,3}x(?![xw]))+(?![xw])", single):
        counts = "".join(kind_of(text[kept[k]], folds[kept[k]], fold) for k in range(stretch.start(), stretch.end()))
        if re.search("U [U1] [U1] [U1]", counts):
            tight = re.finditer("(?<=x) (?=x)", stretch[0])
            found |= {kept[stretch.start() + match.start()] for match in tight}
    return found


def kind_of(character, folded, fold):
    """Of a blank or letter, whether it counts, and is a capital."""
    short = len(folded) == 1 or (fold == "marks" and len(folded) == 2 and "\u0370" <= character < "\u0600")
    return " " if character == " " else "0" if not short else "1" if character.islower() else "U"


def is_single(fold):
    """Whether a character with this fold is a token of its own: of a script without spaces."""
    kept = fold.decode(errors="ignore")
    return kept > "\u07ff" and not "가" <= kept <= "힣"


def slow_hash(token):
    value = 0
    for start in range(0, len(token), 8):
        value ^= int.from_bytes(token[start : start + 8], "little")
        for shift, multiplier in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            value = (value ^ (value >> shift)) * multiplier % 2**64
        value ^= value >> 31
    return value


def as_one_character(pair):
    """Of two surrogates the character, and a word joiner so that there are two of them still."""
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le") + "\u2060"


class SlowTokens:
    """What `tokenize` does, one character after the other."""

    def __init__(self, texts, fold="unidecode"):
        self.fold = fold
        self.codes, self.text_starts = [], [0]
        self.folded, self.sources = [], []
        self.bounds, self.offsets, self.opens = [], [0], []
        for text in texts:
            self._add(text)
            self.text_starts.append(len(self.codes))
            self.offsets.append(len(self.bounds))

    def _add(self, text):
        word, opens = None, True
        paired = re.sub("([\ud800-\udbff])([\udc00-\udfff])", as_one_character, text)
        parts = [fold_parts(c, self.fold) if c else () for c in slow_resolved(paired)]
        for slow in (slow_broken_lines, lambda text, folds: slow_spaced(text, folds, self.fold)):
            silent = slow(paired, [b"".join(some) for some in parts])
            parts = [() if i in silent else some for i, some in enumerate(parts)]
        for character, folds in zip(paired + "\n", [*parts, (b".",)], strict=True):
            for fold in folds:
                here = len(self.folded)
                ends = fold in (b" ", b".")
                single = bool(fold) and not ends and is_single(fold)
                if word is not None and (ends or single):
                    opens = self._finish(word, here, opens)
                    word = None
                if fold == b".":
                    opens = True
                self.folded += fold
                self.sources += [len(self.codes)] * len(fold)
                if single:
                    opens = self._finish(here, here + len(fold), opens)
                elif fold and not ends and word is None:
                    word = here
            self.codes.append(ord(character))

    def _finish(self, start, stop, opens):
        for first in range(start, stop, MAX_TOKEN_BYTES):
            self.bounds.append((first, min(first + MAX_TOKEN_BYTES, stop)))
            self.opens.append(opens)
            opens = False
        return opens

    def strings(self):
        return [bytes(self.folded[start:stop]) for start, stop in self.bounds]


@BOTH_PATHS
@EXAMPLES
@given(ANY_TEXTS, ANY_FOLD)
def test_tokens_are_those_of_the_slow_twin(texts, fold):
    tokens, slow = tokenize(texts, fold), SlowTokens(texts, fold)
    assert tokens.strings() == slow.strings()
    assert tokens.starts.tolist() == [start for start, _ in slow.bounds]
    assert tokens.stops.tolist() == [stop for _, stop in slow.bounds]
    assert tokens.offsets.tolist() == slow.offsets


@BOTH_PATHS
@EXAMPLES
@given(ANY_TEXTS, ANY_FOLD)
def test_codes_and_folded_bytes_are_those_of_the_slow_twin(texts, fold):
    tokens, slow = tokenize(texts, fold), SlowTokens(texts, fold)
    assert tokens.codes.tolist() == slow.codes
    assert tokens.text_starts.tolist() == slow.text_starts
    padding = len(tokens.folded) - len(slow.folded)
    assert tokens.folded.tolist() == slow.folded + [0] * padding
    assert 9 <= padding <= 16


@BOTH_PATHS
@EXAMPLES
@given(ANY_TEXTS)
def test_hashes_are_those_of_the_slow_twin(texts):
    tokens = tokenize(texts)
    assert tokens.hashes.dtype == np.uint64
    assert tokens.hashes.tolist() == [slow_hash(token) for token in tokens.strings()]


@BOTH_PATHS
@EXAMPLES
@given(ANY_TEXTS, ANY_FOLD)
def test_characters_are_where_folded_bytes_came_from(texts, fold):
    tokens, slow = tokenize(texts, fold), SlowTokens(texts, fold)
    assert tokens.characters(np.arange(len(slow.folded))).tolist() == slow.sources


@EXAMPLES
@given(ANY_TEXTS)
def test_text_indices_say_which_text_a_token_is_of(texts):
    tokens, slow = tokenize(texts), SlowTokens(texts)
    expected = [i for i in range(len(texts)) for _ in range(slow.offsets[i], slow.offsets[i + 1])]
    assert tokens.text_indices.tolist() == expected


@EXAMPLES
@given(ANY_TEXTS, ANY_FOLD)
def test_sentence_starts_are_those_of_the_slow_twin(texts, fold):
    assert sentence_starts(tokenize(texts, fold)).tolist() == SlowTokens(texts, fold).opens


@EXAMPLES
@given(ANY_TEXTS, ANY_FOLD)
def test_unspaced_tokens_are_single_characters(texts, fold):
    tokens = tokenize(texts, fold)
    first, last = tokens.characters(tokens.starts), tokens.characters(tokens.stops - 1)
    assert tokens.unspaced.tolist() == [is_single(token) for token in tokens.strings()]
    assert (first == last)[tokens.unspaced].all()


@EXAMPLES
@given(ANY_TEXTS, ANY_TEXTS)
def test_tokens_of_a_list_are_those_of_its_parts_together(left, right):
    both, parts = tokenize(left + right), [tokenize(left), tokenize(right)]
    assert both.strings() == parts[0].strings() + parts[1].strings()
    assert both.hashes.tolist() == [*parts[0].hashes.tolist(), *parts[1].hashes.tolist()]
    assert both.unspaced.tolist() == [*parts[0].unspaced.tolist(), *parts[1].unspaced.tolist()]
    opens = [*sentence_starts(parts[0]).tolist(), *sentence_starts(parts[1]).tolist()]
    assert sentence_starts(both).tolist() == opens
    counts = [*np.diff(parts[0].offsets).tolist(), *np.diff(parts[1].offsets).tolist()]
    assert np.diff(both.offsets).tolist() == counts


@BOTH_PATHS
@EXAMPLES
@given(st.lists(st.text(st.characters(max_codepoint=127), max_size=60), max_size=5))
def test_ascii_texts_have_the_tokens_they_have_beside_others(texts):
    alone, beside = tokenize(texts), tokenize([*texts, "京é"])
    assert alone.codes.dtype == np.uint8
    assert beside.codes.dtype == np.uint32
    assert alone.strings() == beside.strings()[: len(alone.starts)]
    assert alone.hashes.tolist() == beside.hashes.tolist()[: len(alone.starts)]


@BOTH_PATHS
def test_no_texts_have_no_tokens():
    tokens = tokenize([])
    assert tokens.strings() == []
    assert tokens.offsets.tolist() == [0]
    assert sentence_starts(tokens).tolist() == []


@BOTH_PATHS
@pytest.mark.parametrize("text", ["", " ", "\n\n", "...", "\0", "😀", "\u200b", "\ud800", "\u0301"])
def test_blank_text_has_no_tokens(text):
    assert tokenize([text, text]).offsets.tolist() == [0, 0, 0]


def test_a_word_has_one_hash_in_two_alphabets():
    latin, cyrillic = tokenize(["Putin"]), tokenize(["Путин"])
    assert latin.hashes.tolist() == cyrillic.hashes.tolist()


@BOTH_PATHS
def test_two_surrogates_that_are_one_character_are_read_as_that():
    pair, lone, character = (tokenize([f"Kim {a} en Russie"]) for a in ("\ud835\udc00", "\udc00\ud835", "\U0001d400"))
    assert pair.hashes.tolist() == character.hashes.tolist() != lone.hashes.tolist()


def test_words_end_where_unspaced_characters_begin():
    assert [token.decode() for token in tokenize(["abc京都abc"]).strings()] == ["abc", "京", "都", "abc"]


def test_hangul_makes_words_between_spaces():
    assert [token.decode() for token in tokenize(["한국 대통령이"]).strings()] == ["한국", "대통령이"]


@pytest.mark.parametrize("text", ["وصل الزعيم إلى روسيا", "ⴰⵣⵓⵍ ⴰⵎⴰⴹⴰⵍ", "ߒߞߏ ߞߊ߲", "𞤀𞤣𞤤𞤢𞤥 𞤆𞤵𞤤𞤢𞤪", "ꦧꦱ ꦗꦮ", "ꩀꩁ ꩂ"])
def test_words_in_scripts_with_spaces_stay_whole(text):
    tokens = tokenize([text])
    assert len(tokens.starts) == len(text.split())
    assert not tokens.unspaced.any()


@pytest.mark.parametrize("size", [1, 63, 64, 65, 128, 129])
def test_long_runs_are_cut(size):
    sizes = [len(token) for token in tokenize(["x" * size]).strings()]
    assert sum(sizes) == size
    assert all(length == MAX_TOKEN_BYTES for length in sizes[:-1])
    assert 0 < sizes[-1] <= MAX_TOKEN_BYTES


def test_short_tokens_never_collide():
    words = [f"{i:x}" for i in range(20_000)] + [f"{i:08x}" for i in range(20_000)]
    assert len(np.unique(tokenize(words).hashes)) == len(words)


@EXAMPLES
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_mix_keeps_distinct_values_distinct(a, b):
    mixed = mix(np.array([a, b], dtype=np.uint64))
    assert (mixed[0] == mixed[1]) == (a == b)


@EXAMPLES
@given(ANY_TEXTS, st.integers(1, 100))
def test_blocks_cover_the_texts_in_order(texts, characters):
    parts = [texts[block] for block in blocks(texts, characters)]
    assert [text for part in parts for text in part] == texts
    assert all(parts)


@EXAMPLES
@given(ANY_TEXTS, st.integers(1, 100))
def test_blocks_are_as_small_as_they_may_be(texts, characters):
    parts = [texts[block] for block in blocks(texts, characters)]
    sizes = [[max(len(text) + 1, MIN_CHARACTERS) for text in part] for part in parts]
    assert all(sum(part) >= characters for part in sizes[:-1])
    assert all(sum(part[:-1]) < characters for part in sizes)


def test_blocks_hold_a_bounded_number_of_texts_however_short():
    sizes = [block.stop - block.start for block in blocks([""] * 1000, MIN_CHARACTERS * 64)]
    assert sizes == [64] * 15 + [40]


@EXAMPLES
@given(ANY_TEXTS, ANY_TEXTS, st.integers(1, 100))
def test_blocks_do_not_depend_on_later_texts(texts, later, characters):
    complete = list(blocks(texts, characters))[:-1]
    assert list(blocks(texts + later, characters))[: len(complete)] == complete


@EXAMPLES
@given(ANY_TEXTS, st.integers(1, 100))
def test_blocks_depend_on_lengths_alone(texts, characters):
    assert list(blocks(texts, characters)) == list(blocks(["x" * len(text) for text in texts], characters))
