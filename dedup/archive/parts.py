"""What each stage of a job writes and later stages read: arrays and files, each with one name and type.

Stages and files keep their names on disk, so that a job that an older version began can go on.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dedup.archive.folders import File, Part
from dedup.arrays import Flags, Floats, Hashes, Integers


class Unpacked(Part, stage="unpack"):
    """The lines of a packed input file."""

    articles = File("articles.jsonl")
    size: Integers  # shape (1,), in bytes


class ReadBlock(Part, stage="read"):
    """The articles of a block in canonical order, their texts and titles without markup, and why others are refused."""

    articles = File("articles.arrow")
    ids = File("ids.arrow")  # of the articles, once more: these are read several times
    refusals = File("refusals.arrow")
    rows: Integers  # which row of the block each article was
    size: Integers  # shape (1,), number of rows of the block
    named: Flags  # shape (n_fields,): whether a row has the column that the caller names for a field
    days: Floats
    sizes: Integers  # characters of title and text
    salts: Hashes  # hashes of the sources
    id_hashes: Hashes


class Order(Part, stage="order", mapped=True):
    """The canonical order of all articles, its slices, and the refusals."""

    refusals = File("refusals.parquet")
    refusal_counts: Integers  # shape (2,): articles that are left out, dates that are
    positions: Integers  # of each article, block by block; of one that is left out, that of the next in its block
    left_out: Flags  # block by block: whether another article of the same id stays instead
    block_offsets: Integers
    bounds: Integers  # positions where slices begin, and the end
    days: Floats  # by position, as all that follows
    rows: Integers  # place among all rows of all files; of a job of near-duplicates alone
    salts: Hashes
    sampled: Integers  # positions of the articles that residue is learned from, group by group
    sample_offsets: Integers


class Slice(Part, stage="slices"):
    """The articles of a slice, a summary of each, and the keys of their titles."""

    articles = File("articles.arrow")
    summaries = File("outlines.arrow")
    openings: Hashes
    whole: Hashes
    title_sizes: Integers


class Sample(Part, stage="sample"):
    """The texts of a slice that residue is learned from, a batch for each group of sources."""

    texts = File("texts.arrow")


class LearnedGroup(Part, stage="learn"):
    """What recurs in a group of sources."""

    keys: Hashes
    anywhere: Flags


class LearnedAll(Part, stage="collect"):
    """What recurs in any source, and the keys of all titles."""

    keys: Hashes
    anywhere: Flags
    openings: Hashes
    whole: Hashes
    title_sizes: Integers


class Sketch(Part, stage="sketch"):
    """The texts of a slice without their residue, and their buckets in each band."""

    texts = File("texts.arrow")
    words: Integers  # of each text
    pages: Hashes  # the page of each text, 0 for none

    def keys(self, band: int) -> Hashes:
        """Return the bucket of each text in a band; the one after the last band is that of whole signatures."""
        keys: Hashes = np.load(self.folder / f"keys_{band}.npy", allow_pickle=False)
        return keys

    def save_keys(self, keys: Iterable[Hashes]) -> None:
        """Write the buckets of all bands."""
        for band, of_band in enumerate(keys):
            np.save(self.folder / f"keys_{band}.npy", of_band, allow_pickle=False)


class BandForest(Part, stage="band"):
    """Edges that span the buckets of a band, or the pages."""

    left: Integers
    right: Integers


class MergedForest(Part, stage="merge"):
    """Edges that span the components of two forests."""

    left: Integers
    right: Integers


class VerificationPlan(Part, stage="plan", mapped=True):
    """Which part of the verification each candidate belongs to."""

    members: Integers  # positions of all candidates
    part_numbers: Integers
    part_count: Integers  # a single number


class Candidates(Part, stage="deal"):
    """The texts of a slice that are candidates, a batch for each part of the verification."""

    texts = File("texts.arrow")


class Verified(Part, stage="verify"):
    """The near-duplicates among some components of candidates."""

    table = File("table.parquet")
    positions: Integers
    canonical: Integers  # position of the article that stands for the group of each
    latest: Integers  # position of the latest version of the page of each
    given_up: Integers  # shape (1,), see `NearDuplicates`
    # Of a job of near-duplicates alone, which has no versions:
    removed: Integers
    kept_for: Integers  # for each removed article the one that stays
    jaccard: Floats  # of those two
    containment: Floats


class NearGroups(Part, stage="copies", mapped=True):
    """The near-duplicate group of each article, and the chunks of days in which reports are compared."""

    canonical: Integers  # position of the article that stands for the group
    latest: Integers  # position of the latest version of the page
    group: Integers  # numbered by first article
    chunks: Integers  # positions where chunks begin, and the end
    reach: Integers  # for each chunk, the number of the first chunk beyond its reach


class KeptArticles(Part, stage="keep", mapped=True):
    """The near-duplicate group of each article, and the one that stays for it; of a job of near-duplicates alone."""

    group: Integers  # numbered by first article
    kept: Integers  # position, its own of an article that stays
    jaccard: Floats
    containment: Floats


class KeptRows(Part, stage="list"):
    """The group of each article of a slice and the article that stays for it, as users read them."""

    groups = File("groups.parquet")
    table = File("table.parquet")


class FeatureCounts(Part, stage="count"):
    """The features of the reports of a slice."""

    positions: Integers
    offsets: Integers
    entries: Hashes  # the features of all reports, one report after the other
    counts: NDArray[np.uint16]
    languages: Integers  # of the reports
    cells: Hashes  # distinct features in their languages, see `dedup.story.cells.in_language`
    frequencies: NDArray[np.int32]
    uses: Integers


class Vectors(Part, stage="weigh"):
    """The vectors of the reports of a slice as a sparse matrix, and the features that are its columns."""

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]
    keys: Hashes


class SimilarPairs(Part, stage="compare"):
    """Similar pairs of a report of a slice and one of the same or a later slice, by position."""

    slices: Integers  # of the second ones
    offsets: Integers  # where the pairs of each of those begin
    left: Integers
    right: Integers
    similarity: Floats


class Step(Part, stage="group"):
    """A step through time: the reports that it settled with their stories, and the graph that it leaves."""

    settled: Integers
    stories: Integers
    nodes: Integers
    sizes: Integers
    costs: Floats
    left: Integers
    right: Integers
    similarity: Floats
    reports: Integers
    owners: Integers


class StepsAhead(Part, stage="ahead"):
    """Steps that were made before the graph that they begin with was known; see `dedup.archive.chains`."""

    def step(self, number: int) -> Step:
        """Return a step."""
        return Step(self.folder / f"{number:06d}")


class EpisodeLabels(Part, stage="episodes", mapped=True):
    """The episode of each article, and the episodes with a date in the order in which they are compared."""

    first: Integers  # position of the first article of the episode
    head: Integers  # position of its first report
    membership: Floats
    costs: Floats  # what each report pays to join a story
    heads: Integers  # position of the first report of each dated episode, ascending
    last: Floats  # its last publication in days
    reports: Integers  # positions of its reports, one episode after the other
    offsets: Integers
    chunks: Integers  # (n_chunks, 3): where chunks of episodes begin, where they end, and where what they reach ends


class EpisodeMeans(Part, stage="means"):
    """The mean vectors of the dated episodes that begin in a slice; see `dedup.story.episodes.Episodes`."""

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]
    keys: Hashes
    within: Floats
    costs: Floats


class EpisodePairs(Part, stage="match"):
    """Similar pairs of an episode that begins in a slice and a later one, by number among the dated episodes."""

    left: Integers
    right: Integers
    similarity: Floats


class StoryLabels(Part, stage="stories", mapped=True):
    """The story of each article."""

    first: Integers  # position of the first article of the story
    ordered: Integers  # positions of all articles, story by story, by first article; ascending in each


class StoryRows(Part, stage="tell"):
    """The stories that begin in a slice, and their episodes."""

    table = File("table.parquet")
    episodes = File("episodes.parquet")
    representatives: Integers


class Assignments(Part, stage="assign"):
    """The story of each article of a slice, as users read it."""

    table = File("table.parquet")
