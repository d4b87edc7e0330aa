"""A person's walk: the demo, ten lines in a notebook, the example service, two stories that become one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_examples import ROOT, RUN
from test_ingest_service import running, sample

TEN_LINES = """
import dedup
articles = dedup.sample_articles("en")
stories = dedup.cluster(articles)
story = stories[0]
for episode in story.episodes:
    print(f"{episode.first:%d %B}", len(episode), episode.headline)
print(story.reason)
print([[article.source for article in copies] for copies in story.near_duplicates])
print(", ".join(story.terms[:4]))
story
"""


def run(*command, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *map(str, command)], env=environment, check=True, capture_output=True, **options
    )
    return done.stdout.decode()


def see_the_demo(folder):
    """`make demo` without its installation."""
    printed = run(ROOT / "examples" / "sample_stories.py", cwd=folder)
    assert len(re.findall(r"^ *\d+ articles  \d{4}-\d\d-\d\d to ", printed, re.MULTILINE)) == 10
    page = Path(printed.splitlines()[-1].partition("in a browser: ")[2])
    assert page == folder / "stories.html"
    assert "<html" in page.read_text("utf-8")


def write_ten_lines(folder):
    """What the cell printed, and how it shows the story."""
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TEN_LINES.strip())])
    nbformat.write(notebook, folder / "first.ipynb")
    run("-c", RUN, folder / "first.ipynb")
    printed, shown = nbformat.read(folder / "first.ipynb", 4).cells[0].outputs
    assert printed.text.startswith("04 September 1 Kim may travel to Russia for weapons talks with Putin")
    assert "Kim, Korean, North, Jong" in printed.text
    assert shown.data["text/plain"].startswith("Story(8 articles, 2023-09-04 to 2023-09-17: ")
    assert "Slow green train brings North Korean leader across the border" in shown.data["text/html"]


def follow_the_service(folder):
    articles = [one for one in sample() if one["language"] == "en"][:10]
    with running(folder) as service:
        outcomes = [service.add(one) for one in articles]
        assert [answer.status_code for answer in outcomes] == [201] * 10

        page = service.client.get("/stories?order_by=size").json()
        assert sorted(one["id"] for story in page["stories"] for one in story["articles"]) == sorted(
            one["id"] for one in articles
        )
        first, second, *_ = page["stories"]
        older, newer = sorted((first, second), key=lambda story: int(story["id"][1:]))

        merged = service.client.post("/edits/merge", json={"a": first["id"], "b": second["id"]})
        assert merged.status_code == 200
        (change,) = service.client.get(f"/changes?since={page['cursor']}&timeout=10").json()[:1]
        assert (change["kind"], change["story_id"], change["into"]) == ("editor_merged", newer["id"], older["id"])
        both = service.client.get(f"/stories/{newer['id']}").json()
        assert both["id"] == older["id"]
        assert len(both["articles"]) == len(first["articles"]) + len(second["articles"])
    with running(folder) as service:  # it was killed, and the decision holds
        assert service.client.get(f"/stories/{newer['id']}").json() == both


@pytest.mark.slow
def test_a_person_s_walk(tmp_path):
    for module in ("nbclient", "ipykernel"):
        pytest.importorskip(module, reason=f"{module} is not installed: pip install {module}")
    see_the_demo(tmp_path)
    write_ten_lines(tmp_path)
    follow_the_service(tmp_path)
