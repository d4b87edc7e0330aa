import re
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.residue import find, recurring
from dedup.residue.find import find_residue
from dedup.text.tokens import blocks, tokenize

EXAMPLES = settings(deadline=None, max_examples=25)

LETTERS = "bcdfghjklmnpqrstvwxz"  # no month and no weekday is without a vowel


def words(seed, count):
    """Words that no other seed gives."""
    rng = Random(seed)
    return " ".join("".join(rng.choices(LETTERS, k=9)) for _ in range(count))


def han(seed, count):
    """Characters in an order that no other seed gives."""
    return "".join(Random(seed).choices([chr(code) for code in range(0x4E00, 0x9000)], k=count))


def cut(texts, **parameters):
    """The residue of each text, as strings."""
    found = find_residue(texts, **parameters)
    return [[text[start:stop] for start, stop in spans] for text, spans in zip(texts, found, strict=True)]


def cut_one(text, **parameters):
    return cut([text], **parameters)[0]


KIM = "Le train de Kim a franchi la frontière russe."
POUTINE = "Poutine attend son hôte au cosmodrome de Vostotchny."
FORM = "LAISSER UN COMMENTAIRE"
NAME = "S'il vous plaît entrez votre nom ici"
ADDRESS = "Veuillez entrer votre adresse email ici"

# Invariants

LINES = st.one_of(
    st.sampled_from(
        [FORM, NAME, ADDRESS, "Facebook", "spot_img", "Follow us on X", "分享到", "相关阅读", "- Advertisement -"]
    ),
    st.sampled_from([KIM, POUTINE, "12 mai 2023", "22.2 C", "Paris", "Kim", "金正恩抵达俄罗斯", "Par Jean", "—", ""]),
    st.sampled_from(
        ["Kim en Russie ce mardi", "La banque relève ses taux", "kb lt mf np rs tv zx", "\ud800 \0", "한국 기자"]
    ),
    st.integers(0, 10**6).map(lambda seed: words(seed, 1 + seed % 9)),
    st.integers(0, 10**6).map(lambda seed: han(seed, 1 + seed % 15)),
)
JOINT = st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\u2028", " ", " — ", ""])
TEXT = st.lists(st.tuples(LINES, JOINT), max_size=8).map(lambda parts: "".join(line + joint for line, joint in parts))
TITLE = st.sampled_from(
    ["", None, "Kim en Russie ce mardi", "La banque relève ses taux", "Kim", "金正恩抵达俄罗斯", "12 mai 2023"]
)
PAGES = st.lists(st.tuples(TEXT, st.sampled_from(["a", "a", "b", None]), TITLE), max_size=8)


def residue_of(pages, **parameters):
    texts, sources, titles = (list(column) for column in zip(*pages, strict=True)) if pages else ([], [], [])
    return find_residue(texts, sources, titles, **parameters)


def bounds_of(text):
    """Where a span of a text may start and stop: at tokens and at lines."""
    tokens = tokenize([text])
    places = tokens.characters(tokens.starts).tolist(), tokens.characters(tokens.stops - 1).tolist()
    breaks = [match.start() for match in re.finditer("[\n\x0b\x0c\r\x85\u2028\u2029]", text)]
    return {0, *places[0], *(place + 1 for place in breaks)}, {len(text), *(place + 1 for place in places[1]), *breaks}


@EXAMPLES
@given(PAGES)
def test_spans_are_ascending_apart_and_of_whole_words(pages):
    found = residue_of(pages, n_jobs=1)
    assert len(found) == len(pages)
    for (text, _, _), spans in zip(pages, found, strict=True):
        flat = [bound for span in spans for bound in span]
        assert all(type(bound) is int for bound in flat)
        assert flat == sorted(flat)
        starts, stops = bounds_of(text)
        for start, stop in spans:
            assert start in starts
            assert stop in stops
            assert len(tokenize([text[start:stop]]).starts)
        for (_, stop), (start, _) in pairwise(spans):
            assert len(tokenize([text[stop:start]]).starts)  # else they were one


@EXAMPLES
@given(PAGES)
def test_something_is_left_of_every_text_without_a_title(pages):
    for (text, _, title), spans in zip(pages, residue_of(pages, n_jobs=1), strict=True):
        for start, stop in reversed(spans):
            text = text[:start] + "\n" + text[stop:]
        assert len(tokenize([text]).starts) or not spans or (title and title.strip())


@EXAMPLES
@given(
    PAGES,
    st.sampled_from(["Kim en Russie ce mardi", "La banque relève ses taux de moitié", "金正恩抵达俄罗斯会见普京"]),
)
def test_an_own_title_stays(pages, title):
    pages = [(f"{text}\n{title}\n{text}", source, title) for text, source, _ in pages]
    for (text, _, _), spans in zip(pages, residue_of(pages, n_jobs=1), strict=True):
        for match in re.finditer(re.escape(title), text):
            assert all(stop <= match.start() or match.end() <= start for start, stop in spans)


@EXAMPLES
@given(PAGES, st.sampled_from([1, 40, 200]))
def test_blocks_and_threads_do_not_matter(pages, characters):
    expected = residue_of(pages, n_jobs=1)
    with pytest.MonkeyPatch.context() as patch:
        for module in (find, recurring):
            patch.setattr(module, "blocks", lambda texts: blocks(texts, characters))
        assert residue_of(pages, n_jobs=1) == expected
        assert residue_of(pages, n_jobs=3) == expected


@EXAMPLES
@given(PAGES, PAGES)
def test_other_sources_do_not_matter(pages, others):
    others = [(text, "another", title) for text, _, title in others]
    expected = residue_of(pages, n_jobs=1)
    assert residue_of([*others, *pages], n_jobs=1)[len(others) :] == expected
    assert residue_of([*pages, *others], n_jobs=1)[: len(pages)] == expected


@EXAMPLES
@given(PAGES)
def test_no_source_is_a_source(pages):
    texts, titles = [text for text, _, _ in pages], [title for _, _, title in pages]
    expected = find_residue(texts, titles=titles)
    assert find_residue(texts, [None] * len(texts), titles) == expected
    assert find_residue(texts, ["x"] * len(texts), titles) == expected
    assert find_residue(texts) == find_residue(texts, titles=[""] * len(texts))


# Known phrases, and what stands between


def test_known_lines_are_residue_and_what_is_between_them_is_not():
    text = f"{FORM}\n{NAME}\n{KIM}\n{FORM}\n{POUTINE}\n{ADDRESS}"
    assert cut_one(text) == [f"{FORM}\n{NAME}", FORM, ADDRESS]


def test_signs_at_the_ends_of_a_line_go_with_it():
    text = f"{KIM}\r\n« {FORM} ! »\u2028 {NAME} …\r\n\r\n{POUTINE}"
    assert cut_one(text) == [f"« {FORM} ! »\u2028 {NAME} …"]
    assert cut_one(f"— {FORM} —\n{KIM}\n*** {FORM} ***") == [f"— {FORM} —", f"*** {FORM} ***"]


@pytest.mark.parametrize(
    "line", [FORM, NAME, "Facebook", "spot_img", "Follow us on X and on Y", "正文", "责任编辑：王"]
)
def test_a_text_of_nothing_but_residue_has_none(line):
    for text in (line, f"{line}\n{line}", f"{line}\n12 mai 2023\n{FORM}"):
        assert cut_one(text) == []


@pytest.mark.parametrize(
    ("gap", "closes"),
    [
        ("Paris", True),
        ("Paris la nuit", True),
        ("Paris la nuit venue", False),
        ("Paris 12 la mai nuit 2023", True),
        ("Paris" + " 12" * 11, True),
        ("Paris" + " 12 la" * 6, False),
        ("金正恩", True),
        ("金正恩到", False),
    ],
)
def test_the_little_between_two_pieces_goes_with_them(gap, closes):
    texts = [f"{KIM}\n{FORM}\n{gap}\n{NAME}\n{POUTINE}", f"{KIM}\n{FORM}\n{gap}", f"{gap}\n{FORM}\n{KIM}"]
    middle, foot, head = cut(texts)
    assert middle == ([f"{FORM}\n{gap}\n{NAME}"] if closes else [FORM, NAME])
    assert foot == ([f"{FORM}\n{gap}"] if closes else [FORM])
    assert head == ([f"{gap}\n{FORM}"] if closes else [FORM])


def test_gaps_do_not_reach_from_text_to_text():
    assert cut([f"{KIM}\n{FORM}", "Paris", f"{FORM}\n{KIM}"]) == [[FORM], [], [FORM]]


def test_dates_go_at_an_end_and_stay_within():
    date = "mardi 12 septembre 2023"
    assert cut_one(f"{date}\n{KIM}\n{date}\n{POUTINE}\n{date}, 12:30") == [date, f"{date}, 12:30"]
    assert cut_one(f"{date}. {KIM}") == ["mardi 12 septembre 2023"]
    assert cut_one(f"{KIM}\n{FORM}\n{date}\n{NAME}\n{POUTINE}") == [f"{FORM}\n{date}\n{NAME}"]


def test_few_numbers_go_as_a_line_only():
    assert cut_one(f"12\n{KIM}\n12 mai") == ["12", "12 mai"]
    assert cut_one(f"12 morts. {KIM}\n{POUTINE} Il y a 12") == []
    assert cut_one(f"12 mai\n{KIM}", titles=["12 mai"]) == []


def test_a_word_of_a_site_within_a_sentence_is_kept():
    texts = [
        f"{KIM}\nIl a écrit sur Facebook, puis sur Twitter et WhatsApp, que tout irait bien.\n{POUTINE}",
        f"{KIM}\nIl faut laisser un commentaire, dit-il à la presse réunie devant lui.\n{POUTINE}",
        f"{KIM}\nThe newsletter said Must Read reports will follow us on every way home.\n{POUTINE}",
    ]
    assert cut(texts) == [[], [], []]


def test_a_line_that_is_known_for_the_most_part_goes_whole():
    line = "kb lt mf np rs tv zx dg"
    texts = [f"{words(f'r {i}', 20)}\n{line}\n{words(f's {i}', 20)}" for i in range(8)]
    for more, expected in ((2, 1.0), (3, 8 / 11)):
        added = words("added", more)
        text = f"{KIM}\n{words('left', 5)}\n{line} {added}\n{POUTINE} {words('right', 5)}"
        (found,) = cut([*texts, text])[-1]
        assert found == (f"{line} {added}" if expected == 1 else line)


# Texts without line breaks


def test_flattened_texts_lose_known_phrases_at_their_ends():
    report = words("report", 60)
    assert cut_one(f"{FORM} {NAME} {report} {FORM} {ADDRESS}") == [f"{FORM} {NAME}", f"{FORM} {ADDRESS}"]


def test_flattened_texts_keep_known_phrases_in_their_middle():
    left, right = words("left", 100), words("right", 100)
    assert cut_one(f"{left} {FORM} {right}") == []
    assert cut_one(f"{words('x', 4)} {FORM} {right}") == []
    assert cut_one(f"{words('x', 3)} {FORM} {right}") == [f"{words('x', 3)} {FORM}"]
    assert cut_one(f"{left} {FORM} {words('x', 3)}") == [f"{FORM} {words('x', 3)}"]


def test_flattened_texts_lose_single_words_only_beside_residue():
    report = words("report", 40)
    assert cut_one(f"Facebook {report}") == []
    assert cut_one(f"Facebook {FORM} {report}") == [f"Facebook {FORM}"]
    assert cut_one(f"{report} {FORM} Facebook") == [f"{FORM} Facebook"]


def test_flattened_texts_lose_single_words_beside_what_recurs_in_their_middle():
    run = words("run", 9)
    texts = [f"{words(f'r {i}', 30)} Facebook {run} Twitter {words(f's {i}', 30)}" for i in range(6)]
    texts = [text.replace("Facebook", other, 1) for text, other in zip(texts, "abcdef", strict=True)]
    texts = [text.replace("Twitter", other, 1) for text, other in zip(texts, "ghijkl", strict=True)]
    left, right = words("left", 120), words("right", 120)
    for before, behind in (("Facebook ", ""), ("", " Twitter"), ("Facebook ", " Twitter")):
        text = f"{left} {before}{run}{behind} {right}"
        assert cut([*texts, text])[-1] == [f"{before}{run}{behind}"]


def test_flattened_texts_lose_what_recurs():
    foot = words("foot", 9)
    texts = [f"{words(f'r {i}', 30)} {foot} {words(f's {i}', 30)}" for i in range(6)]
    assert cut(texts) == [[foot]] * 6


# What recurs


def pages_with(menu, foot, count, sources=1):
    reports = [words(f"r {i}", 30) for i in range(count)]
    return [f"{menu}\n{report}\n{foot}" for report in reports], [str(i % sources) for i in range(count)]


def test_what_recurs_is_residue_and_the_rest_is_not():
    menu, foot = words("menu", 7), "\n".join(words(f"foot {i}", 2) for i in range(5))
    texts, _ = pages_with(menu, foot, 6)
    assert cut(texts) == [[menu, foot]] * 6
    assert cut(texts[:3]) == [[]] * 3


def test_what_recurs_is_of_a_source():
    menu, foot = words("menu", 7), words("foot", 7)
    texts, sources = pages_with(menu, foot, 12, sources=4)
    assert cut(texts, sources=sources) == [[]] * 12
    texts, sources = pages_with(menu, foot, 12, sources=3)
    assert cut(texts, sources=sources) == [[menu, foot]] * 12
    other = f"{menu}\n{KIM}\n{foot}"
    assert cut([*texts, other], sources=[*sources, "other"])[-1] == []
    assert cut([*texts, other], sources=[*sources, "0"])[-1] == [menu, foot]


def test_numbers_of_what_recurs_may_differ():
    texts = [f"kb {i} lt 12 mf np\n{words(f'r {i}', 30)}" for i in range(6)]
    assert cut(texts) == [[f"kb {i} lt 12 mf np"] for i in range(6)]


def test_runs_of_few_stories_go_at_an_end_only():
    run = words("run", 7)
    texts = [f"{words(f'r {i}', 30)} {run}" for i in range(4)] + [words(f"o {i}", 30) for i in range(8)]
    assert cut(texts) == [[run]] * 4 + [[]] * 8
    inside = f"{words('left', 20)} {run} {words('right', 20)}"
    assert cut([*texts[1:], inside]) == [[run]] * 3 + [[]] * 9
    assert cut([*texts, inside]) == [[run]] * 4 + [[]] * 8 + [[run]]


def test_short_runs_go_at_an_end_where_they_are_in_many_stories():
    for many, expected in ((4, []), (5, ["kbk ltl mfm"])):
        texts = [f"{words(f'r {i}', 30)} kbk ltl mfm" for i in range(many)]
        texts += [words(f"o {i}", 30) for i in range(8)]
        assert cut(texts) == [expected] * many + [[]] * 8
    assert cut([f"{words(f'r {i}', 30)} ltl mfm" for i in range(8)]) == [[]] * 8


def test_a_story_updated_ten_times_is_kept():
    story = words("wire", 80)
    updates = [f"{story} {words(f'update {i}', 8)}" for i in range(10)]
    others = [words(f"r {i}", 60) for i in range(10)]
    assert cut(updates + others) == [[]] * 20
    assert cut(updates) == [[]] * 10


def test_unspaced_scripts():
    menu, foot = han("menu", 12), han("foot", 16)
    texts = [f"{menu}\n{han(f'r {i}', 60)}。\n{foot}" for i in range(6)]
    assert cut(texts) == [[menu, foot]] * 6
    flat = [f"{han(f'r {i}', 60)}。{foot}。{han(f's {i}', 60)}" for i in range(6)]
    assert cut(flat) == [[foot]] * 6


# Titles


@pytest.mark.parametrize(
    "title", ["Poutine reçoit Kim Jong Un", "La Chine dit non", "日本央行宣布维持利率", "한국 은행 금리 를 올려"]
)
def test_titles_of_other_articles_of_the_source_are_cut(title):
    texts = [f"{words('r', 30)}\n— {title} !\n{words('s', 30)}", KIM]
    assert cut(texts, titles=["", title]) == [[f"— {title} !"], []]
    assert cut(texts, sources=["a", "a"], titles=["", title]) == [[f"— {title} !"], []]
    assert cut(texts, sources=["a", "b"], titles=["", title]) == [[], []]
    assert cut(texts, sources=["a", "a"], titles=[title, title]) == [[], []]
    assert cut(texts, titles=None) == cut(texts, titles=["", ""]) == [[], []]
    flat = [text.replace("\n", " ") for text in texts]
    assert cut(flat, titles=["", title]) == [[], []]  # in a line it may be a part of a sentence


@pytest.mark.parametrize(
    "title",
    ["Poutine reçoit Kim Jong Un à Vladivostok", "日本央行宣布维持利率不变市场震动", "한국 은행 금리 를 또 올려"],
)
def test_longer_titles_of_other_articles_are_cut_within_a_line_too(title):
    flat = [f"{words('r', 30)} — {title} ! {words('s', 30)}", KIM]
    assert [len(found) for found in cut(flat, titles=["", title])] == [1, 0]
    assert cut(flat, titles=[title, title]) == [[], []]


@pytest.mark.parametrize("title", ["Kim en Russie", "日本央行宣布维", "12 mai 2023", "", None])
def test_short_titles_lead_nowhere(title):
    assert cut([f"{words('r', 30)}\n{title}\n{words('s', 30)}", KIM], titles=["", title]) == [[], []]


def test_a_title_is_matched_whole():
    title = "Poutine reçoit Kim Jong Un à Vladivostok"
    text = f"{words('r', 30)}\n{title.rpartition(' ')[0]}\n{words('s', 30)}"
    assert cut([text, KIM], titles=["", title]) == [[], []]
    assert cut([f"{words('r', 9)} {title.rpartition(' ')[0]}", "Vladivostok"], titles=["", title]) == [[], []]


def test_titles_that_open_alike_are_distinguished():
    titles = ["Poutine reçoit Kim Jong", "Poutine reçoit Kim Jong Un", "Poutine reçoit Kim Jong Un mardi à Moscou"]
    text = f"{words('r', 30)}\n{titles[2]}\n{words('s', 30)}\n{titles[1]}\n{words('t', 30)}"
    assert cut([text, KIM, KIM, KIM], titles=["", *titles])[0] == [titles[2], titles[1]]
    assert cut([text, KIM, KIM, KIM], titles=[titles[2], *titles])[0] == [titles[1]]


def test_an_own_title_that_recurs_is_kept():
    title = "La revue de presse du jour"
    texts = [f"{title}\n{words(f'r {i}', 30)}\n{FORM}" for i in range(8)]
    assert cut(texts, titles=[title] * 8) == [[FORM]] * 8
    assert cut(texts, titles=[""] * 8) == [[title, FORM]] * 8


def test_an_own_title_between_residue_is_kept():
    title = "Poutine reçoit Kim Jong Un"
    assert cut_one(f"{FORM}\n{title}\n{NAME}\n{KIM}", titles=[title]) == [FORM, NAME]
    assert cut_one(f"{FORM} {title} {NAME} {KIM} {words('r', 9)}", titles=[title]) == [FORM, NAME]


def test_an_own_title_of_little_but_a_date_is_kept():
    title = "Paris, mardi 12 mai 2023"
    assert cut_one(f"{FORM}\n{title}\n{NAME}\n{KIM}", titles=[title]) == [FORM, NAME]
    assert cut_one(f"{FORM}\n{title}\n{NAME}\n{KIM}", titles=[""]) == [f"{FORM}\n{title}\n{NAME}"]


def test_an_own_title_in_a_line_of_residue_is_kept():
    title, run = "Poutine reçoit Kim Jong", words("run", 20)
    texts = [f"{run} {words(f'x {i}', 1)}\n{words(f'r {i}', 30)}" for i in range(6)]
    for line in (f"{run} {title}", f"{title} {run}"):
        assert cut([*texts, f"{line}\n{KIM}"], titles=[""] * 6 + [title])[-1] == [run]
        assert cut([*texts, f"{line}\n{KIM}"])[-1] == [line]


# Hostile


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "\n\n\u2028", "\0\ud800\n" * 50, "—", "12", "12 mai 2023\n" * 20])
def test_texts_without_words_have_no_residue(text):
    assert find_residue([text]) == [[]]
    assert find_residue([text] * 9, ["\ud800"] * 9, [text] * 9) == [[]] * 9


def test_surrogates_and_nuls_beside_residue():
    text = f"\ud800\0{KIM}\udfff\n\0{FORM}\ud800\n\0"
    assert cut_one(text) == [f"\0{FORM}\ud800"]


def test_many_short_lines():
    text = "\n".join(f"x{i % 977}" for i in range(100_000))
    assert find_residue([text]) == [[]]
    assert cut_one(f"{text}\n{FORM}\n{KIM} {words('r', 3)}") == [FORM]
    assert cut_one("\n".join([KIM, *[FORM] * 50_000])) == ["\n".join([FORM] * 50_000)]


@pytest.mark.parametrize("unit", ["x", "kb ", "Facebook ", "12 ", "金", "12\n", "kb\n"])
def test_a_megabyte_of_one_thing(unit):
    text = unit * (1_000_000 // len(unit))
    assert find_residue([text], titles=[unit * 5]) == [[]]


def test_no_texts():
    assert find_residue([]) == find_residue([], [], []) == []
