"""Reports -> what they mean: vectors by the encoder of the job, and languages."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedup.archive.arrow import read_table, to_bytes, to_texts, write_table
from dedup.archive.encoder_parts import Encoded, LanguageNumbers
from dedup.archive.job import Job
from dedup.archive.near import canonical_positions
from dedup.archive.parts import FeatureCounts, Order
from dedup.archive.residue import texts_of
from dedup.archive.slices import bounds_of, positions_of, slices_of
from dedup.arrays import Integers, slices
from dedup.article import Article, of_plain
from dedup.encoders import Encoder
from dedup.encoders.declared_languages import DeclaredLanguages
from dedup.encoders.meanings import encoded, scale_of
from dedup.story.candidates import CANDIDATE_FLOOR, Meant
from dedup.story.close_meanings import Reach, closest, pairs_by_meaning
from dedup.story.encoding import Meanings, Scale
from dedup.story.kinds import are_roundups
from dedup.story.partition import join_costs
from dedup.text.language import guess_languages

_LANGUAGES = pa.schema([("declared", pa.binary()), ("guessed", pa.binary())])


_ROWS_AT_ONCE = 512


def encoder_of(job: Job) -> Encoder:
    """Return the encoder of a job that has one."""
    if job.encoder is None:
        raise ValueError("encoder is None; allowed here: that of a job with one")
    return job.encoder.load()


def encode_slice(job: Job, number: int, folder: Path) -> None:
    """Task: the vectors of the reports of a slice, and their languages as they are declared and guessed."""
    positions, part = canonical_positions(job, number), Encoded(folder)
    table = texts_of(job, number).take(positions - positions_of(job, number).start)
    ids, texts = to_texts(table["id"]), to_texts(table["text"])
    articles = [of_plain(Article(name, text)) for name, text in zip(ids, texts, strict=True)]
    vectors, fold = encoded(articles, encoder_of(job)), job.settings.near.fold
    vectors[are_roundups([""] * len(texts), texts, fold) | table["is_roundup"].to_numpy()] = 0
    guessed = [to_bytes(name or "") for name in guess_languages(texts, fold)]
    write_table(part.languages, pa.table([table["language"], guessed], schema=_LANGUAGES))
    part.save(positions=positions, vectors=vectors)


def number_languages(job: Job, _: int, folder: Path) -> None:
    """Task: a number for the language of every report, the scale of the encoder, and what is compared by meaning."""
    languages, width = DeclaredLanguages(), 0
    for k in slices_of(job):
        languages.add(*_named_languages(job, k))
        n, own = Encoded.of(job, k).vectors.shape
        if n and width and own != width:
            raise ValueError(f"encoder returned rows of {width} and of {own} numbers; allowed: rows of one length")
        width = own if n else width
    part, numbers = LanguageNumbers(folder), np.full(int(bounds_of(job)[-1]), -1)
    scale, heaviest = scale_of(encoder_of(job), job.settings.near.fold), 0.0
    for k in slices_of(job):
        own = _weighed(job, k, languages.numbers(*_named_languages(job, k)), scale)
        numbers[Encoded.of(job, k).positions] = own.languages
        heaviest = max(heaviest, float(own.weights.max(initial=0.0)))
    reach = Reach.of(numbers, heaviest, scale, CANDIDATE_FLOOR)
    part.save(numbers=numbers, scale=np.array([scale.mean, scale.chance]), reach=np.array(reach))


def _named_languages(job: Job, number: int) -> tuple[list[str], list[str | None]]:
    """Return the languages that the reports of a slice declare, and those that are guessed."""
    table = read_table(Encoded.of(job, number).languages)
    return to_texts(table["declared"]), [name or None for name in to_texts(table["guessed"])]


def _weighed(job: Job, number: int, languages: Integers, scale: Scale) -> Meanings:
    vectors = np.array(Encoded.of(job, number).vectors)
    costs = join_costs(np.diff(FeatureCounts.of(job, number).offsets))
    return Meanings.of_whole(vectors, languages, scale).weighed(costs)


def scale_of_job(job: Job) -> Scale:
    """Return the scale of the encoder of a job."""
    return Scale(*LanguageNumbers.of(job).scale.tolist())


def meanings_of(job: Job, number: int) -> Meanings:
    """Return what the reports of a slice mean."""
    positions = FeatureCounts.of(job, number).positions
    return _weighed(job, number, np.array(LanguageNumbers.of(job).numbers[positions]), scale_of_job(job))


def meanings_at(job: Job, positions: Integers) -> Meanings:
    """Return what the reports at ascending positions mean, whatever their words say."""
    parts, cuts = [], np.searchsorted(positions, bounds_of(job)).tolist()
    for k, (first, stop) in enumerate(pairwise(cuts)):
        if first < stop:
            own = Encoded.of(job, k)
            parts.append(own.vectors[np.searchsorted(own.positions, positions[first:stop])])
    vectors = np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.int8)
    return Meanings.of_whole(vectors, np.array(LanguageNumbers.of(job).numbers[positions]), scale_of_job(job))


class CloseReports(NamedTuple):
    """Reports of a slice, and pairs of them and reports of the same or later slices that mean alike."""

    meanings: Meanings
    left: Integers  # rows of the slice, ascending
    right: Integers  # positions

    def among(self, job: Job, number: int, positions: Integers, first: int) -> Meant:
        """Return the pairs with reports of a slice at these positions, the first of which is row `first`."""
        chosen = np.flatnonzero((self.right >= positions[0]) & (self.right <= positions[-1]) if len(positions) else [])
        both = self.meanings.beside(meanings_of(job, number)) if first else self.meanings
        return Meant(both, self.left[chosen], np.searchsorted(positions, self.right[chosen]) + first)


def close_reports(job: Job, number: int, later: Sequence[int]) -> CloseReports:
    """Return which reports of a slice mean what others of it and of later slices mean; see `candidates_by_meaning`."""
    own, positions, days = meanings_of(job, number), FeatureCounts.of(job, number).positions, Order.of(job).days
    reach, blocks = Reach(*LanguageNumbers.of(job).reach.tolist()), slices(0, len(positions), _ROWS_AT_ONCE)
    found = [closest(()) for _ in blocks]
    for k in later if blocks else ():
        others = FeatureCounts.of(job, k).positions
        if not len(others) or days[others[0]] - days[positions[-1]] > reach.days:
            continue
        both, everyone = own, positions
        if k != number:
            both, everyone = own.beside(meanings_of(job, k)), np.concatenate([positions, others])
        searched = slice(len(everyone) - len(others), len(everyone))
        for i, rows in enumerate(blocks):
            pairs = pairs_by_meaning(both, np.array(days[everyone]), rows, searched, reach, CANDIDATE_FLOOR)
            found[i] = closest([found[i], *((left, everyone[right], similarity) for left, right, similarity in pairs)])
    left, right, _ = (np.concatenate(columns) for columns in zip(closest(()), *found, strict=True))
    return CloseReports(own, left, right)
