"""Episodes become stories slice by slice, to the bit as in the batch, and however the slices lie."""

import numpy as np
import pytest
from archived import MAX_CHARS, cluster, generated, in_order, rows_of, shuffled, write
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from test_batch import assert_same_as_the_batch

import dedup
from dedup import archive
from dedup.archive import joining, parts, similarity, slices
from dedup.archive.job import Job, part_folder
from dedup.arrays import first_members, numbered_by_first
from dedup.parameters import NearSettings, StorySettings
from dedup.story import candidates, episodes, pipeline
from dedup.story.episodes import Episodes, chunks_in_reach, similar_episodes, stories_of
from dedup.story.extraction import KEY_BITS

GAP, THRESHOLD = 6.0, 0.12


def long_events(n=260, seed=11):
    """Reports of events that go on for weeks, so that many stories have several episodes."""
    return shuffled(generated(n, seed=seed, days=50.0, words=30, lasts=8.0, undated=0.03, copied=0.15))


class Stopped(Exception):
    """What ends a job here; has the job."""


def stop(job, number, folder):
    raise Stopped(job)


def begun(folder, articles, monkeypatch, stage):
    """A job that ended where a stage of `joining` begins."""
    with monkeypatch.context() as patch:
        patch.setattr(joining, stage, stop)
        with pytest.raises(Stopped) as stopped:
            cluster(write(folder / "a.jsonl", articles), folder / "out")
    return stopped.value.args[0]


# As in the batch


@pytest.fixture
def in_batch(monkeypatch):
    """Run the batch; return its episodes."""

    def run(articles):
        seen = []

        def noted(of_batch, *others):
            seen.append(of_batch)
            return stories_of(of_batch, *others)

        with monkeypatch.context() as patch:
            patch.setattr(pipeline, "stories_of", noted)
            dedup.cluster(in_order(articles), max_chars=MAX_CHARS)
        return seen[0]

    return run


@pytest.mark.parametrize("size", [23, 90])
def test_means_and_pairs_are_those_of_the_batch_to_the_bit(tmp_path, small_slices, monkeypatch, in_batch, size):
    small_slices(size)
    articles = long_events()
    of_batch = in_batch(articles)
    job = begun(tmp_path, articles, monkeypatch, "match_slice")
    labels = parts.EpisodeLabels.of(job)
    n = len(labels.heads)
    first, last = np.array(parts.Order.of(job).days[labels.heads]), np.array(labels.last)
    assert np.array_equal(first, of_batch.first[:n])
    assert np.array_equal(last, of_batch.last[:n])
    assert np.isnan(of_batch.first[n:]).all()
    numbers = joining.numbers_of(job)
    assert [own.start for own in numbers[1:]] == [own.stop for own in numbers[:-1]]
    assert numbers[-1].stop == n
    sizes = np.diff(labels.offsets)
    spanning, features = 0, []
    for k, own in enumerate(numbers):
        means = parts.EpisodeMeans.of(job, k)
        rows = of_batch.means[own]
        assert means.data.dtype == rows.data.dtype == np.float32
        assert np.array_equal(means.data.view(np.uint32), rows.data.view(np.uint32))
        assert np.array_equal(means.indptr, rows.indptr)
        features.append(np.stack([means.keys[means.indices], rows.indices.astype(np.uint64)]))
        assert np.array_equal(means.within, of_batch.within[own])
        assert np.array_equal(means.costs, of_batch.costs[own])
        assert np.array_equal(sizes[own], of_batch.sizes[own])
        end = slices.positions_of(job, k).stop
        spanning += sum(int(labels.reports[labels.offsets[i + 1] - 1]) >= end for i in range(own.start, own.stop))
    # A column of the batch is a feature of the archive, in each row at the same place.
    numbers = np.concatenate(features, axis=1)
    counts = [len(np.unique(own)) for own in numbers]
    assert counts == [np.unique(numbers, axis=1).shape[1]] * 2
    assert sizes.max() > 3
    assert spanning > 1, "no episode goes on in the next slice"
    found = matched(job)
    expected = similar_episodes(of_batch, job.settings.max_gap_days)
    assert len(expected.left) > 20
    assert all(np.array_equal(own, getattr(expected, name)) for name, own in found.items())


def matched(job):
    """The similar pairs of all slices, found now."""
    found = []
    for k in slices.slices_of(job):
        found.append(parts.EpisodePairs(part_folder(job, "match", k)))
        found[-1].folder.mkdir(parents=True)
        joining.match_slice(job, k, found[-1].folder)
    names = ("left", "right", "similarity")
    return {name: np.concatenate([getattr(part, name) for part in found]) for name in names}


@pytest.mark.parametrize("rule", ["central", "earliest", "longest"])
def test_stories_of_several_episodes_are_those_of_the_batch(tmp_path, small_slices, rule):
    small_slices(40)
    articles = long_events(seed=12)
    cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out", representative=rule)
    assert_same_as_the_batch(tmp_path / "out", articles, representative=rule)
    several = [row for row in rows_of(tmp_path / "out", "stories") if row["episode_count"] > 1]
    assert len(several) > 3
    assert all(
        row["reason"].startswith(("Of the largest of", "Of the first of the")) == (rule == "central") for row in several
    )


@pytest.mark.parametrize("gap", [0, 7.5, 366])
def test_most_days_between_episodes_are_as_in_the_batch(tmp_path, small_slices, gap):
    small_slices(50)
    articles = long_events(seed=13)
    manifest = cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out", max_gap_days=gap)
    assert manifest["parameters"]["max_gap_days"] == gap
    assert_same_as_the_batch(tmp_path / "out", articles, max_gap_days=gap)
    joined = manifest["counts"]["episodes"] - manifest["counts"]["stories"]
    assert joined > 3 if gap else joined == 0


def test_neither_slices_nor_rows_at_once_nor_the_order_of_articles_change_them(tmp_path, small_slices, monkeypatch):
    articles, found = long_events(seed=14), []
    for size, rows in [(1000, 512), (31, 7), (90, 1)]:
        small_slices(size)
        monkeypatch.setattr(similarity, "_ROWS_AT_ONCE", rows)
        path = write(tmp_path / f"{size}.jsonl", shuffled(articles, size))
        manifest = cluster(path, tmp_path / f"{size}")
        tables = [rows_of(tmp_path / f"{size}", name) for name in ("assignments", "stories", "episodes")]
        for row in [row for table in tables for row in table]:
            for name in row.keys() & {"membership", "cohesion"}:
                row[name] = round(row[name], 6)
        found.append((tables, manifest["counts"] | {"slices": 0}))
    assert found[0] == found[1] == found[2]


def test_what_is_read_has_the_episodes_of_the_batch(tmp_path):
    articles = long_events(120, seed=15)
    cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out")
    stories = dedup.cluster(in_order(articles), max_chars=MAX_CHARS)
    found = archive.read(tmp_path / "out")
    assert [article.id for article in found.articles] == [article.id for article in stories.articles]
    assert found.labels.tolist() == numbered_by_first(stories.labels).tolist()
    assert found.episode_labels.tolist() == numbered_by_first(stories.episode_labels).tolist()
    assert found.episode_labels.max() > found.labels.max()


# Without a job


def made_up(seed, n):
    """Episodes by their first report, some undated, with features that few or many others have."""
    rng = np.random.default_rng(seed)
    dated = int(rng.integers(0, n + 1))
    first = np.sort(rng.uniform(0, rng.choice([5.0, 60.0]), dated))
    last = first + rng.exponential(2.0, dated) * (rng.random(dated) < 0.5)
    undated = np.full(n - dated, np.nan)
    features = np.sort(rng.choice(1 << KEY_BITS, 40, replace=False).astype(np.uint64))
    density = rng.random(40) ** 2 * 0.5
    dense = np.where(rng.random((n, 40)) < density, rng.random((n, 40)), 0.0).astype(np.float32)
    dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-9).astype(np.float32)
    within, costs = rng.random(n) * (rng.random(n) < 0.5), np.round(rng.random(n) * 2**18) / 2**20
    sizes = np.where(within > 0, rng.integers(2, 40, n), 1)
    everything = Episodes(csr_array(dense), np.append(first, undated), np.append(last, undated), within, costs, sizes)
    return everything, dated, features


def on_disk(folder, everything, dated, features, cuts):
    """A job with these episodes, one article each, in slices that are cut here."""
    given = StorySettings(NearSettings(), THRESHOLD, cut_residue=True, max_chars=1000, max_gap_days=GAP)
    job, n = Job(str(folder), given, "central", None), len(everything.costs)
    bounds = np.array([0, *sorted({dated, *cuts} - {0, n}), n] if n else [0, 0])
    chunks = chunks_in_reach(everything.first[:dated], everything.last[:dated], GAP)
    made = [parts.Order(part_folder(job, "order")), parts.EpisodeLabels(part_folder(job, "episodes"))]
    for part in made:
        part.folder.mkdir(parents=True)
    made[0].save(bounds=bounds, days=everything.first)
    made[1].save(
        first=np.arange(n),
        head=np.arange(n),
        heads=np.arange(dated),
        last=everything.last[:dated],
        offsets=np.concatenate([[0], np.cumsum(everything.sizes[:dated])]),
        chunks=np.array([(own.start, own.stop, reach.stop) for own, reach in chunks], dtype=np.int64).reshape(-1, 3),
    )
    for k, own in enumerate(joining.numbers_of(job)):
        rows, part = everything.means[own], parts.EpisodeMeans(part_folder(job, "means", k))
        part.folder.mkdir(parents=True)
        columns, indices = np.unique(rows.indices, return_inverse=True)  # a slice knows its own features alone
        part.save(data=rows.data, indices=indices.astype(np.int32), indptr=rows.indptr, keys=features[columns])
        part.save(within=everything.within[own], costs=everything.costs[own])
    return job


@settings(max_examples=40)
@given(
    st.integers(0, 2**32), st.integers(0, 40), st.lists(st.integers(0, 40), max_size=8), st.sampled_from([4, 15, 3000])
)
def test_slices_find_the_pairs_and_stories_of_the_batch(tmp_path_factory, seed, n, cuts, postings):
    everything, dated, features = made_up(seed, n)
    folder = tmp_path_factory.mktemp("job")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "_MIN_CHUNK_ROWS", 3)
        patch.setattr(episodes, "_POSTINGS", postings)
        patch.setattr(similarity, "_ROWS_AT_ONCE", 2)
        job = on_disk(folder, everything, dated, features, [cut for cut in cuts if cut < n])
        found, expected = matched(job), similar_episodes(everything, GAP)
        assert all(np.array_equal(own, getattr(expected, name)) for name, own in found.items())
        (folder / "joined").mkdir()
        joining.join_episodes(job, 0, folder / "joined")
        labels = stories_of(everything, THRESHOLD, GAP)
    assert parts.StoryLabels(folder / "joined").first.tolist() == first_members(labels)[labels].tolist()
