"""examples/: the scripts that need nothing but the sample, and the notebook."""

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import dedup

ROOT = Path(dedup.__file__).parents[1]
EXAMPLES = ROOT / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# clean_corpus.py


@pytest.fixture(scope="module")
def clean_corpus():
    return load("clean_corpus")


def write(path, documents):
    path.write_text("".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents), "utf-8")
    return path


def test_corpus_of_the_sample(clean_corpus, sample, tmp_path, capsys):
    clean_corpus.main(["--out", str(tmp_path / "clean.jsonl")])
    kept = [json.loads(line) for line in (tmp_path / "clean.jsonl").read_text("utf-8").splitlines()]
    # The sample's labels say which texts are copies of which; the first of each group is left.
    originals = {}
    for article in sample:
        originals.setdefault(article.near_duplicate_group, article.id)
    assert [document["id"] for document in kept] == [a.id for a in sample if a.id in originals.values()]
    assert f"{len(sample) - len(kept)} dropped, {len(kept)} kept" in capsys.readouterr().out


WIRE = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said in a statement. "
LONG = WIRE + " ".join(f"Observers spoke of matter {i} at length and with care." for i in range(20))


def test_kept_lines_are_as_they_were(clean_corpus, tmp_path, capsys):
    texts = [WIRE, WIRE.upper(), "Something else happened in Paris.", LONG]
    corpus = write(tmp_path / "corpus.jsonl", [{"text": text, "meta": {"№": i}} for i, text in enumerate(texts)])
    lines = corpus.read_text("utf-8").splitlines()
    clean_corpus.main([str(corpus), "--out", str(tmp_path / "clean.jsonl")])
    assert (tmp_path / "clean.jsonl").read_text("utf-8").splitlines() == [lines[0], lines[2]]
    assert "1 of the same words, 0 near-duplicates, 2 by containment alone" in capsys.readouterr().out


def test_containment_can_be_off(clean_corpus, tmp_path, capsys):
    corpus = write(tmp_path / "corpus.jsonl", [{"text": WIRE}, {"text": LONG}])
    clean_corpus.main([str(corpus), "--containment", "0"])
    assert "0 dropped, 2 kept" in capsys.readouterr().out


@pytest.mark.parametrize(("line", "message"), [("{", "line 2 is no JSON"), ('{"body": ""}', "line 2 has no text")])
def test_a_broken_line_is_named(clean_corpus, tmp_path, line, message):
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"text": "a"}\n' + line + "\n")
    with pytest.raises(SystemExit, match=message):
        clean_corpus.main([str(corpus)])


# follow_story.py


def test_followed_stories_are_those_of_the_index(capsys, tmp_path):
    follow_story = load("follow_story")
    path = tmp_path / "stories.db"
    follow_story.main(["--index", str(path)])
    told = capsys.readouterr().out
    assert told.startswith("2023-09-04\n")
    articles = [a for a in dedup.sample_articles("en") if a.published.isoformat().startswith("2023-09")]
    lines = [line for line in told.partition("\n\n")[0].splitlines() if line.startswith("  ")]
    assert len(lines) == len(articles)
    assert Counter("copy" in line for line in lines)[True] > 0
    with dedup.StoryIndex(path, read_only=True) as index:
        for article in articles:
            assert index.story_id(article.id)
        assert all(
            f"{story.id} Story(" in told
            for story in index.stories(since=follow_story.FIRST, min_size=2)
            if story.representative.language == "en"
        )
    follow_story.main(["--index", str(path)])
    assert "begins with" not in capsys.readouterr().out


# tune_with_labels.py


@pytest.mark.slow
def test_tuning_prints_what_it_is_worth(capsys):
    tune = load("tune_with_labels")
    tune.main(["--languages", "es"])
    told = capsys.readouterr().out
    assert told.count("  story_threshold=") == len(tune.THRESHOLDS)
    assert told.count("  best") == 1
    assert told.count("  chosen ") == tune.FOLDS


def test_no_event_is_on_both_sides(monkeypatch):
    tune = load("tune_with_labels")
    articles = dedup.sample_articles("es")
    events = tune.np.array([a.event for a in articles])
    labels = tune.np.array([a.story for a in articles])
    searched = []
    monkeypatch.setattr(tune, "search", lambda articles, *_: searched.append(articles) or Chosen())
    scored = []
    monkeypatch.setattr(tune, "bcubed_f1", lambda model, articles, labels: scored.append(articles) or 1.0)
    tune.honest(articles, labels, events)
    for train, test in zip(searched, scored[::2], strict=True):
        assert not {a.event for a in train} & {a.event for a in test}
        assert len(train) + len(test) == len(articles)


class Chosen:
    best_params_ = {"story_threshold": 0.1}  # noqa: RUF012


# trip_story.ipynb

NOTEBOOK = EXAMPLES / "trip_story.ipynb"

RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""


def printed(notebook):
    """What each cell printed or showed as text; pictures and HTML depend on the versions of other libraries."""
    return [
        "".join(
            "".join(output.get("text", output.get("data", {}).get("text/plain", "")))
            for output in cell["outputs"]
            if "image/png" not in output.get("data", {})
        )
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


@pytest.mark.slow
def test_the_notebook_says_what_it_said(tmp_path):
    for module in ("nbclient", "ipykernel", "matplotlib"):
        pytest.importorskip(module, reason=f"{module} is not installed: pip install {module}")
    copy = tmp_path / NOTEBOOK.name
    copy.write_bytes(NOTEBOOK.read_bytes())
    # A process of its own: the warnings of Jupyter's libraries are not ours to mend.
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", RUN, str(copy)], check=True, env=environment, capture_output=True)
    ran, committed = (json.loads(path.read_text("utf-8")) for path in (copy, NOTEBOOK))
    assert printed(ran) == printed(committed), "to accept: jupyter execute --inplace examples/trip_story.ipynb"


def test_the_notebook_is_small_and_has_its_pictures():
    assert NOTEBOOK.stat().st_size < 400_000
    outputs = [o for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] for o in cell.get("outputs", [])]
    assert sum("image/png" in o.get("data", {}) for o in outputs) == 4
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
