"""Versions of one page in a batch: they are one article, of which the latest version counts."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article, StoryClusterer

DAY = datetime(2023, 9, 12, 8, tzinfo=UTC)
LIVE = "Live: Kim Jong Un in Russia"
POSTS = [
    "The green train crossed the border at Khasan in the morning, and a band played.",
    "Both leaders were at the cosmodrome for four hours; Putin spoke of satellites.",
    "Fighter aircraft are made in the city that the guest went to on Friday.",
]
REPORT = "Kim Jong Un and Putin met at the cosmodrome for four hours and spoke of satellites, the Kremlin said."
OTHER = "The European Central Bank raised its rates by a quarter of a point, to the surprise of few economists."
FORMS = [
    "https://www.outlet.example/live/kim?utm_source=rss",
    "http://m.outlet.example/live/kim/",
    "https://outlet.example/live/kim/amp#top",
]


def at(hours):
    return DAY + timedelta(hours=hours)


@pytest.fixture
def live():
    """A live blog of three days, a report of its event by another outlet, and one of another event."""
    blog = [
        Article(f"live-{i}", post, LIVE, at(24 * i), "Outlet", form)
        for i, (post, form) in enumerate(zip(POSTS, FORMS, strict=True))
    ]
    return [*blog, Article("report", REPORT, "", at(30), "Agency"), Article("other", OTHER, "", at(30), "Agency")]


def ids(articles):
    return [article.id for article in articles]


def test_a_live_blog_is_one_article(live):
    stories = dedup.cluster(live)
    assert stories.near_duplicate_labels.tolist() == [0, 0, 0, 1, 2]
    assert ids(stories[0].near_duplicates[0]) == ["live-2", "live-0", "live-1"]
    assert stories[0].first == at(0)
    assert stories[0].last == max(article.published for article in stories[0].articles)
    assert len(set(stories.labels[:3].tolist())) == 1
    assert dedup.near_duplicates(live).groups == []


def test_the_latest_version_alone_is_compared(live):
    """Only the second version is like the report."""
    assert dedup.cluster(live[1:2] + live[3:]).labels.tolist() == [0, 0, 1]
    assert dedup.cluster(live[:2] + live[3:]).labels.tolist() == [0, 0, 0, 1]
    first, _, latest, report, other = dedup.cluster(live).labels.tolist()
    assert first == latest
    assert len({latest, report, other}) == 3 == len(dedup.cluster(live[2:]))


def test_the_switch(live):
    off = dedup.cluster(live, match_urls=False)
    assert off.near_duplicate_labels.tolist() == [0, 1, 2, 3, 4]
    assert StoryClusterer(match_urls=False).fit(live).near_duplicate_labels_.tolist() == [0, 1, 2, 3, 4]
    without = dedup.cluster([replace(article, url=None) for article in live])
    assert off.labels.tolist() == without.labels.tolist()
    assert off.membership.tolist() == without.membership.tolist()


def test_a_data_frame_has_versions_too(live):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([{f: getattr(a, f) for f in ("id", "text", "title", "published", "source")} for a in live])
    frame["link"] = [article.url for article in live]
    groups = [
        dedup.cluster_frame(frame, url="link", **parameters)["near_duplicate_group"].tolist()
        for parameters in ({}, {"match_urls": False})
    ]
    assert groups == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]]


@pytest.mark.parametrize("changes", [{"source": "Mirror"}, {"url": None}, {"url": "https://outlet.example/live/Kim"}])
def test_another_source_or_page_is_another_article(live, changes):
    live[1] = replace(live[1], **changes)
    assert dedup.cluster(live).near_duplicate_labels.tolist() == [0, 1, 0, 2, 3]


@pytest.mark.parametrize("url", ["https://outlet.example/", "kim", "https://", "urn:kim"])
def test_a_url_of_no_page_identifies_nothing(live, url):
    articles = [replace(article, url=url, source="Outlet") for article in live]
    assert dedup.cluster(articles).near_duplicate_labels.tolist() == [0, 1, 2, 3, 4]


def test_articles_under_the_url_of_a_section_stay_articles():
    texts = [POSTS[0], OTHER, POSTS[2], "Ferries between both islands remain in port while heavy rain and wind last."]
    section = [
        Article(str(i), text, "", at(i), "Outlet", "https://outlet.example/news") for i, text in enumerate(texts)
    ]
    assert dedup.cluster(section).near_duplicate_labels.tolist() == [0, 1, 2, 3]


def test_copies_of_a_version_are_in_its_group(live):
    """The copy of an early version comes with the page, whose latest version counts."""
    copy = Article("copy", POSTS[0], LIVE, at(1), "Mirror")
    stories = dedup.cluster([*live, copy])
    assert stories.near_duplicate_labels.tolist() == [0, 0, 0, 1, 2, 0]
    assert ids(stories[int(stories.labels[0])].near_duplicates[0])[0] == "live-2"
    first = replace(copy, published=at(-1))
    stories = dedup.cluster([*live, first])
    assert ids(stories[int(stories.labels[0])].near_duplicates[0]) == ["copy", "live-0", "live-1", "live-2"]


def test_a_version_without_a_date_is_not_the_latest(live):
    live[2] = replace(live[2], published=None)
    assert ids(dedup.cluster(live)[0].near_duplicates[0]) == ["live-1", "live-0", "live-2"]
    undated = [replace(article, published=None) for article in live]
    assert ids(dedup.cluster(undated)[0].near_duplicates[0])[0] == "live-2"


# What is shown


def test_the_latest_version_is_shown(live):
    story = dedup.cluster(live[:3])[0]
    assert (story.representative.id, story.reason) == ("live-2", "The latest of 3 versions of one page.")
    story = dedup.cluster(live[:2] + live[3:4])[0]
    assert story.reason.endswith(" The latest of its 2 versions." if story.representative.id == "live-1" else ".")
    for rule in ("earliest", "longest"):
        chosen = dedup.cluster(live[:2] + live[3:4], representative=rule)[0].representative
        assert chosen.id != "live-0"
        assert dedup.cluster(live[:3], representative=rule)[0].reason == "The latest of 3 versions of one page."


def test_versions_among_copies_are_named_as_such(live):
    copy = Article("copy", POSTS[1], LIVE, at(40), "Mirror")
    assert dedup.cluster([*live[:2], copy])[0].reason == "The latest version of the earliest of 3 copies of one text."
    undated = [replace(article, published=None) for article in (*live[:2], copy)]
    assert dedup.cluster(undated)[0].reason in {
        "A version of one of 3 copies of one text.",
        "One of 3 copies of one text.",
    }
    assert dedup.cluster([replace(article, published=None) for article in live[:2]])[0].reason == (
        "One of 2 versions of one page."
    )


def test_explanations_speak_of_versions(live):
    stories = dedup.cluster(live[:2] + live[3:])
    for found in (
        stories.explain("live-0", "live-1"),
        dedup.explain(*live[:2]),
        dedup.explain(*live[:2], among=stories),
    ):
        assert found.verdict == "Versions of one page: 3% of their runs of five words are in both."
    assert stories[0].explain("live-0").verdict.endswith(" 1 other version of it in the story.")
    assert "closest is" in stories[0].explain("report").verdict
    alone = dedup.cluster(live[:3])[0]
    assert alone.explain("live-0").verdict == "In the story as one of 3 versions of one page."
    copy = Article("copy", POSTS[0], LIVE, at(1), "Mirror")
    group = dedup.cluster([live[0], live[1], copy])[0]
    assert group.explain("live-1").verdict == "In the story as one of 3 copies of one text."
    apart = dedup.cluster(live, match_urls=False)
    assert "Versions" not in apart.explain("live-0", "live-1").verdict


def test_the_membership_of_a_version_is_that_of_the_latest(live):
    stories = dedup.cluster(live[:2] + live[3:])
    assert stories.membership[0] == stories.membership[1]
    found = stories[0].explain("live-1")
    assert stories.membership[1] == pytest.approx(found.similarity, abs=1e-6)


# As if there were the latest versions alone


def edited(articles, seed):
    """Articles of the sample, some with earlier versions; and those versions that are the latest."""
    rng, every, latest = random.Random(seed), [], []
    for number, article in enumerate(articles):
        last = replace(article, url=f"https://outlet.example/{number}", residue=(), title_residue=())
        latest.append(last)
        every.append(last)
        for k in range(rng.choice([0, 0, 1, 2])):
            words = last.text.split()
            rng.shuffle(words)
            before = last.published - timedelta(hours=rng.uniform(0.1, 30))
            text = " ".join(words[: len(words) // (k + 1)])
            form = f"http://www.outlet.example/{number}/?utm_medium={k}"
            every.append(Article(f"{last.id} {k}", text, last.title, before, last.source, form, last.language))
    return every, latest


def reports(language):
    """Articles of the sample that are no copies; the first article of a group decides whose page stands for it."""
    sample = [a for a in dedup.sample_articles(language) if a.near_duplicate_group == a.id]
    return [Article(a.id, a.text, a.title, a.published, a.source, None, a.language) for a in sample]


def representatives(stories):
    """What the episodes show. Which of two that are as large a story shows, an old version may decide."""
    return {episode.representative.id for story in stories for episode in story.episodes}


@settings(max_examples=6)
@given(st.integers(0, 2**32), st.sampled_from(["fr", "de", "ru"]), st.sampled_from([0, 21]))
def test_stories_are_those_of_the_latest_versions(seed, language, max_gap_days):
    every, latest = edited(reports(language), seed)
    parameters = {"cut_residue": False, "max_gap_days": max_gap_days, "n_jobs": 1}
    found, expected = dedup.cluster(every, **parameters), dedup.cluster(latest, **parameters)
    place = {article.id: i for i, article in enumerate(every)}
    places = [place[article.id] for article in latest]
    for name in ("labels", "episode_labels", "near_duplicate_labels"):
        pairs = list(zip(getattr(found, name)[places].tolist(), getattr(expected, name).tolist(), strict=True))
        assert len(set(pairs)) == len({own for own, _ in pairs}) == len({other for _, other in pairs})
    assert found.membership[places].tolist() == expected.membership.tolist()
    assert representatives(found) == representatives(expected)
    groups = found.near_duplicate_labels.tolist()
    assert groups == [groups[place[article.id.partition(" ")[0]]] for article in every]
    for threshold in (0.08, 0.3):
        finer = found.rethreshold(threshold), expected.rethreshold(threshold)
        assert representatives(finer[0]) == representatives(finer[1])
    doubts, others = (
        [(d.article and d.article.id, d.similarity, d.needed) for d in s.least_certain(20)] for s in (found, expected)
    )
    assert doubts == others


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_the_order_of_the_input_does_not_matter(seed):
    sample = [
        Article(a.id, a.text, a.title, a.published, a.source, None, a.language) for a in dedup.sample_articles("fr")
    ]
    every, _ = edited(sample[:20], seed)
    turned = every[:]
    random.Random(seed + 1).shuffle(turned)
    one, other = dedup.cluster(every, n_jobs=1), dedup.cluster(turned, n_jobs=1)
    assert [(s.articles, s.near_duplicates, s.reason, s.membership) for s in one] == [
        (s.articles, s.near_duplicates, s.reason, s.membership) for s in other
    ]


def test_versions_are_the_same_whatever_the_threads(live):
    labels = [dedup.cluster(live, n_jobs=n_jobs).near_duplicate_labels for n_jobs in (1, 3)]
    assert np.array_equal(*labels)


def test_the_switch_of_the_command(tmp_path, capsys, live):
    from dedup.cli.program import main

    rows = [{"id": a.id, "text": a.text, "title": a.title, "published": a.published.isoformat()} for a in live]
    rows = [row | {"source": a.source, "url": a.url} for row, a in zip(rows, live, strict=True)]
    path = tmp_path / "articles.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    found = []
    for options in ([], ["--ignore-urls"]):
        assert main(["cluster", str(path), *options]) == 0
        out = map(json.loads, capsys.readouterr().out.splitlines())
        found.append([row["near_duplicate_group"] for row in out])
    assert found == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]]
