"""What titles say of the kind of an article: labels, questions, round-ups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.text.headings import bracket_of, data_lines, ending_of, label_of, opening_of
from dedup.text.roundups import is_roundup, without_roundups

TITLES = st.text(alphabet="ab AB:-–|[]()?!.'LIVE \n", max_size=60)


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("LIVE: Kim in Russia", "LIVE"),
        ("Live Updates: Kim in Russia", "Live Updates"),
        ("JUST IN - Kim in Russia", "JUST IN"),
        ("🔴 EN DIRECT - Kim en Russie", "EN DIRECT"),
        ("ÚLTIMA HORA | Kim en Rusia", "ÚLTIMA HORA"),
        ("Срочно: Ким в России", "Срочно"),
        ("【速報】金正恩氏がロシアに", "速報"),
        ("独家：金正恩抵达俄罗斯", "独家"),
        ("[Video] Kim in Russia", "Video"),
        ("Kim in Russia (video)", "video"),
        ("Kim in Russia - live updates", "live updates"),
        ("Kim in Russia | Opinion", "Opinion"),
        ("Is Kim in Russia?", "?"),
        ("“Is Kim in Russia?”", "?"),
        ("هل كيم في روسيا؟", "?"),
        ("Kim is in Russia", ""),
        ("Kim: talks with Putin went well", ""),
        ("Live music returns to Kyiv", ""),
        ("Why? Kim does not say", ""),
        ("Watch: maker recalls 2,000 clocks", "Watch"),  # what a label is, a list decides
        ("", ""),
    ],
)
def test_the_label_of_a_title(title, label):
    assert label_of(title) == label


def test_labels_and_phrases_are_listed_once_in_small_letters():
    for name in ("title_labels.txt", "roundup_titles.txt"):
        lines = data_lines(name)
        assert len(set(lines)) == len(lines)
        assert [line for line in lines if line != line.casefold().strip() and "ı" not in line] == []


@given(TITLES)
def test_parts_are_where_they_are_said_to_be(title):
    part, behind = opening_of(title, 0, len(title))
    assert part in title[:behind]
    assert (part == "") == (behind == 0)
    for start, found in (ending_of(title, len(title)), bracket_of(title, len(title))):
        assert found in title[start:]
        assert (found == "") == (start == len(title))
        assert found == "" or title[:start]


@pytest.mark.parametrize(
    "title",
    [
        "Wednesday Briefing: Harris picks a running mate",
        "Your Friday Briefing",
        "The Guardian morning briefing: rates and rain",
        "Five things to know today",
        "5 things you need to know",
        "Top five stories from day 13",
        "News roundup: rates, rain and rockets",
        "Friday's papers: rates and rain",
        "From rates to rain: the week in review",
        "L’essentiel de l’actualité de ce vendredi",
        "Les 5 infos à retenir ce mardi",
        "Das Wichtigste am Morgen",
        "Las noticias del día",
        "Rassegna stampa",
        "Главные новости к утру",
        "أهم الأخبار صباح اليوم",
        "आज की बड़ी खबरें",
        "新闻早报：利率与降雨",
        "오늘의 주요 뉴스",
    ],
)
def test_titles_of_roundups(title):
    assert is_roundup(title)


@pytest.mark.parametrize(
    "title",
    [
        "Army chief to hold briefing on Wednesday after the raid",
        "Minister cancels morning after row",
        "Five killed in valley",
        "Supreme Court hears Roundup weed killer case",
        "Stories of survival from the valley",
        "Le journal d'une grève",
        "Nachrichtendienst warnt vor Sabotage",
        "金正恩抵达俄罗斯",
        "",
    ],
)
def test_other_titles(title):
    assert not is_roundup(title)


@pytest.mark.parametrize(("before", "expected"), [("", True), ("Our daily ", True), ("Army chief gives ", False)])
def test_two_words_may_stand_before_a_phrase_that_more_follow(before, expected):
    assert is_roundup(f"{before}morning briefing on the raid") == expected


@pytest.mark.parametrize(("words", "found"), [(5, True), (6, False)])
def test_an_ending_has_five_words_at_most(words, found):
    ending = " ".join(["Daily"] * words)
    title = f"Kim in Russia - {ending}"
    assert ending_of(title, len(title)) == ((13, ending) if found else (len(title), ""))


@pytest.mark.parametrize(("characters", "found"), [(77, True), (78, False)])
def test_an_ending_lies_within_eighty_characters(characters, found):
    title = f"Kim in Russia - {'x' * characters}"
    assert ending_of(title, len(title))[1] == ("x" * characters if found else "")


def test_a_title_is_more_than_its_ending():
    assert ending_of(" - Daily News", 13) == (13, "")
    assert bracket_of("(video)", 7) == (7, "")


@pytest.mark.parametrize(("characters", "found"), [(31, True), (32, False)])
def test_what_stands_before_a_colon_has_31_characters_at_most(characters, found):
    assert opening_of("x" * characters + ": Kim", 0, characters + 5)[0] == ("x" * characters if found else "")


def test_a_roundup_has_no_words_for_the_story_tier():
    assert without_roundups(["a b", "c d"], ["Morning briefing", "Kim in Russia"]) == ["", "c d"]
