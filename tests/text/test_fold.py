import sys
import unicodedata

import numpy as np
import pytest
from folding import fold_text
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.parameters import FOLDS
from dedup.text.fold import FIRST_LETTER, fold_character, fold_parts
from dedup.text.folded_bytes import ascii_table, fold_table

EXAMPLES = settings(deadline=None, max_examples=100)
SEPARATORS = [*" \t\r\0,;:-–—'’\"«»()/@#_€+=\xa0\u3000😀、", "\ud800", "\udfff"]
EACH_FOLD = pytest.mark.parametrize("fold", FOLDS)
ANY_CHARACTER = st.integers(0, sys.maxunicode).map(chr)  # lone surrogates too


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Путин", "putin"),
        ("Poutine", "poutine"),
        ("CAFÉ", "cafe"),
        ("œuvre", "oeuvre"),
        ("Æsir", "aesir"),
        ("straße", "strasse"),
        ("STRASSE", "strasse"),
        ("ＡＢＣ１", "abc1"),
        ("ﬁn", "fin"),
        ("İstanbul", "istanbul"),
        ("ılık", "ilik"),
        ("Żółć", "zolc"),
        ("Αθήνα", "athena"),
        ("борщ", "borshch"),
        ("½", "12"),
        ("x²", "x2"),
        ("٢٠٢٣", "2023"),
        ("Владимир Путин à Pékin", "vladimir putin a pekin"),
    ],
)
def test_letters_fold_to_plain_ones(written, folded):
    assert fold_text(written) == folded.encode()


@pytest.mark.parametrize("invisible", ["\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u202a", "\u0301"])
def test_what_leaves_no_trace_vanishes(invisible):
    assert fold_text(f"ar{invisible}mée") == b"armee"


@pytest.mark.parametrize("composed", ["é", "ñ", "ü", "ç", "Å", "ž", "ắ"])
def test_decomposed_letter_equals_composed_one(composed):
    decomposed = unicodedata.normalize("NFD", composed)
    assert len(decomposed) > 1
    assert fold_text(decomposed) == fold_text(composed)


@pytest.mark.parametrize("character", list("京あア々กກကកឳㇰ豈𠀀가힣"))
def test_unspaced_characters_and_hangul_keep_their_bytes(character):
    assert fold_character(character) == character.encode()


def test_half_width_kana_equal_full_width_ones():
    assert fold_text("ｱｲｳ") == fold_text("アイウ")


@pytest.mark.parametrize("end", list(".!?\n…。！．？｡؟۔।॥።\u2028\u2029"))
def test_ends_of_sentences_fold_to_a_full_stop(end):
    assert fold_character(end) == b"."


@pytest.mark.parametrize("separator", SEPARATORS)
def test_other_separators_fold_to_a_space(separator):
    assert fold_character(separator) == b" "


@pytest.mark.parametrize("fold", ["unidecode", "marks"])  # of "east-asian", test_east_asian.py has what differs
def test_the_table_holds_the_folds_of_all_characters_that_stand_alone(fold):
    # A letter of Russian behind each, so that nothing composes and nothing is Serbian.
    codes = np.stack([np.arange(sys.maxunicode + 1), np.full(sys.maxunicode + 1, ord("щ"))], axis=1).ravel()
    packed, counts = fold_table(fold).fold(codes.astype(np.uint32), np.array([0, len(codes)]))
    parts = np.split(packed.astype("<u4").view("S4"), np.cumsum(counts)[:-1])[::2]
    folds = [tuple(part.tolist()) for part in parts]
    assigned = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) not in {"Cn", "Co"}]
    assert [c for c in assigned if folds[ord(c)] != fold_parts(c, fold)] == []
    distinct = {fold for part in folds for fold in part}
    assert all(is_separator(f) or all(byte >= FIRST_LETTER for byte in f) for f in distinct)
    assert not any(chr(byte).isupper() for f in distinct for byte in f if byte < 0x80)


def is_separator(fold):
    return fold in (b" ", b".")


@EACH_FOLD
def test_letters_of_both_cases_fold_alike(fold):
    pairs = [(c, c.lower()) for c in map(chr, range(sys.maxunicode + 1)) if c.lower() != c and len(c.lower()) == 1]
    assert len(pairs) > 1000
    assert [upper for upper, lower in pairs if fold_character(upper, fold) != fold_character(lower, fold)] == []


@EACH_FOLD
@EXAMPLES
@given(characters=st.lists(ANY_CHARACTER, max_size=30))
def test_a_text_folds_as_its_characters_where_none_composes(fold, characters):
    text = "щ" + "щ".join(characters)  # which is not Serbian, and composes with nothing
    folds = [b"", *(fold_character(c, fold) for c in characters)] if characters else [b"", b""]
    assert fold_text(text, fold) == fold_character("щ", fold).join(folds)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Путин", "путин"),
        ("Йод, ёлка", "иод  елка"),
        ("Αθήνα", "αθηνα"),
        ("CAFÉ", "cafe"),
        ("œuvre Straße Łódź", "oeuvre strasse lodz"),
        ("٢٠٢٣ २०२३", "2023 2023"),
        ("½ ⑽ x²", "12 10 x2"),
        ("京都 が 한국", "京都 が 한국"),
        ("ﻻ", "لا"),
    ],
)
def test_without_unidecode_letters_lose_their_accents_only(written, folded):
    assert fold_text(written, "marks") == folded.encode()


def test_letters_that_unidecode_does_not_know_have_four_bytes_of_their_own():
    letters = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] == "L"]
    own = {c: fold_character(c) for c in letters if fold_parts(c)[0][:1] == b"\xed" and not is_utf8(fold_character(c))}
    own = {c: fold for c, fold in own.items() if len(fold_parts(c)) == 1}
    assert len(own) > 5000
    assert all(len(fold) == 4 and min(fold) >= 0x80 for fold in own.values())
    assert len(set(own.values())) == len({lower_and_bare(c) for c in own})


def lower_and_bare(letter):
    points = ("HEBREW POINT", "ARABIC FATHA", "ARABIC DAMMA", "ARABIC KASRA", "ARABIC FATHATAN")
    usual = unicodedata.normalize("NFKC", letter).casefold()
    plain = next(c for c in usual if not unicodedata.name(c, "").startswith(points))
    return "ا" if plain in "آأإٱٲٳ" else plain


def is_utf8(fold):
    return fold.decode(errors="ignore").encode() == fold


@EACH_FOLD
def test_the_ascii_table_holds_the_folds_of_ascii(fold):
    assert ascii_table()[:128] == b"".join(fold_character(chr(code), fold) for code in range(128))
    assert len(ascii_table()) == 256
