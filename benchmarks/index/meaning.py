"""What an encoder adds to an index: stories of the labelled sets as they come one by one, and the time of an `add`.

python -m benchmarks.index.meaning DATA [SET ...]

BCubed F1 of each set, added one by one by date, without an encoder and with `dedup.encoders.use`, and of the batch with
it; and milliseconds of a processor for an `add`, in turn without and with it.
"""

import time
import warnings

import numpy as np

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import load
from dedup.metrics import bcubed

SETS = "feeds_titles", "feeds_line", "og_fra", "og_deu", "mmds"


def compared(folder: str, name: str) -> dict[str, float]:
    articles, gold = load(folder, name)
    order = sorted(range(len(articles)), key=lambda i: articles[i]["published"] or "")
    encoders = None, dedup.encoders.use
    found = {"articles": float(len(articles))}
    indexes = [dedup.StoryIndex(":memory:", timezone="UTC", match_urls=False, encoder=encoder) for encoder in encoders]
    seconds: list[list[float]] = [[], []]
    for i in order:
        for index, spent in zip(indexes, seconds, strict=True):
            before = time.process_time()
            index.add(articles[i])
            spent.append(time.process_time() - before)
    for index, spent, kind in zip(indexes, seconds, ("without", "with use"), strict=True):
        found[kind] = bcubed(gold, [index.story_id(article["id"]) for article in articles]).f1
        # The first one waits for the weights.
        found[f"{kind}, ms"] = 1000 * float(np.mean(spent[1:]))
        index.close()
    found["more, ms"] = found["with use, ms"] - found["without, ms"]
    batch = dedup.StoryClusterer(timezone="UTC", match_urls=False, encoder=dedup.encoders.use).fit(articles)
    found["batch with use"] = bcubed(gold, batch.labels_).f1
    return found


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("sets", nargs="*", default=SETS)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    rows = [{"set": name} | compared(given.data, name) for name in given.sets]
    harness.show("Index with an encoder", rows)


if __name__ == "__main__":
    main()
