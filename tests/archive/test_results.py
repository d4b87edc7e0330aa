"""An index that begins with the results of an archive."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archived import BEGIN, cluster, generated, hostile, sampled, shuffled, spread, write
from postgres_server import SERVER
from test_index import remembered

import dedup
from dedup import Article, StoryIndex, archive
from dedup.archive import results
from dedup.stream.state import IndexState

KINDS = [".jsonl", ".parquet"]


@pytest.fixture(scope="module")
def articles():
    return generated(300, seed=5, days=20.0)


@pytest.fixture(scope="module")
def done(tmp_path_factory, articles):
    """Files of articles, and the results of a job over them."""
    folder = tmp_path_factory.mktemp("archive")
    cluster(spread(folder / "in", shuffled(articles), KINDS), folder / "out")
    return folder


@pytest.fixture
def copied(done, tmp_path):
    """Results that may be changed."""
    return shutil.copytree(done / "out", tmp_path / "out")


def begin(path, out, *, since=None, **how):
    return StoryIndex.from_stories(path, archive.read(out, since=since), **how)


def summary(index):
    """All that an index says of its stories but for their numbers."""
    return {(s.articles, s.near_duplicates, s.membership, s.representative) for s in index.stories()}


@pytest.mark.parametrize("rows", ["generated", "hostile", "sample"])
@pytest.mark.parametrize("parameters", [{}, {"cut_residue": False, "story_threshold": 0.2, "fold": "marks"}])
def test_it_is_the_index_that_begins_with_the_batch(tmp_path, articles, rows, parameters):
    given = {"generated": articles, "hostile": hostile(surrogates=False), "sample": sampled()}[rows]
    files, settings = spread(tmp_path / "in", shuffled(given), KINDS), {"max_chars": 10_000} | parameters
    cluster(files, tmp_path / "out", errors="undated", **settings)
    stories = dedup.cluster(given, errors="undated", **settings)
    batch = StoryIndex.from_stories(":memory:", stories, **settings)
    with batch, begin(":memory:", tmp_path / "out") as index:
        assert summary(index) == summary(batch)
        assert [s.articles[0] for s in sorted(index.stories(), key=lambda s: int(s.id[1:]))] == sorted(
            (story.articles[0] for story in stories), key=lambda a: (a.published is None, a.published or BEGIN, a.id)
        )
        assert remembered(index._session.state) == remembered(IndexState(index._session.store, index._session.settings))


def test_reports_join_and_the_same_articles_are_unchanged(done, articles):
    with begin(":memory:", done / "out") as index:
        assert {one.outcome for one in index.add_many(articles)} == {"unchanged"}
        first = next(a for a in articles if "published" in a)
        again = index.add(first | {"id": "new"})
        assert (again.story_id, again.outcome) == (index.story_id(first["id"]), "near_duplicate")


@pytest.mark.parametrize("kind", ["file", "postgres"])
def test_the_index_is_kept_with_the_parameters_of_the_archive(tmp_path, articles, kind):
    path = tmp_path / "index.db" if kind == "file" else SERVER.new_database()
    cluster(write(tmp_path / "a.jsonl", articles[:40]), tmp_path / "out", recall=0.9, story_threshold=0.3)
    begin(path, tmp_path / "out", representative="longest").close()
    with StoryIndex(path, recall=0.9, story_threshold=0.3, max_chars=3000) as index:
        assert len(index) == 40
        assert any(len(story) > 1 for story in index.stories())
    with pytest.raises(ValueError, match="has had articles; allowed: a new index"):
        begin(path, tmp_path / "out")
    if kind == "postgres":
        SERVER.drop(path)


def test_the_latest_stories_come_whole(done):
    with begin(":memory:", done / "out") as index:
        everything = index.stories()
    since = next(story.last for story in everything if len(story) > 1 and story.last and story.last > story.first)
    with begin(":memory:", done / "out", since=since) as index:
        late = index.stories()
    ids = [{a.id for a in story.articles} for story in late]
    assert ids == [{a.id for a in story.articles} for story in everything if story.last and story.last >= since]
    assert any(story.first < since for story in late)
    with begin(":memory:", done / "out", since=BEGIN + timedelta(days=900)) as index:
        assert len(index) == 0


def test_of_parquet_files_only_blocks_with_articles_that_are_wanted_are_read(tmp_path, articles, monkeypatch):
    dated = sorted((a for a in articles if "published" in a), key=lambda a: a["published"])
    cluster(write(tmp_path / "a.parquet", dated), tmp_path / "out")
    read, rows_of_block = [], results.rows_of_block

    def noted(block, fields):
        if fields.select(["text"]):
            read.append(block.start)
        return rows_of_block(block, fields)

    monkeypatch.setattr(results, "rows_of_block", noted)
    with begin(":memory:", tmp_path / "out", since=datetime.fromisoformat(dated[-1]["published"])) as index:
        assert len(index) > 0
    assert 0 not in read
    assert read


def test_all_fields_are_those_of_the_files(tmp_path):
    row = {"id": 7, "text": "Kim went to Russia.", "url": "https://a.example/7", "language": "en", "other": 1}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    cluster(tmp_path / "a.parquet", tmp_path / "out", timezone="Europe/Paris")
    with begin(":memory:", tmp_path / "out") as index:
        assert index.story("s1").articles == (Article("7", row["text"], url=row["url"], language="en"),)


def test_times_without_a_zone_are_of_the_zone_of_the_job(tmp_path):
    write(tmp_path / "a.jsonl", [{"id": "a", "text": "Kim", "published": "2023-09-12T12:00"}])
    cluster(tmp_path / "a.jsonl", tmp_path / "out", timezone="Europe/Paris")
    with begin(":memory:", tmp_path / "out") as index:
        assert index.story("s1").first == datetime(2023, 9, 12, 10, tzinfo=UTC)


def test_no_articles_are_an_empty_index(tmp_path):
    cluster(write(tmp_path / "a.jsonl", []), tmp_path / "out")
    with begin(":memory:", tmp_path / "out") as index:
        assert len(index) == 0


def test_progress_is_of_the_articles_taken_over(done, articles):
    seen = []
    begin(":memory:", done / "out", progress=lambda *counts: seen.append(counts)).close()
    assert seen[-1] == (len(articles), len(articles))
    assert seen == sorted(set(seen))


def test_results_that_are_not_there_or_not_done_are_refused(tmp_path, copied):
    (copied / "manifest.json").unlink()
    for out in (copied, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=r"has no manifest\.json; allowed: the results of dedup\.archive\.cluster"):
            begin(tmp_path / "index.db", out)
    assert not (tmp_path / "index.db").exists()


def test_results_of_another_format_or_changed_are_refused(copied):
    manifest = json.loads((copied / "manifest.json").read_text())
    (copied / "manifest.json").write_text(json.dumps(manifest | {"format": 9}))
    with pytest.raises(
        ValueError, match=r"has format 9; allowed: 4; call dedup\.archive\.cluster again, with a new folder"
    ):
        begin(":memory:", copied)
    (copied / "manifest.json").write_text(json.dumps(manifest))
    part = next((copied / "assignments").glob("*.parquet"))
    table = pq.read_table(part)
    pq.write_table(table.slice(1), part)
    with pytest.raises(ValueError, match=r"assignments/part-00000[01]\.parquet is not what the job wrote"):
        begin(":memory:", copied)


def test_articles_that_have_changed_or_gone_are_refused(tmp_path, articles):
    path = write(tmp_path / "a.jsonl", articles[:9])
    cluster(path, tmp_path / "out")
    write(path, articles[:10])
    with pytest.raises(
        ValueError, match=r"out: the articles have changed: .*a\.jsonl' has changed; allowed: the files of the"
    ):
        begin(":memory:", tmp_path / "out")
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.jsonl' is no file"):
        begin(":memory:", tmp_path / "out")


def test_ids_that_an_index_does_not_take_are_refused(tmp_path):
    rows = [{"id": "broken \ud800", "text": "Kim"}, {"id": "broken \ud801", "text": "Putin"}]
    cluster(write(tmp_path / "a.jsonl", rows), tmp_path / "out")
    with pytest.raises(ValueError, match=r"no article has the id 'broken \?'; allowed: ids without lone surrogates"):
        begin(tmp_path / "index.db", tmp_path / "out")


@pytest.mark.parametrize("since", ["2024-01-01", datetime(2024, 1, 1)])
def test_since_is_an_aware_moment(done, since):
    with pytest.raises(ValueError, match=r"since is .*allowed: an aware datetime"):
        begin(":memory:", done / "out", since=since)
