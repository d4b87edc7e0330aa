"""Make the tables of README.md and of the documentation from what was measured.

python -m benchmarks.tables [--results benchmarks/results] [--write README.md]

Prints every table whose results are there. `--write FILE` puts the tables of the README between their markers in FILE.
The documentation takes its tables from `TABLES` when it is built (docs/hooks.py).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.archive import estimate

Results = dict[str, Any]

NEAR_TITLES = {"fastsketch": "FastSketchLSH", "daft": "Daft", "floor": "`lower().split()` alone"}
STORY_TITLES = {
    "alone": "every article alone",
    "near_duplicates": "near-duplicates alone",
    "tfidf_link": "TF-IDF + average link",
    "tfidf_hdbscan": "TF-IDF + HDBSCAN",
    "minilm_link": "MiniLM + average link",
    "minilm_hdbscan": "MiniLM + HDBSCAN",
}
SETS = {"basil": "BASIL, en", "ecb": "ECB+, en", "vi": "VMDS, vi", "allsides": "AllSides, en"}
SETS |= {"og_fra": "OG2021, fr", "og_deu": "OG2021, de", "newscope": "NEWSCOPE, en", "mmds": "MMDS, en zh ms"}
SETS |= {"ground": "Ground News, en", "feeds_line": "feeds, en", "feeds_titles": "feeds, en es"}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], source: str) -> str:
    """A table in Markdown, all columns but the first to the right, and its source below."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n\n" + source


def source(results: Results, command: str, *, packages: bool = False) -> str:
    """The machine, the versions, the date and the command of a table."""
    machine, python = results["machine"], f"Python {results['python']}"
    if packages:
        known = {name: number for name, number in results["packages"].items() if number and name != "dedup-stories"}
        python = ", ".join([python, *(f"{name} {number}" for name, number in known.items())])
    if "hot_loops" in results:  # of earlier versions all were in NumPy
        python += ", hot loops compiled" if results["hot_loops"] == "compiled" else ", hot loops in NumPy"
    about = f"{machine['processors']} processors ({machine['processor']}), {python}"
    return f"{about}; {results['date']}; `python -m benchmarks.{command}`."


# The README


def near_contenders(results: Results) -> list[str]:
    """All contenders of the race, the fastest at the largest size first."""
    last = results["sizes"][max(results["sizes"], key=int)]["contenders"]
    return sorted(last, key=lambda name: last[name]["seconds"])


def near_race(results: Results) -> str:
    """Seconds at each size; quality, memory and ratio at the largest."""
    sizes = sorted(map(int, results["sizes"]))
    raced = [results["sizes"][str(n)]["contenders"] for n in sizes]
    rows = []
    for name in near_contenders(results):
        run, title = raced[-1][name], NEAR_TITLES.get(name, name)
        seconds = [f"{own[name]['seconds']:.2f} s" if name in own else "" for own in raced]
        ratio = "" if run["dedup_over_it"] is None or name == "dedup" else f"{run['dedup_over_it']:.2f}"
        qualities = [f"{run['recall']:.3f}", f"{run['precision']:.3f}", f"{run['over_texts_mb']:,.0f} MB"]
        cells = [*seconds, ratio, *(["", "", ""] if name == "floor" else qualities)]
        rows.append([f"**{title}**" if name == "dedup" else title, *cells])
    rounds = max(len(run["rounds"]) for own in raced for run in own.values())
    caption = (
        f"From texts in memory to pairs, median of {rounds} interleaved rounds; recall and precision against all exact "
        "pairs, memory beyond the texts, and dedup's time / its, at the largest size. "
    )
    heads = ["", *(f"{n:,} texts" for n in sizes), "dedup / it", "recall", "precision", "memory"]
    return table(heads, rows, caption + source(results, "near.race", packages=True))


def story_contenders(results: Results) -> list[str]:
    """All contenders of the scoreboard, the best mean first."""
    found = results["contenders"]
    return sorted(found, key=lambda name: -found[name]["macro"]["f1"])


def story_scoreboard(results: Results) -> str:
    """BCubed F1 of each set, a row, by each contender; then means, the share of pure stories in feeds, and seconds."""
    found = results["contenders"]
    names = story_contenders(results)
    cuts = [f" at {found[name]['cut']:.2f}" if found[name]["cut"] else "" for name in names]
    titles = [STORY_TITLES.get(name, name) + cut for name, cut in zip(names, cuts, strict=True)]
    rows = []
    for s, title in SETS.items():
        scores = {name: found[name]["sets"][s]["f1"] for name in names}
        best = max(scores.values())
        cells = [f"**{score:.3f}**" if score == best else f"{score:.3f}" for score in scores.values()]
        rows.append([f"{title} ({found['dedup']['sets'][s]['articles']:,})", *cells])
    means = [found[name]["macro"] for name in names]
    rows.append(["mean", *(f"{mean['f1']:.3f}" for mean in means)])
    rows.append(["mean precision, recall", *(f"{mean['precision']:.2f}, {mean['recall']:.2f}" for mean in means)])
    rows.append(["seconds for all", *(f"{mean['seconds']:,.1f}" for mean in means)])
    caption = (
        "Eleven labelled sets (articles), one setting for all. The cuts of average link are the best over these very "
        "sets, an advantage given to it; HDBSCAN has clusters of at least two, and its noise is alone. "
    )
    if "minilm_link" in names:
        caption += "MiniLM is all-MiniLM-L6-v2, an English model. "
    heads = ["BCubed F1", "**dedup**" if titles[0] == "dedup" else titles[0], *titles[1:]]
    return table(heads, rows, caption + source(results, "story.scoreboard DATA", packages=True))


def residue_quality(results: Results) -> str:
    """What is found and lost, and what that does to copies and stories."""
    rows = []
    for run in results["variants"]:
        tokens, cut, left = run["tokens"]["all"], run["cut"], run["left_in"]
        breaks, sources = (
            "with" if run["line_breaks"] else "without",
            "sources named" if run["sources"] else "no sources",
        )
        copies = f"**{cut['near']['recall']:.3f}** (left in: {left['near']['recall']:.3f})"
        stories = f"**{cut['stories']['f1']:.3f}** (left in: {left['stories']['f1']:.3f})"
        rows.append(
            [f"{breaks} line breaks, {sources}", f"{tokens['found']:.3f}", f"{tokens['lost']:.2%}", copies, stories]
        )
    clean, all_tokens = results["on_no_site"], results["variants"][0]["tokens"]["all"]
    scores = [f"{clean['near']['recall']:.3f}", f"{clean['stories']['f1']:.3f}"]
    rows.append(["the same articles on no site", "", "", *scores])
    caption = (
        f"{results['pages']} pages: each sample article on two sites, {all_tokens['share']:.0%} of the words the "
        "sites'. Words found and lost; copies are two pages of one article, and no pair found is wrong. Of a site's "
        f"first page, where only known phrases help, {results['one_page_a_site']['lines']['found']:.0%} is found. "
        f"{results['date']}; `python -m benchmarks.residue.quality`."
    )
    heads = ["pages of 12 site templates", "residue found", "body lost", "copies found", "stories, BCubed F1"]
    return table(heads, rows, caption)


# The documentation


def index_add(results: Results) -> str:
    costs = results["costs"]
    rows = [
        ["live articles", f"{costs['live']:,.0f}"],
        ["one `add`, median", f"{costs['add_median_ms']:.1f} ms"],
        ["one `add`, 99th percentile", f"{costs['add_p99_ms']:.1f} ms"],
        ["`add_many`", f"{costs['add_many_a_second']:,.0f} articles a second"],
        ["memory an article", f"{costs['memory_kb']:.1f} KB"],
        ["file an article, beyond its text", f"{costs['disk_kb_beyond_text']:.1f} KB"],
        ["reopening", f"{costs['reopening_seconds']:.1f} s"],
        [f"expiry of {costs['expired']:,.0f}", f"{costs['expiry_seconds']:.1f} s"],
    ]
    return table(["an index", ""], rows, source(results, "index.speed DATA"))


def index_stream(results: Results) -> str:
    sets = {**results["sets"], "mean": results["mean"]}
    rows = [[name, f"{f1['batch']:.3f}", f"{f1['stream']:.3f}"] for name, f1 in sets.items()]
    return table(["BCubed F1", "batch", "one at a time"], rows, source(results, "index.speed DATA"))


def index_writers(results: Results) -> str:
    raced = [row for row in results["rows"] if "writers" in row]
    rows = []
    for store, count in dict.fromkeys((row["store"], row["writers"]) for row in raced):
        own = [row for row in raced if (row["store"], row["writers"]) == (store, count)]
        rates = [f"{row['articles_a_second']:,.0f}" for row in sorted(own, key=lambda row: row["at_once"])]
        rows.append([f"{store}, {count} {'writer' if count == 1 else 'writers'}", *rates])
    heads = [f"articles a second, {results['live']:,} live", "`add`", "`add_many` of 50"]
    return table(heads, rows, source(results, f"index.writers DATA URL --live {results['live']}"))


def first_runs(results: Results, prefix: str, size: str) -> list[harness.Run]:
    """The first run of each case with a prefix, by size."""
    return sorted((runs[0] for name, runs in results["runs"].items() if name.startswith(prefix)), key=lambda r: r[size])


def story_growth(results: Results) -> str:
    rows = [
        [f"{run['articles']:,}", f"{run['seconds']:.1f} s", f"{run['peak_mb']:,.0f} MB", f"{run['f1']:.3f}"]
        for run in first_runs(results, "worlds ", "articles")
    ]
    return table(["articles", "time", "peak memory", "BCubed F1"], rows, source(results, "story.growth DATA"))


def near_growth(results: Results) -> str:
    rows = [
        [f"{run['texts']:,}", f"{run['characters'] / 1e6:,.0f}", f"{run['seconds']:.1f} s", f"{run['peak_mb']:,.0f} MB"]
        for run in first_runs(results, "news ", "texts")
    ]
    return table(["texts", "million characters", "time", "peak memory"], rows, source(results, "near.growth"))


DOORS = {"batch": "batch", "against": "new against old", "index": "index", "archive": "archive"}


def near_crowds(results: Results) -> str:
    """Share of pairs found in crowds, with its standard error, by door, and the share expected."""
    doors = {door: title for door, title in DOORS.items() if door in results}
    found = {door: {(row["pairs"], row["edits"]): row for row in results[door]["crowds"]} for door in doors}
    rows = []
    for case in sorted(set().union(*found.values())):
        own = [found[door].get(case) for door in doors]
        first = next(row for row in own if row)
        cells = ["" if row is None else f"{row['found']:.3f} ± {row['error']:.3f}" for row in own]
        rows.append([f"{case[0]:,}", f"{first['jaccard']:.3f}", f"{first['expected']:.3f}", *cells])
    crowds = [row["crowds"] for own in found.values() for row in own.values()]
    given_up = sum(row["given_up"] or 0 for own in found.values() for row in own.values())
    caption = (
        f"Share of the pairs found, with its standard error, over {min(crowds)} to {max(crowds)} crowds of each size; "
        f"{given_up} texts were given up. "
    )
    heads = ["pairs in a crowd", "mean Jaccard", "expected", *doors.values()]
    return table(heads, rows, caption + source(next(iter(results.values())), "near.crowds DOOR"))


KEEPERS = {
    "dedup": "**dedup**, stars",
    "group": 'dedup, `linkage="group"`',
    "text-dedup": "text-dedup",
    "text-dedup checked": "text-dedup, candidates checked",
    "datatrove": "datatrove",
    "semhash": "semhash",
    "semhash of words": "semhash, vectors of random words",
}


def near_keep(results: Results) -> str:
    """Who removes what: removed, lost, precision, recall, states of a page that stay, time and memory."""
    rows = []
    for name, run in results["contenders"].items():
        memory = max(run["peak_mb"], run["child_mb"])
        rows.append(
            [
                KEEPERS[name],
                f"{run['removed']:,}",
                f"{run['lost']:,}",
                f"{run['precision']:.3f}",
                f"{run['recall']:.3f}",
                f"{run['hourly']:.1f}",
                f"{run['seconds']:,.1f} s",
                f"{memory:,.0f} MB",
            ]
        )
    heads = ["", "removed", "of which no copy stays", "precision", "recall", "of 24 states stay", "time", "memory"]
    return table(heads, rows, f"{results['texts']:,} texts. " + source(results, "near.peers_keep", packages=True))


def near_keep_memory(results: Results) -> str:
    rows = [
        [f"{run['lines']:,}", f"{run['file_mb']:,.0f} MB", f"{run['peak_mb']:,.0f} MB", f"{run['peak_over_file']:.1f}"]
        for run in results["runs"]
    ]
    return table(["lines", "file", "peak memory", "memory / file"], rows, source(results, "near.keep_memory"))


def archive_growth(results: Results) -> str:
    rows = [
        [
            f"{run['articles']:,}",
            f"{run['seconds'] / 60:,.1f} min",
            f"{run['microseconds_an_article']:,.0f} µs",
            f"{run['worker_mb']:,.0f} MB",
            f"{run['together_mb']:,.0f} MB",
            f"{run['work_mb'] / 1024:,.1f} GB",
            f"{run['stories']['f1']:.3f}",
        ]
        for run in results["runs"]
    ]
    heads = ["articles", "time", "an article", "largest worker", "all processes", "working folder", "BCubed F1"]
    return table(heads, rows, source(results, "archive.growth"))


def archive_stages(results: Results) -> str:
    columns = [(f"{articles // 1_000_000:,} million: core hours", "largest worker") for articles in estimate.SIZES]
    heads = ["stage", *(head for pair in columns for head in pair)]
    return table(heads, estimate.stage_rows(results), source(results, "archive.estimate"))


def archive_totals(results: Results) -> str:
    heads = ["articles", "core hours", f"hours on {estimate.CORES} cores", "written between stages", "on disk at once"]
    return table(heads, estimate.total_rows(results), source(results, "archive.estimate"))


#: By the names of markers in README.md.
README: dict[str, tuple[str, Callable[[Results], str]]] = {
    "near-race": ("near_race", near_race),
    "story-scoreboard": ("story_scoreboard", story_scoreboard),
}
#: By the names of marks in the documentation: the results, and what makes the table of them.
TABLES: dict[str, tuple[str, Callable[[Results], str]]] = {
    "residue": ("residue_quality", residue_quality),
    "add": ("index_speed", index_add),
    "stream": ("index_speed", index_stream),
    "writers": ("index_writers", index_writers),
    "stories": ("story_growth", story_growth),
    "copies": ("near_growth", near_growth),
    "crowds": ("near_crowds", near_crowds),
    "keep": ("near_keep", near_keep),
    "keep-memory": ("near_keep_memory", near_keep_memory),
    "archive": ("archive_growth", archive_growth),
    "archive-stages": ("archive_growth", archive_stages),
    "archive-totals": ("archive_growth", archive_totals),
}


def make(name: str, folder: Path = harness.RESULTS) -> str:
    """A table of the README or of the documentation, by name."""
    results, work = (README | TABLES)[name]
    return work(harness.read_results(folder, results))


def written(text: str, name: str, content: str) -> str:
    """A text with other content between the markers of a name."""
    between = re.compile(f"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
    if len(between.findall(text)) != 1:
        raise SystemExit(f"the file needs the markers <!-- {name} --> and <!-- /{name} -->, once")
    return between.sub(lambda _: f"<!-- {name} -->\n{content}\n<!-- /{name} -->", text)


def main() -> None:
    parser = harness.parser(__doc__, results=False)
    parser.add_argument("--results", type=Path, default=harness.RESULTS, help="folder of the results")
    parser.add_argument("--write", type=Path, help="file to put the tables of the README into")
    given = parser.parse_args()
    for name, (results, _) in (README | TABLES).items():
        if not (given.results / f"{results}.json").exists():
            continue
        made = make(name, given.results)
        print(f"\n{name}\n\n{made}")
        if given.write and name in README:
            text = given.write.read_text(encoding="utf-8")
            given.write.write_text(written(text, name, made), encoding="utf-8")


if __name__ == "__main__":
    main()
