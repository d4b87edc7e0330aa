"""Labels -> tables: what the stories are, and which one each article is in."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.archive.arrow import printable_column, read_batch
from dedup.archive.job import Job, load, mapped, part, save
from dedup.archive.residue import words_of
from dedup.archive.slices import OUTLINES, positions_of, slice_count, texts_of
from dedup.arrays import members
from dedup.article import Article
from dedup.representative import Candidate, choose
from dedup.wording import printable

_STORIES = pa.schema(
    [
        ("story_id", pa.string()),
        ("headline", pa.string()),
        ("representative_id", pa.string()),
        ("reason", pa.string()),
        ("articles", pa.int64()),
        ("reports", pa.int64()),
        ("sources", pa.int64()),
        ("first", pa.timestamp("us", "UTC")),
        ("last", pa.timestamp("us", "UTC")),
        ("cohesion", pa.float64()),
    ]
)


def outlines(job: Job, positions: NDArray[np.int64]) -> pa.Table:
    """Ids, publication times, sources and headlines of articles, by ascending position."""
    tables = [OUTLINES.empty_table()]
    bounds = np.array(mapped(job, "order", "bounds"))
    cuts = np.searchsorted(positions, bounds).tolist()
    for k, (first, stop) in enumerate(pairwise(cuts)):
        if first < stop:
            table = read_batch(part(job, "slices", k) / "outlines.arrow")
            tables.append(table.take(positions[first:stop] - bounds[k]))
    return pa.concat_tables(tables)


def tell(job: Job, number: int, folder: Path) -> None:
    """Task: the stories that begin in a slice."""
    places, first = positions_of(job, number), np.array(mapped(job, "stories", "first"))
    own = np.flatnonzero((first >= places.start) & (first < places.stop))
    copies, membership = (
        np.array(mapped(job, *array)[own]) for array in (("copies", "first"), ("stories", "membership"))
    )
    words, articles = words_of(job)[own].tolist(), _articles(outlines(job, own))
    rows, shown = [], []
    for group in members(np.unique(first[own], return_inverse=True)[1]):
        texts, counts = np.unique(copies[group], return_counts=True)
        count_of = dict(zip(texts.tolist(), counts.tolist(), strict=True))
        candidates = [
            Candidate(articles[i], words[i], float(membership[i]), count_of[int(copies[i])], bool(copies[i] == own[i]))
            for i in group
        ]
        choice = choose(job.representative, candidates)
        rows.append(_row(candidates, choice.place, choice.reason))
        shown.append(own[group[choice.place]])
    pq.write_table(pa.Table.from_pylist(rows, schema=_STORIES), folder / "table.parquet")
    save(folder, shown=np.array(shown, dtype=np.int64))


def _articles(table: pa.Table) -> list[Article]:
    """Articles of which there is only what is told of them: a headline, and no text."""
    columns = (texts_of(table, name) for name in ("id", "headline", "published", "source"))
    return [
        Article(name, "", headline, datetime.fromisoformat(published) if published else None, source or None)
        for name, headline, published, source in zip(*columns, strict=True)
    ]


def _row(candidates: list[Candidate], place: int, reason: str) -> dict[str, Any]:
    articles = [candidate.article for candidate in candidates]
    published = [article.published for article in articles if article.published]
    reports = [candidate.centrality for candidate in candidates if candidate.first]
    return {
        "story_id": printable(articles[0].id),
        "headline": articles[place].title,
        "representative_id": printable(articles[place].id),
        "reason": reason,
        "articles": len(articles),
        "reports": len(reports),
        "sources": len({article.source for article in articles if article.source}),
        "first": min(published, default=None),
        "last": max(published, default=None),
        "cohesion": float(np.mean(reports)),
    }


def assign(job: Job, number: int, folder: Path) -> None:
    """Task: the story of each article of a slice."""
    places = positions_of(job, number)
    first, membership = (np.array(mapped(job, "stories", name)[places]) for name in ("first", "membership"))
    begun, which = np.unique(first, return_inverse=True)
    bounds = mapped(job, "order", "bounds")
    told_in = np.unique(np.searchsorted(bounds, begun, side="right") - 1).tolist()
    shown = np.concatenate([np.empty(0, dtype=np.int64), *(load(job, "tell", k, "shown")[0] for k in told_in)])
    table = {
        "id": printable_column(read_batch(part(job, "slices", number) / "outlines.arrow", ["id"])["id"]),
        "story_id": printable_column(outlines(job, begun)["id"]).take(which),
        "near_duplicate_group": np.array(mapped(job, "copies", "group")[places]),
        "is_representative": np.isin(np.arange(places.start, places.stop), shown),
        "membership": membership,
    }
    pq.write_table(pa.table(table), folder / "table.parquet")


def article_count(job: Job) -> int:
    """How many articles there are."""
    return len(mapped(job, "order", "days"))


def counts(job: Job) -> dict[str, int]:
    """How many there are of everything."""
    days, groups, first = (
        mapped(job, *array) for array in (("order", "days"), ("copies", "group"), ("stories", "first"))
    )
    return {
        "articles": article_count(job),
        "undated_articles": int(np.isnan(days).sum()),
        "near_duplicate_groups": int(groups.max(initial=-1)) + 1,
        "stories": len(np.unique(first)),
        "slices": slice_count(job),
    }
