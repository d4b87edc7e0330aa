"""Equal texts in other spellings have equal tokens, a row a kind; and what changes over all of Unicode, and why."""

import random
import sys
import unicodedata

import pytest

import dedup
from dedup.parameters import FOLDS
from dedup.text.fold import fold_character
from dedup.text.tokens import tokenize

EACH_FOLD = pytest.mark.parametrize("fold", FOLDS)
CHARACTERS = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] in "LMN"]


def strings(text, fold):
    return tokenize([text], fold).strings()


SPELLINGS = {
    "Arabic vowel signs": ["وَصَلَ الزَّعِيمُ إِلَى رُوسِيَا", "وصل الزعيم إلى روسيا"],
    "Hebrew points": ["בְּרֵאשִׁית בָּרָא", "בראשית ברא"],
    "Hebrew cantillation": ["בְּרֵאשִׁ֖ית בָּרָ֣א", "בראשית ברא"],
    "Hebrew points on one code point": ["\ufb2aלום", "שׁלום", "שלום"],
    "Syriac points": ["ܡܰܠܟ݁ܳܐ", "ܡܠܟܐ"],
    "lam-alef": ["\ufefb إله إلا", "لا إله إلا"],
    "Arabic presentation forms": ["\ufee3\ufeae\ufea3\ufe92\ufe8e", "مرحبا"],
    "Arabic ligatures": ["\ufdf2 \ufdfa", "الله صلى الله عليه وسلم"],
    "tatweel": ["محــــمد", "محمد"],
    "Persian on an Arabic keyboard": ["كتاب علي", "کتاب علی"],
    "Arabic of Egypt": ["فى على", "في علي"],
    "Urdu on an Arabic keyboard": ["ہے کہ", "هے كه"],
    "Persian non-joiner": ["می\u200cخواهم نامه\u200cها", "می خواهم نامه ها"],
    "Hindi non-joiner": ["क्\u200cष", "क्ष"],
    "Thai and zero-width spaces": ["ประเทศ\u200bไทย", "ประเทศไทย"],
    "Khmer and zero-width spaces": ["ព្រះ\u200bរាជា", "ព្រះរាជា"],
    "Thai sara am": ["น้ำทำ", "น\u0e49\u0e4d\u0e32ท\u0e4d\u0e32", "น\u0e4d\u0e49\u0e32ท\u0e4d\u0e32"],
    "Lao sara am": ["ນ້ຳ", "ນ\u0ec9\u0ecd\u0eb2", "ນ\u0ecd\u0ec9\u0eb2"],
    "Lao ligatures": ["ໜ ໝ", "ຫນ ຫມ"],
    "Malayalam chillu": ["അവൻ അവൾ", "അവന\u0d4d\u200d അവള\u0d4d\u200d"],
    "Bengali khanda ta": ["উৎসব", "উত\u09cd\u200dসব"],
    "Uzbek": [f"O{c}zbekiston to{c}g{c}risida" for c in "\u02bb\u02bc\u2018\u2019'`\u00b4"],
    "Ukrainian": [f"п{c}ять об{c}єкт" for c in "\u02bc\u2019'`"],
    "Hawaiian": [f"{c}Okina Hawai{c}i" for c in "\u02bb\u02bc\u2018\u2019'`"],
    "Breton": [f"c{c}hoar" for c in "\u2019'\u02bc"],
    "French": [f"l{c}homme d{c}État" for c in "\u2019'\u02bc"],
    "Nahuatl": [f"ne{c}uatl" for c in "\ua78c'\u2019"],
    "Arabic in Latin letters": ["Sa\u02bfūd Qur\u02beān", "Sa'ud Qur'an"],
    "Russian in Latin letters": ["Kazan\u02b9 Ob\u02b9", "Kazan' Ob'"],
    "Catalan": ["co\u0140lecció", "col\u00b7lecció"],
    "Afrikaans": ["\u0149 man", "'n man"],
    "digits of N'Ko": ["߂߀߂߃", "2023"],
    "digits of Ol Chiki": ["᱒᱐᱒᱓", "2023"],
    "digits of Javanese": ["꧒꧐꧒꧓", "2023"],
    "digits of Meetei": ["꯲꯰꯲꯳", "2023"],
    "digits of Cham": ["꩒꩐꩒꩓", "2023"],
    "digits of Thai": ["๒๐๒๓", "2023"],
    "digits of Lao": ["໒໐໒໓", "2023"],
    "digits of Khmer": ["២០២៣", "2023"],
    "digits of Burmese": ["၂၀၂၃", "2023"],
    "circled digits": ["① ❶ ➀ ⓵ ⑩ ❿ ㉑ ⓫", "1 1 1 1 10 10 21 11"],
    "full-width forms": ["Ｋｉｍ ２０２３", "Kim 2023"],
    "half-width kana": ["ﾌﾟｰﾁﾝ", "プーチン"],
    "Latin ligatures": ["ﬁnance oﬃce", "finance office"],
    "soft hyphens": ["Ver\u00adhand\u00adlung", "Verhandlung"],
    "hyphens at line ends": [f"Die Ver{c}handlung" for c in ("-\n", "\u2010\n", "\u00ad\n", "-\r\n", "")],
    "hyphens behind decomposed letters": ["cafe\u0301-\nteria", "cafétéria", "cafeteria"],
    "spaced letters": ["D E R  K R E M L sagte", "DER KREML sagte"],
    "spaced letters of Cyrillic": ["П У Т И Н  Ш О Й Г У сказали", "Путин Шойгу сказали"],
    "spaced letters with accents": ["É T É  E\u0301 T E\u0301 S chauds", "ÉTÉ ÉTÉS chauds"],
}


@EACH_FOLD
@pytest.mark.parametrize("kind", SPELLINGS)
def test_equal_texts_in_other_spellings_have_equal_tokens(kind, fold):
    first, *others = (strings(text, fold) for text in SPELLINGS[kind])
    assert first
    assert [other for other in others if other != first] == []


@pytest.mark.parametrize("kind", SPELLINGS)
def test_equal_texts_in_other_spellings_are_copies(kind):
    found = dedup.near_duplicates(SPELLINGS[kind])
    assert found.labels.tolist() == [0] * len(SPELLINGS[kind])
    assert set(found.jaccard.tolist()) == {1.0}


APART = {
    "French articles stay words": ("l'homme", "lhomme"),
    "a hyphenated name keeps its parts": ("Rhein-\nMain", "RheinMain"),
    "a dash at the end of a line": ("Kim -\nun", "Kimun"),
    "the end of a text": ("x Ver-", "x Verhandlung"),
    "three words of one letter": ("il y a à dire", "il yaà dire"),
    "digits in a row": ("1 2 3 4", "1234"),
    "a list of letters": ("a b c d e", "abcde"),
    "four letters among others": ("A B C D1", "ABCD1"),
    "a Persian word as one": ("می\u200cخواهم", "میخواهم"),
    "teh marbuta": ("مدرسة", "مدرسه"),
    "Kurdish yeh": ("ێ", "ی"),
    "Sindhi kaf": ("ڪ", "ک"),
    "hamza on waw": ("مؤمن", "مومن"),
    "Javanese vowels": ("ꦏꦶ", "ꦏꦸ"),
    "chillu and its letter": ("അവൻ", "അവള"),
    "N'Ko digits": ("߁", "߂"),
}

ALIKE_IN_LATIN = {"Kurdish yeh", "Sindhi kaf", "hamza on waw"}


@EACH_FOLD
@pytest.mark.parametrize("kind", APART)
def test_what_is_not_only_spelling_stays_apart(kind, fold):
    if fold == "marks" or kind not in ALIKE_IN_LATIN:
        one, other = (strings(text, fold) for text in APART[kind])
        assert one != other


@EACH_FOLD
def test_a_text_that_ends_with_a_hyphen_does_not_go_on_in_the_next(fold):
    tokens = tokenize(["der Ver-", "handlung", "é-", "t"], fold)
    assert tokens.strings() == [b"der", b"ver", b"handlung", b"e", b"t"]
    assert tokens.offsets.tolist() == [0, 2, 3, 4, 5]


@EACH_FOLD
def test_letters_of_one_text_are_not_spaced_with_those_of_the_next(fold):
    assert tokenize(["a b", "c d", "e f é"], fold).strings() == [b"a", b"b", b"c", b"d", b"e", b"f", b"e"]


@EACH_FOLD
def test_the_characters_of_a_joined_word_are_known(fold):
    for text, word in (
        ("x Ver-\nhandlung é", "Ver-\nhandlung"),
        ("le B O N N dit", "B O N N"),
        ("é \ufdf2 y", "\ufdf2"),
    ):
        tokens = tokenize([text], fold)
        begins, ends = tokens.characters(tokens.starts), tokens.characters(tokens.stops - 1) + 1
        assert word in [text[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]


LETTERS = {
    "Latin": "abcdefghijklmnopqrstuvwxyzéüñ",
    "Cyrillic": "абвгдежзийклмнопрстуфхцчшщыэюя",
    "Greek": "αβγδεζηθικλμνξοπρστυφχψω",
    "Arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءأ",
    "Persian": "ابپتجچخدرزژسشعفقکگلمنوهی\u200c",
    "Hebrew": "אבגדהוזחטיכלמנסעפצקרשת",
    "Devanagari": "कखगजटणतदनपबमयरलवसहािीुूेोैौ्",
    "Malayalam": "കഖഗചജടതനപബമയരലവസാിീുൂെേൊ്ൻർൽൾ",
    "Thai": "กขคงจชดตนบปผพมยรลวสหอะาิีุูเแโไำ่้",
    "Han": "".join(map(chr, range(0x4E00, 0x5200))),
    "Hangul": "".join(map(chr, range(0xAC00, 0xB000))),
    "N'Ko": "ߊߋߌߍߎߏߐߓߔߕߖߗߘߙߚߛߜ߁߂߃",
    "Javanese": "ꦏꦒꦔꦕꦗꦚꦛꦝꦟꦠꦢꦤꦥꦧꦩꦪꦫꦭꦴꦶꦸꦺ꧑꧒꧓",
}


@EACH_FOLD
@pytest.mark.parametrize("script", LETTERS)
def test_random_distinct_texts_are_no_copies(script, fold):
    rng = random.Random(script)
    space = "" if script in {"Thai", "Han"} else " "
    texts = [
        space.join("".join(rng.choices(LETTERS[script], k=rng.randint(2, 7))) for _ in range(rng.randint(8, 30)))
        for _ in range(300)  # 44,850 pairs
    ]
    assert dedup.near_duplicates(texts, fold=fold).pairs.tolist() == []


# All of Unicode

# What is written otherwise than its compatibility form, by a part of its name, with the reason.
WRITTEN_OTHERWISE = {
    "VULGAR FRACTION": "a fraction is one word, although its form has a sign within",
    "FRACTION": "as above",
    "TIBETAN VOWEL SIGN": "signs on one letter, whose order the compatibility form changes",
    "CYRILLIC": "a letter of Serbian alone in a text is taken for Serbian, its modifier form is not",
}
# Letters and numbers that vanish, by a part of their names, with the reason.
VANISHING = {
    "TATWEEL": "only stretches a word",
    "WITH TATWEEL": "a vowel sign on it",
    "ARABIC FATHA": "a vowel sign",
    "ARABIC DAMMA": "a vowel sign",
    "ARABIC KASRA": "a vowel sign",
    "ARABIC SHADDA": "a vowel sign",
    "ARABIC SUKUN": "a vowel sign",
    "ARABIC LIGATURE SHADDA": "vowel signs",
    "SOFT SIGN": "left out in Latin names",
    "HARD SIGN": "left out in Latin names",
    "MODIFIER LETTER": "a mark of stress or tone",
}


@EACH_FOLD
def test_every_letter_and_number_is_written_as_its_compatibility_form_but_for_exceptions(fold):
    forms = [c for c in CHARACTERS if unicodedata.normalize("NFKC", c) != c]
    own, usual = tokenize(forms, fold), tokenize([unicodedata.normalize("NFKC", c) for c in forms], fold)
    own_words, usual_words = own.strings(), usual.strings()
    spans = zip(own.offsets[:-1], own.offsets[1:], usual.offsets[:-1], usual.offsets[1:], strict=True)
    apart = [c for c, (a, b, x, y) in zip(forms, spans, strict=True) if own_words[a:b] != usual_words[x:y]]
    assert len(forms) > 3500
    names = [unicodedata.name(c) for c in apart]
    assert [name for name in names if not any(part in name for part in WRITTEN_OTHERWISE)] == []
    assert 19 <= len(apart) <= 30


@EACH_FOLD
def test_no_letter_or_number_vanishes_but_for_exceptions(fold):
    silent = [c for c in CHARACTERS if unicodedata.category(c)[0] in "LN" and not fold_character(c, fold)]
    names = [unicodedata.name(c) for c in silent]
    assert [name for name in names if not any(part in name for part in VANISHING)] == []
    assert 10 <= len(silent) <= 40


@EACH_FOLD
def test_every_digit_is_its_value(fold):
    digits = [c for c in CHARACTERS if unicodedata.category(c) == "Nd"]
    assert len(digits) >= 650
    assert [c for c in digits if fold_character(c, fold) != b"%d" % unicodedata.decimal(c)] == []


@EACH_FOLD
def test_marks_that_tell_words_apart_do_not_vanish(fold):
    silent = [
        unicodedata.name(c) for c in CHARACTERS if unicodedata.category(c)[0] == "M" and not fold_character(c, fold)
    ]
    left_out = ("COMBINING ", "HEBREW ", "ARABIC ", "SYRIAC ", "VARIATION SELECTOR", "MONGOLIAN FREE VARIATION")
    assert [name for name in silent if "VOWEL SIGN" in name and not name.startswith(left_out)] == []


def test_apostrophes_separate_whichever_is_typed():
    apostrophes = "'\u2019\u2018`\u00b4\u02bb\u02bc\u02bd\u02be\u02bf\u02b9\u02ee\ua78b\ua78c"
    apostrophes += "\uff07\u07f4\u07f5\u201b\u2032\u055a\u05f3"
    words = {tuple(strings(f"ab{c}cd", fold)) for c in apostrophes for fold in FOLDS}
    assert words == {(b"ab", b"cd")}
