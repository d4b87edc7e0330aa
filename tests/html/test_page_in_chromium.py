"""The page as a reader has it: a real browser, real clicks and keys, in Debian's chromium, which .ci/run installs."""

import csv
import json
import os
import random
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

import dedup
from dedup import Article
from dedup.wording import period, plural

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH: apt-get install chromium")

WIRE = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said in a statement"
WHEN = datetime(2023, 9, 12, tzinfo=UTC)
HIKE = [a for a in dedup.sample_articles("en") if a.event == "mount-orrin-hiker-2023"]  # two episodes
RUN = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        # Chromium has no sandbox for root, whom CI runs as.
        sandbox = [] if os.name == "nt" or os.geteuid() else ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The file of stories, written once for all tests that open them."""
    folder, paths = tmp_path_factory.mktemp("pages"), {}

    def write(stories):
        if id(stories) not in paths:
            path = folder / f"{len(paths)}.html"
            stories.to_html(path)
            paths[id(stories)] = path, stories  # kept, or the id would be used again
        return paths[id(stories)][0]

    return write


@pytest.fixture
def open_page(browser, written):
    """Opens the page of stories; at the end no error was said and nothing was asked of any network."""
    contexts, errors, requests = [], [], []

    def show(stories, **options):
        context = browser.new_context(**({"viewport": {"width": 1000, "height": 800}} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5_000)
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(written(stories).as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert errors == []
    assert [url for url in requests if not re.match(r"file:.*/\d+\.html$", url)] == []


@pytest.fixture(scope="module")
def trip():
    """Stories of which the first is a visit told in four episodes."""
    return dedup.cluster(dedup.sample_articles("fr"))


@pytest.fixture(scope="module")
def many():
    """More than a page of stories."""
    words = [f"{a}{b}{c}ska" for a in "bdfgk" for b in "aeiou" for c in "lmnrst"]
    return dedup.cluster([Article(f"n{i}", f"{word} {word[::-1]}", title=word) for i, word in enumerate(words[:130])])


def headings(page):
    return page.locator("h2 > button")


def shown(page):
    return page.locator("#count").inner_text()


def chosen(page):
    """How many stories the page says there are after a filter."""
    return int(re.search(r"(?:of ([\d,]+) stor|No story)", shown(page))[1] or 0)


def focused(page):
    return page.evaluate("document.activeElement.textContent")


# Filters


def test_the_list_begins_with_the_largest_stories(open_page, stories):
    page = open_page(stories)
    assert shown(page) == f"1 to 50 of {len(stories)} stories"
    assert headings(page).all_inner_texts() == [story.representative.title for story in stories[:50]]


def test_search_minds_neither_case_nor_accents_nor_the_order_of_words(open_page, stories):
    page = open_page(stories)
    for words in ("kim putin", "POUTINE", "путин", "séisme", "zzzz"):
        page.get_by_label("Search titles").fill(words)
        found = shown(page)
        page.get_by_label("Search titles").fill(" ".join(reversed(words.upper().replace("É", "e").split())))
        assert shown(page) == found
        assert found.startswith("No story") == (words == "zzzz")
        for heading in headings(page).all()[:3]:
            if heading.get_attribute("aria-expanded") == "false":
                heading.click()
            inside = heading.locator("xpath=ancestor::li[1]").inner_text().casefold()
            assert all(word in inside for word in words.casefold().split())


def test_filters_by_size_time_outlet_and_language(open_page, stories):
    page = open_page(stories)
    page.get_by_label("At least").select_option("3")
    assert chosen(page) == sum(len(story) >= 3 for story in stories)
    page.get_by_role("button", name="Clear all").click()
    page.get_by_label("From").fill("2023-09-12")
    page.get_by_label("To", exact=True).fill("2023-09-13")
    days = [(str(story.first.date()), str(story.last.date())) for story in stories]
    assert chosen(page) == sum(last >= "2023-09-12" and first <= "2023-09-13" for first, last in days)
    page.get_by_role("button", name="Clear all").click()
    page.get_by_label("Language").select_option("fr")
    assert chosen(page) == sum(any(a.language == "fr" for a in story.articles) for story in stories)
    page.locator("#source").select_option("Horizon Monde")
    both = [s for s in stories if "Horizon Monde" in s.sources and any(a.language == "fr" for a in s.articles)]
    assert chosen(page) == len(both)
    page.get_by_role("button", name="Clear all").click()
    page.get_by_label("With doubts only").check()
    assert 0 < chosen(page) < len(stories)


def test_stories_are_sorted_as_asked(open_page, stories):
    page = open_page(stories)
    orders = {
        "newest": lambda story: -story.last.timestamp() // 60,
        "oldest": lambda story: story.first.timestamp() // 60,
        "cohesion": lambda story: round(story.cohesion, 4),
    }
    for order, key in orders.items():
        page.get_by_label("Sort by").select_option(order)
        assert headings(page).all_inner_texts() == [s.representative.title for s in sorted(stories, key=key)[:50]]


def test_pages_turn_and_the_first_story_of_a_page_has_the_focus(open_page, many):
    page = open_page(many)
    seen = headings(page).all_inner_texts()
    assert page.get_by_role("button", name="Previous").is_disabled()
    while page.get_by_role("button", name="Next").is_enabled():
        page.get_by_role("button", name="Next").click()
        seen += headings(page).all_inner_texts()
        assert focused(page) == headings(page).first.inner_text()
    assert seen == [story.headline for story in many]
    assert shown(page) == f"101 to {len(many)} of {len(many)} stories"
    page.get_by_label("Search titles").fill("bal")
    assert not page.get_by_role("button", name="Next").is_visible()


def test_of_very_many_outlets_the_others_are_searched_for(open_page):
    articles = [Article(f"{i}", WIRE, source=f"Outlet {i:04}") for i in range(1_200)]
    page = open_page(dedup.cluster(articles))
    assert page.locator("#source option").count() == 1_002
    assert page.locator("#source option").last.inner_text() == "200 more: search for them"
    page.get_by_label("Search titles").fill("outlet 1199")
    assert chosen(page) == 1
    headings(page).first.click()
    assert "and 1,099 more copies" in page.locator("#inside-0").inner_text()


# A story


def test_a_story_opens_to_why_when_and_its_articles(open_page, stories):
    page, story = open_page(stories), stories[0]
    headings(page).first.click()
    inside = page.locator("#inside-0")
    assert headings(page).first.get_attribute("aria-expanded") == "true"
    text = inside.inner_text()
    for part in (story.reason, f"{story.cohesion:.2f}", *story.terms, *(a.title for a in story.articles)):
        assert part in text
    assert inside.locator(".bars span").count() == 60
    assert inside.locator("a").evaluate_all("links => links.map((link) => link.href)")
    inside.locator("summary").first.click()
    assert " ".join(inside.locator(".text").first.inner_text().split()) == " ".join(story.articles[0].text.split())
    headings(page).first.click()
    assert not inside.is_visible()


def test_a_story_leads_to_one_it_is_nearly_one_with(open_page, stories):
    page = open_page(stories)
    page.get_by_label("With doubts only").check()
    for heading in headings(page).all():
        heading.click()
    link = page.locator("button.link").first
    name = link.inner_text()
    page.get_by_label("Search titles").fill("")
    link.click()
    assert focused(page) == name
    assert page.locator("button:focus").get_attribute("aria-expanded") == "true"


def test_a_large_story_is_drawn_in_parts(open_page):
    articles = [Article(f"{i}", f"{WIRE} today {i}", published=WHEN + timedelta(minutes=i)) for i in range(250)]
    page = open_page(dedup.cluster(articles, near_threshold=0.99))
    headings(page).first.click()
    assert page.locator(".articles > li").count() == 100
    page.get_by_role("button", name="Show more reports (150 left)").click()
    assert page.locator(".articles > li").count() == 200
    assert focused(page) == "Text"
    page.get_by_role("button", name="Show more reports (50 left)").click()
    assert page.locator(".articles > li").count() == 250


# Episodes


def chapters(page, place=0):
    return page.locator(f"#inside-{place} .episodes > li")


def test_a_story_of_several_episodes_opens_as_their_timeline(open_page, trip):
    page, story = open_page(trip), trip[0]
    assert "4 episodes" in page.locator("#stories > li").first.inner_text()
    headings(page).first.click()
    assert chapters(page).count() == len(story.episodes) == 4
    for node, episode in zip(chapters(page).all(), story.episodes, strict=True):
        assert node.locator("h4").inner_text() == episode.representative.title
        facts = node.locator("> .facts").inner_text()
        copies = sum(len(group) - 1 for group in episode.near_duplicates)
        for fact in (plural(len(episode), "article"), period(episode.first, episode.last), *episode.sources[:4]):
            assert fact in facts
        assert ("cop" in facts) == (copies > 0)
        told = [line.split("id ")[1] for line in node.locator(".articles .facts").all_inner_texts() if "id " in line]
        assert sorted(told) == sorted(article.id for article in episode.articles)
    assert "similarity to the others" not in chapters(page).first.inner_text()  # there are none
    bars = page.locator(".track span").evaluate_all("bars => bars.map((bar) => bar.getBoundingClientRect().left)")
    assert bars == sorted(bars)
    assert page.locator(".badge").count() == 1


def test_a_story_of_one_episode_has_its_articles_without_chapters(open_page, many):
    page = open_page(many)
    headings(page).first.click()
    assert chapters(page).count() == 0
    assert "episode" not in page.locator("#stories > li").first.inner_text()


def test_episodes_are_folded_and_opened_by_keyboard(open_page, trip):
    page = open_page(trip)
    headings(page).first.focus()
    page.keyboard.press("Enter")
    first = chapters(page).first.locator("h4 > button")
    while focused(page) != first.inner_text():
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    inside = page.locator("#chapter-0-0")
    assert (first.get_attribute("aria-expanded"), first.get_attribute("aria-controls")) == ("true", "chapter-0-0")
    page.keyboard.press("Space")
    assert (first.get_attribute("aria-expanded"), inside.is_visible()) == ("false", False)
    page.keyboard.press("Tab")  # what is folded has no stop
    assert focused(page) == chapters(page).nth(1).locator("h4 > button").inner_text()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert inside.is_visible()
    page.keyboard.press("Escape")
    assert focused(page) == headings(page).first.inner_text()


def test_paper_has_every_episode_of_an_open_story(open_page, trip):
    page = open_page(trip)
    headings(page).first.click()
    for button in page.locator("h4 > button").all():
        button.click()
    assert not page.locator(".episodes .title").first.is_visible()
    page.emulate_media(media="print")
    assert all(title.is_visible() for title in page.locator(".episodes .title").all())
    assert not page.get_by_text("Link to this story").first.is_visible()


def test_episodes_of_a_large_story_are_folded_at_first(open_page, trip):
    articles = [Article(f"{i}", f"{WIRE} {i}", f"Kim {i}", WHEN + timedelta(days=i)) for i in range(30)]
    parts = [
        replace(
            episode, articles=tuple(some), representative=some[0], near_duplicates=(), membership=(0.5,) * len(some)
        )
        for episode, some in zip(trip[0].episodes, (articles[:10], articles[10:]), strict=False)
    ]
    facts = {"articles": tuple(articles), "representative": articles[10], "near_duplicates": ()}
    story = replace(trip[0], episodes=tuple(parts), membership=(0.5,) * 30, **facts)
    page = open_page(replace(trip, articles=story.articles, _stories=(story,), _least_certain=lambda *_: []))
    headings(page).first.click()
    buttons = page.locator("#inside-0 h4 > button")
    assert buttons.all_inner_texts() == ["Kim 0", "Kim 10"]
    assert [button.get_attribute("aria-expanded") for button in buttons.all()] == ["false", "false"]
    assert not page.locator(".chapter").first.is_visible()
    buttons.nth(1).click()
    assert page.locator("#chapter-0-1 .articles > li").count() == 20


# Links to a story


SAFE = "-_.!~*'()"  # what encodeURIComponent leaves
IDS = ["a b", "ü/金?#", "100%", "%41", "it's", "<b>", "</script>", "a&b=c", "story-0", "0", "x" * 500]


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("place", range(len(IDS)))
def test_a_link_leads_to_one_story_whatever_its_id(place, script, browser, written, linked):
    context = browser.new_context(java_script_enabled=script)
    page = context.new_page()
    (story,) = [s for s in linked if s.id == IDS[place]]
    name = story.id if len(story.id) <= 200 else story.id[:199] + "…"
    page.goto(f"{written(linked).as_uri()}#story-{quote(name, safe=SAFE)}")
    if script:
        assert focused(page) == story.headline
        assert page.locator("button:focus").get_attribute("aria-expanded") == "true"
        assert page.locator("h2 > button[aria-expanded=true]").count() == 1
    else:
        assert page.locator("h2:target").inner_text() == story.headline
    context.close()


@pytest.fixture(scope="module")
def linked():
    words = [f"{a}{b}{c}ska" for a in "bdf" for b in "aeiou" for c in "lm"]
    return dedup.cluster([Article(name, f"{w} {w[::-1]}", title=w) for name, w in zip(IDS, words, strict=False)])


def test_a_story_names_its_link_and_the_link_opens_it_from_anywhere(open_page, linked):
    page = open_page(linked)
    for place, heading in enumerate(headings(page).all()):
        heading.click()
        link = page.locator(f"#inside-{place}").get_by_role("link", name="Link to this story")
        address = link.get_attribute("href")
        headline = heading.inner_text()
        heading.click()
        page.get_by_label("Search titles").fill("nothing like it")
        assert not headings(page).count()
        page.evaluate("address => { location.hash = address; }", address)
        page.wait_for_function("headline => document.activeElement.textContent === headline", arg=headline)
        assert page.locator("button:focus").get_attribute("aria-expanded") == "true"
        page.locator("button:focus").click()


def test_a_link_to_no_story_leaves_the_list_as_it_is(browser, written, linked):
    context = browser.new_context()
    page = context.new_page()
    for address in ("#story-", "#story-%", "#story-nope", "#%", "#"):
        page.goto(f"{written(linked).as_uri()}{address}")
        page.reload()
        assert headings(page).count() == len(linked)
        assert page.locator("h2 > button[aria-expanded=true]").count() == 0
    context.close()


def test_a_link_to_an_article_opens_its_story_and_its_episode(open_page, trip):
    page = open_page(trip)
    headings(page).first.click()
    article = trip[0].episodes[2].articles[1]
    item = page.locator(".articles > li", has=page.get_by_text(f"id {article.id}", exact=False)).last
    address = item.get_by_role("link", name="Link", exact=True).get_attribute("href")
    assert address == f"#article-{quote(article.id, safe=SAFE)}"
    for button in page.locator("h4 > button").all():
        button.click()
    page.get_by_label("Search titles").fill("nothing like it")
    page.evaluate("address => { location.hash = address; }", address)
    page.locator("li.named").wait_for()
    assert f"id {article.id}" in page.locator("li.named > .facts").first.inner_text()
    assert page.evaluate("document.activeElement.className") == "named"


def test_a_link_to_an_article_draws_a_long_list_as_far_as_it(open_page):
    articles = [Article(f"a/{i}", f"{WIRE} today {i}", published=WHEN + timedelta(minutes=i)) for i in range(230)]
    page = open_page(dedup.cluster(articles, near_threshold=0.99))
    page.evaluate("location.hash = '#article-a%2F229'")
    page.locator("li.named").wait_for()
    assert "id a/229" in page.locator("li.named").inner_text()


# Controls


def test_the_first_stop_skips_the_controls(open_page, many):
    page = open_page(many)
    skip = page.get_by_role("link", name="Skip to the stories")
    assert skip.bounding_box()["x"] < 0
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the stories"
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == headings(page).first.inner_text()


def test_controls_of_one_row_have_one_height_and_stand_in_line(open_page, many):
    page = open_page(many)
    page.set_viewport_size({"width": 1280, "height": 900})
    boxes = page.locator("#filters :is(select, input[type=date])").evaluate_all(
        "nodes => nodes.map((node) => node.getBoundingClientRect()).map(({ top, height }) => [top, height])"
    )
    assert len({tuple(box) for box in boxes}) == 1


def test_the_ring_around_what_has_the_focus_is_not_cut(open_page, many):
    page = open_page(many)
    headings(page).first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    offset, width = page.evaluate(
        "(({ outlineOffset, outlineWidth }) => [outlineOffset, outlineWidth])(getComputedStyle(document.activeElement))"
    )
    assert float(offset.removesuffix("px")) <= -float(width.removesuffix("px"))


def test_filters_are_folded_on_a_phone(open_page, many):
    page = open_page(many)
    fold = page.get_by_role("button", name="Sort and filter")
    assert not fold.is_visible()
    page.set_viewport_size({"width": 390, "height": 780})
    assert not page.locator("#source").is_visible()
    fold.click()
    assert page.locator("#source").is_visible()
    assert fold.get_attribute("aria-expanded") == "true"
    fold.click()
    assert not page.locator("#source").is_visible()


@pytest.mark.parametrize("kind", ["CSV", "JSON"])
def test_what_the_filters_leave_can_be_saved(open_page, kind, tmp_path):
    titles = ['=HYPERLINK("x")', 'Kim, "arrived"\nin Russia', "Rates"]
    texts = ["one two three", "four five six", "seven eight nine"]
    articles = [Article(f"a{i}", texts[i], title, WHEN, source="-Wire") for i, title in enumerate(titles)]
    page = open_page(dedup.cluster(articles))
    page.get_by_label("Search titles").fill("a0")
    with page.expect_download() as saved:
        page.get_by_role("button", name=f"Save as {kind}").click()
    saved.value.save_as(tmp_path / "saved")
    content = (tmp_path / "saved").read_bytes()
    if kind == "JSON":
        (row,) = json.loads(content)
        assert (row["title"], row["source"]) == (titles[0], "-Wire")
        assert (row["id"], row["story_id"], row["episode"], row["membership"]) == ("a0", "a0", 1, 1)
    else:
        (row,) = csv.DictReader(content.decode("utf-8-sig").splitlines())
        assert (row["title"], row["source"]) == ("'" + titles[0], "'-Wire")  # no formulas
    page.get_by_role("button", name="Clear all").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name=f"Save as {kind}").click()
    saved.value.save_as(tmp_path / "saved")
    content = (tmp_path / "saved").read_text("utf-8-sig")
    rows = json.loads(content) if kind == "JSON" else list(csv.DictReader(content.splitlines()))
    assert [row["id"] for row in rows] == ["a0", "a1", "a2"]
    assert rows[1]["title"] == 'Kim, "arrived" in Russia'


# Comparison


def test_a_comparison_says_what_explain_says(open_page, trip):
    page, story = open_page(trip), trip[0]
    headings(page).first.click()
    first, second = (story.episodes[1].articles[k] for k in (0, 2))
    page.get_by_role("button", name=f"with “{second.title}”").click()
    found = trip.explain(first.id, second.id)
    told = page.locator("#alike").inner_text()
    assert told.startswith(f"In one story: similarity {found.similarity:.2f} ({found.cosine:.2f} but for {found.gap})")
    assert f"alone need {found.needed:.2f}." in told
    terms = [f"{term} {round(100 * share)} %" for term, share in found.terms[:8]]
    assert page.locator("#alike li").all_inner_texts() == terms
    # Another pair, of two episodes, by the lists beside the texts.
    last = story.episodes[3].articles[0]
    page.locator("#right").select_option(label=f"{last.source}: {last.title}")
    found = trip.explain(first.id, last.id)
    told = page.locator("#alike").inner_text()
    assert told.startswith(
        f"In two episodes of one story: similarity {found.similarity:.2f} ({found.cosine:.2f} but for"
    )
    assert found.gap in told
    copy = story.episodes[1].articles[1]
    page.locator("#right").select_option(label=f"{copy.source}: {copy.title}")
    assert page.locator("#alike").inner_text() == "Copies of one text."
    page.locator("#left").select_option(label=f"{second.source}: {second.title}")
    found = trip.explain(first.id, second.id)
    told = page.locator("#alike").inner_text()
    assert f"similarity {found.similarity:.2f}" in told
    assert "of the reports that these are copies of" in told


def test_versions_of_one_page_are_called_so(open_page):
    page_of = {"source": "Post", "url": "https://post.example/kim"}
    texts = {"a": WIRE, "b": f"{WIRE}. He left again on Sunday, after talks about arms that nobody had announced"}
    articles = [
        Article("a", texts["a"], published=WHEN, **page_of),
        Article("b", texts["b"], published=WHEN + timedelta(hours=3), **page_of),
        Article("c", WIRE.upper(), "Wire", published=WHEN + timedelta(hours=1)),
    ]
    stories = dedup.cluster(articles[:2])
    assert "versions of one page" in str(stories[0].explain("a"))
    page = open_page(stories)
    headings(page).first.click()
    assert page.get_by_text("1 other version of it:").count() == 1
    page.get_by_role("button", name="Compare").first.click()
    assert page.locator("#alike").inner_text() == "Versions of one page."
    page = open_page(dedup.cluster(articles[::2]))
    headings(page).first.click()
    assert page.get_by_text("1 copy of it:").count() == 1
    page.get_by_role("button", name="Compare").first.click()
    assert page.locator("#alike").inner_text() == "Copies of one text."


def test_two_languages_are_compared_by_the_words_that_both_have(open_page):
    when = {"published": WHEN}
    articles = [
        Article(
            "en", "Vladimir Putin met Kim Jong Un at Vostochny on Wednesday.", "Putin met Kim", language="en", **when
        ),
        Article(
            "fr",
            "Vladimir Poutine a reçu Kim Jong-un mercredi à Vostotchny.",
            "Poutine a reçu Kim",
            language="fr",
            **when,
        ),
    ]
    stories = dedup.cluster(articles)
    assert len(stories) == 1
    page = open_page(stories)
    headings(page).first.click()
    page.get_by_role("button", name="Compare").first.click()
    told = page.locator("#alike").inner_text()
    assert f"similarity {stories.explain('en', 'fr').similarity:.2f}" in told
    assert "in two languages" in told
    assert any("/" in term for term in page.locator("#alike li").all_inner_texts())


def test_stories_that_are_nearly_one_are_compared_by_what_they_show(open_page, stories):
    page = open_page(stories)
    page.get_by_label("With doubts only").check()
    for heading in headings(page).all():
        heading.click()
    page.locator("li:has(> button.link) > button.small").first.click()
    assert page.locator("#alike").inner_text().startswith("In two stories: similarity 0.")


def test_two_articles_side_by_side_have_their_shared_passages_marked(open_page):
    left = f"{WIRE}. Then something else was said."
    right = f"Moscow - {WIRE.upper().replace('ARMOURED', 'ÀRMOÛRED')}! Nobody else said anything then."
    articles = [Article("a", left, published=WHEN), Article("b", right, published=WHEN)]
    page = open_page(dedup.cluster(articles, representative="earliest"))
    headings(page).first.click()
    page.get_by_role("button", name="Compare").first.click()
    dialog = page.get_by_role("dialog")
    assert dialog.locator("mark").all_inner_texts() == [WIRE, WIRE.upper().replace("ARMOURED", "ÀRMOÛRED")]
    assert "runs of 4 or more words" in page.locator("#shared").inner_text()
    page.locator("#right").select_option("0")
    assert dialog.locator("mark").first.inner_text() == left[:-1]
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert focused(page) == "Compare"


def test_shared_passages_are_runs_of_four_words_or_unspaced_characters(open_page, many):
    page = open_page(many)
    cases = [
        ("金正恩乘坐专列抵达俄罗斯。", "朝鲜的金正恩乘坐飞机抵达俄罗斯", ["金正恩乘坐", "抵达俄罗斯"]),
        ("one two three", "one two three", []),
        ("a b c d e x f g h i", "f g h i a b c d", ["a b c d", "f g h i"]),
        ("", "one two three four", []),
    ]
    found = page.evaluate(
        "pairs => pairs.map(([one, two]) =>"
        " passages(wordsOf(one), wordsOf(two)).bounds.map(([start, stop]) => one.slice(start, stop)))",
        [[left, right] for left, right, _ in cases],
    )
    assert found == [marks for *_, marks in cases]


# Keyboard and screen reader


def test_all_can_be_done_by_keyboard(open_page, stories):
    page = open_page(stories)
    for _ in range(20):  # past the controls
        page.keyboard.press("Tab")
        if focused(page) == headings(page).first.inner_text():
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key, place in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", 49), ("Home", 0), ("ArrowUp", 0)):
        page.keyboard.press(key)
        assert focused(page) == headings(page).nth(place).inner_text()
    page.keyboard.press("Enter")
    assert page.locator("#inside-0").is_visible()
    while focused(page) != "Text":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".text")
    page.keyboard.press("Tab")
    assert focused(page) == "Compare"
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert focused(page) == "Compare"
    page.keyboard.press("Escape")
    assert not page.locator("#inside-0").is_visible()
    assert focused(page) == headings(page).first.inner_text()


def test_controls_have_names_and_parts_are_landmarks(open_page, stories):
    page = open_page(stories)
    headings(page).first.click()
    unnamed = page.locator("button, input, select").evaluate_all(
        "nodes => nodes.filter((node) => !(node.labels?.length || node.ariaLabel || node.textContent.trim())).length"
    )
    assert unnamed == 0
    for role in ("banner", "search", "main", "navigation", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    assert page.locator("#count").get_attribute("role") == "status"
    controls = headings(page).first.get_attribute("aria-controls")
    assert page.locator(f"#{controls}").is_visible()
    levels = page.locator("h1, h2, h3").evaluate_all("nodes => nodes.map((node) => Number(node.tagName[1]))")
    assert levels[:3] == [1, 2, 3]


# Media


def test_what_is_open_is_printed_and_controls_are_not(open_page, stories):
    page = open_page(stories)
    headings(page).nth(1).click()
    page.locator("summary").first.click()
    page.emulate_media(media="print")
    assert page.locator("#inside-1").is_visible()
    assert page.locator(".text").is_visible()
    assert not page.locator("#inside-0").is_visible()
    for hidden in ("#controls", "#pages", "summary", ".tools > button"):
        assert not page.locator(hidden).first.is_visible()


# Relative luminance of sRGB, as the Web Content Accessibility Guidelines define contrast.
CONTRAST = """(node) => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const linear = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const ink = light(getComputedStyle(node).color);
  return (Math.max(paper, ink) + 0.05) / (Math.min(paper, ink) + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_legible(scheme, open_page, stories):
    page = open_page(stories, color_scheme=scheme)
    headings(page).nth(1).click()
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    for part in ("h1", "h2 > button", ".facts", ".doubt", "#inside-1 a", "#inside-1 h3"):
        assert page.locator(part).first.evaluate(CONTRAST) >= 4.5


def test_a_narrow_screen_needs_no_scrolling_sideways(open_page):
    articles = [Article("a", WIRE, title="W" * 400), Article("b", f"{WIRE} x", title="é " * 200, source="S" * 300)]
    hikes = dedup.cluster([Article(a.id, a.text, a.title, a.published, "S" * 300) for a in HIKE])
    for article in hikes.articles:  # afterwards: words in titles would make other stories
        object.__setattr__(article, "title", "W" * 400)
    page = open_page(hikes, viewport={"width": 375, "height": 700})
    headings(page).first.click()
    assert chapters(page).count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page = open_page(dedup.cluster(articles), viewport={"width": 375, "height": 700})
    headings(page).first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.get_by_role("button", name="Compare").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_without_javascript_there_is_a_plain_list(open_page, stories):
    page = open_page(stories, java_script_enabled=False)
    chapters = sum(len(story.episodes) for story in stories if len(story.episodes) > 1)
    assert page.locator("noscript ul > li").count() == len(stories.articles)
    assert page.locator("noscript ol > li").count() == chapters > 20
    assert page.locator("noscript li").first.is_visible()
    assert not page.locator("#controls").is_visible()


def test_without_javascript_a_story_has_its_episodes(open_page, trip):
    page = open_page(trip, java_script_enabled=False)
    story = trip[0]
    listed = page.locator("noscript h2").first.locator("xpath=following-sibling::ol[1]/li")
    assert listed.count() == len(story.episodes)
    for node, episode in zip(listed.all(), story.episodes, strict=True):
        assert node.locator("h3").inner_text() == episode.representative.title
        assert node.locator("li").count() == len(episode)
        assert node.is_visible()
    assert page.evaluate("1 + 1") == 2
    assert page.locator("body").bounding_box()["width"] <= 1000


def test_right_to_left_titles_are_laid_out_so(open_page):
    page = open_page(dedup.cluster([Article("a", "نص", title="وصل الزعيم الكوري الشمالي كيم جونغ أون إلى روسيا")]))
    assert headings(page).first.evaluate("node => getComputedStyle(node).direction") == "rtl"


# Hostile articles


def test_nothing_that_articles_say_is_run(open_page):
    ends = ["</script>", "</noscript>", "</title>", "-->", "'\">", "\u2028\u2029\0\ud800", "javascript:window.ran=1//"]
    fields = [end + RUN for end in ends]
    articles = [Article(f"{i}{x}", f"{WIRE} {x}", x, WHEN, x, x, x) for i, x in enumerate(fields)]
    for script in (True, False):
        page = open_page(dedup.cluster(articles), java_script_enabled=script)
        if script:
            page.get_by_label("Search titles").fill("script")
            for heading in headings(page).all():
                heading.click()
            for summary in page.locator("summary").all():
                summary.click()
            page.get_by_role("button", name="Compare").first.click()
            assert page.locator("dialog .text").count() == 2
            assert page.evaluate("window.ran") is None
        assert page.locator("img").count() == 0
        links = page.locator("a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
        stories = [link for link in links if link.startswith("#story-")]
        assert len(stories) == script * page.locator("#stories > li").count()
        # Within the page, and nowhere else.
        assert all(re.fullmatch("#(list|story-[!-~]+|article-[!-~]+)", link) for link in links)


def test_a_text_of_a_megabyte_is_cut_and_said_to_be(open_page):
    page = open_page(dedup.cluster([Article("a", "Kremlin " * 125_000, title="Kremlin")]))
    headings(page).first.click()
    page.locator("summary").click()
    page.get_by_text("The page holds the first 5,000 of 1,000,000 characters.").wait_for()


def test_of_many_stories_one_page_is_drawn(open_page):
    chance = random.Random(3)
    texts = [" ".join("".join(chance.choices("abcdefghij", k=7)) for _ in range(12)) for _ in range(600)]
    page = open_page(dedup.cluster([Article(f"n{i}", text, title=text) for i, text in enumerate(texts)]))
    assert page.locator("*").count() < 1_000
    page.get_by_label("Search titles").fill(texts[-1].split()[3])
    assert shown(page).startswith("1 to 1 of 1 story")
    headings(page).first.click()
    page.locator("summary").click()
    assert page.locator(".text").inner_text() == texts[-1]


# Notebooks

# What JupyterLab and the classic notebook say of the tables of an output.
NOTEBOOKS = """
:not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon td, :not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon th,
:not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon tr { text-align: right; }
.jp-RenderedHTMLCommon td { vertical-align: middle; padding: .5em; }
.jp-RenderedHTMLCommon table { margin-left: auto; margin-right: auto; border-spacing: 0; }
.rendered_html tr, .rendered_html th, .rendered_html td { text-align: right; }
"""


@pytest.mark.parametrize("notebook", ["jp-RenderedHTMLCommon", "rendered_html"])
def test_cells_and_bars_of_cards_start_where_lines_do_in_notebooks(browser, notebook):
    with dedup.StoryIndex(":memory:") as index:
        cards = [index.add({"id": "a", "text": WIRE}), index.add({"id": "a rather long name", "text": f"{WIRE} {RUN}"})]
    cards.append(dedup.near_duplicates([WIRE, WIRE]))
    page = browser.new_page()
    inside = "".join(f'<div class="{notebook}">{card._repr_html_()}</div>' for card in cards)
    page.set_content(f"<style>{NOTEBOOKS}</style>{inside}")
    for details in page.locator("details").all():
        details.evaluate("node => node.open = true")
    aligned = page.eval_on_selector_all("td, th", "all => all.map(node => getComputedStyle(node).textAlign)")
    assert len(aligned) > 8
    assert set(aligned) == {"start"}
    left = "getBoundingClientRect().left"
    starts = f"all => all.map(node => node.{left} - node.closest('td').{left})"
    found = page.eval_on_selector_all("td .dedup-bar", starts)
    assert found
    assert set(found) == {0}
    page.close()
