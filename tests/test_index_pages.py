"""One page of a source is one article of an index, under whatever id and URL it comes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from follower import Follower, told_places
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres_server import SERVER
from short_reports import BANK, BRIDGE, ROCKETS, TRAIN
from test_index import clock, ids, memory, stored

import dedup
from dedup import Article, StoryIndex, canonical_url
from dedup.store import serialization

DAY = timedelta(days=1)
TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)
PAGE = "https://example.org/news/kim"
FORMS = [PAGE, "http://www.example.org/news/kim/?utm_source=rss#top", "https://m.example.org/news/kim?fbclid=7"]
OTHER = "https://example.org/news/rates"


@pytest.fixture(params=["memory", "postgres"])
def index(request):
    url = SERVER.new_database() if request.param == "postgres" else None
    with StoryIndex(url or ":memory:", clock=clock) as index:
        yield index
    if url:
        SERVER.drop(url)


def article(name, text, url=PAGE, published=TUESDAY, source="Example"):
    return Article(name, text, published=published, url=url, source=source)


def told(index, since=0):
    return [(c.kind, c.story_id, c.article_id) for c in index.changes(since)]


def test_a_later_version_replaces_the_earlier_whatever_its_id(index):
    index.add_many([article("1", TRAIN), article("b", BRIDGE, None)])
    later = index.add(article("2", f"{TRAIN} Updated.", FORMS[1], TUESDAY + DAY))
    assert (later.article_id, later.outcome, later.replaces, later.left) == ("2", "updated", "1", None)
    assert later.story_id == index.story_id("2") == "s1"
    assert ids(index.story("s1")) == ["b", "2"]
    assert told(index, 2) == [("left", "s1", "1"), ("joined", "s1", "2")]
    assert index.story_id("1") == "s1"
    again = index.add(article("3", f"{TRAIN} Updated twice.", FORMS[2], TUESDAY + DAY))
    assert (again.replaces, len(index)) == ("2", 2)


def test_every_id_that_came_leads_to_the_article_as_long_as_it_is_there(index):
    index.add_many([article("1", TRAIN), article("2", TRAIN, FORMS[1]), article("3", f"{TRAIN} Updated.", FORMS[2])])
    index.add(article("0", TRAIN, FORMS[1], TUESDAY - DAY))
    assert [index.story_id(name) for name in "0123"] == ["s1"] * 4
    assert (len(index), ids(index.story("s1"))) == (1, ["3"])
    assert index.remove("1")
    assert len(index) == 0
    for name in "0123":
        with pytest.raises(KeyError, match=f"no article has the id '{name}'"):
            index.story_id(name)
    index.add(article("2", BANK, OTHER))
    assert index.story_id("2") == "s2"
    index.expire(TUESDAY + DAY)
    index.add(article("3", ROCKETS, None))
    with pytest.raises(KeyError):
        index.story_id("0")


def test_a_batch_hands_over_the_latest_version_of_a_page():
    text = "Kim Jong Un crossed into Russia by armoured train on Tuesday morning"
    versions = [
        article("1", f"{text}.", FORMS[0], TUESDAY),
        article("2", f"{BRIDGE} {text}, the Kremlin said, and went on to Vladivostok.", FORMS[1], TUESDAY + DAY),
        article("3", f"{text}, said Interfax.", None, TUESDAY + DAY / 2),
        article("4", BANK, OTHER, TUESDAY),
    ]
    with StoryIndex.from_stories(":memory:", dedup.cluster(versions), clock=clock) as index:
        assert sorted(a.id for s in index.stories() for a in s.articles) == ["2", "3", "4"]
        assert index.story_id("1") == index.story_id("2") == index.story_id("3") != index.story_id("4")
        assert {index.add(one).outcome for one in versions} == {"unchanged"}
        assert len(index) == 3


def test_articles_under_the_url_of_a_section_stay_apart(index):
    section = [article(str(i), text) for i, text in enumerate((TRAIN, BANK, ROCKETS))]
    assert [one.outcome for one in index.add_many(section)] == ["new_story"] * 3
    assert index.add(article("4", f"{BANK} Updated.")).replaces == "1"


def test_a_live_blog_is_one_article(index):
    text, name = TRAIN, None
    for hour in range(12):
        text = f"{hour}:00 {[BANK, ROCKETS, BRIDGE][hour % 3][:60]} {hour}. {text}"
        added = index.add(article(f"{PAGE}#block-{hour}", text, f"{PAGE}#block-{hour}", TUESDAY + hour * DAY / 24))
        assert (added.story_id, added.replaces) == ("s1", name)
        name = added.article_id
    assert ids(index.story("s1")) == [name]


def test_the_same_under_another_id_or_url_changes_nothing_and_is_told_where_it_is(index):
    index.add(article("1", TRAIN))
    before, changes = stored(index), index.changes()
    for name, url in [("1", FORMS[1]), ("2", PAGE), ("3", FORMS[2])]:
        same = index.add(article(name, TRAIN, url))
        assert (same.article_id, same.outcome, same.replaces, same.story_id) == ("1", "unchanged", None, "s1")
    assert (stored(index), index.changes()) == (before, changes)


def test_an_earlier_version_that_comes_late_is_not_stored(index):
    index.add(article("2", f"{TRAIN} Updated."))
    late = index.add(article("1", TRAIN, FORMS[1], TUESDAY - DAY))
    assert (late.article_id, late.outcome, late.replaces) == ("2", "unchanged", None)
    assert ids(index.story("s1")) == ["2"]
    # Under its own id an earlier date is an update: dates are corrected.
    assert index.add(article("2", TRAIN, PAGE, TUESDAY - DAY)).outcome == "updated"


def test_a_version_of_another_event_goes_to_the_story_of_that(index):
    index.add_many([article("1", TRAIN), article("b", BRIDGE, None), article("c", BANK, OTHER)])
    moved = index.add(article("1", f"{BANK} Markets had hoped for it."))
    assert (moved.outcome, moved.replaces, moved.left, moved.story_id) == ("updated", None, "s1", index.story_id("c"))


def test_an_id_that_is_used_again_for_another_page_is_another_article(index):
    index.add(article("feed-item-1", TRAIN))
    other = index.add(article("feed-item-1", BANK, f"{OTHER}?utm_source=rss"))
    assert (other.article_id, other.outcome, other.replaces) == (OTHER, "new_story", None)
    assert {index.story_id("feed-item-1"), index.story_id(OTHER)} == {"s1", "s2"}
    for again in (article("feed-item-1", BANK, OTHER), article("feed-item-1", TRAIN)):
        assert index.add(again).outcome == "unchanged"
    later = index.add(article("feed-item-1", f"{BANK} Updated.", OTHER))
    assert (later.article_id, later.outcome, later.replaces) == (OTHER, "updated", None)
    assert len(index) == 2


def test_an_id_that_is_used_again_for_a_page_that_is_stored_is_a_version_of_that(index):
    index.add_many([article("1", TRAIN), article("2", BANK, OTHER)])
    later = index.add(article("1", f"{BANK} Updated.", OTHER))
    assert (later.article_id, later.outcome, later.replaces) == (OTHER, "updated", "2")
    assert ids(index.story(later.story_id)) == [OTHER]


def test_an_article_whose_url_is_corrected_stays_itself(index):
    index.add(article("1", TRAIN))
    edited = index.add(article("1", f"{TRAIN} Updated.", f"{PAGE}-in-russia"))
    assert (edited.article_id, edited.outcome, edited.replaces, edited.story_id) == ("1", "updated", None, "s1")
    assert index.add(article("2", f"{TRAIN} Now.", f"{PAGE}-in-russia")).replaces == "1"
    assert index.add(article("3", BANK)).outcome == "new_story"  # the former URL is another page's


@pytest.mark.parametrize("url", [None, "", "https://example.org/", "http://www.example.org", "tag:7"])
def test_what_is_no_page_identifies_nothing(index, url):
    index.add(article("1", TRAIN, url))
    assert index.add(article("2", BANK, url)).outcome == "new_story"
    assert index.add(article("1", BANK, url)).outcome == "updated"


def test_pages_of_two_sources_are_two(index):
    index.add(article("1", TRAIN))
    assert index.add(article("2", TRAIN, source="Another")).outcome == "near_duplicate"
    assert index.add(article("3", TRAIN, source=None)).outcome == "near_duplicate"
    assert len(index) == 3


def test_a_switch_turns_it_off():
    with StoryIndex(":memory:", match_urls=False) as index:
        index.add(article("1", TRAIN))
        assert index.add(article("2", TRAIN)).outcome == "near_duplicate"
        assert index.add(article("1", TRAIN, FORMS[1])).outcome == "updated"
        assert index.add(article("1", BANK, OTHER)).outcome == "updated"
        assert len(index) == 2
    with pytest.raises(TypeError, match="match_urls is 1; allowed: True, False"):
        StoryIndex(":memory:", match_urls=1)


def test_the_switch_is_kept_in_the_file(tmp_path):
    StoryIndex(tmp_path / "index.db", match_urls=False).close()
    with pytest.raises(ValueError, match="made with match_urls=False, not True"):
        StoryIndex(tmp_path / "index.db")


def test_the_id_of_an_article_without_one_is_its_canonical_url(index):
    first = index.add({"text": TRAIN, "url": FORMS[1]})
    assert first.article_id == PAGE
    assert index.add({"text": TRAIN, "url": FORMS[2]}).outcome == "unchanged"
    assert index.add({"text": f"{TRAIN} Updated.", "url": PAGE}).outcome == "updated"
    for bad in ({"text": TRAIN}, {"text": TRAIN, "url": "https://example.org/"}):
        with pytest.raises(ValueError, match="article 0: field 'id' is missing"):
            index.add(bad)


def test_versions_of_one_batch_replace_each_other_in_its_order(index):
    batch = [
        article("1", TRAIN),
        article("2", f"{TRAIN} Updated.", FORMS[1]),
        article("b", BANK, OTHER),
        article("3", f"{TRAIN} Updated twice.", FORMS[2]),
        article("4", f"{TRAIN} Updated twice."),
    ]
    added = index.add_many(batch)
    assert [(a.article_id, a.outcome, a.replaces) for a in added] == [
        ("1", "new_story", None),
        ("2", "updated", "1"),
        ("b", "new_story", None),
        ("3", "updated", "2"),
        ("3", "unchanged", None),
    ]
    assert sorted(row.id for row in stored(index).values()) == ["3", "b"]


def test_keys_of_pages_that_collide_are_told_apart(index, monkeypatch):
    monkeypatch.setattr(serialization, "_key_of_page", lambda source, url: 7)
    index.add(article("1", TRAIN))
    assert index.add(article("2", BANK, OTHER)).outcome == "new_story"
    assert index.add(article("3", f"{BANK} Updated.", OTHER)).replaces == "2"


def test_pages_are_found_after_reopening_and_removal(tmp_path):
    with StoryIndex(tmp_path / "index.db") as index:
        index.add(article("1", TRAIN))
    with StoryIndex(tmp_path / "index.db") as index:
        assert index.add(article("2", f"{TRAIN} Updated.", FORMS[1])).replaces == "1"
        index.remove("2")
        assert index.add(article("3", TRAIN)).outcome == "new_story"


def test_another_writer_knows_the_pages():
    url = SERVER.new_database()
    with StoryIndex(url, clock=clock) as one, StoryIndex(url, clock=clock) as other:
        one.add(article("1", TRAIN))
        assert other.add(article("2", f"{TRAIN} Updated.", FORMS[1])).replaces == "1"
        assert one.add(article("3", f"{TRAIN} Updated twice.")).replaces == "2"
        assert memory(one) == memory(other)
    SERVER.drop(url)


def test_an_index_that_begins_with_a_batch_knows_its_pages(tmp_path):
    sample = [replace(a, url=f"https://example.org/{a.id}") for a in dedup.sample_articles("fr")]
    stories = dedup.cluster(sample)
    with StoryIndex.from_stories(tmp_path / "index.db", stories) as index:
        again = index.add_many([replace(a, id=f"{a.id} again", url=f"{a.url}?utm_source=rss") for a in sample])
        assert [(a.article_id, a.outcome) for a in again] == [(a.id, "unchanged") for a in sample]


# Whatever comes, against a twin that has the rules alone

TEXTS = [TRAIN, f"{TRAIN} Updated.", BANK, f"{BANK} Updated.", ROCKETS]
NAMES = ["1", "2", "3", canonical_url(PAGE)]
COMING = st.builds(
    article,
    st.sampled_from(NAMES),
    st.sampled_from(TEXTS),
    st.sampled_from([*FORMS, OTHER, None, "https://example.org/"]),
    st.sampled_from([None, TUESDAY, TUESDAY + DAY]),
    st.sampled_from(["Example", "Another"]),
)


class Twin:
    """Articles by id, with what an index knows of one page."""

    def __init__(self):
        self.live = {}

    @staticmethod
    def page(one):
        url = canonical_url(one.url or "")
        return None if url in ("", "https://example.org/") else (one.source, url)

    def add(self, one):
        """Return the id under which it is, and the one that it replaces."""
        page, known = self.page(one), self.live.get(one.id)
        pages = page and known and self.page(known) and {page[1], self.page(known)[1]}
        if pages and len(pages) == 2 and one.text[:30] != known.text[:30]:
            one = replace(one, id=page[1])
            known = self.live.get(one.id)
        if known is None and page:
            alike = [other for other in self.live.values() if other.text[:30] == one.text[:30]]
            same = [other for other in alike if self.page(other) == page]
            if same:
                known = max(
                    same, key=lambda other: (other.published or TUESDAY - 9 * DAY, list(self.live).index(other.id))
                )
        if known is None:
            self.live[one.id] = one
            return one.id, "new", None
        url = page and self.page(known) and page[1] == self.page(known)[1]
        is_same = replace(one, id=known.id, url=known.url if url else one.url) == known
        is_earlier = (
            one.id != known.id and None not in (one.published, known.published) and one.published < known.published
        )
        if is_same or is_earlier:
            return known.id, "unchanged", None
        del self.live[known.id]
        self.live[one.id] = one
        return one.id, "updated", known.id if known.id != one.id else None


@given(st.lists(COMING, min_size=1, max_size=12), st.data())
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_is_the_version_that_the_rules_say(coming, data):
    twin, follower = Twin(), Follower()
    with StoryIndex(":memory:", clock=clock) as single, StoryIndex(":memory:", clock=clock) as many:
        added = []
        for one in coming:
            expected = twin.add(one)
            added.append(single.add(one))
            outcome = added[-1].outcome if added[-1].outcome in ("unchanged", "updated") else "new"
            assert (added[-1].article_id, outcome, added[-1].replaces) == expected
            assert {a for s in single.stories() for a in s.articles} == set(twin.live.values())
            follower.catch_up(single)
            assert follower.places == told_places(single)
        batches, ids_of_batch = [[]], set()
        for one in coming:
            if one.id in ids_of_batch or data.draw(st.booleans()):
                batches.append([])
                ids_of_batch = set()
            batches[-1].append(one)
            ids_of_batch.add(one.id)
        assert [a for batch in batches for a in many.add_many(batch)] == added
        assert memory(many) == memory(single)
        assert many.changes() == single.changes()
