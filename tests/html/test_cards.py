"""What notebooks show: all of it, little of it, and nothing of what an article might want to slip in."""

import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.article import of_plain
from dedup.html.cards import MAX_ARTICLES, MAX_EPISODES, MAX_STORIES
from dedup.html.comparison import MAX_CHARACTERS
from dedup.html.fields import line, link, safe
from dedup.stream.assignment import Assignment
from dedup.wording import period, plural

KIM = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé, selon le Kremlin."
ELEMENTS = {"div", "style", "p", "strong", "small", "br", "bdi", "span", "details", "summary", "ul", "li", "a"}
ELEMENTS |= {"table", "tr", "th", "td", "mark", "s"}
ATTRIBUTES = {"class", "style", "dir", "href", "target", "rel"}
PAYLOADS = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</div></details><img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">x</a>',
    "' onmouseover='alert(1)",
    '" style="position:fixed" x="',
    "<!-- comment",
    "]]><svg onload=alert(1)>",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "<\x00script>",
    "<scr\ud800ipt>",
    "</bdi></bdi><b>",
    "\u202e<b>\u2069\u2066",
]


class Card(HTMLParser):
    """The elements of a card, their attributes, and its text; every element must be closed in its turn."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.text, self.links, self.open = Counter(), [], [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements[tag] += 1
        self.attributes += attributes
        if tag == "a":
            self.links.append(dict(attributes))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment

    @property
    def words(self):
        return "".join(self.text)


def card_of(shown):
    """The card, once it is known to have nothing in it that a card must not have."""
    source = shown._repr_html_()
    source.encode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", source)
    card = Card(source)
    assert set(card.elements) <= ELEMENTS
    assert {name for name, _ in card.attributes} <= ATTRIBUTES
    for name, value in card.attributes:
        if name == "style":
            assert re.fullmatch(r"width:\d{1,3}%", value)
        if name == "class":
            assert value.startswith("dedup-")
        if name == "href":
            assert re.match("https?://", value, re.IGNORECASE)
    for found in card.links:
        assert found["rel"] == "noopener noreferrer nofollow"
    assert card.elements["style"] == 1
    return card


def two(**fields):
    """Stories of two reports that have these fields in common."""
    other = KIM.replace("mardi en Russie", "hier dans ce pays voisin").replace("selon", "dit")
    plain = [{"id": "a", "text": KIM, "title": "Kim"}, {"id": "b", "text": other, "title": "Kim"}]
    items = [item | {k: item["id"] + v if k == "id" else v for k, v in fields.items()} for item in plain]
    return dedup.cluster([of_plain(dedup.Article(**item)) for item in items])  # tags come whole, as if escaped in HTML


def everything(stories):
    """All that can be shown of some stories."""
    one, other = stories.articles[:2]
    shown = [stories, stories[0], stories.explain(one, other), dedup.explain(one, other)]
    return shown + ([stories[0].explain(one)] if len(stories[0]) > 1 else [])


# What a field might slip in


@cache
def plain_elements(field):
    """The elements of each card where a field has nothing to escape."""
    return [card_of(shown).elements for shown in everything(two(**{field: "Kim"}))]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("field", ["text", "title", "source", "url", "id", "language"])
def test_no_field_makes_an_element_or_an_attribute(field, payload):
    for shown, expected in zip(everything(two(**{field: payload})), plain_elements(field), strict=True):
        found = card_of(shown).elements
        for tag in ("a", "style", "table"):
            assert found[tag] == expected[tag]


@pytest.mark.parametrize("payload", PAYLOADS[:9])
def test_what_is_in_a_field_is_shown_as_it_is(payload):
    for shown in everything(two(title=payload)):
        assert " ".join(payload.split()) in card_of(shown).words


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet=st.one_of(st.sampled_from("<>&\"'/\\!-=;\x00\n\t\ud800\u202e\u2069ab "), st.characters())))
def test_no_text_whatever_makes_an_element(text):
    inner = Card(f"<p>{line(text)}</p>").elements
    assert inner == Counter(p=1, bdi=1)
    assert Card(f'<p title="{safe(text)}">{safe(text)}</p>').attributes[0][0] == "title"
    assert len(Card(f'<p title="{safe(text)}"></p>').attributes) == 1
    assert link(text, "x") == "x" or text.lower().startswith("http")


def test_reasons_terms_and_names_of_zones_are_escaped():
    def script(articles):
        return articles[0]

    script.__name__ = "<script>alert(1)</script>"
    zone = timezone(timedelta(0), "<script>alert(1)</script>")
    fields = {"text": "Kim <script> en Russie", "published": datetime(2023, 9, 12, tzinfo=zone)}
    stories = dedup.cluster([{"id": "a"} | fields, {"id": "b"} | fields], representative=script)
    for shown in everything(stories):
        card_of(shown)
    assert "<script>" in card_of(stories[0]).words


@pytest.mark.parametrize("payload", PAYLOADS)
def test_assignments_are_escaped(payload):
    got = Assignment(payload, payload, payload, payload, 0.5, (payload,) * 50)
    assert card_of(got).elements["tr"] == 6


# What is shown


def test_a_story_shows_what_there_is_to_know(stories):
    for story in stories[:20]:
        card = card_of(story)
        words = card.words
        for expected in (story.headline, story.reason, f"{len(story)} article", *story.terms, *story.sources[:8]):
            assert " ".join(expected.split()) in words
        for article in story.articles[:MAX_ARTICLES]:
            assert " ".join(article.title.split()) in words
        assert (f"cohesion {story.cohesion:.2f}" in words) == (len(story) > 1)
        assert ("of copies" in words) == bool(story.near_duplicates)
        assert card.elements["details"] == (len(story) > 1) + bool(story.near_duplicates)


def test_a_story_of_several_episodes_shows_each_with_its_days_and_counts(stories):
    several = [story for story in stories if len(story.episodes) > 1]
    assert len(several) > 10
    for story in several:
        source = story._repr_html_()
        words = card_of(story).words
        assert f"{len(story)} articles, {len(story.episodes)} episodes" in words
        for episode in story.episodes:
            copies = sum(len(group) - 1 for group in episode.near_duplicates)
            counts = [plural(len(episode), "article"), copies and plural(copies, "copy", "copies")]
            counts += [plural(len(episode.sources), "outlet"), period(episode.first, episode.last)]
            assert f"{' '.join(episode.headline.split())} {', '.join(filter(None, counts))}" in words
            assert source.count(f'href="{episode.representative.url}"') >= 1
    for story in stories:
        if len(story.episodes) == 1:
            assert "episode" not in card_of(story).words


@pytest.mark.parametrize("payload", PAYLOADS)
def test_headlines_of_episodes_are_escaped(payload):
    hike = [a for a in dedup.sample_articles("en") if a.event == "mount-orrin-hiker-2023"]
    stories = dedup.cluster([{"id": a.id, "title": a.title, "text": a.text, "published": a.published} for a in hike])
    assert len(stories[0].episodes) == 2
    usual = card_of(stories[0]).elements
    for article in stories.articles:  # afterwards: words in titles would make other stories
        object.__setattr__(article, "title", payload)
        of_plain(article)
    assert card_of(stories[0]).elements == usual
    card_of(stories)


def test_of_many_episodes_the_first_are_shown_and_the_others_counted(stories):
    story = next(story for story in stories if len(story.episodes) > 1)
    many = replace(story, episodes=story.episodes * 500)
    words = card_of(many).words
    told = f"{story.episodes[0].headline} {plural(len(story.episodes[0]), 'article')}, "
    assert words.count(told) == len(range(0, MAX_EPISODES, len(story.episodes)))
    assert f"and {500 * len(story.episodes) - MAX_EPISODES:,} more episodes" in words
    long = [dict.fromkeys(("title", "text", "source"), '"' * 500) | {"id": str(i)} for i in range(20)]
    hostile = dedup.cluster(long, near_threshold=1)[0]
    hostile = replace(hostile, episodes=(hostile,) * 500)
    many = replace(stories, _stories=(hostile,) * 500)
    assert len(hostile._repr_html_()) < 50_000
    assert len(many._repr_html_()) < 750_000


def test_twenty_stories_are_shown_and_the_others_counted(stories):
    card = card_of(stories)
    assert all(" ".join(story.headline.split()) in card.words for story in stories[:MAX_STORIES])
    assert f"and {len(stories) - MAX_STORIES} smaller ones" in card.words
    assert f"{len(stories.articles)} articles in {len(stories)} stories" in card.words


def test_the_bar_of_cohesion_is_as_long_as_it_says(stories):
    styles = [value for name, value in card_of(stories[0]).attributes if name == "style"]
    assert styles == [f"width:{round(100 * stories[0].cohesion)}%"]


def test_no_stories_and_blank_ones_have_cards():
    assert "0 articles in 0 stories" in card_of(dedup.cluster([])).words
    (story,) = dedup.cluster([""])
    assert "(blank)" in card_of(story).words
    assert "undated" in card_of(story).words


def test_an_explanation_shows_both_texts_and_marks_what_they_share():
    left = "Menu\n" + KIM + "\nLAISSER UN COMMENTAIRE"
    right = "Selon nos sources, " + KIM.lower() + " Rien de plus."
    found = dedup.explain({"id": "a", "text": left, "title": "L"}, {"id": "b", "text": right, "title": "R"})
    source = found._repr_html_()
    words = card_of(found).words
    assert left in words
    assert right in words
    assert found.verdict in words
    marked = [re.sub("<.*?>", "", part) for part in re.findall("<mark>.*?</mark>", source)]
    assert marked == [KIM[:-1], KIM.lower()[:-1]]
    assert [re.sub("<.*?>", "", part) for part in re.findall("<s>.*?</s>", source)] == [
        "Menu",
        "LAISSER UN COMMENTAIRE",
    ]


def test_near_duplicates_show_their_closest_pairs():
    found = dedup.near_duplicates([KIM, KIM + " Fin.", KIM, "Autre chose."])
    words = card_of(found).words
    assert "4 texts: 3 pairs of near-duplicates, 3 texts in 1 group" in words
    assert "1.000" in words
    assert "0, 1, 2" in words
    assert "0 pairs" in card_of(dedup.near_duplicates([])).words


def test_an_assignment_shows_what_it_has():
    words = card_of(Assignment("a", "s1", "near_duplicate", "b", 0.81234, ("s2", "s3"))).words
    for expected in ("a", "s1", "near_duplicate", "b", "0.812", "s2, s3"):
        assert expected in words
    assert "similarity" not in card_of(Assignment("a", "s1", "new_story")).words


# Size


def test_a_hundred_thousand_stories_have_a_short_card(stories):
    many = replace(stories, _stories=stories._stories * 1300)
    assert len(many) > 100_000
    source = many._repr_html_()
    assert len(source) < 200_000
    assert f"and {len(many) - MAX_STORIES:,} smaller ones" in Card(source).words


@pytest.mark.parametrize("sign", ["x", "x ", "<", '"', "金", "\ud800", "\n"], ids=repr)
def test_long_fields_have_a_short_card(sign):
    long = sign * 100_000
    fields = {"text": long, "title": long, "source": long, "url": "https://example.com/" + long, "language": long}
    stories = dedup.cluster([{"id": "a" + long} | fields, {"id": "b" + long} | fields])
    for shown in (stories, stories[0], stories.explain("a" + long, "b" + long)):
        assert len(shown._repr_html_()) < 150_000
        card_of(shown)


def test_a_story_of_many_articles_has_a_short_card():
    articles = [
        {"id": str(i), "text": f"{KIM} {i // 2}", "title": '"' * 500, "source": f"{'&' * 500}{i}"} for i in range(3000)
    ]
    stories = dedup.cluster(articles)
    for shown in (stories, stories[0]):
        source = shown._repr_html_()
        assert len(source) < 150_000
        assert "more articles" in Card(source).words


def test_a_long_text_is_cut_and_the_rest_counted():
    text = "Kim en Russie. " * 1000
    words = card_of(dedup.explain(text, text)).words
    assert f"and {len(text) - MAX_CHARACTERS:,} more characters" in words


def test_many_near_duplicates_have_a_short_card():
    found = dedup.near_duplicates([f"{KIM} {i % 3}" for i in range(2000)])
    assert len(found._repr_html_()) < 20_000
    assert "the closest 20 of" in card_of(found).words


def test_many_merged_stories_are_counted():
    got = Assignment("a" * 10**6, "s1", "report", None, 0.5, tuple(f"s{i}" for i in range(10**5)))
    assert len(got._repr_html_()) < 10_000
    assert "and 99,980 more" in card_of(got).words


# Style


def test_the_style_touches_nothing_else(stories):
    (style,) = re.findall("<style>(.*?)</style>", stories._repr_html_())
    selectors = [name for rule in style.split("}") if rule for name in rule.partition("{")[0].split(",")]
    assert len(selectors) > 5
    assert all(re.match(r"\.dedup-card\b", name) for name in selectors)
    assert not re.search("url|import|script|<", style)


def test_nothing_is_loaded(stories):
    for shown in everything(stories):
        card = card_of(shown)
        assert not card.elements.keys() & {"script", "link", "img", "iframe", "object", "form", "input"}


# As plain text


def test_the_repr_of_an_assignment_is_short():
    assert repr(Assignment("a", "s1", "new_story")) == "Assignment('a' in s1: new_story)"
    copy = Assignment("b", "s1", "near_duplicate", "a", 0.91234)
    assert repr(copy) == "Assignment('b' in s1: near_duplicate, of 'a', similarity 0.912)"
    report = Assignment("b" * 10**6, "s1", "report", None, 0.5, tuple(f"s{i}" for i in range(9)))
    assert len(repr(report)) < 200
    assert repr(report).endswith("similarity 0.500, merged s0, s1, s2, s3, s4 and 4 more)")


def test_the_repr_of_near_duplicates_is_one_short_line():
    found = dedup.near_duplicates([KIM] * 500)
    assert re.fullmatch(r"NearDuplicates\(500 texts: [\d,]+ pairs, 500 texts in 1 groups?\)", repr(found))


def test_cards_are_the_same_each_time(stories):
    again = dedup.cluster(stories.articles)
    assert again._repr_html_() == stories._repr_html_()
