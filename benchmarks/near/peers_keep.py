"""Who removes what: `NearDuplicates.keep` against tools that remove copies from corpora.

python -m benchmarks.near.peers_keep [--families 2000] [--rounds 3] [--contenders dedup,text-dedup,...]

dedup        `near_duplicates(texts).keep()`: stars; a text goes only for one that stays and that it is a copy of
group        the same with ``linkage="group"``: one text of each connected group stays
text-dedup   minhash: one of each connected group of texts that share a band; "checked" drops candidates below the
             threshold, by their exact similarity, and keeps one of each group of candidates that is left
datatrove    MinhashDedup*, four steps on files: one of each connected group of texts that share a bucket (14 x 8)
semhash      `self_deduplicate`: texts whose vectors are similar. Its model must be downloaded; where that cannot be
             done, vectors are means of random vectors of words, weighted by how rare they are: the row is named so

All have word 5-grams and threshold 0.7 where they have such (semhash has cosines, 0.9 by default), otherwise their own
settings, and every processor. The corpus is `synthetic.planted`. The clock runs from a JSONL file to the positions of
the texts that stay, after imports. Memory is the peak of the process, and of its largest child. Of each contender:

removed      texts that went
lost         removed texts of which no copy stays: by exact similarity, none of those that stay reaches 0.7
precision    share of the removed texts that are not lost
recall       share of the planted copies (verbatim, edited, cut, framed) of which one text is left
hourly       mean number of the 24 states of a page that stay; "template" and "alone": share of these texts that stays

pip install text-dedup datatrove[processing] spacy semhash    (text-dedup needs Python 3.12)
"""

import json
import logging
import re
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.corpora.exact import shingles
from benchmarks.corpora.synthetic import Planted, planted

THRESHOLD, SHINGLE = 0.7, 5
COPIES = ("verbatim", "edited", "cut", "framed")

Positions = NDArray[np.int64]


class Contender(NamedTuple):
    """A JSONL file -> positions of the texts that stay, and the packages that it needs, by their names on PyPI."""

    stay: Callable[[Path], Any]
    needs: tuple[str, ...] = ()


def by_dedup(path: Path, linkage: Any = "star") -> Positions:
    from dedup import near_duplicates

    texts = [row["text"] for row in harness.read_jsonl(path)]
    return near_duplicates(texts, threshold=THRESHOLD).keep(linkage=linkage).positions


def by_groups(path: Path) -> Positions:
    return by_dedup(path, "group")


#: How text-dedup is told what to do: by a file.
TEXT_DEDUP = """
[input]
input_type = "local_files"
file_type = "json"
read_arguments = {{ path = "json", data_files = "{path}", split = "train", cache_dir = "{folder}/cache" }}
[algorithm]
algorithm_name = "minhash"
text_column = "text"
num_perm = 128
ngram_size = {shingle}
threshold = {threshold}
check_false_positive = {checked}
[output]
output_dir = "{folder}/out"
[debug]
enable_profiling = false
"""


def by_text_dedup(path: Path, *, checked: bool = False) -> list[int]:
    from datasets import load_from_disk
    from text_dedup.config.base import load_config_from_toml
    from text_dedup.minhash import main as remove

    told = path.with_suffix(".toml")
    places = {"path": path, "folder": path.parent, "checked": str(checked).lower()}
    told.write_text(TEXT_DEDUP.format(shingle=SHINGLE, threshold=THRESHOLD, **places))
    remove(load_config_from_toml(told))
    return [int(name) for name in load_from_disk(str(path.parent / "out"))["id"]]


def by_text_dedup_checked(path: Path) -> list[int]:
    return by_text_dedup(path, checked=True)


def by_datatrove(path: Path) -> list[int]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    config, folder = MinhashConfig(n_grams=SHINGLE), str(path.parent)

    def reader() -> Any:
        return JsonlReader(folder, glob_pattern=path.name)

    steps: list[tuple[list[Any], int]] = [
        ([reader(), MinhashDedupSignature(f"{folder}/signatures", config)], 1),
        ([MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)], config.num_buckets),
        ([MinhashDedupCluster(f"{folder}/buckets", f"{folder}/removed", config=config)], 1),
        (
            [
                reader(),
                MinhashDedupFilter(f"{folder}/removed"),
                JsonlWriter(f"{folder}/out", "all.jsonl", compression=None),
            ],
            1,
        ),
    ]
    for number, (pipeline, tasks) in enumerate(steps):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=f"{folder}/log{number}").run()
    return [int(row["id"]) for row in harness.read_jsonl(f"{folder}/out/all.jsonl")]


def by_semhash(path: Path, *, own_model: bool = True) -> list[int]:
    from semhash import SemHash

    rows = [{"id": row["id"], "text": row["text"]} for row in harness.read_jsonl(path)]
    model = None if own_model else RareWords([row["text"] for row in rows])
    found = SemHash.from_records(rows, columns=["text"], model=model).self_deduplicate()
    return [int(row["id"]) for row in found.selected]


def by_semhash_of_words(path: Path) -> list[int]:
    return by_semhash(path, own_model=False)


class RareWords:
    """An encoder that has learned nothing: means of random vectors of words, weighted by how rare they are."""

    def __init__(self, texts: list[str]) -> None:
        counts: dict[str, int] = {}
        for text in texts:
            for word in self.words(text):
                counts[word] = counts.get(word, 0) + 1
        total = sum(counts.values())
        drawn = np.random.default_rng(0).standard_normal((len(counts), 256)).astype(np.float32)
        shares = np.array(list(counts.values()), dtype=np.float32)[:, None] / total
        self._vectors = drawn * (1e-3 / (1e-3 + shares))
        self._places = {word: place for place, word in enumerate(counts)}

    def encode(self, inputs: Any, **_: Any) -> NDArray[np.float32]:
        """Vectors of texts that were there before, shape (n, 256)."""
        places = ([self._places[word] for word in self.words(text)] for text in inputs)
        return np.stack([self._vectors[own].mean(axis=0) for own in places])

    @staticmethod
    def words(text: str) -> list[str]:
        """Its words in lower case."""
        return re.findall(r"\w+", text.lower())


CONTENDERS = {
    "dedup": Contender(by_dedup),
    "group": Contender(by_groups),
    "text-dedup": Contender(by_text_dedup, ("text-dedup",)),
    "text-dedup checked": Contender(by_text_dedup_checked, ("text-dedup",)),
    "datatrove": Contender(by_datatrove, ("datatrove", "spacy")),
    "semhash": Contender(by_semhash, ("semhash",)),
    "semhash of words": Contender(by_semhash_of_words, ("semhash",)),
}


def run_once(name: str, corpus: str, few: str) -> harness.Run:
    """Time a contender over a corpus in a file, after a first call with a few texts, which imports what it needs."""
    logging.disable(logging.CRITICAL)
    kept, seconds = np.empty(0, dtype=np.int64), 0.0
    for source in (few, corpus):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "texts.jsonl")
            path.write_bytes(Path(source).read_bytes())
            harness.peak_mb(reset=True)
            kept, seconds = harness.timed(CONTENDERS[name].stay, path)
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": harness.peak_mb(), "child_mb": child, "kept": np.sort(kept).tolist()}


def scores(corpus: Planted, kept: list[int]) -> dict[str, Any]:
    """What went, what is lost, and what stays, by kind."""
    n = len(corpus.texts)
    stays = np.zeros(n, dtype=np.bool_)
    stays[kept] = True
    sets = [shingles(text) for text in corpus.texts]
    kind = np.array(corpus.kinds)[corpus.families]
    left = np.bincount(corpus.families, stays)
    lost = np.zeros(n, dtype=np.bool_)
    by_family: dict[int, list[int]] = {}
    for i in np.flatnonzero(stays).tolist():
        by_family.setdefault(int(corpus.families[i]), []).append(i)
    for i in np.flatnonzero(~stays).tolist():
        # Texts of two families share no five words but by chance.
        own = by_family.get(int(corpus.families[i]), [])
        lost[i] = all(len(sets[i] & sets[j]) < THRESHOLD * len(sets[i] | sets[j]) for j in own)
    removed = int(n - stays.sum())
    kinds = np.array(corpus.kinds)
    row: dict[str, Any] = {"removed": removed, "lost": int(lost.sum()), "precision": 1 - lost.sum() / max(removed, 1)}
    row["recall"] = float((left[np.isin(kinds, COPIES)] == 1).mean())
    row |= {name: float((left[kinds == name] == 1).mean()) for name in COPIES}
    row["hourly"] = float(left[kinds == "hourly"].mean())
    return row | {name: float(stays[kind == name].mean()) for name in ("template", "alone")}


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--families", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contenders", type=harness.names, default=list(CONTENDERS))
    given = parser.parse_args()
    needs = {name: contender.needs for name, contender in CONTENDERS.items()}
    names, packages = harness.available(given.contenders, needs)
    corpus = planted(given.families)
    results = harness.circumstances(given.date, [*packages, "numpy", "scipy"])
    results |= {"texts": len(corpus.texts), "families": given.families, "contenders": {}}
    with tempfile.TemporaryDirectory() as folder:
        path, few = f"{folder}/texts.jsonl", f"{folder}/few.jsonl"
        rows = [{"id": str(i), "text": text} for i, text in enumerate(corpus.texts)]
        harness.write_jsonl(path, rows)
        harness.write_jsonl(few, rows[:50])
        runs = harness.interleaved(given.rounds, {name: (run_once, name, path, few) for name in names})
    for name, found in runs.items():
        row = scores(corpus, found[0]["kept"]) | harness.medians(found)
        row |= {"dedup_over_it": harness.ratio(runs, "dedup", name)}
        results["contenders"][name] = row
    harness.show(f"{len(corpus.texts):,} texts", [{"who": name} | row for name, row in results["contenders"].items()])
    harness.write_results(given.results, "near_keep", json.loads(json.dumps(results)))


if __name__ == "__main__":
    main()
