"""Candidates -> near-duplicates and which of them stay; and those -> tables, for a job of near-duplicates alone."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.archive.arrow import printable_column, read_table, to_texts
from dedup.archive.job import Job, Keeping
from dedup.archive.near import verification_parts, write_pairs
from dedup.archive.output import article_counts, ids_at
from dedup.archive.parts import Candidates, KeptArticles, KeptRows, Order, Slice, Verified
from dedup.archive.residue import read_partition
from dedup.archive.slices import positions_of
from dedup.arrays import Integers, first_members, numbered_by_first
from dedup.near.keeping import Policy
from dedup.near.pipeline import compare_sketches, make_sketches
from dedup.near.verify import Times


def verify_and_choose(job: Job, number: int, folder: Path) -> None:
    """Task: the near-duplicates among whole components of candidates, and which of them stay, as the batch does it."""
    table = read_partition(job, Candidates, number)
    positions, ids, texts = table["position"].to_numpy(), printable_column(table["id"]), to_texts(table["text"])
    del table  # see `near.verify_part`
    keeping, settings, part = _keeping_of(job), job.settings.near, Verified(folder)
    sketches = make_sketches(texts, settings, n_jobs=1)
    del texts
    apart = keeping.max_days_apart
    times = None if apart is None else Times(np.array(Order.of(job).days[positions]), apart)
    found = compare_sketches(sketches, settings, n_jobs=1, times=times)
    del sketches
    canonical = positions[first_members(found.labels)[found.labels]]
    part.save(positions=positions, canonical=canonical, latest=positions)
    write_pairs(part, ids, found)
    kept = found.keep(_policy(job, positions), linkage=keeping.linkage)
    part.save(removed=positions[kept.removed], kept_for=positions[kept.kept_for])
    part.save(jaccard=kept.jaccard, containment=kept.containment)


def _keeping_of(job: Job) -> Keeping:
    if job.keeping is None:
        raise TypeError("keeping is None; allowed: Keeping, in a job of near-duplicates alone")
    return job.keeping


def _policy(job: Job, positions: Integers) -> Policy:
    """Return the policy of the job as the batch knows it, for articles by publication and id."""
    policy = _keeping_of(job).policy
    if policy == "first":
        return -Order.of(job).rows[positions].astype(np.float64)
    return "first" if policy == "earliest" else policy  # of articles in this order


def gather_kept(job: Job, _: int, folder: Path) -> None:
    """Task: the near-duplicate group of every article, and the article that stays for it."""
    everyone = np.arange(len(Order.of(job).days))
    canonical, kept, jaccard, containment = everyone.copy(), everyone, np.ones(len(everyone)), np.ones(len(everyone))
    for k in verification_parts(job):
        part = Verified.of(job, k)
        canonical[part.positions] = part.canonical
        removed = part.removed
        kept[removed], jaccard[removed], containment[removed] = part.kept_for, part.jaccard, part.containment
    group = numbered_by_first(canonical)
    KeptArticles(folder).save(group=group, kept=kept, jaccard=jaccard, containment=containment)


def write_kept(job: Job, number: int, folder: Path) -> None:
    """Task: the group of each article of a slice, and the article that stays for it."""
    own, all_articles, part = positions_of(job, number), KeptArticles.of(job), KeptRows(folder)
    ids = printable_column(read_table(Slice.of(job, number).summaries, ["id"])["id"])
    groups = {"id": ids, "near_duplicate_group": np.array(all_articles.group[own])}
    pq.write_table(pa.table(groups), part.groups)
    kept = {
        "id": ids,
        "kept": ids_at(job, np.array(all_articles.kept[own])),
        "jaccard": np.array(all_articles.jaccard[own]),
        "containment": np.array(all_articles.containment[own]),
    }
    pq.write_table(pa.table(kept), part.table)


def counts(job: Job) -> dict[str, float]:
    """Return the counts for the manifest."""
    everyone = KeptArticles.of(job)
    n = len(everyone.kept)
    stay = int(np.count_nonzero(everyone.kept == np.arange(n)))
    groups = {"near_duplicate_groups": int(everyone.group.max(initial=-1)) + 1}
    return article_counts(job) | groups | {"kept": stay, "removed": n - stay, "share_removed": (n - stay) / max(n, 1)}
