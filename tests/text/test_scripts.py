"""What folding promises for each script, proved over Unicode's own data."""

import os
import subprocess
import sys
import unicodedata

import pytest
from folding import fold_text
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.parameters import FOLDS
from dedup.text.composition import context_dependent
from dedup.text.fold import fold_character
from dedup.text.stopwords import stop_word_hashes
from dedup.text.tokens import tokenize

EXAMPLES = settings(deadline=None, max_examples=200)
ALL = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) not in {"Cn", "Co"}]
EACH_FOLD = pytest.mark.parametrize("fold", FOLDS)
SYLLABIC = (
    "THAI LAO MYANMAR KHMER TIBETAN DEVANAGARI BENGALI GURMUKHI GUJARATI ORIYA TAMIL TELUGU KANNADA MALAYALAM SINHALA"
)


def nfd(text):
    return unicodedata.normalize("NFD", text)


def strings(text, fold):
    return tokenize([text], fold).strings()


def of_script(script, kind):
    named = [c for c in ALL[:0x2000] if unicodedata.name(c, "").startswith(f"{script} ")]
    return [c for c in named if unicodedata.category(c)[0] == kind]


# Marks that carry meaning


@EACH_FOLD
@pytest.mark.parametrize("script", SYLLABIC.split())
def test_a_letter_with_a_vowel_sign_is_not_the_letter(script, fold):
    letters = of_script(script, "L")
    signs = [c for c in of_script(script, "M") if any(s in unicodedata.name(c) for s in ("VOWEL", "SARA", "MAI"))]
    assert len(letters) * len(signs) > 100
    assert [a + b for a in letters for b in signs if fold_text(a + b, fold) == fold_text(a, fold)] == []


@pytest.mark.parametrize("script", SYLLABIC.split())
def test_without_unidecode_every_mark_of_a_syllable_counts(script):
    folds = {fold_text("".join(letters), "marks") for letters in [["\u0e01"], *of_script(script, "M")]}
    assert all(folds)
    assert len(folds) >= len({unicodedata.normalize("NFKC", c)[0] for c in of_script(script, "M")})


def test_without_unidecode_only_accents_and_reading_signs_vanish():
    lost = [c for c in ALL if unicodedata.category(c)[0] == "M" and not fold_character(c, "marks")]
    first_words = {unicodedata.name(c).split()[0] for c in lost}
    assert first_words == {"COMBINING", "HEBREW", "ARABIC", "SYRIAC", "VARIATION", "MONGOLIAN"}


@pytest.mark.parametrize(
    ("letter", "fold"), [*zip("آؤئإ", ["marks"] * 4, strict=True), ("ؤ", "unidecode"), ("ئ", "unidecode")]
)
def test_arabic_hamza_and_madda_make_other_letters(letter, fold):
    assert len(nfd(letter)) == 2
    assert fold_text(letter, fold) == fold_text(nfd(letter), fold) != fold_text("ا", fold)


@pytest.mark.parametrize(
    ("one", "other"), [("أحمد", "احمد"), ("إسرائيل", "اسرائيل"), ("القرآن", "القران"), ("ٱلله", "الله")]
)
def test_arabic_alefs_fold_alike_whatever_is_on_them(one, other):
    assert fold_text(one) == fold_text(nfd(one)) == fold_text(other)


def test_without_unidecode_every_arabic_letter_is_itself():
    letters = [c for c in ALL if "\u0600" <= c < "\u0700" and unicodedata.category(c) == "Lo"]
    of_other_keyboards = "کیىہ"  # as ك, ي and ه of Arabic
    assert len({fold_text(c, "marks") for c in letters}) == len(letters) - len(of_other_keyboards) > 100


@EACH_FOLD
@pytest.mark.parametrize(("voweled", "bare"), [("كِتَابٌ", "كتاب"), ("שָׁלוֹם", "שלום")])
def test_vowels_that_may_be_left_out_may_be_left_out(voweled, bare, fold):
    assert fold_text(voweled, fold) == fold_text(bare, fold)


# Forms of one text


SCRIPTS = {
    "latin": "abeioucdnsAEOéèêëçñüåøđłșțāőǖṩĳ",
    "vietnamese": "aăâeêioôơuưyđàảãáạằẳẵắặầẩẫấậềểễếệốộớợứựýỵ",
    "cyrillic": "абвгдеёжзийклмнѓѕќїўЁЙЇђјљшч",
    "greek": "αβγεηιουωάέήίόύώϊϋΐΰΆᾳᾴἄᾄῷςΣ",
    "hangul": "가각힣한국어뷁\u1100\u1161\u11a8\u1112\u1175\u11c2",
    "kana": "かがはばぱヘベペウヴワヷ゛ｶﾞﾊﾟｳﾞー",
    "devanagari": "कखनऩरऱक़ज़ड़ािीुेैो्ंँ़",
    "bengali": "কখরে\u09be\u09d7োৌড়য়়্",
    "arabic": "اأإآوؤيئهةۀۂبتكل\u064e\u064b\u0651\u0653\u0654\u0655",
    "hebrew": "אבשׁשּׂוֹיִפּ\u05b8\u05bc\u05c1",
    "thai": "กขทำไเแโ่้็ิีึืุู",
    "myanmar": "ကဥဦမြန်\u102e",
    "marks": "aеи\u0300\u0301\u0306\u0308\u0323\u0302",
}
WORD = st.one_of([st.text(st.sampled_from(letters), min_size=1, max_size=8) for letters in SCRIPTS.values()])
TEXT = st.lists(WORD, max_size=6).map(" ".join)


@EACH_FOLD
@EXAMPLES
@given(text=TEXT)
def test_composed_and_decomposed_texts_have_the_same_tokens(fold, text):
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert strings(decomposed, fold) == strings(composed, fold)


@EACH_FOLD
@EXAMPLES
@given(text=TEXT)
def test_the_first_character_of_a_token_of_a_decomposed_text_is_its_letter(fold, text):
    tokens = tokenize([nfd(text)], fold)
    first = tokens.codes[tokens.characters(tokens.starts)].tolist()
    words = nfd(text).split()
    assert "".join(map(chr, tokens.codes[:-1].tolist())) == nfd(text)
    if not tokens.unspaced.any() and len(first) == len(words):
        assert all(chr(code) in word for code, word in zip(first, words, strict=True))


@EACH_FOLD
def test_every_letter_has_the_tokens_of_its_decomposed_form(fold):
    letters = [c for c in ALL if unicodedata.category(c)[0] in "LN" and nfd(c) != c]
    assert len(letters) > 13_000
    composed, decomposed = tokenize(letters, fold), tokenize(list(map(nfd, letters)), fold)
    assert decomposed.offsets.tolist() == composed.offsets.tolist()
    assert decomposed.hashes.tolist() == composed.hashes.tolist()


def test_what_composes_is_what_unicode_decomposes():
    parts = [unicodedata.decomposition(c).split() for c in ALL if c < "가" or c > "힣"]
    pairs = [[int(part, 16) for part in two] for two in parts if len(two) == 2 and two[0][0] != "<"]
    seconds = {second for first, second in pairs if not unicodedata.combining(chr(first))}
    seconds -= {code for code in seconds if unicodedata.name(chr(code)).startswith("MUSICAL")}
    jamo = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    others = {0xFF9E, 0xFF9F} | set(map(ord, "ђјљњћџЂЈЉЊЋЏ\u200c\u200d\u00ad\u2010\u0e4d\u0ecd"))
    assert set(context_dependent().tolist()) == seconds | jamo | others


@EACH_FOLD
@pytest.mark.parametrize("kana", [c for c in ALL if "ァ" <= c <= "ヺ"])
def test_half_width_kana_fold_as_full_width_ones(kana, fold):
    half = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFFA0)}
    narrow = "".join(half.get(part, part) for part in nfd(kana))
    assert strings(narrow, fold) == strings(kana, fold)


@EACH_FOLD
def test_every_full_width_form_folds_as_the_usual_one(fold):
    wide = [c for c in ALL if "\uff00" < c < "\uffef" and unicodedata.normalize("NFKC", c) != c]
    assert len(wide) > 200
    assert [c for c in wide if fold_text(c, fold) != fold_text(unicodedata.normalize("NFKC", c), fold)] == []


# Languages


@EACH_FOLD
@pytest.mark.parametrize("spellings", [["ß", "ss", "ẞ", "SS"], ["I", "ı", "İ", "i", "I\u0307"], ["ﬁ", "fi", "ＦＩ"]])
def test_spellings_fold_alike(spellings, fold):
    assert len({fold_text(spelling, fold) for spelling in spellings}) == 1


@EACH_FOLD
@pytest.mark.parametrize(
    ("letter", "plain"),
    [("æ", "ae"), ("Œ", "oe"), ("ø", "o"), ("Ł", "l"), ("đ", "d"), ("þ", "th"), ("ﬄ", "ffl"), ("ĳ", "ij"), ("ǆ", "dz")],
)
def test_letters_that_are_two_or_have_a_stroke(letter, plain, fold):
    assert fold_text(letter, fold) == plain.encode()


SERBIAN = "Љубазни фењерџија чађавог лица хоће да ми покаже штос, а Ђорђе жељно чека цреп и бомбоне."
GAJ = "Ljubazni fenjerdžija čađavog lica hoće da mi pokaže štos, a Đorđe željno čeka crep i bombone."


def test_the_serbian_sample_has_the_whole_alphabet():
    assert {c for c in SERBIAN.lower() if c.isalpha()} >= set("абвгдђежзијклљмнњопрстћуфхцчџш")


@EACH_FOLD
@pytest.mark.parametrize("write", [str, str.upper, nfd])
def test_serbian_has_the_same_tokens_in_both_alphabets(write, fold):
    assert strings(write(SERBIAN), fold) == strings(write(GAJ), fold)


@EACH_FOLD
@pytest.mark.parametrize("russian", ["Хрущёв и Чехов", "царь Борис"])
def test_a_serbian_name_does_not_make_a_russian_text_serbian(russian, fold):
    whole = tokenize([f"{russian} ђ", russian, SERBIAN], fold)
    first, second = (whole.hashes[whole.offsets[i] : whole.offsets[i + 1]].tolist() for i in (0, 1))
    assert first[:-1] == second


def test_cyrillic_names_fold_as_latin_ones_with_unidecode_only():
    assert [fold for fold in FOLDS if fold_text("Путин", fold) == fold_text("Putin", fold)] == [
        "unidecode",
        "east-asian",
    ]


@EACH_FOLD
@pytest.mark.parametrize("text", ["国务院总理", "國務院總理", "中国（北京）２０２３年", "々〆豈𠀀"])
def test_han_characters_are_tokens(text, fold):
    tokens = tokenize([text], fold)
    han = [c for c in text if unicodedata.category(c) in {"Lo", "Lm"}]
    assert int(tokens.unspaced.sum()) == len(han)


@EACH_FOLD
def test_words_of_spaced_scripts_stay_whole(fold):
    text = "Ελλάδα Украина Հայաստան ישראל العربية ܣܘܪܝܝܐ ދިވެހި ߒߞߏ हिन्दी বাংলা ਪੰਜਾਬੀ தமிழ் తెలుగు ქართული አማርኛ ᏣᎳᎩ ᠮᠣᠩᠭᠣᠯ"
    tokens = tokenize([text + " 京"], fold)
    assert len(tokens.starts) == len(text.split()) + 1
    assert tokens.unspaced.sum() == 1


# Signs that say nothing


INVISIBLE = [c for c in ALL if unicodedata.category(c) == "Cf" or "VARIATION SELECTOR" in unicodedata.name(c, "")]
EMOJI = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇫🇷", "❤️", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"]


@EACH_FOLD
def test_invisible_characters_change_nothing(fold):
    assert len(INVISIBLE) > 150
    plain = strings("armée 京都 한국", fold)
    for c in INVISIBLE:
        assert strings(f"{c}ar{c}mée {c} 京{c}都 한{c}국{c}", fold) == plain


@EACH_FOLD
@pytest.mark.parametrize("emoji", EMOJI)
def test_emoji_only_separate(emoji, fold):
    assert strings(f"{emoji}kim{emoji}putin {emoji} 京{emoji}", fold) == strings("kim putin 京", fold)
    assert strings(emoji, fold) == []


# Unidecode, the choice


def test_marks_and_ascii_work_where_unidecode_is_missing():
    code = (
        "import sys; sys.modules['unidecode'] = None\n"
        "from dedup.text.tokens import tokenize\n"
        "from dedup.text.stopwords import stop_word_hashes\n"
        "assert tokenize(['Путин à Pékin'], 'marks').strings()[2] == b'pekin'\n"
        "assert len(stop_word_hashes('marks')) > 10_000\n"
        "assert len(tokenize(['plain']).strings()) == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_marks_never_reach_unidecode_where_there_is_an_encoder(tmp_path):
    (tmp_path / "lengths.py").write_text(
        "import numpy as np\n\n\ndef encoder(texts):\n    return np.array([[len(text), 1.0] for text in texts])\n"
    )
    code = (
        "import sys; sys.modules['unidecode'] = None\n"
        "import dedup, dedup.archive, json\n"
        "from lengths import encoder\n"
        "texts = ['Путин à Pékin, mardi', 'Путин est arrivé à Pékin mardi', 'Die EZB erhöht die Zinsen']\n"
        "how = {'fold': 'marks', 'encoder': encoder}\n"
        "assert dedup.cluster(texts, **how).explain('0', '1').left.text == texts[0]\n"
        "index = dedup.StoryIndex(':memory:', **how)\n"
        "articles = [{'id': str(i), 'text': text} for i, text in enumerate(texts)]\n"
        "index.add_many(articles)\n"
        "assert index.story(index.story_id('0')).articles[0].text == texts[0]\n"
        "with open('a.jsonl', 'w') as file: file.writelines(json.dumps(a) + '\\n' for a in articles)\n"
        "dedup.archive.cluster('a.jsonl', 'out', n_jobs=1, **how)\n"
    )
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)


@pytest.mark.parametrize("call", [lambda f: tokenize(["a"], f), lambda f: fold_text("a", f), stop_word_hashes])
def test_another_fold_is_refused(call):
    with pytest.raises(ValueError, match="fold is 'accents'; allowed: 'unidecode', 'marks'"):
        call("accents")


def test_stop_words_are_folded_as_texts_are():
    for fold in FOLDS:
        assert set(tokenize(["être", "которые"], fold).hashes.tolist()) <= set(stop_word_hashes(fold).tolist())
