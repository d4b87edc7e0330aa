import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.text.fold import FIRST_LETTER, ascii_table, fold_character, fold_table, fold_text

EXAMPLES = settings(deadline=None, max_examples=100)
SEPARATORS = [*" \t\r\0,;:-–—'’\"«»()/@#_€+=\xa0\u3000😀、", "\ud800", "\udfff"]
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


@pytest.mark.parametrize("character", list("京あア々กກကកឳ៩ㇰ豈𠀀가힣"))
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


@EXAMPLES
@given(ANY_CHARACTER)
def test_a_fold_is_a_separator_or_at_most_four_letters(character):
    fold = fold_character(character)
    assert len(fold) <= 4
    assert fold in (b" ", b".") or all(byte >= FIRST_LETTER for byte in fold)
    assert not any(chr(byte).isupper() for byte in fold if byte < 0x80)


def test_letters_of_both_cases_fold_alike():
    pairs = [(c, c.lower()) for c in map(chr, range(sys.maxunicode + 1)) if c.lower() != c and len(c.lower()) == 1]
    assert len(pairs) > 1000
    assert [upper for upper, lower in pairs if fold_character(upper) != fold_character(lower)] == []


@EXAMPLES
@given(st.lists(ANY_CHARACTER, max_size=30))
def test_the_table_holds_the_folds_of_characters(characters):
    packed = fold_table()[np.array([ord(c) for c in characters], dtype=np.uint32)]
    assert [int(p).to_bytes(4, "little").rstrip(b"\0") for p in packed] == [fold_character(c) for c in characters]


def test_letters_that_unidecode_does_not_know_have_four_bytes_of_their_own():
    letters = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] == "L"]
    own = {c: fold_character(c) for c in letters if not is_utf8(fold_character(c))}
    assert len(own) > 5000
    assert all(len(fold) == 4 and min(fold) >= 0x80 for fold in own.values())
    assert len(set(own.values())) == len({unicodedata.normalize("NFKC", c).casefold()[0] for c in own})


def is_utf8(fold):
    return fold.decode(errors="ignore").encode() == fold


def test_the_ascii_table_holds_the_folds_of_ascii():
    assert ascii_table()[:128] == b"".join(fold_character(chr(code)) for code in range(128))
    assert len(ascii_table()) == 256
