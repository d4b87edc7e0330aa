"""Copies of an index, and an index that begins with a batch."""

import multiprocessing
import shutil
from datetime import UTC, datetime

import pytest
from postgres_server import SERVER
from test_index import remembered

import dedup
from dedup import Article, StoryIndex, copy_index
from dedup.store import copying
from dedup.stream.state import IndexState

TEXT = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."
TABLES = ["other_ids", "habits", "counters"]
COPIES = [("file", "file"), ("file", "postgres"), ("postgres", "file"), ("postgres", "postgres")]


@pytest.fixture
def place(tmp_path):
    """A new path or URL of a kind, each time it is called."""
    made = []

    def make(kind):
        made.append(str(tmp_path / f"{len(made)}.db") if kind == "file" else SERVER.new_database())
        return made[-1]

    yield make
    for url in made:
        if url.startswith("postgres"):
            SERVER.drop(url)


@pytest.fixture(scope="module")
def plain(sample):
    """As an index gives them back."""
    return [Article(a.id, a.text, a.title, a.published, a.source, a.url, a.language) for a in sample]


@pytest.fixture(scope="module")
def stories(plain):
    return dedup.cluster(plain)


def fill(path, sample):
    """All there can be: copies, aliases, learned residue, gaps in the numbers, undated articles, ids of every kind."""
    with StoryIndex(path, recall=0.9) as index:
        index.add_many(sample[:150])
        index.add_many([Article(f"a\x00{i}", f"{TEXT} {i}\x00", source="é\x00") for i in range(70)])
        index.remove(sample[3].id)
        index.expire(datetime(2023, 3, 1, tzinfo=UTC))
        with index._session.store.transaction():
            story, into = index._session.state.new_episode(), index._session.store.by_id("a\x000").episode
            index._session.state.merge(story, into)
        index.add(sample[160])
        index.remove(sample[160].id)
        first, second, *_ = (story.id for story in index.stories(min_size=2))
        index.forbid(first, second)
        index.pin(first, title="A\x00title é")
        return f"s{story}"


@pytest.fixture(scope="module")
def filled(sample, tmp_path_factory):
    """The file of an index that has all there can be, and an alias in it; tests must not change it."""
    path = tmp_path_factory.mktemp("filled") / "filled.db"
    return path, fill(path, sample)


@pytest.fixture
def source(filled, tmp_path):
    """A file of its own with all there can be."""
    return shutil.copy(filled[0], tmp_path / "source.db")


def answers(index):
    stories = [(s.id, s.articles, s.near_duplicates, s.membership, [e.id for e in s.episodes]) for s in index.stories()]
    return stories, index.changes()


@pytest.mark.parametrize(("first", "second"), COPIES)
def test_a_copy_is_the_same_to_the_last_number(place, sample, filled, first, second):
    source, target = place(first), place(second)
    alias = fill(source, sample) if first == "postgres" else filled[1]
    if first == "file":
        shutil.copy(filled[0], source)
    copied = copy_index(source, target)
    assert list(copied) == ["articles", "traits", "stories", "chapters", "changes", "decisions", *TABLES]
    with StoryIndex(source, recall=0.9) as index, StoryIndex(target, recall=0.9) as copy:
        assert copied["articles"].rows == copied["traits"].rows == len(index) == len(copy)
        assert copied["habits"].rows > 0
        assert copied["decisions"].rows == 2
        assert remembered(copy._session.state) == remembered(index._session.state)
        assert answers(copy) == answers(index)
        assert copy.story(alias).id == index.story(alias).id == index.story_id("a\x000")
        assert copy.add_many(sample[150:]) == index.add_many(sample[150:])
        assert answers(copy) == answers(index)
    with pytest.raises(ValueError, match="made with recall="):
        StoryIndex(target)


def test_a_copy_of_a_copy_has_the_same_sums(place, source, caplog):
    target, again = place("file"), place("file")
    with caplog.at_level("INFO", logger="dedup"):
        sums = copy_index(source, target)
    assert caplog.messages[-2:] == [f"copying {source} to {target}", f"{sums['articles'].rows} articles copied"]
    assert copy_index(target, again) == sums


@pytest.mark.parametrize("kind", ["file", "postgres"])
def test_only_where_there_is_no_index_yet(place, kind):
    source, target = place("file"), place(kind)
    for path in (source, target):
        with StoryIndex(path) as index:
            index.add({"id": path, "text": TEXT})
    with pytest.raises(ValueError, match="has an index already; allowed: where there is none"):
        copy_index(source, target)
    with pytest.raises((ValueError, RuntimeError), match="allowed"):
        copy_index(source, source)
    with pytest.raises(ValueError, match="target is ':memory:'; allowed: a path or URL"):
        copy_index(source, ":memory:")
    with StoryIndex(target) as index:
        assert index.story_id(target) == "s1"


@pytest.mark.parametrize("kind", ["file", "postgres"])
def test_where_there_is_no_index_nothing_is_copied_and_no_target_is_made(place, kind, tmp_path):
    with pytest.raises((ValueError, OSError), match="allowed"):
        copy_index(place(kind), tmp_path / "target.db")
    assert not (tmp_path / "target.db").exists()


@pytest.mark.parametrize("kind", ["file", "postgres"])
@pytest.mark.parametrize("moment", ["insert", "set_learned_residue", "mark_complete"])
def test_an_interrupted_copy_is_never_taken_for_whole_and_may_be_made_again(place, source, monkeypatch, kind, moment):
    target, opened = place(kind), copying.open_store

    def open_store(path, *args, **how):
        store = opened(path, *args, **how)
        if path == target:
            monkeypatch.setattr(store, moment, interrupt)
        return store

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copying, "open_store", open_store)
        with pytest.raises(KeyboardInterrupt):
            copy_index(source, target)
    for how in ({}, {"read_only": True}):
        with pytest.raises(ValueError, match="is an unfinished copy; allowed"):
            StoryIndex(target, recall=0.9, **how)
    copy_index(source, target)
    with StoryIndex(source, recall=0.9) as index, StoryIndex(target, recall=0.9) as copy:
        assert answers(copy) == answers(index)


def test_what_was_not_written_as_it_was_read_is_refused(place, source, monkeypatch):
    target = place("file")
    monkeypatch.setattr(copying, "_copy", lambda origin, copy: copy.insert_episodes(origin.all_episodes()))
    with pytest.raises(RuntimeError, match="nothing was stored"):
        copy_index(source, target)
    with pytest.raises(ValueError, match="is an unfinished copy"):
        StoryIndex(target, recall=0.9)


def test_an_index_is_copied_while_another_process_has_it_open(place, sample):
    source, target = place("file"), place("file")
    with StoryIndex(source) as index:
        index.add_many(sample[:20])
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(copy_index, (source, target))
        index.add(sample[20])
    with StoryIndex(target) as copy:
        assert len(copy) == 20


# From a batch


@pytest.mark.parametrize("kind", [":memory:", "file", "postgres"])
def test_an_index_begins_with_the_stories_of_a_batch(place, plain, stories, kind):
    path = kind if kind == ":memory:" else place(kind)
    with StoryIndex.from_stories(path, stories) as index:
        assert len(index) == len(plain)
        for number, story in enumerate(stories, 1):
            told = index.story(f"s{number}")
            assert told.id == f"s{number}"
            assert told.articles == story.articles
            assert told.near_duplicates == story.near_duplicates
            assert [episode.articles for episode in told.episodes] == [episode.articles for episode in story.episodes]
            assert [a.residue for a in told.articles] == [a.residue for a in story.articles]
        assert remembered(index._session.state) == remembered(IndexState(index._session.store, index._session.settings))
        n_episodes = sum(len(story.episodes) for story in stories)
        cut = {article.id for article in stories.articles if article.title_residue}
        assert {a.outcome for a in index.add_many([a for a in plain if a.id not in cut])} == {"unchanged"}
        (first, *_) = stories[0].articles
        again = index.add(Article("new", f"{first.text} It is said.", title=first.title, published=first.published))
        assert (again.story_id, again.outcome) == ("s1", "near_duplicate")
        assert index.add({"id": "other", "text": "A hedgehog crossed Elm Street."}).story_id == f"s{n_episodes + 1}"


def test_the_articles_of_a_batch_are_unchanged_in_an_index_when_they_come_again():
    rows = [{"id": "a", "title": "LIVE: Kim arrives in Russia", "text": TEXT, "published": 1694512800}]
    with StoryIndex.from_stories(":memory:", dedup.cluster(rows)) as index:
        assert [a.outcome for a in index.add_many(rows)] == ["unchanged"]


def test_new_reports_join_the_stories_of_the_batch_as_they_do_in_a_stream(plain):
    known = [a for i, a in enumerate(plain) if i % 5]
    late = [a for i, a in enumerate(plain) if not i % 5]
    with StoryIndex.from_stories(":memory:", dedup.cluster(known)) as index, StoryIndex(":memory:") as stream:
        stream.add_many(known)
        joined, in_stream = (
            [one for one in each.add_many(late) if one.outcome != "new_story"] for each in (index, stream)
        )
        of_batch = {f"s{number}" for number in range(1, len(dedup.cluster(known)) + 1)}
        assert len([one for one in joined if one.story_id in of_batch]) >= 0.8 * len(in_stream) > 8


def test_only_stories_of_articles_that_an_index_takes_and_only_a_new_index(tmp_path, stories):
    with pytest.raises(TypeError, match=r"stories is list; allowed: what dedup\.cluster or dedup\.archive\.read"):
        StoryIndex.from_stories(":memory:", list(stories))
    with pytest.raises(ValueError, match=r"field 'id' is '\\ud800'; allowed: no lone surrogates"):
        StoryIndex.from_stories(":memory:", dedup.cluster([Article("\ud800", TEXT)]))
    path = tmp_path / "index.db"
    StoryIndex.from_stories(path, stories, recall=0.9).close()
    with pytest.raises(ValueError, match=r"index\.db has had articles; allowed: a new index"):
        StoryIndex.from_stories(path, stories, recall=0.9)
    with StoryIndex(path, recall=0.9) as index:
        assert len(index) == len(stories.articles)


def test_the_threshold_is_that_of_the_stories_and_no_articles_make_an_empty_index(tmp_path, sample):
    StoryIndex.from_stories(tmp_path / "a.db", dedup.cluster(sample[:9], story_threshold=0.3)).close()
    with pytest.raises(ValueError, match="made with story_threshold="):
        StoryIndex(tmp_path / "a.db")
    with StoryIndex.from_stories(":memory:", dedup.cluster([])) as index:
        assert len(index) == 0
