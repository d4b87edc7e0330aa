"""What scripts without spaces are compared by: articles of nothing but letters, and what must hold of them."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.story.extraction import (
    ALPHABETIC_RUNS,
    CHARACTER_RUN,
    CHARACTER_RUNS,
    WORD,
    WORD_PAIR,
    families,
    occurrences,
)
from dedup.story.features import count_features
from dedup.story.spelling import spelling_of
from dedup.story.terms import top_terms
from dedup.story.weighting import vectorize
from dedup.stream.text_features import shortened
from dedup.text.clusters import clusters_of
from dedup.text.tokens import tokenize

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=60)
PIECES = ["Kim", "the", "2023", " ", "\n", "金", "正", "恩", "の", "ไทย", "เดิน", "ทาง", "န်", "က", "ព្រះ", "រាជា"]
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=20).map("".join), max_size=4)

# Words that every article has, then consonants and rhymes, of which names are made.
THAI = ("และ ของ ที่ ใน เป็น มี ได้ ว่า ให้ จะ ไม่ กับ จาก โดย นี้ การ ความ แต่ ซึ่ง ก็", "กขคงจชดตถทนบปผพมยรลวสหอ", "าน ิน ุก ู ำ ัน")
KHMER = (
    "និង នៃ បាន ជា ដែល នៅ ក្នុង ដោយ មាន ថា ត្រូវ ការ ពី ដល់ នេះ របស់ លោក ឆ្នាំ ថ្ងៃ ទៅ",
    "កខគងចជដតថទនបផពមយរលវសហអ",
    "ា ិន ុក ូ ំ េន",
)
BURMESE = ("သည် ကို တွင် နှင့် များ ဖြစ် ခဲ့ ရှိ ကြောင်း မှ အတွက် ပြီး သော မှာ က တို့ ထို ဤ", "ကခဂငစဆဇညတထဒနပဖဗမယရလဝသဟအ", "ာ င် ိန်း ု ေ ံ")
LAO = ("ແລະ ຂອງ ທີ່ ໃນ ເປັນ ມີ ໄດ້ ວ່າ ໃຫ້ ຈະ ບໍ່ ກັບ ຈາກ ໂດຍ ນີ້ ການ ຄວາມ ແຕ່ ຊຶ່ງ", "ກຂຄງຈຊຍດຕທນບປຝພມຢລວສຫອ", "າ ິນ ຸກ ູ ຳ ັນ")
ALPHABETS = pytest.mark.parametrize("words", [THAI, KHMER, BURMESE, LAO], ids=["Thai", "Khmer", "Burmese", "Lao"])


def article(rng, words, names, length=120):
    """A text of words that are in every article, with these names among them."""
    common = words[0].split()
    parts = [rng.choice(common if rng.random() < 0.5 else names) for _ in range(length)]
    return "".join(part + " " * (rng.random() < 0.1) for part in parts)


def names_of(rng, words, count=12):
    return ["".join(rng.choice(words[1]) + rng.choice(words[2].split()) for _ in range(3)) for _ in range(count)]


def labels_of(texts):
    return dedup.cluster([{"text": text, "published": "2024-05-01"} for text in texts]).labels.tolist()


@ALPHABETS
@pytest.mark.parametrize("count", [5, 20, 100])
def test_unrelated_articles_of_an_alphabet_stay_apart(words, count):
    rng = random.Random(count)
    labels = labels_of([article(rng, words, names_of(rng, words)) for _ in range(count)])
    assert len(set(labels)) == count


@ALPHABETS
def test_articles_of_an_alphabet_about_the_same_people_meet(words):
    rng = random.Random(1)
    events = [names_of(rng, words) for _ in range(20)]
    labels = labels_of([article(rng, words, names) for names in events for _ in range(2)])
    assert labels[::2] == labels[1::2]
    assert len(set(labels)) == 20


CHINESE = """
央行宣布下调存款准备金率0.5个百分点
台风“海燕”登陆菲律宾中部 数千人被迫撤离
国产大飞机完成首次商业飞行
教育部公布高考改革方案
上海地铁新线路年底开通试运营
科学家在南极发现新的冰下湖泊
国足主场一比零战胜泰国队
法院就食品安全案作出一审判决
新能源汽车销量连续六个月增长
故宫博物院展出三百件明代瓷器
"""
JAPANESE = """
日銀、政策金利を据え置くことを決定
台風10号が九州に上陸、各地で停電
新幹線の新型車両が来春から運行へ
大谷選手が今季40号本塁打を放つ
東京都で新たな美術館の建設が始まる
首相が来週インドを訪問する見通し
人工知能を使った診断の研究が進む
北海道で震度5弱の地震、津波の心配なし
大手スーパーが食品の値下げを発表
高校生が国際数学オリンピックで金メダル
"""


@pytest.mark.parametrize("headlines", [CHINESE, JAPANESE], ids=["Chinese", "Japanese"])
def test_unrelated_headlines_stay_apart(headlines):
    titles = headlines.split("\n")[1:-1]
    stories = dedup.cluster([{"title": title, "text": "", "published": "2024-05-01"} for title in titles])
    assert len(stories) == len(titles) == 10


@pytest.mark.parametrize(
    "titles",
    [
        ("台风“海燕”登陆菲律宾中部 数千人被迫撤离", "菲律宾：台风“海燕”登陆 数千人撤离家园"),
        ("台風10号が九州に上陸、各地で停電", "九州に台風10号上陸 停電が各地で続く"),
    ],
    ids=["Chinese", "Japanese"],
)
def test_headlines_of_one_event_meet(titles):
    others = CHINESE.split("\n")[1:-1] + JAPANESE.split("\n")[1:-1]
    labels = labels_of([*titles, *(title for title in others if title not in titles)])
    assert labels[0] == labels[1]
    assert len(set(labels)) == len(labels) - 1


# Features


def slow_runs(text):
    """The clusters and family of every feature that runs of clusters make in a text."""
    tokens = tokenize([text])
    clusters = clusters_of(tokens)
    names, found = [], []
    for first, last in zip(clusters.first.tolist(), clusters.last.tolist(), strict=True):
        names.append(tokens.folded[tokens.starts[first] : tokens.stops[last]].tobytes())
    for alphabetic, sizes in ((True, ALPHABETIC_RUNS), (False, CHARACTER_RUNS)):
        for size, family in sizes.items():
            for k in range(len(names) - size + 1):
                same_stretch = clusters.stretches[k] == clusters.stretches[k + size - 1]
                if same_stretch and bool(clusters.alphabetic[k]) == alphabetic:
                    found.append((family, *names[k : k + size]))
    return found


def all_occurrences(tokens):
    return [np.concatenate(column) for column in zip(*occurrences(tokens, spelling_of(tokens)), strict=True)]


@EXAMPLES
@given(TEXTS)
def test_features_of_unspaced_scripts_are_those_of_the_slow_twin(texts):
    tokens = tokenize(texts)
    first, _, keys = all_occurrences(tokens)
    mine = np.flatnonzero(tokens.unspaced[first])
    text = tokens.text_indices[first[mine]]
    names = {}
    for i, own in enumerate(texts):
        found, expected = keys[mine[text == i]], slow_runs(own)
        assert families(found).tolist() == [family for family, *_ in expected]
        for key, name in zip(found.tolist(), expected, strict=True):
            assert names.setdefault(name, key) == key
    assert len(set(names.values())) == len(names)


@EXAMPLES
@given(TEXTS)
def test_words_of_spaced_scripts_come_first_and_pair_with_each_other_alone(texts):
    tokens = tokenize(texts)
    first, last, keys = all_occurrences(tokens)
    spaced = np.flatnonzero(~tokens.unspaced)
    assert first[: len(spaced)].tolist() == last[: len(spaced)].tolist() == spaced.tolist()
    assert (families(keys[: len(spaced)]) == WORD).all()
    assert (tokens.unspaced[first] == tokens.unspaced[last]).all()


def test_letters_and_single_clusters_are_no_features():
    assert len(count_features(["ก ข ค", "ក ខ គ", "က ခ ဂ", "ประ เดิ"]).keys) == 0


def test_a_character_weighs_as_a_run_two_as_a_word_and_three_as_a_pair_of_words():
    (one, two, three) = (count_features([text]).keys for text in ("金", "金正", "金正恩"))
    assert families(one).tolist() == [CHARACTER_RUN]
    assert sorted(families(two).tolist()) == [WORD, CHARACTER_RUN, CHARACTER_RUN]
    assert sorted(families(three).tolist()) == [*[WORD] * 2, WORD_PAIR, *[CHARACTER_RUN] * 3]


def test_batch_and_index_have_the_same_features():
    keys = count_features(["金正恩抵达俄罗斯", "ผู้นำเดินทางถึงรัสเซีย"]).keys
    assert len(np.unique(shortened(keys))) == len(np.unique(keys))


@pytest.mark.parametrize("alphabet", [THAI, KHMER, BURMESE])
def test_an_index_keeps_unrelated_articles_apart_and_joins_related_ones(alphabet):
    rng = random.Random(3)
    events = [names_of(rng, alphabet) for _ in range(8)]
    with dedup.StoryIndex(":memory:") as index:
        ids = [
            index.add({"id": i, "text": article(rng, alphabet, names), "published": "2024-05-01"}).story_id
            for i, names in enumerate(events * 2)
        ]
    assert ids[:8] == ids[8:]
    assert len(set(ids)) == 8


# Terms


def vocabulary_of(texts):
    return vectorize(count_features(texts))[1]


def test_runs_that_overlap_and_weigh_the_same_are_one_term():
    texts = ["金正恩 訪問", "金正恩"]
    assert top_terms(texts, vocabulary_of(texts)) == ("金正恩", "訪問")


def test_terms_of_an_alphabet_are_runs_of_clusters():
    texts = ["ประธานาธิบดี ถึงรัสเซีย", "ประธานาธิบดี"]
    terms = top_terms(texts, vocabulary_of(texts))
    assert terms[0] == "ประธานาธิบ"
    assert all(term in texts[0] for term in terms)


def test_terms_do_not_overlap():
    texts = ["金正恩", "正恩 正恩"]
    assert top_terms(texts, vocabulary_of(texts)) == ("正恩",)


@pytest.mark.parametrize(
    ("left", "right", "terms"),
    [
        ("金正恩抵达俄罗斯", "他说金正恩抵达", {"金正恩抵达"}),
        ("金正恩抵达", "抵达 金正恩", {"金正恩", "抵达"}),
        ("ผู้นำเดินทางถึงรัสเซีย", "รัสเซียต้อนรับผู้นำ", {"รัสเซีย"}),
        ("Kim 金正恩", "金正恩 Kim", {"Kim", "金正恩"}),
    ],
)
def test_shared_terms_are_the_stretches_that_both_texts_have(left, right, terms):
    found = dict(dedup.explain(left, right).terms)
    assert set(found) == terms
    assert sum(found.values()) <= 1 + 1e-9


@EXAMPLES
@given(TEXTS.filter(lambda texts: len(texts) >= 2))
def test_shares_are_at_most_the_whole(texts):
    shares = [share for _, share in dedup.explain(texts[0] + ".", texts[1] + ".").terms]
    assert all(share > 0 for share in shares)
    assert sum(shares) <= 1 + 1e-9
