"""Fingerprints of all that dedup puts out, to show that two commits give the same, byte for byte.

python benchmarks/outputs.py DATA OUT.json [--sets basil ecb ...]
python benchmarks/outputs.py --compare OLD.json NEW.json

Digests of all outputs of the bundled sample and of labelled sets (DATA has `*.jsonl.gz`), by the commit in TREE if
PYTHONPATH=TREE, as only what is public is called; or the names that differ, and exit code 1 if there are any.
"""

import argparse
import gzip
import io
import json
import os
import sqlite3
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

import dedup
from dedup.cli import main as command

SETS = "basil", "ecb", "vi", "allsides", "og_fra", "og_deu", "newscope", "mmds", "ground", "feeds_line", "feeds_titles"
FACTS = "id", "articles", "reason", "near_duplicates", "membership", "cohesion", "sources", "terms", "headline"
COMMANDS = """--version; --help; cluster --help; near --help; ingest --help; explain --help; stories --help
cluster sample.jsonl; cluster sample.jsonl --stories; cluster sample.jsonl --fold marks --to csv; cluster nowhere.jsonl
cluster sample.jsonl --representative earliest; cluster sample.jsonl --representative longest --keep-residue --stories
cluster sample.jsonl --json -o out.jsonl; cluster sample.jsonl -o out.csv; cluster sample.jsonl -o out.html
near sample.jsonl; near sample.jsonl --groups; near sample.jsonl --keep; near sample.jsonl --containment .5 --to csv
explain sample.jsonl A B; explain sample.jsonl A B --html; explain sample.jsonl A nobody; near sample.jsonl --recall 2
ingest index.db sample.jsonl --json; ingest index.db sample.jsonl; stories index.db; stories index.db --json
stories index.db --since 2024-01-01 --min-size 2 --limit 9"""

Article = dict[str, Any]
Digests = dict[str, str]


def load(folder: Path, name: str) -> list[Article]:
    """The articles of a set, numbered: some sets repeat an id."""
    if name == "sample":
        return [asdict(article) | {"published": article.published.isoformat()} for article in dedup.sample_articles()]
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [
            {"id": f"{row['id']}-{i}", "title": row["title"] or "", "text": row["text"] or "", "source": row["source"]}
            | {"published": row["date"], "url": row["url"], "language": row["lang"]}
            for i, row in enumerate(map(json.loads, lines))
        ]


def digest(value: object) -> str:
    """A fingerprint of bytes, text, an array with its type and shape, or of how anything else is written."""
    if isinstance(value, np.ndarray):
        value = f"{value.dtype} {value.shape} ".encode() + value.tobytes()
    if not isinstance(value, bytes):
        value = (value if isinstance(value, str) else repr(value)).encode("utf-8", "surrogatepass")
    return blake2b(value, digest_size=8).hexdigest()


def under(name: str, digests: Digests) -> Digests:
    """The same digests, with names that begin with this one."""
    return {f"{name}/{key}": value for key, value in digests.items()}


def fields(of: object, *names: str) -> Digests:
    """Fields of an object, each by its name."""
    return {name: digest(getattr(of, name)) for name in names}


def shown(objects: Iterable[Any]) -> Digests:
    """Objects as they are printed, and as a notebook shows them."""
    pairs = [(repr(one), one._repr_html_()) for one in objects]
    return {"repr": digest([text for text, _ in pairs]), "html": digest([card for _, card in pairs])}


def facts(stories: Sequence[dedup.Story]) -> Digests:
    """What stories say of themselves, and what of their articles was set aside."""
    told = {name: digest([getattr(story, name) for story in stories]) for name in FACTS}
    told["shown"] = digest([(story.representative, story.threshold, story.first, story.last) for story in stories])
    return told | {"residue": digest([article.residue for story in stories for article in story.articles])}


def tables(path: str) -> Digests:
    """What an index has stored: its schema, and the rows of every table but the versions."""
    with closing(sqlite3.connect(path)) as file:
        schema = file.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        names = [name for kind, name, _ in schema if kind == "table" and name != "versions"]
        rows = {name: digest(file.execute(f"SELECT * FROM {name}").fetchall()) for name in names}
        marks = [file.execute(f"PRAGMA {mark}").fetchone() for mark in ("application_id", "user_version", "page_size")]
    return rows | {"schema": digest([schema, marks])}


def of_stories(articles: list[Article]) -> Digests:
    """A batch: arrays, stories, close calls, explanations, frame and page."""
    stories = dedup.cluster(articles)
    ends = [(story.articles[0].id, story.articles[-1].id) for story in stories[:10]]
    why = [stories.explain(*pair) for pair in ends] + [stories.explain(a[0], b[1]) for a, b in pairwise(ends)]
    stories.to_html("stories.html")
    return (
        fields(stories, "articles", "labels", "near_duplicate_labels", "representative_indices", "membership")
        | {f"labels at {threshold}": digest(stories.rethreshold(threshold).labels) for threshold in (0.08, 0.2)}
        | {"least certain": digest(stories.least_certain(20)), "frame": digest(stories.to_frame().to_csv())}
        | {"page": digest(Path("stories.html").read_bytes()), "residue": digest([a.residue for a in stories.articles])}
        | {"numbers": digest([(found.similarity, found.cosine, found.terms, found.passages) for found in why])}
        | under("story", facts(stories))
        | under("stories", shown([stories, *stories[:5]]))
        | under("explain", shown(why))
        | under("member", shown(story.explain(story.articles[-1].id) for story in stories[:10] if len(story) > 1))
    )


def of_stream(path: str, articles: list[Article]) -> Digests:
    """An index that takes half one by one and half in batches, forgets, is told the same again, and is refined."""
    ordered = sorted(articles, key=lambda article: (article["published"] or "", article["id"]))
    times = [datetime.fromisoformat(article["published"] or "2020-01-01").replace(tzinfo=UTC) for article in ordered]
    half = len(ordered) // 2
    rest = ordered[:5] + ordered[half - 5 :]  # those that were forgotten, those that are there, those that are new
    with dedup.StoryIndex(path) as index:
        assigned = [index.add(article) for article in ordered[:half]]
        done: list[Any] = [index.expire(times[len(times) // 8])]
        for i in range(0, len(rest), 50):
            assigned += index.add_many(rest[i : i + 50])
        assigned += index.add_many([article | {"text": f"{article['text']} Updated."} for article in ordered[-3:]])
        done += [index.remove(article["id"]) for article in ordered[half :: half // 4]]
        done += index.refine(times[len(times) // 2])
        told = facts(index.stories())
    with dedup.StoryIndex(path, read_only=True) as index:
        homes = [(article.id, index.story_id(article.id)) for story in index.stories() for article in story.articles]
        similar = [index.similar(article) for article in ordered[:: half // 4]]
        recent = [story.id for story in index.stories(since=times[-len(times) // 4], min_size=2, limit=20)]
    answers = {"homes": digest(homes), "similar": digest(similar), "recent": digest(recent), "done": digest(done)}
    answers["assigned"] = digest([(one, one.similarity) for one in assigned])
    return answers | under("first", shown(assigned[:20])) | under("story", told) | under("table", tables(path))


def of_taken_over(name: str, stories: Any) -> Digests:
    """An index that begins with the stories of a batch or an archive, and its copy."""
    with dedup.StoryIndex.from_stories(f"{name}.db", stories) as index:
        begun = facts(index.stories()) | under("table", tables(f"{name}.db"))
    sums = digest(dedup.copy_index(f"{name}.db", f"{name} copy.db"))
    return begun | {"sums": sums} | under("copy", tables(f"{name} copy.db"))


def of_archive(paths: list[str]) -> Digests:
    """A job from files to files, and what is read from its results."""
    dedup.archive.cluster(paths, "archive", n_jobs=1)
    files = {str(path): digest(path.read_bytes()) for path in Path("archive").rglob("*") if path.is_file()}
    manifest = json.loads(Path("archive/manifest.json").read_text())
    del files["archive/manifest.json"], manifest["inputs"], manifest["versions"]
    grouped, late = (dedup.archive.read("archive", since=since) for since in (None, datetime(2023, 9, 14, tzinfo=UTC)))
    files |= {"manifest": digest(json.dumps(manifest, sort_keys=True)), "late": digest(late.articles)}
    return (
        files | fields(grouped, "labels", "episode_labels", "near_duplicate_labels") | of_taken_over("archive", grouped)
    )


def of_other_ways(articles: list[Article]) -> Digests:
    """What else may be given: an encoder (here letters, counted), a data frame, two articles without a batch."""
    stories = dedup.cluster(articles, encoder=lambda texts: [[t.count(x) + 1.0 for x in "aeоск"] for t in texts])
    frame = dedup.cluster_frame(pd.DataFrame(articles)[["id", "title", "text", "published", "source"]])
    found = {"encoder": digest(stories.to_frame().to_csv()), "cluster_frame": digest(frame.to_csv())}
    return found | under("explain", shown(dedup.explain(*pair) for pair in pairwise(articles[:10])))


def of_commands(articles: list[Article]) -> Digests:
    """The command line: exit codes, both streams, and files."""
    copy = next(article for article in articles if article["near_duplicate_group"] != article["id"])
    names, found = {"A": copy["id"], "B": copy["near_duplicate_group"]}, {}
    for line in COMMANDS.replace("\n", "; ").split("; "):
        out, notes = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with redirect_stdout(out), redirect_stderr(notes):
            code = command([names.get(word, word) for word in line.split()])
        out.flush()
        found[line] = digest([code, out.buffer.getvalue(), notes.getvalue()])
    found |= {str(path): digest(path.read_bytes()) for path in Path().glob("out.*")}
    return found | under("table", tables("index.db"))


def of_plots(articles: list[Article]) -> Digests:
    """Every figure as SVG; none without matplotlib."""
    if not find_spec("matplotlib"):
        print("no plots: matplotlib is not installed", file=sys.stderr)
        return {}
    import_module("matplotlib").rcParams["svg.hashsalt"] = "dedup"
    stories, copies, plots, found = dedup.cluster(articles), dedup.near_duplicates(articles), dedup.plots, {}
    drawn = {"growth": plots.index_growth(stories), "timeline": plots.story_timeline(stories[0])}
    drawn |= {"matrix": plots.similarity_matrix(stories[0]), "retrieval": plots.retrieval_curve(copies)}
    drawn["sweep"] = plots.threshold_sweep(stories, labels=[article["story"] for article in articles])
    for name, axes in drawn.items():
        axes.figure.savefig("plot.svg", metadata={"Date": None})
        found[name] = digest(Path("plot.svg").read_bytes())
    return found


def fingerprints(sets: dict[str, list[Article]]) -> Digests:
    """The digests of all areas; files go into the working directory."""
    found: Digests = {}
    for name, articles in sets.items():
        start = time.perf_counter()
        Path(f"{name}.jsonl").write_text("".join(json.dumps(article) + "\n" for article in articles))
        found |= under(f"cluster/{name}", of_stories(articles))
        found |= under(f"stream/{name}", of_stream(f"{name}.db", articles))
        for parameters in ({}, {"containment": 0.8}, {"compare_numbers": True}, {"cut_residue": True}):
            copies = dedup.near_duplicates(articles, **parameters)
            told = fields(copies, "pairs", "jaccard", "containment", "labels", "token_counts") | shown([copies])
            found |= under(" ".join(["near", *parameters]) + f"/{name}", told)
        print(f"{name:<12} {time.perf_counter() - start:6.1f} s", file=sys.stderr, flush=True)
    articles = sets["sample"]
    found |= under("archive", of_archive([f"{name}.jsonl" for name in sets][:4]))
    found |= under("batch", of_taken_over("batch", dedup.cluster(articles)))
    found |= under("other ways", of_other_ways(articles)) | under("command", of_commands(articles))
    found |= under("plot", of_plots(articles))
    return found


def main() -> None:
    """Write fingerprints, or compare two files of them."""
    parser = argparse.ArgumentParser(usage="outputs.py DATA OUT [--sets SET ...] | outputs.py --compare OLD NEW")
    parser.add_argument("paths", nargs=2, type=Path)
    parser.add_argument("--sets", nargs="*", default=SETS, choices=SETS)
    parser.add_argument("--compare", action="store_true")
    given = parser.parse_args()
    if given.compare:
        old, new = (json.loads(path.read_text(encoding="utf-8")) for path in given.paths)
        differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        print(*differing, f"{len(differing)} of {len(old.keys() | new.keys())} outputs differ", sep="\n")
        sys.exit(1 if differing else 0)
    warnings.simplefilter("ignore")
    os.environ |= {"COLUMNS": "100", "NO_COLOR": "1", "MPLBACKEND": "svg"}
    data, out = (path.resolve() for path in given.paths)
    with TemporaryDirectory() as folder, chdir(folder):
        found = fingerprints({name: load(data, name) for name in ("sample", *given.sets)})
    out.write_text(json.dumps(found, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(found)} fingerprints of {dedup.__path__[0]}, {time.process_time():.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
